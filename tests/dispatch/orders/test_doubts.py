"""Tests of doubts: coordinates that no hub reaches, and addresses with several matches."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from dispatch.orders import selectors, services
from dispatch.orders.drafts import PlaceDraft
from dispatch.orders.models import Order, Place
from dispatch.roads.geocode import find
from lastmile.core.errors import Invalid
from lastmile.core.geo import Point, distance_m
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.dispatch.helpers import refused
from tests.dispatch.roads.town import LAT, LON, STEP, Town
from tests.factories import make_draft, make_hub, make_order, make_zone
from tests.people import add_member, logged_in

FAR = 600  # steps: another town 50 km to the east


def street(town: Town, name: str, x: float, y: float, city: str, *numbers: int) -> None:
    """Return a street of ten segments with houses; its data may name a city."""
    town.way(town.node(x, y), town.node(x + 10, y), name=name)
    for at, number in enumerate(numbers):
        tags = {"addr:housenumber": str(number), "addr:street": name}
        town.node(x + 1 + at, y - 0.1, tags | ({"addr:city": city} if city else {}))


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build two towns; the first has two streets with one name, and streets named by dates."""
    folder = tmp_path_factory.mktemp("truth")
    near, far = Town(), Town()
    near.node(5, 5, {"place": "town", "name": "Villa Ejemplo"})
    street(near, "Calle Larga", 0, 0, "Villa Ejemplo", 17, 48)
    street(near, "Los Aromos", 0, 10, "Villa Ejemplo", 250)
    street(near, "Los Aromos", 60, 10, "Villa Ejemplo", 250)
    street(near, "El Roble", 0, 20, "", 250)
    street(near, "El Roble", 60, 20, "", 250)
    street(near, "11 de Septiembre", 0, 30, "Villa Ejemplo", 120, 500)
    street(near, "Santa Rosa de Viterbo", 20, 0, "Villa Ejemplo", 7)
    street(near, "Avenida Francisco de Aguirre", 20, 10, "", 30)
    street(near, "21 de Mayo", 0, 40, "Villa Ejemplo", 48, 500)
    street(near, "5 Norte", 20, 40, "Villa Ejemplo", 120)
    street(near, "Bödastrasse", 0, 50, "Villa Ejemplo", 4)
    street(near, "Bodastrasse", 60, 50, "Villa Ejemplo", 4)
    street(near, "Königstraße", 20, 50, "Villa Ejemplo", 8)
    street(near, "Cordovez", 40, 20, "", 9)
    post = {"addr:housenumber": "11", "addr:street": "Cordovez", "addr:postcode": "1700000"}
    near.node(45, 19.9, post | {"addr:city": "Villa Ejemplo"})
    near.build(folder, "near")
    far.node(FAR + 5, 5, {"place": "town", "name": "Villa Lejana"})
    street(far, "Calle Larga", FAR, 0, "Villa Lejana", 48)
    street(far, "Calle Unica", FAR, 10, "Villa Lejana", 5)
    far.build(folder, "far")
    return folder


@pytest.fixture(autouse=True)
def var(networks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LASTMILE_VAR", str(networks))


@pytest.fixture
def near(retailer: RetailerRef) -> Any:
    return make_hub(name="Near", network="near", lat=LAT, lon=LON)


def to(text: str = "", hub: str = "", **parts: Any) -> Order:
    return make_order(place=PlaceDraft(text=text, **parts), hub=hub)


def pinned(order: Order) -> tuple[str, str]:
    return order.state, order.place.doubt


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"city": "Otra Ciudad"}, ("needs_pin", "other_town")),
        ({"city": "Otra Ciudad", "postcode": "9100000"}, ("needs_pin", "other_town")),
        ({"city": "Villa Lejana"}, ("needs_pin", "other_town")),
        ({"city": "Villa Ejemplo"}, ("ready", "")),
        ({"city": "VILLA EJEMPLO, Chile"}, ("ready", "")),
        ({}, ("ready", "")),
    ],
)
def test_an_answer_in_another_town_gives_no_pin(
    near: Any, parts: dict[str, str], expected: tuple[str, str]
) -> None:
    order = to(street="Calle Larga", house_number="48", **parts)
    assert pinned(order) == expected
    assert selectors.suggestions_for(order).candidates[0][0].street == "Calle Larga"


def test_a_street_without_a_city_counts_in_the_nearest_town(near: Any) -> None:
    assert pinned(to("Francisco de Aguirre 30, Villa Ejemplo")) == ("ready", "")
    assert pinned(to("Francisco de Aguirre 30, Otra Ciudad"))[0] == "needs_pin"


@pytest.mark.parametrize(
    "text", ["Los Aromos 250, Villa Ejemplo", "El Roble 250", "Los Aromos 250"]
)
def test_equal_answers_far_apart_become_suggestions(near: Any, text: str) -> None:
    order = to(text)
    assert pinned(order) == ("needs_pin", "rivals")
    first, second = (
        candidate.point for candidate, _network in selectors.suggestions_for(order).candidates[:2]
    )
    assert distance_m(first, second) > 4_000


def test_equal_answers_in_two_networks_become_suggestions(near: Any) -> None:
    make_hub(name="Far", network="far", lat=LAT, lon=LON + FAR * STEP)
    order = to("Calle Larga 48")
    assert (pinned(order), order.hub) == (("needs_pin", "rivals"), None)
    offered = selectors.suggestions_for(order).candidates
    assert {network for _candidate, network in offered} == {"near", "far"}
    assert pinned(to("Calle Larga 48", hub="Far")) == ("ready", "")
    assert to("Calle Larga 48, Villa Lejana").place.provider == "roads:far"


def test_a_street_with_a_similar_name_is_never_pinned_automatically(near: Any) -> None:
    order = to(street="18 de Septiembre", house_number="500", city="Villa Ejemplo")
    assert pinned(order)[0] == "needs_pin"
    assert pinned(to(street="11 de Septiembre", house_number="500")) == ("ready", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rosa Viterbo", "Santa Rosa de Viterbo"),
        ("Santa Roza de Vitervo 7", "Santa Rosa de Viterbo"),
        ("Fransisco Aguire 30", "Avenida Francisco de Aguirre"),
    ],
)
def test_suggestions_begin_with_the_street_whose_name_is_most_alike(
    near: Any, text: str, expected: str
) -> None:
    order = to(f"{text}, Villa Ejemplo")
    (first, _network), *_rest = selectors.suggestions_for(order).candidates
    assert first.street == expected
    assert find(f"{text}, Villa Ejemplo", "near", similar=True)[0].confidence < 0.5


def test_streets_with_one_name_are_labelled_by_the_nearest_place(near: Any) -> None:
    labels = [candidate.label for candidate in find("El Roble 250", "near", similar=True)]
    assert labels[0] == "El Roble 250 (Villa Ejemplo)"
    assert len(set(labels)) == len(labels)


def test_the_same_words_in_another_city_are_another_place(near: Any) -> None:
    make_hub(name="Far", network="far", lat=LAT, lon=LON + FAR * STEP)
    spot = {"lat": LAT + 0.01, "lon": LON + 0.01}
    to("Calle Larga 48", hub="Near", **spot)
    other = to("Calle Larga 48", hub="Far")
    assert (other.place.pin_source, other.place.provider) == ("geocoder", "roads:far")
    same = to("Calle Larga 48", hub="Near")
    assert (same.place.lat, same.place.pin_source) == (spot["lat"], "given")
    unnamed = to("Calle Larga 48")
    assert pinned(unnamed) == ("needs_pin", "rivals")
    offered = [
        candidate.point for candidate, _network in selectors.suggestions_for(unnamed).candidates
    ]
    assert Point(**spot) in offered


def test_different_coordinates_for_one_address_are_not_reused(near: Any) -> None:
    for lat in (LAT, LAT + 0.02):
        to("Lost Lane 7", lat=lat, lon=LON)
    order = to("Lost Lane 7")
    assert order.state == "needs_pin"
    services.set_pin(order=order, lat=LAT + 0.01, lon=LON)
    assert to("Lost Lane 7").place.lat == LAT + 0.01


def test_coordinates_out_of_reach_of_every_hub_give_no_pin(near: Any) -> None:
    order = to("Calle Larga 48, Villa Ejemplo", lat=12.5, lon=100.5)
    assert pinned(order) == ("needs_pin", "far")
    assert (order.place.lat, order.place.doubted_lat) == (None, 12.5)
    assert pinned(to("Edge", lat=LAT + 2.6, lon=LON)) == ("ready", "")
    assert pinned(to("Beyond", lat=LAT + 2.8, lon=LON)) == ("needs_pin", "far")


def test_swapped_coordinates_are_named_and_suggested_the_right_way(near: Any) -> None:
    order = to("Calle Larga 48", lat=LON, lon=LAT)
    assert pinned(order) == ("needs_pin", "swapped")
    (first, _network), *_rest = selectors.suggestions_for(order).candidates
    assert first.point == Point(lat=LAT, lon=LON)
    services.set_pin(order=order, lat=first.point.lat, lon=first.point.lon)
    again = to("Calle Larga 48", lat=LON, lon=LAT)
    assert (again.state, again.place.lat, again.place.pin_source) == ("ready", LAT, "dispatcher")


def test_a_place_in_the_zone_of_a_hub_is_never_too_far(near: Any) -> None:
    ring = [[20, 10], [21, 10], [21, 11], [20, 11], [20, 10]]
    make_zone(hub=make_hub(), polygon={"type": "Polygon", "coordinates": [ring]})
    assert pinned(to("Atoll", lat=10.5, lon=20.5)) == ("ready", "")


def test_a_pin_out_of_reach_is_refused(near: Any) -> None:
    order = to("Lost Lane 7")
    with refused(Invalid, at="/lat", match="too far"):
        services.set_pin(order=order, lat=12.5, lon=100.5)
    with refused(Invalid, at="/lat", match="swapped"):
        services.set_pin(order=order, lat=LON, lon=LAT)
    assert Place.objects.filter(lat__isnull=False).count() == 0


def test_the_api_tells_why_a_place_needs_a_pin(retailer: RetailerRef, near: Any) -> None:
    browser = logged_in(retailer, add_member(Role.DISPATCHER))

    def post(place: dict[str, Any]) -> Any:
        body = {"external_id": uuid.uuid4().hex, "place": place, "service_date": "2100-01-01"}
        return browser.post("/api/v1/orders/", json.dumps(body), content_type="application/json")

    answer = post({"text": "Calle Larga 48", "lat": LON, "lon": LAT})
    assert (answer.status_code, answer.json()["state"]) == (201, "needs_pin")
    assert answer.json()["place"]["doubt"] == "swapped"
    (warning,) = answer.json()["warnings"]
    assert (warning["pointer"], warning["code"]) == ("/place", "swapped")
    assert "swapped" in warning["detail"]
    zero = post({"text": "Calle Larga 48", "lat": 0, "lon": 0})
    assert (zero.status_code, Order.objects.count()) == (422, 1)
    assert "Atlantic" in zero.json()["errors"][0]["detail"]
    truth = post({"text": "Calle Larga 48", "lat": True, "lon": False})
    assert (truth.status_code, Order.objects.count()) == (422, 1)
    assert [e["pointer"] for e in truth.json()["errors"]] == ["/place/lat", "/place/lon"]
    fine = post({"text": "Calle Larga 48", "lat": LAT, "lon": LON})
    assert (fine.json()["state"], fine.json()["warnings"]) == ("ready", [])
    page = browser.get(f"/console/pins/{answer.json()['id']}/").content.decode()
    assert "seem to be swapped" in page
    assert "Latitude and longitude swapped" in page


def test_a_hub_is_named_by_its_external_id_when_an_order_is_placed(
    retailer: RetailerRef,
) -> None:
    hub = make_hub(name="Near", external_id="ls")
    draft = make_draft(hub="external_id:ls")
    placed = services.place_order(draft=draft)
    assert placed.order is not None
    assert placed.order.hub == hub
    with refused(Invalid, at="/hub"):
        services.place_order(draft=make_draft(hub="external_id:other"))


@pytest.mark.parametrize(
    ("text", "street_name", "number"),
    [
        ("21 de Mayo 500", "21 de Mayo", "500"),
        ("21 de Mayo #500", "21 de Mayo", "500"),
        ("21 de Mayo 48/17", "21 de Mayo", "48"),
        ("21 de Mayo 500 depto 12", "21 de Mayo", "500"),
        ("5 Norte 120", "5 Norte", "120"),
        ("Villa Ejemplo, 5 Norte 120", "5 Norte", "120"),
        ("Villa Ejemplo 5 Norte 120", "5 Norte", "120"),
        ("Königstraße 8", "Königstraße", "8"),
        ("Koenigstrasse 8", "Königstraße", "8"),
        ("Konigstr. 8", "Königstraße", "8"),
        ("König Strasse 8", "Königstraße", "8"),
        ("8 KOENIG-STRASSE", "Königstraße", "8"),
        ("Bödastrasse 4", "Bödastrasse", "4"),
        ("Boedastr. 4", "Bödastrasse", "4"),
        ("Bodastrasse 4", "Bodastrasse", "4"),
        ("Boda Strasse 4", "Bodastrasse", "4"),
    ],
)
def test_a_name_is_found_in_each_way_in_which_people_write_it(
    near: Any, text: str, street_name: str, number: str
) -> None:
    order = to(text)
    assert pinned(order) == ("ready", "")
    best = find(text, "near")[0]
    assert (best.street, best.number) == (street_name, number)
    assert distance_m(best.point, order.delivery_place.point) < 1


def test_a_building_before_the_street_does_not_take_the_place_of_the_town(near: Any) -> None:
    order = to(street="Edificio Alto, 5 Norte 120", city="Villa Ejemplo")
    assert pinned(order) == ("ready", "")
    assert pinned(to(street="Edificio Alto, 5 Norte 120", city="Villa Lejana"))[0] == "needs_pin"


def test_a_spelling_that_fits_two_streets_gives_no_pin(near: Any) -> None:
    order = to("Bödä Strasse 4")
    assert pinned(order)[0] == "needs_pin"


def test_an_address_that_can_be_read_as_two_streets_gives_no_pin(
    retailer: RetailerRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = Town()
    street(town, "Norte 7", 0, 0, "", 5)
    street(town, "5 Norte", 60, 30, "", 7)
    town.build(tmp_path, "twice")
    monkeypatch.setenv("LASTMILE_VAR", str(tmp_path))
    make_hub(name="Twice", network="twice", lat=LAT, lon=LON)
    assert pinned(to("5 Norte 7")) == ("needs_pin", "rivals")
    assert pinned(to("Norte 7 5"))[0] == "ready"


@pytest.mark.parametrize(
    ("number", "postcode", "expected"),
    [
        ("11", "1700000", ("ready", "")),
        ("11", "", ("ready", "")),
        ("11", "9999999", ("needs_pin", "other_postcode")),
        ("9", "9999999", ("needs_pin", "other_postcode")),  # its street has only the other one
    ],
)
def test_a_postcode_that_contradicts_the_place_gives_no_pin(
    near: Any, number: str, postcode: str, expected: tuple[str, str]
) -> None:
    order = to(street="Cordovez", house_number=number, postcode=postcode, city="Villa Ejemplo")
    assert pinned(order) == expected
    suggested = selectors.suggestions_for(order).candidates[0][0]
    assert suggested.street == "Cordovez"
