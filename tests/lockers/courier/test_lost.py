"""A parcel that is lost leaves no order without a next step: the rule for failed orders decides."""

from __future__ import annotations

import pytest

from dispatch.live.policy import FailedPolicy
from dispatch.orders.models import Order
from lastmile.core.tenancy import RetailerRef
from lockers.models import LockerReservation
from lockers.services.couriers import tell_deposit
from lockers.services.disputes import settle_dispute
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.drain import drain
from tests.factories.live import at, send
from tests.factories.lockers import make_reservation
from tests.factories.orders import DAY
from tests.lockers.courier.test_acts import Round, make_round


def rule_is(rule: str) -> None:
    set_section(section=section_of(FailedPolicy), policy=FailedPolicy(after_failed=rule))


def lose(it: Round, place: int = 0) -> None:
    LockerReservation.objects.filter(pk=it.row(place).pk).update(state="disputed")
    settle_dispute(reservation=it.row(place), outcome="lost", reason="Nobody has seen it.")
    drain()


def order_of(it: Round, place: int = 0) -> Order:
    return Order.objects.get(pk=it.orders[place].pk)


@pytest.mark.parametrize(
    ("rule", "state"),
    [("ask", "failed"), ("hub", "returned"), ("next_day", "ready"), ("option", "ready")],
)
def test_a_lost_parcel_ends_in_the_rule_for_failed_orders(
    retailer: RetailerRef, clock: SetClock, rule: str, state: str
) -> None:
    rule_is(rule)
    it = make_round(clock)
    send(it.phone, it.put_in())
    drain()
    assert it.state() == ("ready", "awaiting_collection")
    lose(it)
    order = order_of(it)
    assert order.state == state
    last = order.attempts.order_by("-number")[0]
    assert (last.outcome, last.reason) == ("failed", "parcel_missing")
    if state == "ready":
        assert order.service_date is not None
        assert order.service_date > DAY


def test_a_parcel_that_is_lost_on_its_way_fails_its_order(
    retailer: RetailerRef, clock: SetClock
) -> None:
    rule_is("ask")
    it = make_round(clock)
    send(it.phone, it.put_in(door="77"))
    drain()
    assert it.state() == ("disputed", "out")
    settle_dispute(reservation=it.row(), outcome="lost", reason="Nobody has seen it.")
    drain()
    assert it.state() == ("lost", "failed")


def test_an_order_waits_while_another_of_its_parcels_can_be_collected(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock, orders=1)
    sent = it.put_in() | {"last": False}
    second = make_reservation(it.bank, order=order_of(it))
    send(it.phone, sent)
    tell_deposit(reservation=second, door="", at=at(9))
    drain()
    first = it.orders[0].locker_reservations.order_by("pk")[0]
    assert order_of(it).state == "awaiting_collection"
    LockerReservation.objects.filter(pk=first.pk).update(state="disputed")
    settle_dispute(reservation=first, outcome="lost", reason="Nobody has seen it.")
    drain()
    assert order_of(it).state == "awaiting_collection"
