"""A new owner in an empty retailer makes everything through the pages, up to a published plan.

The hub, the vehicle, the shift, the orders, the pin and the plan all come from input in the
browser. The test only runs the jobs of the workers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from django.db import connections
from playwright.sync_api import Page, expect

from dispatch.fleet.models import Hub, Shift
from dispatch.orders.models import Order
from dispatch.planning.models import Plan
from lastmile.core.tenancy import retailer_context
from tenants.permissions import Role
from tests.browser.accessibility import violations
from tests.browser.live import Live
from tests.browser.watch import Watch
from tests.databases import SECOND
from tests.dispatch.roads.town import Town, spot
from tests.drain import drain
from tests.people import PASSWORD, add_member

pytestmark = pytest.mark.browser
T = TypeVar("T")
OWNER = "owner@empty.example"
FILE = (
    b"order_id,name,address,kg\n"
    b"N-1,Ana Reis,Long Street 2,4\n"
    b"N-2,Rui Costa,Long Street 8,2\n"
    b"N-3,Zoe Lopes,Alley without a name,1\n"
)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the only street network of the installation: one long street with four houses."""
    streets = Town()
    streets.way(*(streets.node(x, 0) for x in range(11)), name="Long Street")
    for number in (2, 4, 6, 8):
        tags = {"addr:housenumber": str(number), "addr:street": "Long Street"}
        streets.node(number, -0.2, tags | {"addr:city": "Upper Town"})
    folder = tmp_path_factory.mktemp("first-plan")
    streets.build(folder)
    return folder


@pytest.fixture(autouse=True)
def var(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LASTMILE_VAR", str(town))


def inside(live: Live, act: Callable[[], T]) -> T:
    """Call ``act`` in the empty retailer, in the thread for database work."""

    def run() -> T:
        try:
            with retailer_context(SECOND.schema):
                return act()
        finally:
            connections.close_all()

    return live.worker.submit(run).result(timeout=240)


def test_a_new_owner_gets_from_an_empty_retailer_to_a_published_plan(
    live: Live, page: Page, watch: Watch
) -> None:
    inside(live, lambda: add_member(Role.OWNER, email=OWNER))
    assert inside(live, Hub.objects.count) == 0
    _sign_in(page, f"http://{SECOND.domain}:{live.port}")
    _make_the_hub(page)
    _make_a_vehicle(page)
    _make_a_shift(page)
    _import_the_file(live, page)
    _put_the_pin(page)
    _plan_and_publish(live, page)
    (plan,) = inside(live, lambda: list(Plan.objects.all()))
    assert (plan.status, plan.orders_count, plan.unserved_count) == ("published", 3, 0)
    assert plan.travel_source == "roads"
    states = inside(live, lambda: set(Order.objects.values_list("state", flat=True)))
    assert states == {"planned"}
    assert watch.take() == []


def _sign_in(page: Page, house: str) -> None:
    page.goto(f"{house}/console/")
    page.get_by_label("E-mail").fill(OWNER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="No hub yet")).to_be_visible()
    assert violations(page) == []


def _make_the_hub(page: Page) -> None:
    page.get_by_role("link", name="Add hub").click()
    page.get_by_label("Name").fill("Central")
    page.get_by_label("Address").fill("Long Street 4")
    expect(page.get_by_label("Street network")).to_have_value("town")  # the only street network
    page.get_by_role("button", name="Find the address on the map").click()
    expect(page.get_by_text("Found: Long Street 4")).to_be_visible()
    expect(page.locator(".map-pin")).to_be_visible()
    assert abs(float(page.get_by_label("Longitude").input_value()) - spot(4, 0).lon) < 0.0005
    expect(page.get_by_text("No street map is loaded")).to_have_count(0)
    assert violations(page) == []
    page.get_by_label("Name").press("Enter")  # saves without a new search for the address
    expect(page.get_by_text("Central was added.")).to_be_visible()


def _make_a_vehicle(page: Page) -> None:
    page.get_by_role("link", name="Vehicles").click()
    page.get_by_role("link", name="Add vehicle").first.click()
    page.get_by_label("Name").fill("Van 1")
    page.get_by_label("Capacity, kg").fill("800")
    page.get_by_label("Capacity, litres").fill("6000")
    page.get_by_label("Capacity, parcels").fill("60")
    page.get_by_role("button", name="Add vehicle").click()
    expect(page.get_by_text("Van 1 was added.")).to_be_visible()


def _make_a_shift(page: Page) -> None:
    page.get_by_role("link", name="Shifts").click()
    page.get_by_role("link", name="The day after").click()
    page.get_by_label("Vehicle").select_option(label="Van 1")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("The shift was added.")).to_be_visible()


def _import_the_file(live: Live, page: Page) -> None:
    assert inside(live, Shift.objects.count) == 1
    page.get_by_role("link", name="Import", exact=True).click()
    file = {"name": "first.csv", "mimeType": "text/csv", "buffer": FILE}
    page.locator("input[type=file]").set_input_files(files=[file])  # type: ignore[list-item]
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    inside(live, drain)
    expect(page.get_by_text("3 rows were read. Nothing has changed yet.")).to_be_visible()
    assert inside(live, Order.objects.count) == 0
    page.get_by_role("button", name=re.compile("Import 3 orders")).click()
    inside(live, drain)
    expect(page.get_by_text("3 orders were imported.")).to_be_visible()


def _put_the_pin(page: Page) -> None:
    page.get_by_role("link", name="Set 1 pin").click()
    page.get_by_role("link", name="Alley without a name").click()
    door = spot(6, 0.2)
    page.get_by_label("Latitude").fill(f"{door.lat:.6f}")
    page.get_by_label("Longitude").fill(f"{door.lon:.6f}")
    page.get_by_role("button", name="Save pin").click()
    expect(page.get_by_text("The pin was saved, also for the next order")).to_be_visible()


def _plan_and_publish(live: Live, page: Page) -> None:
    page.get_by_role("link", name="Board", exact=True).click()
    page.get_by_role("link", name="The day after").click()
    expect(page.get_by_text("3 orders are ready")).to_be_visible()
    page.locator("#board-plan-day").click()
    page.get_by_role("button", name="5 seconds", exact=True).click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    inside(live, drain)
    expect(page.locator("#board-publish")).to_be_visible(timeout=30_000)
    assert violations(page) == []
    page.locator("#board-publish").click()
    expect(page.get_by_text("It becomes the current plan of the day.")).to_be_visible()
    page.get_by_role("button", name="Publish plan").click()
    expect(page.get_by_text("Published. This is now the current plan.")).to_be_visible()
    inside(live, drain)
    page.get_by_role("link", name="Today", exact=True).first.click()
    expect(page.get_by_text("Everything is planned and published.")).to_be_visible()
