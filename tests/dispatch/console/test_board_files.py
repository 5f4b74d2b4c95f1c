"""A plan as printed manifest, as CSV file and as map data."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dispatch.orders.drafts import PlaceDraft, ShopperDraft
from dispatch.planning.selectors import lists
from dispatch.planning.selectors.board_data import polyline
from dispatch.roads import tiles
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.dispatch.planning.test_plans import day_of, plan
from tests.factories.fleet import LAT, LON
from tests.factories.orders import DAY, make_order, make_window
from tests.people import add_member, logged_in

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


def hostile_day() -> Any:
    hub = day_of(2)
    make_order(
        hub=hub.public_id,
        external_id="=1+1",
        shopper=ShopperDraft(name=HOSTILE, phone="+351911111111"),
        place=PlaceDraft(text=f"=HYPERLINK(1) {HOSTILE}", lat=LAT, lon=LON),
        notes=HOSTILE,
        window=make_window(9, 12),
    )
    return plan(hub)


def test_a_manifest_holds_every_stop_in_order_with_what_a_driver_needs(desk: Client) -> None:
    draft = hostile_day()
    for route in lists.routes_of(draft):
        html = desk.get(f"/console/routes/{route.public_id}/manifest/").content.decode()
        assert "Do not use it for driving" in html, "a draft says so"
        numbers = [html.index(f'<th scope="row">{s.position}</th>') for s in route.stops.all()]
        assert numbers == sorted(numbers)
        for stop in route.stops.all():
            assert stop.order.shopper.phone in html


def test_stop_is_translated_as_a_place_and_not_as_a_command(retailer: RetailerRef) -> None:
    draft = hostile_day()
    ana = logged_in(retailer, add_member(Role.DISPATCHER, language="es"))
    route = lists.routes_of(draft)[0]
    manifest = ana.get(f"/console/routes/{route.public_id}/manifest/").content.decode()
    assert '<th scope="col">Parada</th>' in manifest
    stops = ana.get(f"/console/plans/{draft.public_id}/routes/{route.public_id}/").content.decode()
    assert "Parada 1:" in " ".join(stops.split())
    assert "Detener" not in manifest + stops


def test_hostile_text_stays_text_on_every_page(desk: Client) -> None:
    draft = hostile_day()
    order = next(
        s for r in lists.routes_of(draft) for s in r.stops.all() if s.order.notes == HOSTILE
    )
    pages = [
        f"/console/{draft.hub.public_id}/{DAY}/?q=script",
        f"/console/plans/{draft.public_id}/orders/{order.order.public_id}/",
        f"/console/plans/{draft.public_id}/routes/{order.route.public_id}/",
        f"/console/routes/{order.route.public_id}/manifest/",
    ]
    for address in pages:
        html = desk.get(address).content.decode()
        assert "&lt;script&gt;alert(1)" in html, address
        assert "<script>alert" not in html, address
        assert "<img src=x" not in html, address


def test_the_csv_has_every_stop_and_no_formula(desk: Client) -> None:
    draft = hostile_day()
    answer = desk.get(f"/console/plans/{draft.public_id}/stops.csv")
    text = answer.content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 3
    odd = next(row for row in rows if row["name"].startswith("<script>"))
    assert odd["external_id"] == "'=1+1"
    assert odd["address"].startswith("'=HYPERLINK")
    assert odd["window_from"] == "2026-11-23T09:00:00+00:00"
    assert not any(cell.startswith(("=", "@")) for row in rows for cell in row.values())


def test_the_map_data_has_every_stop_and_is_not_sent_twice(desk: Client) -> None:
    draft = plan(day_of(5))
    address = f"/console/plans/{draft.public_id}/map.json"
    with CaptureQueriesContext(connection) as response:
        answer = desk.get(address)
    data = answer.json()
    assert sum(len(route["stops"]) for route in data["routes"]) == 5
    for route, row in zip(data["routes"], lists.routes_of(draft), strict=True):
        stops = [s.order.public_id for s in row.stops.all()]
        assert [stop[2] for stop in route["stops"]] == stops
    assert len(response) <= 8, [q["sql"][:80] for q in response.captured_queries]
    again = desk.get(address, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_polyline_is_the_published_example() -> None:
    line = [(-120.2, 38.5), (-120.95, 40.7), (-126.453, 43.252)]
    assert polyline(line) == "_p~iF~ps|U_ulLnnqC_mqNvxq`@"


def test_the_number_of_queries_does_not_grow_with_the_stops(desk: Client) -> None:
    counts = []
    for orders in (3, 12):
        draft = plan(day_of(orders))
        opened = "&".join(f"open={r.public_id}" for r in lists.routes_of(draft))
        with CaptureQueriesContext(connection) as response:
            page = desk.get(f"/console/{draft.hub.public_id}/{DAY}/?{opened}")
        assert page.content.decode().count('class="stop') >= orders
        counts.append(len(response))
    assert counts[0] == counts[1] <= 24


def test_a_tile_is_cached_for_a_year_by_its_version(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "tilejson", lambda name: {"version": "1.0.3"})
    monkeypatch.setattr(tiles, "tile", lambda name, z, x, y: b"" if x else b"drawn")
    answer = desk.get("/roads/town/tiles/1.0.3/12/0/5.pbf")
    assert answer.content == b"drawn"
    assert "immutable" in answer["Cache-Control"]
    assert desk.get(
        "/roads/town/tiles/1.0.3/12/0/5.pbf", headers={"If-None-Match": answer["ETag"]}
    ).status_code == 304  # fmt: skip
    assert desk.get("/roads/town/tiles/1.0.3/12/1/5.pbf").status_code == 204
    assert desk.get("/roads/town/tiles/1.0.2/12/0/5.pbf").status_code == 404


def test_a_tile_of_an_unknown_network_is_not_found(desk: Client) -> None:
    assert desk.get("/roads/no-such-town/tiles/1.0.1/12/0/5.pbf").status_code == 404
    assert desk.get("/roads/..%2F..%2Fetc/tiles/1.0.1/12/0/5.pbf").status_code == 404
