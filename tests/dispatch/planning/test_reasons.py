"""The true reason of an unserved order: after an undo, and for an address out of range."""

from __future__ import annotations

import pytest
from django.utils import translation

from dispatch.orders.models import Place
from dispatch.planning.models import PlanEdit
from dispatch.planning.selectors import lists
from dispatch.planning.selectors.words import say_unserved
from dispatch.planning.services import editing, revise_plan
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.planning.test_plans import arrangement, day_of, plan
from tests.factories.fleet import LAT, LON
from tests.factories.orders import make_order, make_window


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
