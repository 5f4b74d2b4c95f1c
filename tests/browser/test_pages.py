"""Every main page has no console errors, no accessibility faults, and fits a phone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.accessibility import violations
from tests.browser.live import Live
from tests.browser.pages import PAGES, Visit
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
_TOO_WIDE = """() => {
    const wide = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= wide) return [];
    return [...document.querySelectorAll('body *')]
        .filter(e => e.getBoundingClientRect().right > wide + 0.5)
        .slice(0, 5)
        .map(e => e.tagName.toLowerCase() + '.' + e.className);
}"""


def visited(live: Live, page: Page, visit: Visit) -> int:
    """Visit a page with its role; return the status of the response."""
    if visit.role:
        live.log_in(page.context, visit.role)
    answer = page.goto(visit.url(live))
    page.locator(visit.ready).first.wait_for()
    page.wait_for_load_state("networkidle")
    assert answer is not None
    return answer.status


@pytest.mark.parametrize("visit", PAGES, ids=[visit.name for visit in PAGES])
def test_a_page_has_no_errors_is_accessible_and_fits(
    live: Live, page: Page, watch: Watch, visit: Visit
) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size(DESK)
    assert visited(live, page, visit) == visit.status
    for _look in looks(page):
        page.wait_for_load_state("networkidle")
    problems = watch.take()  # before axe, because the policy refuses the styles of axe
    if visit.status >= 400:  # the console repeats the page's own status
        problems = [line for line in problems if str(visit.status) not in line]
    faults = [*_unfit(page)] if visit.own else []
    assert not faults + problems, "\n".join(["", *faults, *problems])


def looks(page: Page) -> Iterator[str]:
    """Show a page in each width and colour scheme; yield a name of each."""
    for size, scheme in itertools.product((DESK, PHONE), ("light", "dark")):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        yield f"{size['width']} px, {scheme}"


def _unfit(page: Page) -> Iterator[str]:
    for look in looks(page):
        yield from (f"{look}: {fault}" for fault in violations(page))
    too_wide = page.evaluate(_TOO_WIDE)
    if too_wide:
        yield f"390 px: the page scrolls sideways because of {too_wide}"


def test_a_fault_is_found(live: Live, browser: Browser, page: Page, watch: Watch) -> None:
    page.goto(f"{live.retailer}/login/")
    assert watch.take() == []
    assert violations(page) == []
    page.evaluate(
        """() => {
        document.querySelector('main').insertAdjacentHTML('beforeend',
            '<p style="color: #bbb; background: #fff; inline-size: 3000px">pale</p><input>');
        fetch('http://127.0.0.1:9/').catch(() => 0);
        console.error('something');
    }"""
    )
    page.wait_for_timeout(100)
    problems = "\n".join(watch.take())
    assert "Content Security Policy" in problems  # the style attribute, and the fetch
    assert "another host" in problems or "connect-src" in problems
    assert "something" in problems
    assert any(fault.startswith("label") for fault in violations(page))
    page.evaluate("document.querySelector('main > p:last-of-type').style.inlineSize = '3000px'")
    page.set_viewport_size(PHONE)
    assert page.evaluate(_TOO_WIDE)
