"""Tests of pins that people set, and of the key that finds an address again."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.orders import addresses, services
from dispatch.orders.drafts import PlaceDraft
from dispatch.orders.errors import OrderUnderWay
from dispatch.orders.models import Order, Place
from lastmile.core.errors import Invalid
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.helpers import kinds, refused
from tests.dispatch.orders.actions import LOST, out
from tests.factories import make_hub, make_order, make_zone
from tests.factories.fleet import LAT, LON


def test_a_pin_makes_an_order_without_coordinates_ready(
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
    """Return the key of an address."""
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
def test_an_incomplete_address_has_no_key(text: str) -> None:
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


def test_one_pin_applies_to_all_open_orders_with_the_place(retailer: RetailerRef) -> None:
    make_hub()
    one, two, loaded = (make_order(place=LOST) for _n in range(3))
    services.cancel_order(order=loaded)
    services.set_pin(order=one, lat=LAT, lon=LON)
    states = {o.pk: o.state for o in Order.objects.all()}
    assert states == {one.pk: "ready", two.pk: "ready", loaded.pk: "cancelled"}
    loaded.refresh_from_db()
    assert loaded.place.lat is None, "history keeps the place it had"


def test_a_pin_outside_every_zone_leaves_the_order_without_hub(retailer: RetailerRef) -> None:
    make_zone()
    order = make_order(place=LOST)
    services.set_pin(order=order, lat=LAT + 1, lon=LON)
    order.refresh_from_db()
    assert (order.state, order.hub, order.hub_choice) == ("placed", None, "none")


@pytest.mark.parametrize(("lat", "lon"), [(91, 0), (0, 181), (float("nan"), 0), ("1", 2)])
def test_a_pin_off_the_earth_is_refused(retailer: RetailerRef, lat: Any, lon: Any) -> None:
    make_hub()
    order = make_order(place=LOST)
    with refused(Invalid):
        services.set_pin(order=order, lat=lat, lon=lon)
    assert Place.objects.count() == 1


def test_the_pin_of_a_loaded_order_cannot_move(retailer: RetailerRef) -> None:
    make_hub()
    order = out(make_order())
    with refused(OrderUnderWay):
        services.set_pin(order=order, lat=LAT, lon=LON)


@pytest.mark.parametrize(("lat", "lon"), [(0, 0), (0.0, -0.0), (0.0004, -0.002)])
def test_latitude_and_longitude_zero_are_refused_everywhere(
    retailer: RetailerRef, lat: float, lon: float
) -> None:
    make_hub()
    order = make_order(place=LOST)
    with refused(Invalid, at="/place", match="Atlantic"):
        make_order(place=PlaceDraft(text="Rua A 1, Lisboa", lat=lat, lon=lon))
    with refused(Invalid, at="/lat", match="Atlantic"):
        services.set_pin(order=order, lat=lat, lon=lon)
    order.refresh_from_db()
    assert (order.state, order.place.lat) == ("needs_pin", None)
