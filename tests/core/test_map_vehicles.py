"""Vehicles on the map move without a new drawing of the map, and stay in place when it moves."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.core.test_map import Open, heard, opened, requested_urls

__all__ = ["opened", "requested_urls"]
pytestmark = pytest.mark.browser
VIEW = "document.querySelector('.map').lastmileMap"
WEST = {"id": "v1", "lon": -8.61, "lat": 41.15, "label": "<b>Van 1</b>", "heading": 90}
EAST = WEST | {"lon": -8.60}
RUNS = f"{VIEW}.vehicles.layer.getAnimations({{ subtree: true }})"
RUNNING = f"{RUNS}.length"
SLOW_MS = 600_000  # it hardly moves during a test
#: Waits for ten frames of the page.
FRAMES = """async () => {
  for (let n = 0; n < 10; n++) await new Promise(requestAnimationFrame);
}"""
#: The distance in pixels of the vehicle from where the map has a place.
OFF = f"""([lon, lat]) => {{
  const at = {VIEW}.map.project([lon, lat]);
  const box = document.querySelector('.map-vehicle').getBoundingClientRect();
  const map = document.querySelector('.map').getBoundingClientRect();
  return Math.hypot(box.x + box.width / 2 - map.x - at.x, box.y + box.height / 2 - map.y - at.y);
}}"""


def show(page: Page, vehicles: list[dict[str, Any]], slide_ms: int = 0) -> None:
    page.evaluate(f"([all, ms]) => {VIEW}.setVehicles(all, ms)", [vehicles, slide_ms])


def settle(page: Page) -> None:
    """Wait until the map draws nothing any more."""
    page.evaluate(
        f"() => new Promise((done) => {{ {VIEW}.map.once('idle', done);"
        f" {VIEW}.map.triggerRepaint(); }})"
    )


def test_a_vehicle_slides_to_its_new_place_and_the_map_is_not_drawn_again(opened: Open) -> None:
    page = opened('{% map source="#plan" %}')
    show(page, [WEST])
    settle(page)
    page.evaluate(f"() => {{ window.drawn = 0; {VIEW}.map.on('render', () => window.drawn++); }}")
    show(page, [EAST], SLOW_MS)
    assert page.evaluate(RUNNING) == 1
    assert page.evaluate(OFF, [WEST["lon"], WEST["lat"]]) < 20, "it jumped"
    page.evaluate(FRAMES)
    page.evaluate(f"{RUNS}[0].finish()")
    assert page.evaluate(OFF, [EAST["lon"], EAST["lat"]]) < 1
    assert page.evaluate("window.drawn") == 0


def test_a_vehicle_stays_at_its_place_while_the_map_moves(opened: Open) -> None:
    page = opened('{% map source="#plan" %}')
    show(page, [WEST])
    show(page, [EAST], SLOW_MS)
    assert page.evaluate(RUNNING) == 1
    zoom = f"{VIEW}.map.jumpTo({{ center: [-8.605, 41.155], zoom: {VIEW}.map.getZoom() + 1 }})"
    page.evaluate(zoom)
    assert page.evaluate(OFF, [WEST["lon"], WEST["lat"]]) < 20
    assert page.evaluate(RUNNING) == 1, "it slides on after the map has moved"
    page.evaluate(f"{RUNS}[0].finish()")
    assert page.evaluate(OFF, [EAST["lon"], EAST["lat"]]) < 1


def test_a_reader_who_wants_no_motion_sees_a_vehicle_at_its_place_at_once(opened: Open) -> None:
    page = opened('{% map source="#plan" %}')
    page.emulate_media(reduced_motion="reduce")
    show(page, [WEST])
    show(page, [EAST], SLOW_MS)
    assert page.evaluate(RUNNING) == 0
    assert page.evaluate(OFF, [EAST["lon"], EAST["lat"]]) < 1


def test_a_vehicle_that_is_gone_is_removed_and_one_without_a_place_is_not_drawn(
    opened: Open,
) -> None:
    page = opened('{% map source="#plan" %}')
    show(page, [WEST, {"id": "v2", "lon": None, "lat": None, "label": "Van 2"}])
    assert page.locator(".map-vehicle").count() == 1
    show(page, [WEST | {"id": "v3"}])
    names = page.eval_on_selector_all(
        ".map-vehicle", "all => all.map((one) => one.dataset.vehicle)"
    )
    assert names == ["v3"]


def test_a_vehicle_says_its_name_as_text_and_is_chosen_by_a_click(opened: Open) -> None:
    page = opened('{% map source="#plan" %}')
    show(page, [WEST])
    page.locator(".map-vehicle").hover()
    assert page.locator(".map-tip").inner_text() == WEST["label"]
    page.locator(".map-vehicle").click()
    assert heard(page) == [["map:select", {"kind": "vehicle", "id": "v1"}]]
