"""What becomes of an order: pins, promises, moves, attempts, changes."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from typing import Any

import pytest

from dispatch.orders import addresses, selectors, services
from dispatch.orders.drafts import ParcelDraft, PlaceDraft, ShopperDraft
from dispatch.orders.errors import MoveNotAllowed, OrderUnderWay
from dispatch.orders.models import Attempt, Order, Place, Promise
from dispatch.orders.selectors import OrderFilter
from dispatch.orders.services.moves import lock_orders, move
from dispatch.orders.states import ENDED, MOVES, OrderState
from lastmile.core import clock
from lastmile.core.errors import Invalid, Stale
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.helpers import kinds, race, refused
from tests.factories import make_hub, make_order, make_orders, make_shift, make_window, make_zone
from tests.factories.fleet import LAT, LON
from tests.factories.orders import DAY

LOST = PlaceDraft(text="Travessa Sem Nome 3, Lisboa")
HOUR = dt.timedelta(hours=1)


def at(hour: int, day: dt.date = DAY) -> dt.datetime:
    """An hour of the day, UTC."""
    return dt.datetime.combine(day, dt.time(hour), tzinfo=dt.UTC)


def out(order: Order) -> Order:
    """Put an order on the road."""
    services.mark_planned(orders=[order.pk], plan="pln_1")
    services.mark_loaded(orders=[order.pk])
    services.mark_out(orders=[order.pk])
    return Order.objects.get(pk=order.pk)


def attempt(order: Order, **fields: Any) -> Attempt:
    """End an attempt an hour ago."""
    left = clock.now() - HOUR
    said = {"outcome": "delivered", "arrived_at": left - HOUR / 20, "departed_at": left} | fields
    return services.record_attempt(order=order, **said)


# --- pins --------------------------------------------------------------------------------------


def test_an_order_without_coordinates_asks_for_a_pin_and_gets_ready_by_it(
    retailer: RetailerRef,
) -> None:
    hub = make_hub()
    order = make_order(place=LOST)
    assert (order.state, order.place.pin_source) == ("needs_pin", "")
    services.set_pin(order=order, lat=LAT, lon=LON)
    order.refresh_from_db()
    assert (order.state, order.hub) == ("ready", hub)
    assert (order.place.lat, order.place.pin_source) == (LAT, "dispatcher")
    assert order.place.text == LOST.text
    assert kinds(order.public_id) == ["order.placed", "order.pinned", "order.ready"]


@pytest.mark.parametrize(
    "written",
    [
        "Travessa Sem Nome 3, Lisboa",
        "travessa sem nome, 3, LISBOA",
        "Travessa  Sem Nome nº 3 – Lisboa",
        "3 Travessa Sem Nome, Lisboa",
    ],
)
def test_a_corrected_pin_is_used_the_next_time_the_address_comes(
    retailer: RetailerRef, written: str
) -> None:
    make_hub()
    services.set_pin(order=make_order(place=LOST), lat=LAT, lon=LON)
    again = make_order(place=PlaceDraft(text=written))
    assert (again.state, again.place.lat, again.place.pin_source) == ("ready", LAT, "dispatcher")
    assert again.place.text == written


def test_another_house_in_the_street_is_another_place(retailer: RetailerRef) -> None:
    make_hub()
    services.set_pin(order=make_order(place=LOST), lat=LAT, lon=LON)
    assert make_order(place=PlaceDraft(text="Travessa Sem Nome 33, Lisboa")).state == "needs_pin"


def key(text: str = "", **parts: str) -> str:
    """The memory key of an address."""
    empty = dict.fromkeys(("street", "house_number", "postcode", "city"), "")
    return addresses.key(empty | parts | {"text": text})


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Calle 12 5", "Calle 5 12"),
        ("Calle 12 5", "Calle 12 7"),
        ("Rua A 1, Lisboa", "Rua A 1, Porto"),
        ("Rua A 12, 1250-001 Lisboa", "Rua A 12, 1300-001 Lisboa"),
        ("Rua A 1", "Rua A 11"),
        ("Long Street 4", "Long Street 4B"),
    ],
)
def test_two_doors_never_share_a_key(one: str, two: str) -> None:
    assert key(one) != key(two)


@pytest.mark.parametrize("text", ["", "Calle", "  ", "?", "12"])
def test_an_address_that_says_too_little_is_not_remembered(text: str) -> None:
    assert key(text) == ""


def test_parts_and_text_of_one_address_have_one_key() -> None:
    whole = key("Av. da Liberdade 10, 1250-001 Lisboa")
    parts = key(
        street="Avenida da Liberdade", house_number="10", postcode="1250-001", city="Lisboa"
    )
    both = key("Av. da Liberdade 10", postcode="1250-001", city="Lisboa")
    assert whole == parts == both


def test_given_coordinates_are_taken_as_they_are_until_a_person_corrects_them(
    retailer: RetailerRef,
) -> None:
    make_hub()
    wrong = PlaceDraft(text="Rua Torta 9, Lisboa", lat=LAT, lon=LON)
    order = make_order(place=wrong)
    assert order.place.pin_source == "given"
    services.set_pin(order=order, lat=LAT + 0.01, lon=LON)
    assert make_order(place=wrong).place.lat == LAT + 0.01
    moved = PlaceDraft(text="Rua Torta 9, Lisboa", lat=LAT + 0.02, lon=LON)
    assert make_order(place=moved).place.lat == LAT + 0.02


def test_one_pin_serves_every_waiting_order_to_the_place(retailer: RetailerRef) -> None:
    make_hub()
    one, two, gone = (make_order(place=LOST) for _n in range(3))
    services.cancel_order(order=gone)
    services.set_pin(order=one, lat=LAT, lon=LON)
    states = {o.pk: o.state for o in Order.objects.all()}
    assert states == {one.pk: "ready", two.pk: "ready", gone.pk: "cancelled"}
    gone.refresh_from_db()
    assert gone.place.lat is None, "history keeps the place it had"


def test_a_pin_outside_every_zone_leaves_the_order_without_hub(retailer: RetailerRef) -> None:
    make_zone()
    order = make_order(place=LOST)
    services.set_pin(order=order, lat=0.0, lon=0.0)
    order.refresh_from_db()
    assert (order.state, order.hub, order.hub_choice) == ("placed", None, "none")


@pytest.mark.parametrize(("lat", "lon"), [(91, 0), (0, 181), (float("nan"), 0), ("1", 2)])
def test_a_pin_off_the_earth_is_refused(retailer: RetailerRef, lat: Any, lon: Any) -> None:
    make_hub()
    order = make_order(place=LOST)
    with refused(Invalid):
        services.set_pin(order=order, lat=lat, lon=lon)
    assert Place.objects.count() == 1


def test_a_pin_does_not_move_under_a_driver(retailer: RetailerRef) -> None:
    make_hub()
    order = out(make_order())
    with refused(OrderUnderWay):
        services.set_pin(order=order, lat=LAT, lon=LON)


# --- promises ----------------------------------------------------------------------------------


def test_a_promise_is_superseded_never_edited(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(window=make_window(9, 12))
    first = order.promise
    assert first is not None
    second = services.set_promise(
        order=order, opens_at=at(14), closes_at=at(16), cause="dispatcher"
    )
    before, after = Promise.objects.order_by("number")
    assert (before.pk, before.opens_at, before.closes_at) == (first.pk, at(9), at(12))
    assert (after.pk, after.number, after.supersedes, after.cause) == (
        second.pk, 2, first, "dispatcher",
    )  # fmt: skip
    order.refresh_from_db()
    assert order.promise == second


def test_the_same_promise_again_changes_nothing(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(window=make_window(9, 12))
    events = Event.objects.count()
    services.set_promise(order=order, opens_at=at(9), closes_at=at(12), cause="choice")
    assert Promise.objects.count() == 1
    assert Event.objects.count() == events


def test_a_promise_gives_an_order_its_date(retailer: RetailerRef) -> None:
    make_hub(zone="Pacific/Auckland")
    order = make_order(service_date=None)
    services.set_promise(order=order, opens_at=at(20), closes_at=at(22), cause="choice")
    order.refresh_from_db()
    assert (order.state, order.service_date) == ("ready", DAY + dt.timedelta(days=1))


def test_the_day_of_a_planned_order_does_not_move(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(window=make_window())
    services.mark_planned(orders=[order.pk], plan="pln_1")
    tomorrow = DAY + dt.timedelta(days=1)
    with refused(OrderUnderWay):
        services.set_promise(
            order=order, opens_at=at(9, tomorrow), closes_at=at(12, tomorrow), cause="shopper"
        )
    services.set_promise(order=order, opens_at=at(13), closes_at=at(15), cause="redispatch")
    order.refresh_from_db()
    assert order.state == "planned"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"closes_at": at(9)}, "/closes_at"),
        ({"closes_at": at(9) + dt.timedelta(days=8)}, "/closes_at"),
        ({"opens_at": dt.datetime(2026, 11, 23)}, "/opens_at"),
        ({"cause": "whim"}, "/cause"),
        ({"option": "balloon"}, "/option"),
        ({"handover": "thrown"}, "/handover"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_not_made(
    retailer: RetailerRef, fields: dict[str, Any], pointer: str
) -> None:
    make_hub()
    order = make_order()
    said = {"opens_at": at(9), "closes_at": at(12), "cause": "choice"} | fields
    with refused(Invalid, at=pointer):
        services.set_promise(order=order, **said)
    assert not Promise.objects.exists()


def test_ten_promises_at_once_form_one_chain(retailer: RetailerRef, fresh_db: str) -> None:
    make_hub()
    order = make_order()
    answers = race(
        retailer,
        lambda n: services.set_promise(
            order=order, opens_at=at(8 + n), closes_at=at(10 + n), cause="shopper"
        ),
        10,
    )
    assert all(isinstance(a, Promise) for a in answers), answers
    chain = list(order.promises.order_by("number"))
    assert [p.number for p in chain] == list(range(1, 11))
    assert [p.supersedes for p in chain] == [None, *chain[:-1]]
    order.refresh_from_db()
    assert order.promise == chain[-1]


# --- moves -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "to"), list(itertools.product(OrderState, OrderState)))
def test_only_the_moves_of_the_table_are_made(
    retailer: RetailerRef, start: OrderState, to: OrderState
) -> None:
    make_hub()
    order = make_order()
    Order.objects.filter(pk=order.pk).update(state=start)
    events = Event.objects.filter(subject=order.public_id).count()
    if start == to:
        assert move(lock_orders([order.pk]), to) == []
    elif to in MOVES[start]:
        move(lock_orders([order.pk]), to)
    else:
        with pytest.raises(MoveNotAllowed):
            move(lock_orders([order.pk]), to)
    order.refresh_from_db()
    moved = to in MOVES[start]
    assert order.state == (to if moved else start)
    assert Event.objects.filter(subject=order.public_id).count() == events + moved


def test_a_move_of_many_is_all_or_nothing(retailer: RetailerRef) -> None:
    make_hub()
    orders = make_orders(3)
    services.cancel_order(order=orders[1])
    with refused(MoveNotAllowed, match=str(orders[1].external_id)):
        services.mark_planned(orders=[o.pk for o in orders], plan="pln_1")
    assert Order.objects.filter(state="planned").count() == 0


def test_an_order_is_called_off_until_it_lies_in_the_vehicle(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    services.mark_planned(orders=[order.pk], plan="pln_1")
    services.cancel_order(order=order, cause="shopper")
    services.cancel_order(order=order)
    assert kinds(order.public_id).count("order.cancelled") == 1
    loaded = make_order()
    services.mark_planned(orders=[loaded.pk], plan="pln_1")
    services.mark_loaded(orders=[loaded.pk])
    with refused(MoveNotAllowed, match="vehicle"):
        services.cancel_order(order=loaded)


@pytest.mark.parametrize("state", sorted(ENDED))
def test_an_ended_order_changes_no_more(retailer: RetailerRef, state: OrderState) -> None:
    make_hub()
    order = make_order()
    Order.objects.filter(pk=order.pk).update(state=state)
    with refused(OrderUnderWay):
        services.change_order(order=order, notes="late")
    with refused(OrderUnderWay):
        services.set_promise(order=order, opens_at=at(9), closes_at=at(12), cause="choice")
    with refused(OrderUnderWay):
        services.set_pin(order=order, lat=LAT, lon=LON)


# --- attempts ----------------------------------------------------------------------------------


def test_a_delivery_keeps_when_and_under_which_promise(retailer: RetailerRef) -> None:
    make_hub()
    order = out(make_order(window=make_window()))
    shift = make_shift()
    made = attempt(order, shift=shift, stop="stp_1")
    order.refresh_from_db()
    assert order.state == "delivered"
    assert (made.number, made.promise, made.place, made.shift) == (
        1,
        order.promise,
        order.place,
        shift,
    )
    recorded = Event.objects.get(subject=order.public_id, kind="attempt.recorded")
    assert recorded.occurred_at == made.departed_at


def test_the_world_goes_before_the_books(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    services.mark_planned(orders=[order.pk], plan="pln_1")
    attempt(order)
    assert kinds(order.public_id)[-3:] == ["order.out", "attempt.recorded", "order.delivered"]


def test_a_failed_order_is_tried_again_and_its_first_promise_stays(retailer: RetailerRef) -> None:
    make_hub()
    order = out(make_order(window=make_window()))
    attempt(order, outcome="failed", reason="not_home")
    tomorrow = DAY + dt.timedelta(days=1)
    services.try_again(order=order, service_date=tomorrow)
    order.refresh_from_db()
    assert (order.state, order.service_date, order.promise) == ("ready", tomorrow, None)
    services.set_promise(
        order=order, opens_at=at(9, tomorrow), closes_at=at(12, tomorrow), cause="failed_attempt"
    )
    attempt(out(order))
    story = selectors.history(order)
    assert [(a.number, a.outcome, a.reason) for a in story.attempts] == [
        (1, "failed", "not_home"),
        (2, "delivered", ""),
    ]
    assert [p.number for p in story.promises] == [1, 2]
    assert story.promises[1].supersedes == story.promises[0]


def test_what_cannot_be_delivered_goes_back(retailer: RetailerRef) -> None:
    make_hub()
    order = out(make_order())
    attempt(order, outcome="failed", reason="refused")
    services.return_order(order=order)
    order.refresh_from_db()
    assert order.state == "returned"


def test_the_same_report_of_a_phone_is_one_attempt(retailer: RetailerRef, fresh_db: str) -> None:
    make_hub()
    order = out(make_order())
    report = uuid.uuid4()
    answers = race(retailer, lambda _n: attempt(order, client_id=report), 10)
    assert all(isinstance(a, Attempt) for a in answers), answers
    assert Attempt.objects.count() == 1
    assert kinds(order.public_id).count("order.delivered") == 1


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"outcome": "eaten"}, "/outcome"),
        ({"outcome": "failed"}, "/reason"),
        ({"outcome": "failed", "reason": "dog"}, "/reason"),
        ({"reason": "not_home"}, "/reason"),
        ({"arrived_at": dt.datetime(2026, 1, 1)}, "/arrived_at"),
        ({"departed_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, "/departed_at"),
        ({"departed_at": dt.datetime(2999, 1, 1, tzinfo=dt.UTC)}, "/departed_at"),
    ],
)
def test_an_attempt_that_cannot_have_been_is_refused(
    retailer: RetailerRef, fields: dict[str, Any], pointer: str
) -> None:
    make_hub()
    order = out(make_order())
    with refused(Invalid, at=pointer):
        attempt(order, **fields)
    order.refresh_from_db()
    assert order.state == "out"


@pytest.mark.parametrize("state", ["ready", "placed", "delivered", "cancelled", "failed"])
def test_only_what_is_planned_or_out_can_be_attempted(retailer: RetailerRef, state: str) -> None:
    make_hub()
    order = make_order()
    Order.objects.filter(pk=order.pk).update(state=state)
    with refused(OrderUnderWay):
        attempt(order)
    assert not Attempt.objects.exists()


# --- changes -----------------------------------------------------------------------------------


def test_a_change_is_counted_and_named(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    changed = services.change_order(order=order, notes="ring twice", service_s=60)
    assert (changed.notes, changed.service_s, changed.version) == ("ring twice", 60, 2)
    event = Event.objects.get(subject=order.public_id, kind="order.changed")
    assert event.data == {"changed": ["notes", "service_s"]}
    services.change_order(order=order, notes="ring twice")
    assert Event.objects.filter(kind="order.changed").count() == 1


def test_a_stale_change_is_refused(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    services.change_order(order=order, version=1, notes="one")
    with refused(Stale):
        services.change_order(order=order, version=1, notes="two")


def test_what_a_plan_was_made_with_stays_and_contact_may_change(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    services.mark_planned(orders=[order.pk], plan="pln_1")
    with refused(OrderUnderWay, match="service_s"):
        services.change_order(order=order, service_s=60)
    services.change_order(order=order, shopper={"phone": "911111111"})
    order.refresh_from_db()
    assert order.shopper.phone == "+351911111111"
    assert order.state == "planned"


def test_a_changed_contact_does_not_touch_the_shoppers_other_orders(retailer: RetailerRef) -> None:
    make_hub()
    ana = ShopperDraft(name="Ana", phone="+351912345678")
    one, two = make_order(shopper=ana), make_order(shopper=ana)
    services.change_order(order=one, shopper={"name": "Ana Maria"})
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.shopper.name, two.shopper.name) == ("Ana Maria", "Ana")
    assert one.shopper.phone == two.shopper.phone


def test_a_wrong_contact_is_named_by_its_path(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    with refused(Invalid, at="/shopper/phone"):
        services.change_order(order=order, shopper={"phone": "nope"})


def test_a_date_or_hub_makes_a_waiting_order_ready(retailer: RetailerRef) -> None:
    zone = make_zone()
    order = make_order(place=PlaceDraft(lat=0.0, lon=0.0), service_date=None)
    services.change_order(order=order, hub=zone.hub)
    order.refresh_from_db()
    assert (order.state, order.hub_choice) == ("placed", "given")
    services.change_order(order=order, service_date=DAY)
    order.refresh_from_db()
    assert order.state == "ready"
    services.change_order(order=order, service_date=None)
    order.refresh_from_db()
    assert order.state == "placed"


def test_a_promised_day_moves_only_by_a_promise(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(window=make_window())
    with refused(OrderUnderWay, match="another window"):
        services.change_order(order=order, service_date=DAY + dt.timedelta(days=1))


# --- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "josé peña",
        "PENA jose",
        "99887766",
        "CORDOBA",
        "córd",
        "xref-77",
        "pena  avenida",
        "barc0de",
    ],
)
def test_search_finds_by_name_phone_id_address_and_barcode(
    retailer: RetailerRef, text: str
) -> None:
    make_hub()
    wanted = make_order(
        external_id="XREF-77",
        shopper=ShopperDraft(name="José Peña", phone="+56999887766"),
        place=PlaceDraft(text="Avenida Córdoba 12", lat=LAT, lon=LON),
        parcels=(ParcelDraft(barcode="BARC0DE"),),
    )
    make_orders(3)
    assert list(selectors.found(selectors.orders(), OrderFilter(text=text))) == [wanted]


def test_every_word_of_a_search_must_be_there(retailer: RetailerRef) -> None:
    make_hub()
    make_order(shopper=ShopperDraft(name="José Peña"))
    assert not selectors.found(selectors.orders(), OrderFilter(text="jose gomez")).exists()
    assert selectors.found(selectors.orders(), OrderFilter(text="%_ ''")).exists()


def test_filters_narrow_by_state_hub_day_and_direction(retailer: RetailerRef) -> None:
    hub, other_hub = make_hub(), make_hub(lat=41.0)
    a = make_order(hub=hub.public_id)
    b = make_order(hub=other_hub.public_id, direction="return")
    c = make_order(hub=hub.public_id, service_date=DAY + dt.timedelta(days=1))
    services.cancel_order(order=c)

    def ids(**fields: Any) -> set[int]:
        found = selectors.found(selectors.orders(), OrderFilter(**fields))
        return set(found.values_list("pk", flat=True))

    assert ids(hub=other_hub.public_id) == {b.pk}
    assert ids(states=["ready"]) == {a.pk, b.pk}
    assert ids(direction="return") == {b.pk}
    assert ids(since=DAY + dt.timedelta(days=1)) == {c.pk}
    assert ids(until=DAY) == {a.pk, b.pk}
    assert ids(external_ids=[a.external_id]) == {a.pk}
    assert selectors.counts(selectors.orders())["ready"] == 2
    assert selectors.counts(selectors.orders())["cancelled"] == 1


def test_the_timeline_tells_what_happened_in_order(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(place=LOST)
    services.set_pin(order=order, lat=LAT, lon=LON)
    services.cancel_order(order=order)
    assert [line.kind for line in selectors.timeline(order)] == [
        "order.placed",
        "order.pinned",
        "order.ready",
        "order.cancelled",
    ]


def test_planning_reads_a_days_orders_with_one_query(
    retailer: RetailerRef, django_assert_num_queries: Any
) -> None:
    hub = make_hub()
    make_orders(30, window=make_window())
    with django_assert_num_queries(1):
        for order in selectors.to_plan(hub, DAY):
            assert order.promise is not None
            assert order.place.point is not None
            assert order.shopper.name
