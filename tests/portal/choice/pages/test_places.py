"""The place of a booking: goods go where the page says, after any earlier choice or look."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from dispatch.fleet.models import Hub
from dispatch.orders.drafts import PromisedPlace
from dispatch.orders.models import Order, Place
from dispatch.orders.wording import place_line
from dispatch.planning.services import LockedDay, lock_days
from dispatch.slots.models import Hold
from dispatch.slots.services import visits
from dispatch.slots.services.requests import text_of as text_line_of
from dispatch.slots.states import HoldState
from lastmile.core import clock as clocks
from lastmile.core.geo import Point
from portal.choice.models import DeliverySession
from portal.choice.services import leave_sessions
from tests.dispatch.conftest import SetClock
from tests.factories import make_hold, make_hub, make_order, make_slot
from tests.factories.fleet import LAT, LON
from tests.factories.orders import DAY
from tests.portal.choice.pages.test_choosing import (
    below,
    book,
    fields_of,
    held,
    options_of,
    slot_at,
)
from tests.portal.tracking.shoppers import ShopperBrowser, promise, text_of

OTHER_DOOR = PromisedPlace(
    reference="ord_elsewhere",
    text="Rua do Ouro 7, 4 esq, 1100 Lisboa",
    point=Point(lat=LAT + 0.004, lon=LON - 0.004),
)


def moved(order: Order) -> Place:
    """Correct the address of an order, as a shop does; return the new place."""
    place = Place.objects.create(
        key="given:corrected",
        text="Rua Nova 2, Lisboa",
        lat=LAT + 0.003,
        lon=LON + 0.003,
        pin_source="given",
        created_at=clocks.now(),
    )
    Order.objects.filter(pk=order.pk).update(place=place)
    return place


@pytest.mark.parametrize("option", ["curbside", "hub"])
def test_a_home_window_after_a_pickup_goes_to_the_shoppers_own_address(
    shopper: ShopperBrowser, order: Order, option: str
) -> None:
    promise(order, opens=17, closes=18, option=option)
    assert order.promise is not None
    assert order.promise.elsewhere
    confirm = held(shopper, 10)
    assert place_line(order.place) in shopper.text(confirm)
    assert "Alcântara" not in shopper.text(confirm)
    sent = {"way": "attended"} | fields_of(shopper.get(confirm))
    assert below(shopper.post(confirm, **sent), shopper) == "?done=booked"
    order.refresh_from_db()
    assert order.promise.option == "window"
    assert not order.promise.elsewhere
    assert order.promise.place_id == order.place_id
    hold = Hold.objects.get(state=HoldState.PROMISED)
    assert hold.point == order.place.point


def test_another_window_of_a_redirected_order_keeps_the_other_address(
    shopper: ShopperBrowser, order: Order
) -> None:
    promise(order, place=OTHER_DOOR)
    assert book(shopper, 12).status_code == 303
    order.refresh_from_db()
    assert order.promise is not None
    assert order.promise.elsewhere
    assert order.promise.place.point == OTHER_DOOR.point


def test_times_that_were_seen_before_a_redirect_never_book_the_old_address(
    shopper: ShopperBrowser, order: Order
) -> None:
    confirm = held(shopper, 10)
    old = {"way": "attended"} | fields_of(shopper.get(confirm))
    promise(order, place=OTHER_DOOR)
    late = shopper.post(confirm, **old | {"promise": "1"})
    assert late.status_code == 409
    assert "already changed" in text_of(late)
    assert book(shopper, 12).status_code == 303
    order.refresh_from_db()
    assert order.promise is not None
    assert order.promise.place.point == OTHER_DOOR.point
    assert DeliverySession.objects.count() == 2


def test_times_that_were_seen_before_a_correction_never_book_the_wrong_address(
    shopper: ShopperBrowser, order: Order
) -> None:
    options = options_of(shopper)
    place = moved(order)
    refused = shopper.post(options, offer=slot_at(10).public_id)
    assert refused.status_code == 409
    assert Hold.objects.count() == 0
    assert options_of(shopper) != options
    assert book(shopper, 10).status_code == 303
    order.refresh_from_db()
    assert order.promise is not None
    assert not order.promise.elsewhere
    assert order.promise.place_id == place.pk


@pytest.mark.parametrize(
    "change",
    [{"weight_g": 31_000}, {"parcel_count": 3}, {"least_age": 18}, {"skills": ["cold"]},
     {"service_s": 900}, {"signature": True}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_other_goods_or_demands_at_the_door_open_a_new_look(
    shopper: ShopperBrowser, order: Order, change: dict[str, object]
) -> None:
    options = options_of(shopper)
    assert options_of(shopper) == options, "the same question, so the same look"
    Order.objects.filter(pk=order.pk).update(**change)
    assert shopper.post(options, offer=slot_at(10).public_id).status_code == 409
    fresh = below(shopper.post(options, what="again"), shopper)
    assert fresh != options
    assert options_of(shopper) == fresh


def test_an_old_look_is_replaced_and_what_it_holds_is_given_back(
    shopper: ShopperBrowser, clock: SetClock
) -> None:
    options = held(shopper, 10).removesuffix("confirm/")
    Hold.objects.update(expires_at=clocks.now() + dt.timedelta(hours=2))
    clock(clocks.now() + dt.timedelta(minutes=31))
    assert options_of(shopper) != options
    assert list(Hold.objects.values_list("state", flat=True)) == [HoldState.RELEASED]


def test_old_looks_that_hold_places_on_two_days_are_left_with_one_lock_on_both(
    shopper: ShopperBrowser, order: Order, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locks on one day after the other could deadlock with an act that locks both days."""
    options_of(shopper)
    first = DeliverySession.objects.get()
    looks = [first, *(replace_id(first, f"ses_{number}") for number in "23")]
    later, sooner = DAY + dt.timedelta(days=1), DAY  # not the order in which days are locked
    for look, date in zip(looks, (later, sooner), strict=False):
        slot = make_slot(hub=hub, service_date=date, opens=1_080, closes=1_140)
        make_hold(slot=slot, session=look.public_id)
    locked: list[list[dt.date]] = []

    def watch(days: Iterable[tuple[Hub, dt.date]], **rest: Any) -> list[LockedDay]:
        rows = lock_days(days, **rest)
        locked.append([row.service_date for row in rows])
        return rows

    monkeypatch.setattr(visits, "lock_days", watch)
    leave_sessions(order=order, but=looks[2])
    assert locked[0] == [sooner, later]
    assert set(Hold.objects.values_list("state", flat=True)) == {HoldState.RELEASED}


def replace_id(session: DeliverySession, public_id: str) -> DeliverySession:
    """Add a copy of a session with another id."""
    copy = DeliverySession.objects.get(pk=session.pk)
    copy.pk, copy.public_id = None, public_id
    copy.save(force_insert=True)
    return copy


def test_the_pages_show_the_times_of_the_hub_that_serves_the_other_address(
    shopper: ShopperBrowser, order: Order, hub: Hub
) -> None:
    promise(order, opens=12, closes=14)
    confirm = held(shopper, 10)
    session = DeliverySession.objects.get()
    far = make_hub(name="Santiago", lat=-33.4, lon=-70.7, zone="America/Santiago")
    DeliverySession.objects.filter(pk=session.pk).update(hub=far, place={"city": "Santiago"})
    page = shopper.text(confirm)
    assert "07:00–09:00" in page, "10:00 in Lisbon is 07:00 in Santiago"
    assert "12:00–14:00" in page, "the present window is told in the zone of its own hub"
    assert "12:00–14:00, local time of Lisbon (GMT+00:00)" in page
    offers = shopper.text(confirm.removesuffix("confirm/"))
    assert "07:00–09:00" in offers
    for text in (page, offers):
        assert "All times here are local times of Santiago (GMT-03:00)." in text


def test_the_zone_is_named_to_readers_elsewhere_alone_where_it_is_clear(
    shopper: ShopperBrowser, order: Order
) -> None:
    confirm = held(shopper, 10)
    promise(order)
    for path in ("", confirm, confirm.removesuffix("confirm/")):
        page = shopper.get(path).content.decode()
        (note,) = re.findall(r'<p [^>]*data-module="shopper/zone"[^>]*>', page)
        assert 'data-zone="Europe/Lisbon"' in note
        assert note.endswith("hidden>"), "a script shows it to a reader in another time zone"
        shown = re.sub(
            r"<p [^>]*hidden>.*?</p>|<noscript>.*?</noscript>", "", page, flags=re.DOTALL
        )
        assert "local time" not in shown


# --- pickups -----------------------------------------------------------------------------------
STREET = "Rua da Junqueira 40, 1300 Lisboa"


def test_every_page_of_a_pickup_names_the_street_of_the_hub(
    confirmed: ShopperBrowser, order: Order, hub: Hub
) -> None:
    monday = [[[600, 780], [840, 1200]]]
    Hub.objects.filter(pk=hub.pk).update(address=STREET, hours=monday + [[]] * 6)
    confirm = held(confirmed, 17)
    assert f"Alcântara, {STREET}" in confirmed.text(confirm)
    assert "Open on this day 10:00–13:00, 14:00–20:00" in confirmed.text(confirm)
    assert confirmed.post(confirm, **fields_of(confirmed.get(confirm))).status_code == 303
    options = confirmed.text(confirm.removesuffix("confirm/"))
    assert f"Pickups are here: Alcântara, {STREET}" in options
    assert f"Collect it here: Alcântara, {STREET}" in confirmed.text(), "beside the answer"
    page = confirmed.get()
    assert "Open on this day 10:00–13:00, 14:00–20:00" in text_of(page)
    point = f"mlat={hub.lat:.5f}&amp;mlon={hub.lon:.5f}"
    assert f'href="https://www.openstreetmap.org/?{point}' in page.content.decode()
    order.refresh_from_db()
    assert order.promise is not None
    assert order.promise.place.text == f"Alcântara, {STREET}"
    calendar = confirmed.get("delivery.ics").content.decode().replace("\r\n ", "")
    assert "Rua da Junqueira 40" in calendar
    assert "Open on this day: 10:00–13:00\\, 14:00–20:00. " in calendar
    assert f"GEO:{hub.lat};{hub.lon}" in calendar
    assert place_line(order.place) not in calendar
    session = DeliverySession.objects.get()
    assert session.place_text not in {"", STREET}, "the question keeps the own address"
    Order.objects.filter(pk=order.pk).update(state="awaiting_collection")
    assert f"Collect it at Alcântara, {STREET}" in confirmed.answer()


# --- the flat ----------------------------------------------------------------------------------
def test_the_flat_of_another_address_is_for_the_driver_and_not_for_every_reader(
    shopper: ShopperBrowser, order: Order
) -> None:
    place = text_line_of(Place(street="Rua do Ouro", house_number="7", unit="4 esq", city="Lisboa"))
    assert "4 esq" in place, "the driver reads it"
    confirm = held(shopper, 10)
    DeliverySession.objects.update(place={"city": "Lisboa"}, place_text=place)
    Hold.objects.update(place_text=place)
    promise(order, place=replace(OTHER_DOOR, text=place))
    for path in ("", confirm, confirm.removesuffix("confirm/"), "delivery.ics"):
        page = shopper.get(path).content.decode()
        assert "Rua do Ouro 7" in page, path
        assert "4 esq" not in page, path


# --- limits ------------------------------------------------------------------------------------
def test_a_link_in_a_loop_is_stopped_and_another_link_goes_on(
    shopper: ShopperBrowser, hub: Hub, settings: Any
) -> None:
    settings.LIMIT_SHOPPER_LINK_PER_MINUTE = 2
    answers = [shopper.post("choose/none/", offer="x").status_code for _round in range(3)]
    assert answers == [302, 302, 429]
    assert shopper.get("choose/").status_code == 200, "reading is not limited"
    second = ShopperBrowser(make_order(hub=hub.public_id))
    assert second.post("choose/none/", offer="x").status_code == 302
    settings.LIMIT_SHOPPER_ADDRESS_PER_MINUTE = 2
    assert second.post("choose/none/", offer="x").status_code == 429
