"""The map in a real browser: with our security policy, without a network, by mouse and keys.

The pages are passed to Chromium directly, so no server and no database is needed. All requests
other than for our static files are recorded.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from csp.utils import build_policy
from django.conf import settings
from django.template import Context, Template
from playwright.sync_api import Page, Route

pytestmark = pytest.mark.browser
STATIC = Path(__file__).resolve().parents[2] / "lastmile" / "core" / "static"
HOST = "http://map.test"
KINDS = {".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript"}
PLAN = {
    "routes": [
        {"id": "r1", "number": 1, "label": "Route 1", "geometry": [[-8.61, 41.15], [-8.60, 41.16]]},
        {"id": "r2", "number": 2, "label": "Route 2", "geometry": [[-8.61, 41.15], [-8.62, 41.14]]},
    ],
    "stops": [
        {"id": "s1", "route": "r1", "seq": 1, "lon": -8.605, "lat": 41.155, "label": "<b>Ana</b>"},
        {"id": "s2", "route": "r1", "seq": 2, "lon": -8.600, "lat": 41.160, "label": "Eva"},
        {"id": "s3", "route": "r2", "seq": 1, "lon": -8.620, "lat": 41.140, "label": "Luis"},
    ],
    "hubs": [{"id": "h1", "name": "Hub", "lon": -8.61, "lat": 41.15}],
    "candidates": [{"id": "c1", "lon": -8.6, "lat": 41.16, "label": "Rua A"}],
}
HEARD = """() => { window.heard = []; for (const name of ["map:select", "map:pin", "map:polygon"])
  document.addEventListener(name, (e) => window.heard.push([name, e.detail])); }"""

Open = Callable[..., Page]


@pytest.fixture
def requested_urls() -> list[str]:
    """Return the list of URLs, other than our static files, that a page requests."""
    return []


@pytest.fixture
def opened(page: Page, requested_urls: list[str]) -> Open:
    """Return a function that opens a page with one map and waits until it is drawn."""

    def answer(route: Route) -> None:
        address = route.request.url.split("?")[0]
        file = STATIC / address.removeprefix(HOST + settings.STATIC_URL)
        if address.startswith(HOST + settings.STATIC_URL) and file.is_file():
            route.fulfill(
                body=file.read_bytes(), content_type=KINDS.get(file.suffix, "image/svg+xml")
            )
        else:
            requested_urls.append(address)
            route.fulfill(status=204)

    def open_(tag: str, around: str = "", data: dict[str, Any] | None = None) -> Page:
        body = Template(
            "{% load maps static %}<!doctype html><html lang=en data-theme=light><title>Map</title>"
            "{% for f in sheets %}<link rel=stylesheet href='{{ f }}'>{% endfor %}"
            "<script type='application/json' id=plan>{{ plan|safe }}</script>"
            f"<div class=map-frame>{tag}</div>{around}"
            "<script type=module src='{% static 'js/loader.js' %}'></script>"
        )
        sheets = [f"{settings.STATIC_URL}css/{n}.css" for n in ("reset", "tokens", "components")]
        plan = json.dumps(PLAN if data is None else data).replace("<", "\\u003c")
        html = body.render(Context({"sheets": sheets, "plan": plan}))
        page.unroute_all()
        page.route("**/*", answer)
        page.route(HOST + "/", lambda route: route.fulfill(
            body=html, content_type="text/html",
            headers={"Content-Security-Policy": build_policy()},
        ))  # fmt: skip
        faults: list[str] = []
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        page.goto(HOST + "/")
        page.wait_for_selector(".map[data-ready]", timeout=60_000)
        page.evaluate(HEARD)
        assert not faults
        return page

    return open_


def heard(page: Page) -> list[list[Any]]:
    """Return the events that the map has sent since it was opened."""
    events: list[list[Any]] = page.evaluate("window.heard")
    return events


def test_the_map_needs_no_network_and_follows_the_policy(
    opened: Open, requested_urls: list[str]
) -> None:
    page = opened('{% map source="#plan" %}')
    assert page.get_by_text("No street map is loaded").is_visible()
    assert requested_urls in ([], [HOST + "/favicon.ico"])


def test_streets_are_requested_if_a_network_is_loaded(
    opened: Open, requested_urls: list[str]
) -> None:
    page = opened('{% map source="#plan" tiles="/t/{z}/{x}/{y}.pbf" %}')
    assert any(address.startswith(f"{HOST}/t/") for address in requested_urls)
    assert not page.get_by_text("No street map").count()


def test_a_stop_is_chosen_by_click_and_by_keys(opened: Open) -> None:
    page = opened('{% map source="#plan" %}')
    x, y = page.evaluate(
        "() => { const m = document.querySelector('.map').lastmileMap.map;"
        "const p = m.project([-8.605, 41.155]); const b = m.getCanvas().getBoundingClientRect();"
        "return [p.x + b.x, p.y + b.y]; }"
    )
    page.mouse.click(x, y)
    assert heard(page) == [["map:select", {"kind": "stop", "id": "s1"}]]
    page.locator(".map canvas").focus()
    page.keyboard.press("n")
    assert heard(page)[-1] == ["map:select", {"kind": "stop", "id": "s2"}]
    page.keyboard.press("Escape")
    assert heard(page)[-1] == ["map:select", {"kind": None, "id": None}]


def test_a_label_is_text_and_never_markup(opened: Open) -> None:
    page = opened('{% map source="#plan" %}')
    page.evaluate(
        "() => { const m = document.querySelector('.map').lastmileMap.map;"
        "const lngLat = {lng: -8.605, lat: 41.155};"
        "m.fire('mousemove', {point: m.project(lngLat), lngLat}) }"
    )
    assert page.locator(".map-tip").inner_text() == "<b>Ana</b>"


def test_the_chosen_route_is_highlighted_in_every_theme(opened: Open) -> None:
    page = opened('{% map source="#plan" %}')
    script = """() => { const h = document.querySelector('.map').lastmileMap; return [
        h.state.route, h.map.getFilter('routes-way')[2],
        h.shapes.routes.features.map((f) => f.properties.colour)]; }"""
    page.evaluate("document.querySelector('.map').lastmileMap.choose({kind: 'route', id: 'r2'})")
    route, way, light = page.evaluate(script)
    assert (route, way) == ("r2", "r2")
    page.evaluate(
        """() => new Promise((done) => {
          const { map } = document.querySelector('.map').lastmileMap;
          map.on('idle', () =>
            map.getPaintProperty('ground', 'background-color') === '#151b1f' && done());
          document.documentElement.dataset.theme = 'dark';
          document.dispatchEvent(new CustomEvent('theme:changed'));
        })"""
    )
    route, way, dark = page.evaluate(script)
    assert (route, way) == ("r2", "r2")
    assert len(set(light) | set(dark)) == 4  # each theme has its own two


def test_a_pin_is_placed_by_click_keys_numbers_and_suggestion(opened: Open) -> None:
    page = opened(
        '{% map source="#plan" mode="pin" lon="#lon" lat="#lat" %}', "<input id=lon><input id=lat>"
    )
    box = page.locator(".map canvas").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 40, box["y"] + 40)
    first = [float(page.input_value(i)) for i in ("#lon", "#lat")]
    assert heard(page)[-1] == ["map:pin", {"lon": first[0], "lat": first[1]}]
    page.locator(".map-pin").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    moved = [float(page.input_value(i)) for i in ("#lon", "#lat")]
    assert moved[0] > first[0]
    assert moved[1] < first[1]
    page.evaluate(
        "document.querySelector('.map').dispatchEvent("
        "new CustomEvent('map:choose', {detail: {kind: 'candidate', id: 'c1'}}))"
    )
    assert [float(page.input_value(i)) for i in ("#lon", "#lat")] == [-8.6, 41.16]
    page.fill("#lat", "41.2")
    place = page.evaluate("document.querySelector('.map-pin') !== null")
    assert place


def test_a_zone_is_drawn_by_keyboard_alone(opened: Open) -> None:
    page = opened(
        '{% map mode="polygon" geometry="#shape" list="#corners" center="-8.6,41.1" %}',
        "<input id=shape><div id=corners></div>",
    )
    for lon, lat in (("-8.6", "41.1"), ("-8.5", "41.1"), ("-8.5", "41.2")):
        page.get_by_role("button", name="Add corner at map centre").press("Enter")
        page.get_by_label("Longitude").last.fill(lon)
        page.get_by_label("Longitude").last.press("Tab")
        page.get_by_label("Latitude").last.fill(lat)
        page.get_by_label("Latitude").last.press("Tab")
    shape = json.loads(page.input_value("#shape"))
    ring = [[-8.6, 41.1], [-8.5, 41.1], [-8.5, 41.2], [-8.6, 41.1]]
    assert shape == {"type": "Polygon", "coordinates": [ring]}
    page.get_by_role("button", name="Remove corner 2").press("Enter")
    assert page.input_value("#shape") == ""  # a zone needs three corners
    assert heard(page)[-1] == ["map:polygon", {"geometry": None}]


def test_ten_thousand_stops_can_be_loaded(opened: Open) -> None:
    stops = [
        {"id": f"s{i}", "seq": i, "lon": -8.6 + i % 100 / 1e3, "lat": 41.1 + i // 100 / 1e3}
        for i in range(10_000)
    ]
    page = opened('{% map source="#plan" %}', data={"stops": stops})
    assert page.evaluate("document.querySelector('.map').lastmileMap.order.length") == 10_000
