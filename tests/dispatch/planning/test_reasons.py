"""The true reason of an unserved order: after an undo, and for an address out of range."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from dispatch.fleet.models import Hub
from dispatch.orders.drafts import PlaceDraft
from dispatch.orders.models import Place
from dispatch.planning.models import PlanEdit
from dispatch.planning.problem.build import build
from dispatch.planning.problem.day import read_day
from dispatch.planning.problem.timetable import time_plan
from dispatch.planning.selectors import lists
from dispatch.planning.selectors.words import say_unserved
from dispatch.planning.services import editing, revise_plan
from dispatch.solver.placing.insertion import evaluate
from dispatch.solver.referee.check import check
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.planning.test_plans import arrangement, day_of, plan
from tests.dispatch.roads.town import grid, spot
from tests.factories.fleet import LAT, LON, make_hub, make_shift, make_vehicle
from tests.factories.orders import DAY, make_order, make_window


def test_undoing_a_forced_move_restores_the_true_reason(retailer: RetailerRef) -> None:
    hub = day_of(3, shifts=1)
    heavy = make_order(hub=hub.public_id, weight_g=5_000_000)
    draft = plan(hub)
    (shift,) = arrangement(draft)
    forced = editing.move_stop(
        plan=draft, version=None, order=heavy.public_id, shift=shift, position=1
    )
    assert lists.unserved_of(forced) == []
    (row,) = lists.unserved_of(editing.undo(plan=forced, version=None))
    assert (row.order, row.reason, row.params) == (heavy, "too_heavy", {"dimension": "weight_g"})


def test_undoing_a_move_restores_the_reason_by_hand(
    retailer: RetailerRef,
) -> None:
    draft = plan(day_of(3, shifts=1))
    (shift,) = arrangement(draft)
    order = arrangement(draft)[shift][0]
    editing.take_off(plan=draft, version=None, order=order)
    editing.move_stop(plan=draft, version=None, order=order, shift=shift, position=2)
    undone = editing.undo(plan=draft, version=None)
    assert [r.reason for r in lists.unserved_of(undone)] == ["by_hand"]
    assert lists.unserved_of(editing.undo(plan=draft, version=None)) == []


def test_a_copied_plan_keeps_the_reason_by_hand_after_an_undo(
    retailer: RetailerRef,
) -> None:
    draft = plan(day_of(3, shifts=1))
    (shift,) = arrangement(draft)
    order = arrangement(draft)[shift][0]
    copy = revise_plan(plan=editing.take_off(plan=draft, version=None, order=order))
    editing.move_stop(plan=copy, version=None, order=order, shift=shift, position=1)
    undone = editing.undo(plan=copy, version=None)
    assert [r.reason for r in lists.unserved_of(undone)] == ["by_hand"]


def test_an_edit_without_stored_reasons_can_be_undone(retailer: RetailerRef) -> None:
    draft = plan(day_of(3, shifts=1))
    (shift,) = arrangement(draft)
    order = arrangement(draft)[shift][0]
    off = editing.take_off(plan=draft, version=None, order=order)
    PlanEdit.objects.filter(plan=off).update(by_hand=None)
    assert lists.unserved_of(editing.undo(plan=off, version=None)) == []


@pytest.mark.parametrize(
    ("away", "window", "reason"),
    [
        (70.0, None, "far_from_hub"),
        (70.0, make_window(9, 10), "far_from_hub"),
        (2.5, None, "out_of_range"),
        (0.0, make_window(1, 2), "window_impossible"),
    ],
)
def test_an_order_out_of_range_is_not_offered_another_window(
    retailer: RetailerRef, away: float, window: object, reason: str
) -> None:
    hub = day_of(3)
    odd = make_order(hub=hub.public_id, window=window)
    # An old row: today, orders far from every hub are stopped at intake until a person confirms.
    Place.objects.filter(pk=odd.place_id).update(lat=LAT - away, lon=LON)
    (row,) = lists.unserved_of(plan(hub))
    assert (row.order, row.reason) == (odd, reason)
    why, remedy = say_unserved(row.reason, row.params)
    if reason == "window_impossible":
        assert row.params == {}
        assert "window" in remedy
    else:
        assert f"{round(row.params['distance_m'] / 1000)} km from the hub" in why.replace(
            "\xa0", ""
        )
        assert abs(row.params["distance_m"] - away * 111_195) < 500
        assert "window" not in why + remedy
    with translation.override("es"):
        assert say_unserved(row.reason, row.params) != (why, remedy)


def test_a_reason_stored_without_a_distance_has_a_text(retailer: RetailerRef) -> None:
    why, remedy = say_unserved("out_of_range", {})
    assert "km" not in why
    assert remedy


def place_at(x: float, y: float) -> PlaceDraft:
    point = spot(x, y)
    return PlaceDraft(text=f"{x} {y}", lat=point.lat, lon=point.lon)


@pytest.fixture
def town_hub(retailer: RetailerRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """Return a hub with a van in a town with a river, a cut-off street and a cycle way."""
    monkeypatch.setenv("LASTMILE_VAR", str(tmp_path))
    town = grid(4)
    town.way(town.node(3.6, 0), town.node(3.6, 2), name="Island Street")
    town.ways.append(([town.node(-0.3, -2), town.node(-0.3, 9)], {"waterway": "river"}))
    town.way(15, town.node(2, 6), highway="cycleway", name="Green Way")
    town.build(tmp_path)
    start = spot(1, 1)
    hub = make_hub(lat=start.lat, lon=start.lon, network="town")
    make_shift(vehicle=make_vehicle(hub=hub))
    return hub


def unserved_alone(hub: Hub) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return the reason and its parameters of each order that no vehicle can serve by itself."""
    day = read_day(hub, DAY)
    problem = build(day).problem
    plan = evaluate(problem, {})
    reasons = {
        day.orders[at].order: (reason, params)
        for at, reason, params in time_plan(problem, plan, day).unserved
    }
    return {order: it for order, it in reasons.items() if it[0] != "left_out"}


def test_an_order_that_no_street_leads_to_is_never_planned_as_served(town_hub: Hub) -> None:
    places = {
        "": place_at(2, 2.5),
        "no_street": place_at(0.5, 4.5),
        "cut_off": place_at(3.6, 1),
        "across_water": place_at(-0.6, 1),
    }
    orders = {
        reason: make_order(hub=town_hub.public_id, place=place).public_id
        for reason, place in places.items()
    }
    results = unserved_alone(town_hub)
    assert {reason: order for order, (reason, _) in results.items()} == {
        reason: order for reason, order in orders.items() if reason
    }
    assert results[orders["no_street"]][1]["away_m"] == pytest.approx(167, abs=3)


def test_an_order_off_the_streets_that_is_forced_breaks_a_rule(town_hub: Hub) -> None:
    order = make_order(hub=town_hub.public_id, place=place_at(3.6, 1)).public_id
    problem = build(read_day(town_hub, DAY)).problem
    forced = evaluate(problem, {problem.vehicles[0].id: (order,)})
    assert [violation.kind.value for violation in check(problem, forced)] == ["vehicle"]


def test_a_bicycle_takes_what_a_van_cannot_reach(town_hub: Hub) -> None:
    bike = make_shift(vehicle=make_vehicle(hub=town_hub, profile="cargo_bike", energy="muscle"))
    order = make_order(hub=town_hub.public_id, place=place_at(2, 6)).public_id
    problem = build(read_day(town_hub, DAY)).problem
    (visit,) = problem.visits
    assert (visit.id, visit.vehicles) == (order, frozenset({bike.public_id}))
    assert unserved_alone(town_hub) == {}


def test_the_reasons_about_streets_are_said_with_metres() -> None:
    with translation.override("en"):
        why, remedy = say_unserved("no_street", {"away_m": 167})
        assert why == (
            "Its pin is 167 m from the nearest street that a vehicle of this day can reach."
        )
        assert "Move the pin" in remedy
        assert "more than 2 km" in say_unserved("no_street", {"away_m": 2000})[0]
        assert "water" in say_unserved("across_water", {"away_m": 40})[0]
        assert "cut off" in say_unserved("cut_off", {"away_m": 40})[0]
