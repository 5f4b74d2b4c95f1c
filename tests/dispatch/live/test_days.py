"""The day that a driver's phone shows."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.live import services
from dispatch.live.acts import read_act
from dispatch.live.day import as_json, changed_stops, etag_of
from dispatch.live.models import DriverAct, Run
from dispatch.live.selectors import day_of, progress_of_day
from dispatch.orders.drafts import ParcelDraft
from dispatch.orders.models import Reason
from dispatch.orders.services import cancel_order
from lastmile.core.erasing import Person
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.dispatch.conftest import SetClock
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle
from tests.factories.live import act, at, make_day, make_phone, publish, send
from tests.factories.orders import DAY, make_order

pytestmark = pytest.mark.usefixtures("retailer")


def test_r12_a_change_of_the_route_waits_for_the_driver(clock: SetClock) -> None:
    clock(at(6))
    shift, (first, second, third) = make_day(3)
    assert shift.driver is not None
    clock(at(8))
    phone = make_phone(shift.driver)
    send(phone, act("shift_started", at(7, 50)))
    assert day_of(driver=shift.driver, at=at(8)).changes is None
    new = make_order(hub=first.hub.public_id)
    clock(at(8, 5))
    plan = publish(first.hub, {shift: [third, first, new]})
    changes = as_json(day_of(driver=shift.driver, at=at(8, 5)))["changes"]
    assert (changes["from"], changes["to"]) == (1, 2)
    assert (changes["added"], changes["removed"]) == ([new.public_id], [second.public_id])
    assert changes["moved"] in ([first.public_id], [third.public_id])
    clock(at(8, 10))
    send(phone, act("plan_confirmed", at(8, 9), number=plan.number))
    day = day_of(driver=shift.driver, at=at(8, 10))
    assert day.changes is None
    assert [stop.order for stop in day.stops] == [
        order.public_id for order in (third, first, new)
    ]  # fmt: skip
    assert Run.objects.get().confirmed_plan == plan.number


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("abc", "abc", ([], [], [])),
        ("abc", "abcd", (["d"], [], [])),
        ("abc", "ac", ([], ["b"], [])),
        ("abcd", "dabc", ([], [], ["d"])),
        ("abcd", "bcda", ([], [], ["a"])),
        ("", "ab", (["a", "b"], [], [])),
    ],
)
def test_one_dragged_stop_is_one_moved_stop(
    before: str, after: str, expected: tuple[list[str], list[str], list[str]]
) -> None:
    assert changed_stops(list(before), list(after)) == expected


def test_a_driver_without_shift_or_plan_reads_what_to_do(clock: SetClock) -> None:
    clock(at(7))
    driver = make_driver()
    day = day_of(driver=driver, at=at(7))
    assert (day.empty, day.route, day.stops) == ("no_shift", None, [])
    assert day.empty_words
    make_shift(vehicle=make_vehicle(hub=driver.hub), driver=driver)
    assert day_of(driver=driver, at=at(7)).empty == "no_plan"
    assert day_of(driver=driver, at=at(7) + dt.timedelta(days=2)).empty == "no_shift"


def test_a_driver_sees_the_own_route_only(
    retailer: RetailerRef, other: RetailerRef, clock: SetClock
) -> None:
    clock(at(7))
    shift, orders = make_day(2)
    stranger = make_driver(hub=shift.hub)
    make_shift(vehicle=make_vehicle(hub=shift.hub), driver=stranger)
    assert day_of(driver=stranger, at=at(8)).stops == []
    assert shift.driver is not None
    body = str(as_json(day_of(driver=shift.driver, at=at(8))))
    assert all(order.public_id in body for order in orders)
    with retailer_context(other):
        assert progress_of_day(shift.hub, DAY) == {}


def test_x06_a_cancelled_stop_is_shown_as_cancelled(clock: SetClock) -> None:
    clock(at(7))
    shift, (first, *_rest) = make_day(2)
    assert shift.driver is not None
    before = etag_of(as_json(day_of(driver=shift.driver, at=at(7))))
    cancel_order(order=first)
    body = as_json(day_of(driver=shift.driver, at=at(7)))
    assert body["stops"][0]["state"] == "cancelled"
    assert etag_of(body) != before


def test_what_a_driver_wrote_at_a_door_is_erased_with_the_shopper(clock: SetClock) -> None:
    clock(at(6))
    shift, (first, second) = make_day(2)
    assert shift.driver is not None
    clock(at(10))
    phone = make_phone(shift.driver)
    where = {"lat": 38.72, "lon": -9.14, "accuracy_m": 12}
    send(
        phone,
        act("note", at(9), first, note="Dog of Ms Quintana", **where),
        act("note", at(9, 1), second, note="Blue door", **where),
    )
    person = Person(shoppers=(first.shopper.public_id,), orders=(first.public_id,))
    erased = services.erase_person(person)
    assert erased == {
        "arrivals": 0, "driver_acts": 1, "photos": 0, "positions": 0, "receivers": 0
    }  # fmt: skip
    erased, kept = DriverAct.objects.order_by("happened_at")
    assert (erased.note, erased.lat, erased.lon, erased.accuracy_m) == (None, None, None, None)
    assert erased.happened_at == at(9)
    assert (kept.note, kept.lat) == ("Blue door", 38.72)
    clock(at(10) + dt.timedelta(days=61))
    assert services.forget_places() == {"driver_acts": 1}


@pytest.mark.parametrize("lat", [0, -91, "38", None, True])
def test_a_place_that_cannot_be_true_is_unknown(lat: object) -> None:
    item = act("note", at(9), order=None) | {"order": "ord_" + "0" * 20, "lat": lat, "lon": 0}
    draft = read_act(item, reasons=Reason.values)
    assert getattr(draft, "lat", "missing") is None


def test_the_day_says_what_is_loaded_what_is_missing_and_since_when_the_break_lasts(
    clock: SetClock,
) -> None:
    shift, (first, second, _third) = make_day(3)
    assert shift.driver is not None
    clock(at(8))
    phone = make_phone(shift.driver)
    (one,), (two,) = ([p.public_id for p in o.parcels.all()] for o in (first, second))
    send(
        phone,
        act("shift_started", at(7, 40)),
        act("loaded", at(7, 45), parcels=[one, two], scans=[one]),
        act("not_loaded", at(7, 46), parcel=two),
        act("vehicle_checked", at(7, 47), ok=True),
        act("break_started", at(7, 50)),
    )
    day = as_json(day_of(driver=shift.driver, at=at(8)))
    assert (day["loaded"], day["missing"], day["is_checked"]) == ([one], [two], True)
    assert day["break_since"] == "2026-11-23T07:50:00Z"
    send(phone, act("break_ended", at(7, 55)), act("loaded", at(7, 56), orders=[second.public_id]))
    day = as_json(day_of(driver=shift.driver, at=at(8)))
    assert (day["loaded"], day["missing"], day["break_since"]) == (sorted([one, two]), [], None)


def test_a_parcel_is_named_by_its_own_number_or_by_its_order(clock: SetClock) -> None:
    clock(at(6))
    hub = make_hub()
    shift = make_shift(vehicle=make_vehicle(hub=hub), driver=make_driver(hub=hub))
    own = (ParcelDraft(external_id="P-7"), ParcelDraft(barcode="00012"), ParcelDraft())
    orders = [
        make_order(hub=hub.public_id, external_id="A-1", parcels=own),
        make_order(hub=hub.public_id, external_id="A-2", parcels=(ParcelDraft(),)),
    ]
    publish(hub, {shift: orders})
    assert shift.driver is not None
    stops = day_of(driver=shift.driver, at=at(6)).stops
    assert [[parcel.name for parcel in stop.parcels] for stop in stops] == [
        ["P-7", "00012", "A-1 · 3/3"], ["A-2"],
    ]  # fmt: skip
