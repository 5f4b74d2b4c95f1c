"""The frame of pages in a real browser: failing panels, shopper and driver frames, workers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, Page, expect

from lastmile.core.http.service_worker import service_worker
from lastmile.core.tenancy import RetailerRef
from tenants.people.models import Member
from tenants.people.services import end_sessions
from tests.browser import frame_urls
from tests.browser.live import Live
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
HERE = "tests.browser.frame_urls"
WORKER = """
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (new URL(event.request.url).pathname === SCOPE + "told") {
    event.respondWith(new Response(JSON.stringify({ STATIC_URL, SCOPE })));
  }
});
"""


@pytest.fixture
def framed(live: Live) -> Iterator[Live]:
    """Return the running server with the test's own pages and navigation."""
    frame_urls.broken = True
    frame_urls.calls.clear()
    with override_settings(ROOT_URLCONF=HERE, NAVIGATION=HERE):
        yield live


def test_a_failing_or_forbidden_panel_does_not_break_the_page(
    framed: Live, page: Page, watch: Watch
) -> None:
    framed.log_in(page.context, "owner")
    page.goto(f"{framed.retailer}/test/panels/")
    expect(page.get_by_text("Of ord_1")).to_be_visible()
    broken = page.locator(".panel", has=page.get_by_role("heading", name="Broken"))
    expect(broken.get_by_role("alert")).to_contain_text("could not be loaded")
    for name in ("Forbidden", "Unknown", "Empty"):
        expect(page.get_by_role("heading", name=name)).to_be_hidden()
    expect(page.get_by_role("heading", name="Order", exact=True)).to_be_visible()
    expect(page.locator(".toast")).to_have_count(0)  # no toast, because no person acted

    frame_urls.broken = False
    broken.get_by_role("button").click()
    expect(broken.get_by_text("Repaired")).to_be_visible()
    expect(broken.get_by_role("alert")).to_be_hidden()
    assert frame_urls.calls == ["/test/good/ord_1/"]  # each panel is requested once
    problems = [line for line in watch.take() if not any(str(n) in line for n in (403, 404, 500))]
    assert problems == []


def test_a_panel_shows_that_it_loads_and_that_the_server_is_lost(framed: Live, page: Page) -> None:
    framed.log_in(page.context, "owner")
    requests = []
    page.route("**/test/good/**", lambda route: requests.append(route))
    page.goto(f"{framed.retailer}/test/panels/")
    good = page.locator(".panel", has=page.get_by_role("heading", name="Good"))
    expect(good.locator("[aria-busy=true] .skeleton").first).to_be_visible()
    requests[0].abort()
    expect(good.get_by_role("alert")).to_be_visible()
    expect(good.locator(".skeleton")).to_have_count(0)
    expect(page.locator(".toast")).to_have_count(0)


def test_without_scripts_a_panel_is_a_link_to_its_page(framed: Live, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    framed.log_in(context, "owner")
    page = context.new_page()
    page.goto(f"{framed.retailer}/test/panels/")
    page.locator(".panel", has_text="Good").get_by_role("link").click()
    expect(page.get_by_role("heading", name="Page of ord_1")).to_be_visible()
    context.close()


def test_an_open_board_shows_that_its_reader_is_signed_out(live: Live, page: Page) -> None:
    email = live.world.emails["dispatcher"]
    live.log_in(page.context, "dispatcher")
    page.goto(live.retailer + "/console/{hub}/{date}/".format(**live.world.names))
    ready = {"timeout": 20_000}  # the map is drawn first, without a graphics card
    expect(page.locator("#board-frame")).to_have_attribute("data-live", "true", **ready)

    def end(_ref: RetailerRef) -> None:
        member = Member.objects.get(email=email)
        end_sessions(public_id=member.public_id, by=None)

    live.do(end)
    toast = page.locator(".toast", has_text="You are signed out")
    expect(toast).to_be_visible()
    expect(page.locator("#board-frame")).to_have_attribute("data-live", "false")
    toast.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/login/"))


def test_the_driver_frame_has_large_targets_and_shows_a_lost_connection(
    live: Live, page: Page, watch: Watch
) -> None:
    live.log_in(page.context, "owner")
    page.set_viewport_size(PHONE)
    page.goto(f"{live.retailer}/design/driver/")
    state = page.locator(".connection")
    expect(state).to_have_text("Online")
    small = page.evaluate(
        """() => [...document.querySelectorAll('.button, .input, summary')]
            .filter((e) => e.checkVisibility() && !e.closest('.toasts'))
            .map((e) => [e.textContent.trim(), e.getBoundingClientRect().height])
            .filter(([, height]) => height < 48)"""
    )
    assert small == []
    action = page.get_by_role("link", name="Delivered", exact=True).bounding_box()
    assert action is not None
    assert action["y"] + action["height"] > PHONE["height"] - 80  # within reach of the thumb
    page.context.set_offline(True)
    expect(state).to_contain_text("Offline")
    page.context.set_offline(False)
    expect(state).to_have_text("Online")
    assert page.locator("nav").count() == 0
    assert watch.take() == []


def test_the_shopper_s_frame_has_no_menu_and_changes_language_without_scripts(
    live: Live, browser: Browser
) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    live.log_in(context, "owner")
    page = context.new_page()
    page.goto(f"{live.retailer}/design/shopper/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Arriving between")
    assert page.locator("nav, details").count() == 0
    assert page.locator("header a").count() == 0
    page.get_by_role("button", name="Español").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Llega entre")
    context.close()


def test_a_service_worker_answers_only_below_its_own_address(
    live: Live, page: Page, watch: Watch, tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "sw.js").write_text(WORKER)
    with (
        override_settings(STATICFILES_DIRS=[str(tmp_path)]),
        override_settings(ROOT_URLCONF="tests.browser.worker_urls"),
    ):
        live.log_in(page.context, "owner")
        page.goto(f"{live.retailer}/app/")
        scope = page.evaluate("async () => (await navigator.serviceWorker.ready).scope")
        assert scope == f"{live.retailer}/app/"
        page.wait_for_function("() => navigator.serviceWorker.controller")
        reply = page.evaluate("async () => (await fetch('/app/told')).json()")
        assert reply["SCOPE"] == "/app/"
        assert reply["STATIC_URL"].startswith("/static/")
        outside = page.goto(f"{live.retailer}/told")
        assert outside is not None
        assert outside.status == 404  # this page is outside the worker's scope
        headers = page.evaluate(
            "async () => Object.fromEntries((await fetch('/app/sw.js')).headers)"
        )
    assert headers["service-worker-allowed"] == "/app/"
    assert headers["cache-control"] == "no-cache"
    assert headers["content-type"].startswith("text/javascript")
    assert "worker-src 'self'" in headers["content-security-policy"]
    assert [line for line in watch.take() if "404" not in line] == []


def test_a_missing_worker_script_stops_the_start() -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        service_worker("nowhere/sw.js", scope="/nowhere/")


def test_the_label_of_a_check_box_is_beside_it_also_with_a_hint(live: Live, page: Page) -> None:
    live.log_in(page.context, "owner")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{live.retailer}/settings/proof/")
        gaps = page.evaluate(
            """() => [...document.querySelectorAll(".field:has(> input[type=checkbox])")]
            .map((field) => [field.querySelector("label"), field.querySelector("input")])
            .map(([label, box]) => label.getBoundingClientRect().left
                - box.getBoundingClientRect().right)"""
        )
        assert len(gaps) >= 3
        assert all(0 < gap < 20 for gap in gaps), (width, gaps)


def test_no_entry_of_the_menu_is_cut_on_a_small_desk_screen_in_long_words(
    live: Live, page: Page
) -> None:
    live.log_in(page.context, "owner")
    page.context.add_cookies([{"name": "language", "value": "es", "url": live.retailer}])
    for width in (1500, 1440, 1366, 1321, 1280, 1200, 1141, 1024, 920):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{live.retailer}/settings/")
        cut = page.locator(".nav").evaluate("(nav) => nav.scrollWidth - nav.clientWidth")
        assert cut <= 0, width


def test_the_menu_of_a_phone_shows_the_entry_of_the_page(live: Live, page: Page) -> None:
    live.log_in(page.context, "owner")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{live.retailer}/settings/")
    entry = page.locator(".nav [aria-current=page]").bounding_box()
    bar = page.locator(".nav").bounding_box()
    assert entry is not None
    assert bar is not None
    assert bar["x"] <= entry["x"]
    assert entry["x"] + entry["width"] <= bar["x"] + bar["width"] + 1
