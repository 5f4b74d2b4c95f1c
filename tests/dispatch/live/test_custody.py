"""The custody of parcels: each step from the hub to the door, by scan or by list."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.test import Client

from dispatch.live.models import CustodyStep, Incident
from dispatch.live.policy import ProofPolicy
from dispatch.live.rolls import invariants
from dispatch.live.selectors.custody import custody_of
from dispatch.orders.models import Order, Parcel
from lastmile.core.tenancy import RetailerRef
from tenants.people.services import set_section
from tenants.permissions import Role
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.factories import make_hub
from tests.factories.live import act, at, make_day, make_phone, send
from tests.people import add_member, logged_in

pytestmark = pytest.mark.usefixtures("retailer")


def parcels(order: Order, count: int = 1) -> list[str]:
    """Give an order this many parcels; return their public ids."""
    while order.parcels.count() < count:
        Parcel.objects.create(order=order, weight_g=500, volume_cm3=1_000)
    return list(order.parcels.order_by("pk").values_list("public_id", flat=True))


def steps(order: Order) -> list[list[tuple[str, str, bool]]]:
    """Return, by parcel, each step's kind, its time and whether it was scanned."""
    return [
        [(step.kind, step.at.strftime("%H:%M"), step.is_scanned) for step in parcel.steps]
        for parcel in custody_of(order)
    ]


def test_each_parcel_has_its_way_from_hub_to_door_by_scan_or_by_list(clock: SetClock) -> None:
    clock(at(7))
    shift, (order, failed, returned) = make_day(3)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    clock(at(12))
    first, second = parcels(order, 2)
    send(
        phone,
        act("loaded", at(8, 12), parcels=[first], scans=[first]),
        act("loaded", at(8, 15), parcels=[second, *parcels(failed)]),
        act("not_loaded", at(8, 16), parcel=parcels(returned)[0]),
        act("left_hub", at(8, 30)),
        act("delivered", at(10, 4), order, proofs=[{"kind": "scan", "parcels": [second]}]),
        act("failed", at(10, 30), failed, reason="not_home"),
        act("back_at_hub", at(11)),
    )
    assert steps(order) == [
        [("loaded", "08:12", True), ("handed_over", "10:04", False)],
        [("loaded", "08:15", False), ("handed_over", "10:04", True)],
    ]
    assert steps(failed) == [
        [("loaded", "08:15", False), ("kept", "10:30", False), ("brought_back", "11:00", False)]
    ]
    assert steps(returned) == [[("missing", "08:16", False)]]
    assert not any(invariants().values())


def test_an_act_that_comes_late_or_twice_leaves_the_same_custody(clock: SetClock) -> None:
    clock(at(7))
    day: list[Any] = []
    for order_of_sending in itertools.permutations(range(3)):
        clock(at(7))
        shift, (order,) = make_day(1)
        assert shift.driver is not None
        phone = make_phone(shift.driver)
        clock(at(12))
        acts = [
            act("loaded", at(8), parcels=parcels(order), scans=parcels(order)),
            act("delivered", at(10), order),
            act("back_at_hub", at(11)),
        ]
        for place in order_of_sending:
            send(phone, acts[place], acts[place])
        day.append(steps(order))
    assert day == [[[("loaded", "08:00", True), ("handed_over", "10:00", False)]]] * 6
    assert not any(invariants().values())


def test_r11_a_correction_is_a_step_of_its_own_and_the_last_one_counts(clock: SetClock) -> None:
    clock(at(7))
    shift, (order,) = make_day(1)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    clock(at(12))
    send(
        phone,
        act("loaded", at(8), orders=[order.public_id]),
        act("delivered", at(10), order),
        act("corrected", at(10, 5), order, outcome="failed", reason="not_home"),
        act("back_at_hub", at(11)),
    )
    ((*_before, last),) = steps(order)
    assert [kind for kind, _at, _by in _before] == ["loaded", "handed_over", "kept"]
    assert last == ("brought_back", "11:00", False)


def test_an_outcome_without_effect_leaves_no_step(clock: SetClock) -> None:
    clock(at(7))
    shift, _orders = make_day(1)
    _other, (foreign,) = make_day(1)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    clock(at(12))
    send(phone, act("failed", at(10), foreign, reason="not_home"))
    assert not CustodyStep.objects.exists()


def test_staff_and_the_api_see_the_custody_of_their_own_orders_only(
    retailer: RetailerRef, other: RetailerRef, clock: SetClock
) -> None:
    clock(at(7))
    shift, (order,) = make_day(1)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    clock(at(12))
    (parcel,) = parcels(order)
    desk = logged_in(retailer, add_member(Role.DISPATCHER))
    panel = f"/console/orders/{order.public_id}/custody/"
    assert desk.get(panel).status_code == 204
    send(phone, act("loaded", at(8), parcels=[parcel], scans=[parcel]))
    send(phone, act("delivered", at(10), order))
    shown = " ".join(desk.get(panel).content.decode().split())
    assert "Parcel 1 of 1" in shown
    assert shown.index("by scan") < shown.index("not scanned")
    seen = desk.get(f"/api/v1/parcels/{parcel}/").json()["custody"]
    assert [(step["kind"], step["by"], step["place"]) for step in seen] == [
        ("loaded", "scan", shift.hub.public_id),
        ("handed_over", "list", order.public_id),
    ]
    whole = desk.get(f"/api/v1/orders/{order.public_id}/").json()
    assert whole["parcels"][0]["custody"] == seen
    elsewhere = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[make_hub().public_id]))
    assert elsewhere.get(panel).status_code == 404
    assert Client(headers={"host": other.domain}).get(panel).status_code == 302


DELIVERED = "each parcel of a delivered visit ends with its receiver, or was missing"


def test_the_invariant_names_a_delivered_visit_whose_parcel_did_not_reach_its_receiver(
    clock: SetClock,
) -> None:
    clock(at(7))
    shift, (order, failed, before) = make_day(3)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    clock(at(12))
    first, second = parcels(order, 2)
    send(phone, act("delivered", at(9), before))
    CustodyStep.objects.all().delete()  # as before custody was written
    send(
        phone,
        act("loaded", at(8, 10), parcels=[first, second]),
        act("delivered", at(10), order),
        act("failed", at(10, 30), failed, reason="not_home"),
        act("corrected", at(10, 40), failed, outcome="delivered"),
    )
    assert invariants()[DELIVERED] == []
    CustodyStep.objects.filter(parcel__public_id=second, kind="handed_over").delete()
    (broken,) = invariants()[DELIVERED]
    assert broken.endswith(order.public_id)


def test_a_parcel_that_was_missing_at_loading_is_not_delivered_with_the_others(
    clock: SetClock,
) -> None:
    """A driver delivers two parcels of three: the third is missing, and no custody hides it."""
    clock(at(7))
    shift, (order, failed, late) = make_day(3)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    clock(at(12))
    first, second, third = parcels(order, 3)
    kept, absent = parcels(failed, 2)
    (only,) = parcels(late)
    send(
        phone,
        act("loaded", at(8), parcels=[first, second, kept]),
        act("not_loaded", at(8, 1), parcel=third),
        act("not_loaded", at(8, 1), parcel=absent),
        act("not_loaded", at(8, 1), parcel=only),
        act("left_hub", at(8, 30)),
        act("delivered", at(9), order),
        act("failed", at(9, 30), failed, reason="not_home"),
        act("delivered", at(9, 40), late),  # it was in the vehicle after all
        act("back_at_hub", at(11)),
    )
    assert [[kind for kind, _at, _by in one] for one in steps(order)] == [
        ["loaded", "handed_over"], ["loaded", "handed_over"], ["missing"],
    ]  # fmt: skip
    assert [[kind for kind, _at, _by in one] for one in steps(failed)] == [
        ["loaded", "kept", "brought_back"], ["missing"],
    ]  # fmt: skip
    assert [[kind for kind, _at, _by in one] for one in steps(late)] == [["missing", "handed_over"]]
    assert not any(invariants().values())


def test_a_scan_is_given_when_each_parcel_in_the_vehicle_is_scanned(
    clock: SetClock, retailer: RetailerRef
) -> None:
    clock(at(7))
    set_section(section=section_of(ProofPolicy), policy=ProofPolicy(scan=True))
    shift, (order, other) = make_day(2)
    assert shift.driver is not None
    phone = make_phone(shift.driver)
    for one in (order, other):
        parcels(one, 3)
        for number, parcel in enumerate(one.parcels.order_by("pk")):
            Parcel.objects.filter(pk=parcel.pk).update(barcode=f"B{one.pk}-{number}")
    clock(at(12))
    first, second, third = parcels(order, 3)
    send(
        phone,
        act("not_loaded", at(8, 1), parcel=third),
        act("left_hub", at(8, 30)),
        act("delivered", at(9), order, proofs=[{"kind": "scan", "parcels": [first, second]}]),
        act(
            "delivered", at(9, 30), other, proofs=[{"kind": "scan", "parcels": parcels(other)[:2]}]
        ),
    )
    opened = Incident.objects.filter(kind="proof_missing").values_list("order", "params")
    assert [(pk, facts["missing"]) for pk, facts in opened] == [(other.pk, ["scan"])]
    send(phone, act("proof_added", at(9, 40), other,
                    proofs=[{"kind": "scan", "parcels": parcels(other)[2:]}]))  # fmt: skip
    assert not Incident.objects.filter(kind="proof_missing", state="open").exists()
