"""Tests of geocoding: an address without coordinates gets its pin from the network of a hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.orders import selectors, services
from dispatch.orders.drafts import PlaceDraft
from dispatch.orders.models import Order
from lastmile.core.geo import Point, distance_m
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.roads.town import LAT, LON, Town, spot
from tests.factories import make_draft, make_hub, make_order


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a street with the houses 2 and 8, and a suburb."""
    city = Town()
    west, east = city.node(0, 0), city.node(10, 0)
    city.way(west, east, name="Long Street")
    for number, x in ((2, 2.0), (8, 8.0)):
        tags = {"addr:housenumber": str(number), "addr:street": "Long Street"}
        city.node(x, -0.2, tags | {"addr:city": "Upper Town"})
    city.node(5, 5, {"place": "suburb", "name": "Old Town"})
    folder = tmp_path_factory.mktemp("orders-town")
    city.build(folder)
    return folder


@pytest.fixture(autouse=True)
def var(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LASTMILE_VAR", str(town))


def ordered(text: str, **parts: str) -> Order:
    """Place an order with an address and return it."""
    return make_order(place=PlaceDraft(text=text, **parts))


def away_m(order: Order, x: float, y: float) -> float:
    point = order.place.point
    assert point is not None
    return distance_m(point, spot(x, y))


def test_a_house_is_found_with_source_and_precision(retailer: RetailerRef) -> None:
    make_hub(network="town", lat=LAT, lon=LON)
    order = ordered("8 Long St., Upper Town")
    place = order.place
    assert order.state == "ready"
    assert (place.pin_source, place.provider, place.precision) == (
        "geocoder", "roads:town", "house",
    )  # fmt: skip
    assert place.confidence is not None
    assert place.confidence >= 0.5
    assert away_m(order, 8, -0.2) < 20


def test_a_number_between_two_houses_is_interpolated(retailer: RetailerRef) -> None:
    make_hub(network="town", lat=LAT, lon=LON)
    order = ordered("", street="Long Street", house_number="4", city="Upper Town")
    assert (order.state, order.place.precision) == ("ready", "interpolated")
    assert away_m(order, 4, -0.2) < 100


@pytest.mark.parametrize("text", ["Nowhere Lane 5, Farville", "Old Town", "???", "Upper Town"])
def test_an_order_without_a_known_place_is_kept_and_needs_a_pin(
    retailer: RetailerRef, text: str
) -> None:
    make_hub(network="town", lat=LAT, lon=LON)
    order = ordered(text)
    assert (order.state, order.place.lat, order.place.text) == ("needs_pin", None, text)


def test_a_network_that_is_not_built_leaves_the_order_waiting(retailer: RetailerRef) -> None:
    make_hub(network="atlantis")
    assert ordered("8 Long Street, Upper Town").state == "needs_pin"


def test_given_coordinates_take_precedence_over_the_geocoder(retailer: RetailerRef) -> None:
    make_hub(network="town", lat=LAT, lon=LON)
    order = make_order(place=PlaceDraft(text="8 Long Street, Upper Town", lat=LAT + 1, lon=LON))
    assert (order.place.lat, order.place.pin_source) == (LAT + 1, "given")


def test_a_pin_set_by_a_person_takes_precedence_over_the_geocoder(retailer: RetailerRef) -> None:
    make_hub(network="town", lat=LAT, lon=LON)
    order = ordered("8 Long Street, Upper Town")
    services.set_pin(order=order, lat=LAT + 0.01, lon=LON)
    again = ordered("Long Street 8, Upper Town")
    assert (again.place.lat, again.place.pin_source) == (LAT + 0.01, "dispatcher")


def test_only_the_named_hubs_network_is_asked(retailer: RetailerRef) -> None:
    make_hub(network="town", lat=LAT, lon=LON)
    plain = make_hub(name="Plain", lat=LAT, lon=LON)
    order = make_order(hub="Plain", place=PlaceDraft(text="8 Long Street, Upper Town"))
    assert (order.hub, order.state) == (plain, "needs_pin")


def test_suggestions_help_a_person_to_set_the_pin(retailer: RetailerRef) -> None:
    make_hub(network="town", lat=LAT, lon=LON)
    order = ordered("Old Town")
    (first, network), *_rest = selectors.suggestions_for(order).candidates
    assert (network, first.precision) == ("town", "place")
    assert distance_m(first.point, Point(lat=LAT + 0.005, lon=LON + 0.005)) < 50


def test_the_geocoder_is_asked_once_per_address_of_a_batch(
    retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dispatch.orders.geocoding import embedded as geocoding

    questions: list[object] = []
    find = geocoding.find
    monkeypatch.setattr(geocoding, "find", lambda *a, **k: questions.append(a) or find(*a, **k))
    make_hub(network="town", lat=LAT, lon=LON)
    place = PlaceDraft(text="8 Long Street, Upper Town")
    drafts = [make_draft(place=place) for _n in range(20)]
    answers = services.place_orders(drafts, source="file")
    assert {a.order.state for a in answers if a.order} == {"ready"}
    assert len(questions) == 1
    assert len({a.order.place_id for a in answers if a.order}) == 1
