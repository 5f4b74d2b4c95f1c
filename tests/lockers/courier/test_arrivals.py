"""Orders for one bank are one stop: in the expected arrivals, for shoppers, and on the board."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.live import selectors, services
from dispatch.live.models import Arrival, Device, Run
from dispatch.live.selectors.approach import approach_of
from dispatch.orders.models import CommonStop, Order
from lastmile.core.tenancy import RetailerRef
from lockers.models import LockerBank
from tenants.permissions import Role
from tests.dispatch.conftest import SetClock
from tests.drain import drain
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle
from tests.factories.live import act, at, make_phone, publish, send
from tests.factories.lockers import make_bank, make_reservation
from tests.factories.orders import DAY, make_order
from tests.people import add_member, logged_in

pytestmark = pytest.mark.usefixtures("retailer")


class Way:
    """A vehicle on its way: a door, three orders for one bank, another door."""

    def __init__(self, clock: SetClock) -> None:
        clock(at(6))
        self.hub = make_hub()
        driver = make_driver(hub=self.hub)
        self.shift = make_shift(vehicle=make_vehicle(hub=self.hub), driver=driver)
        self.bank: LockerBank = make_bank(4, hub=self.hub)
        rows = [make_order(hub=self.hub.public_id) for _n in range(5)]
        for order in rows[1:4]:
            make_reservation(self.bank, order=order)
        drain()
        self.orders = [Order.objects.get(pk=order.pk) for order in rows]
        self.plan = publish(self.hub, {self.shift: self.orders})
        clock(at(8, 20))
        self.phone: Device = make_phone(driver)
        send(self.phone, act("left_hub", at(8, 20)))
        drain(jobs=False)
        self.run = Run.objects.get()

    def arrivals(self) -> list[tuple[int, dt.datetime]]:
        """Return the stops before each open order and its time, in the order of visiting."""
        services.update_arrivals(self.run)
        rows = Arrival.objects.order_by("place_in_route")
        return [(row.stops_before, row.expected_at) for row in rows]

    def put_in(self, place: int, when: dt.datetime) -> None:
        order = self.orders[place]
        row = order.locker_reservations.get()
        door = row.compartment.number if row.compartment else ""
        sent = {"reservation": row.public_id, "door": door, "last": True}
        send(self.phone, act("deposited", when, order, **sent))
        drain(jobs=False)


def seconds(first: dt.datetime, second: dt.datetime) -> float:
    return (second - first).total_seconds()


def test_orders_for_one_bank_share_the_way_and_the_arrival_as_in_the_plan(clock: SetClock) -> None:
    way = Way(clock)
    (_door, first, second, third, other) = way.arrivals()
    stop = CommonStop.objects.get(order=way.orders[1])
    assert stop.arrival_s > 0
    assert seconds(first[1], second[1]) == stop.arrival_s + stop.service_s
    assert seconds(second[1], third[1]) == stop.service_s
    driving_s = seconds(third[1], other[1]) - stop.service_s
    alone = way.orders[4]
    direct_s = Arrival.objects.get(order=alone)
    assert direct_s.stops_before == 2
    assert driving_s > 0, "there is a way to the next door"


def test_a_bank_is_one_stop_of_the_stops_before(clock: SetClock) -> None:
    way = Way(clock)
    assert [before for before, _at in way.arrivals()] == [0, 1, 1, 1, 2]
    counts = [
        approach.stops_before
        for order in way.orders
        if (approach := approach_of(order)) is not None
    ]
    assert counts == [0, 1, 1, 1, 2]


def test_at_a_bank_the_next_parcel_needs_no_way_when_one_is_done(clock: SetClock) -> None:
    way = Way(clock)
    send(way.phone, act("delivered", at(8, 40), way.orders[0]))
    for order in way.orders[1:4]:
        send(way.phone, act("arrived", at(8, 55), order))
    clock(at(8, 58))
    way.put_in(2, at(8, 58))
    (first, second, other) = way.arrivals()
    stop = CommonStop.objects.get(order=way.orders[1])
    assert (first, second[0], other[0]) == ((0, at(8, 58)), 0, 1), "the vehicle is still there"
    assert seconds(first[1], second[1]) == stop.service_s, "nobody parks twice"
    assert selectors.standings(way.plan, selectors.progress_of_day(way.hub, DAY), at(8, 58))[
        way.shift.pk
    ].is_there


def test_the_hours_of_the_bank_bound_its_stop_and_not_the_time_to_collect(clock: SetClock) -> None:
    way = Way(clock)
    closes_at = at(12)
    CommonStop.objects.filter(order=way.orders[1]).update(opens_at=at(9, 30), closes_at=closes_at)
    assert way.arrivals()[1][1] == at(9, 30), "a bank that is closed waits"
    rows = selectors.arrivals_of_day(way.hub, DAY)[way.shift.pk]
    assert rows[1].closes_at == closes_at


def test_the_board_counts_a_bank_as_one_stop(clock: SetClock) -> None:
    way = Way(clock)
    clock(at(9))
    send(way.phone, act("delivered", at(8, 40), way.orders[0]))
    for place in (1, 2):
        way.put_in(place, at(9))
    standing = selectors.standings(way.plan, selectors.progress_of_day(way.hub, DAY), at(9))
    row = standing[way.shift.pk]
    assert (row.stops, row.done, row.failed) == (3, 1, 0), "a parcel is still to come"
    way.put_in(3, at(9))
    standing = selectors.standings(way.plan, selectors.progress_of_day(way.hub, DAY), at(9))
    row = standing[way.shift.pk]
    assert (row.stops, row.done, row.failed) == (3, 2, 0)


def test_the_board_has_one_row_for_a_bank_with_its_orders_below(
    clock: SetClock, retailer: RetailerRef
) -> None:
    way = Way(clock)
    desk = logged_in(retailer, add_member(Role.DISPATCHER))
    route = way.plan.routes.get()
    plan = f"/console/plans/{way.plan.public_id}"
    page = desk.get(f"{plan}/routes/{route.public_id}/").content.decode()
    assert page.count('class="stop-bank') == 1
    assert page.count("data-order=") == 5, "each order can still be opened and moved"
    assert "3 orders" in page
    board = desk.get(f"/console/{way.hub.public_id}/{DAY}/").content.decode()
    assert "3 stops" in board
    way.put_in(2, at(9))
    now = desk.get(f"{plan}/progress/", {"open": route.public_id}).content.decode()
    assert "1 of 3 put in" in now
