"""The true reason of an order that is left out: after an undo, and where it is out of reach."""

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


def test_undoing_a_forced_move_leaves_an_order_its_true_reason(retailer: RetailerRef) -> None:
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


def test_undoing_a_move_of_what_a_person_took_off_says_again_that_a_person_did(
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


def test_what_was_by_hand_in_the_plan_before_is_so_after_an_undo_in_its_copy(
    retailer: RetailerRef,
) -> None:
    draft = plan(day_of(3, shifts=1))
    (shift,) = arrangement(draft)
    order = arrangement(draft)[shift][0]
    copy = revise_plan(plan=editing.take_off(plan=draft, version=None, order=order))
    editing.move_stop(plan=copy, version=None, order=order, shift=shift, position=1)
    undone = editing.undo(plan=copy, version=None)
    assert [r.reason for r in lists.unserved_of(undone)] == ["by_hand"]


def test_an_edit_from_before_this_was_kept_can_be_undone(retailer: RetailerRef) -> None:
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
def test_a_place_out_of_reach_is_not_told_to_agree_another_window(
    retailer: RetailerRef, away: float, window: object, reason: str
) -> None:
    hub = day_of(3)
    odd = make_order(hub=hub.public_id, window=window)
    # As a row from before places far from every hub were asked about at the door.
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


def test_a_reason_kept_without_a_distance_is_still_said(retailer: RetailerRef) -> None:
    why, remedy = say_unserved("out_of_range", {})
    assert "km" not in why
    assert remedy
