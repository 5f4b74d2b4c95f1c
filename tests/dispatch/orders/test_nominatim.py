"""Tests of the external geocoder (Nominatim's API): its answers and its failures.

The recorded answers were written for these tests in the documented format of /search (jsonv2).
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from dispatch.intake.services import receive_file
from dispatch.orders import selectors, services
from dispatch.orders.drafts import PlaceDraft
from dispatch.orders.geocoding import SearchArea, choosing
from dispatch.orders.geocoding.nominatim import NominatimGeocoder
from dispatch.orders.models import Order
from dispatch.roads.addresses import AddressParts
from lastmile.core.geo import Point
from lastmile.core.models import JobState
from lastmile.core.providers import HttpClient, Limits, ProviderError
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.captured import Captured, Replay, served
from tests.dispatch.roads.town import LAT, LON, Town
from tests.factories import make_draft, make_hub
from tests.people import add_member, logged_in

QUERIES = AddressParts("Calle Larga", "48", "", "Villa Ejemplo")
HUBS = SearchArea([], [Point(lat=LAT, lon=LON)])


def place(lat: float = LAT, lon: float = LON, **fields: Any) -> dict[str, Any]:
    """Return a place of an answer; by default it is a house."""
    address = {"house_number": "48", "road": "Calle Larga", "town": "Villa Ejemplo"}
    address |= {"postcode": "8400000", "country": "Chile", "country_code": "cl"}
    row: dict[str, Any] = {
        "place_id": 12_345, "licence": "our own", "osm_type": "node", "osm_id": 1,
        "lat": f"{lat:.7f}", "lon": f"{lon:.7f}", "category": "place", "type": "house",
        "place_rank": 30, "importance": 0.0001, "addresstype": "place", "name": "",
        "display_name": "48, Calle Larga, Villa Ejemplo, 8400000, Chile",
        "boundingbox": ["41.0", "41.1", "-8.7", "-8.6"],
    }  # fmt: skip
    changed = fields.pop("address", {})
    filled = {name: value for name, value in (address | changed).items() if value}
    return row | fields | {"address": filled}


def answered(*exchanges: Captured) -> NominatimGeocoder:
    return NominatimGeocoder(HttpClient("http://outside.test", transport=Replay(*exchanges)))


def results(*rows: Any, address: AddressParts = QUERIES) -> list[tuple[str, float, bool, str]]:
    """Return what the adapter reads from an answer: precision, confidence, exact and town."""
    answers = answered(Captured(path="/search", body=list(rows))).find(address, HUBS)
    return [(c.precision, c.confidence, c.exact, c.town) for c in (a.candidate for a in answers)]


def test_the_query_contains_the_parts_of_the_address() -> None:
    params = {"street": "48 Calle Larga", "city": "Villa Ejemplo", "format": "jsonv2"}
    exchange = Captured(path="/search", params=params | {"addressdetails": "1"}, body=[place()])
    (answer,) = answered(exchange).find(QUERIES, HUBS)
    assert (answer.provider, answer.candidate.label[:15]) == ("nominatim", "48, Calle Larga")
    assert answered().find(AddressParts(), HUBS) == [], "nothing to ask: no call"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (place(), ("house", 1.0, True, "same")),
        (place(address={"house_number": "50"}), ("house", 0.3, True, "same")),
        (place(address={"house_number": ""}, addresstype="road"), ("street", 0.3, True, "same")),
        (place(address={"road": "Calle Corta"}), ("house", 1.0, False, "same")),
        (place(address={"town": "Otra Ciudad"}), ("house", 1.0, True, "other")),
        (place(address={"town": ""}), ("house", 1.0, True, "unknown")),
        (place(address={"town": "", "suburb": "Villa Ejemplo"}), ("house", 1.0, True, "same")),
        (
            place(address={"road": "", "house_number": ""}, addresstype="town"),
            ("place", 0.2, False, "same"),
        ),
    ],
)
def test_precision_and_confidence_follow_the_details_of_an_answer(
    row: dict[str, Any], expected: tuple[str, float, bool, str]
) -> None:
    assert results(row) == [expected]


def test_places_without_coordinates_or_out_of_reach_are_left_out() -> None:
    broken = [{"lat": "x", "lon": "1"}, {"display_name": "nowhere"}, "text", None]
    assert results(*broken, place(lat=LAT + 4)) == []
    assert results(place(lat=LAT + 1), address=AddressParts("Calle Larga", "48")) == []
    assert len(results(place(lat=LAT + 1))) == 1


@pytest.mark.parametrize(
    "exchange",
    [
        Captured(
            path="/search", body={"error": {"code": 400, "message": "Nothing to search for."}}
        ),
        Captured(path="/search", body=b"<html>busy</html>"),
        Captured(path="/search", status=429, body={"error": "slow down"}),
        Captured(path="/search", status=503, body=b""),
    ],
)
def test_every_failure_is_a_provider_error(exchange: Captured) -> None:
    with pytest.raises(ProviderError):
        answered(exchange).find(QUERIES, HUBS)


@pytest.fixture
def var(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network with the same street, which answers if the external geocoder fails."""
    town, folder = Town(), tmp_path_factory.mktemp("nominatim")
    town.way(town.node(0, 0), town.node(10, 0), name="Calle Larga")
    tags = {"addr:street": "Calle Larga", "addr:city": "Villa Ejemplo"}
    town.node(4, -0.1, tags | {"addr:housenumber": "48"})
    town.build(folder)
    monkeypatch.setenv("LASTMILE_VAR", str(folder))
    return folder


class Watched(Replay):
    """A replay that records whether a call came inside a transaction."""

    inside: list[bool]

    def handle_request(self, request: Any) -> Any:
        self.inside = [*getattr(self, "inside", []), connection.in_atomic_block]
        return super().handle_request(request)


def outside(monkeypatch: pytest.MonkeyPatch, settings: Any, *exchanges: Captured) -> Watched:
    """Use an external geocoder with recorded answers."""
    replay = Watched(*exchanges)
    settings.GEOCODER_URL = "http://outside.test"
    monkeypatch.setattr(choosing, "_client", lambda url: HttpClient(url, transport=replay))
    return replay


ADDRESS = "Calle Larga 48, Villa Ejemplo"
FILE = f'order_id,address,date\nA1,"{ADDRESS}",2100-01-01\nA2,"{ADDRESS}",2100-01-01\n'


def test_a_file_asks_the_external_geocoder_outside_of_transactions(
    fresh_db: str, retailer: RetailerRef, var: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    make_hub(network="town", lat=LAT, lon=LON)
    replay = outside(monkeypatch, settings, Captured(path="/search", body=[place()]))
    batch = receive_file(content=FILE.encode(), filename="orders.csv")
    assert run_job(batch.job) == JobState.SUCCEEDED
    orders = list(Order.objects.select_related("place"))
    assert {(o.state, o.place.provider, o.place.precision) for o in orders} == {
        ("ready", "nominatim", "house")
    }
    assert (len(replay.requests), replay.inside) == (1, [False])


@pytest.mark.parametrize(
    "failure",
    [
        Captured(path="/search", status=503, body=b""),
        Captured(path="/search", body={"error": "Unable to geocode"}),
    ],
)
def test_after_a_failure_the_street_map_answers_with_a_warning(
    retailer: RetailerRef, var: Path, monkeypatch: pytest.MonkeyPatch, settings: Any,
    failure: Captured,
) -> None:  # fmt: skip
    make_hub(network="town", lat=LAT, lon=LON)
    outside(monkeypatch, settings, failure)
    batch = receive_file(content=FILE.encode(), filename="orders.csv")
    run_job(batch.job)
    batch.refresh_from_db()
    assert {o.place.provider for o in Order.objects.select_related("place")} == {"roads:town"}
    assert batch.warned_count == 2
    assert "geocoder did not answer" in batch.warnings[0]["params"]["detail"]


def test_an_empty_answer_is_not_a_failure(
    retailer: RetailerRef, var: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    make_hub(network="town", lat=LAT, lon=LON)
    outside(monkeypatch, settings, Captured(path="/search", body=[]))
    draft = make_draft(place=PlaceDraft(text=ADDRESS), service_date=None)
    (placed,) = services.place_prepared(
        prepared=services.prepare_orders([draft], outside=True), source="test"
    )
    assert placed.order is not None
    assert (placed.order.state, placed.warnings) == ("needs_pin", ())


def test_the_api_asks_before_its_transaction_and_warns_after_a_failure(
    fresh_db: str, retailer: RetailerRef, var: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    make_hub(network="town", lat=LAT, lon=LON)
    busy = Captured(path="/search", status=429, body=b"")
    replay = outside(monkeypatch, settings, Captured(path="/search", body=[place()]), busy)
    browser = logged_in(retailer, add_member(Role.DISPATCHER))

    def post() -> Any:
        body = {"external_id": uuid.uuid4().hex, "place": {"text": ADDRESS}}
        body |= {"service_date": "2100-01-01"}
        return browser.post(
            "/api/v1/orders/", json.dumps(body), content_type="application/json"
        ).json()

    first, second = post(), post()
    assert (first["place"]["provider"], first["warnings"]) == ("nominatim", [])
    assert second["place"]["provider"] == "roads:town"
    assert [warning["code"] for warning in second["warnings"]] == ["geocoder_failed"]
    assert replay.inside == [False, False]


def test_the_pin_page_shows_answers_or_tells_that_there_are_none(
    retailer: RetailerRef, var: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    make_hub(network="town", lat=LAT, lon=LON)
    order = services.place_order(draft=make_draft(place=PlaceDraft(text="Calle Larga 990"))).order
    assert order is not None
    down = Captured(path="/search", status=500, body=b"")
    outside(monkeypatch, settings, Captured(path="/search", body=[place()]), down)
    assert [source for _candidate, source in selectors.suggestions_for(order).candidates] == [
        "nominatim"
    ]
    browser = logged_in(retailer, add_member(Role.DISPATCHER))
    page = browser.get(f"/console/pins/{order.public_id}/").content.decode()
    assert "The external geocoder did not answer" in page


def test_a_server_that_hangs_costs_a_batch_one_time_out(
    retailer: RetailerRef, var: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    make_hub(network="town", lat=LAT, lon=LON)
    with served(Captured(path="/search", body=[], pause_s=0.6)) as address:
        settings.GEOCODER_URL = address
        hasty = HttpClient(address, limits=Limits(connect_s=0.2, total_s=0.2))
        monkeypatch.setattr(choosing, "_client", lambda _url: hasty)
        drafts = [make_draft(place=PlaceDraft(text=f"Calle Larga {n}")) for n in range(40, 60)]
        prepared = services.prepare_orders(drafts, outside=True)
    assert {ready.place.provider for ready in prepared.ready} <= {"roads:town", ""}
    assert all("geocoder_failed" in {w.code for w in r.warnings} for r in prepared.ready)
