"""Messages in a browser: a dispatcher finds out why one shopper got nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import violations
from tests.browser.live import Live
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_dispatcher_finds_out_why_one_shopper_got_nothing(
    live: Live, page: Page, watch: Watch, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    live.log_in(page.context, "dispatcher")
    page.goto(f"{live.retailer}/console/orders/{live.world.names['order']}/")
    panel = page.get_by_role("region", name="Was the shopper told?")
    panel.scroll_into_view_if_needed()
    expect(panel.get_by_text("No.", exact=True)).to_be_visible()
    expect(panel).to_contain_text("The provider accepted it, but the network did not deliver it.")
    expect(panel).to_contain_text("“Day before” goes out by SMS on")
    assert violations(page) == []
    panel.get_by_role("link", name="Out for delivery").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Failed")
    expect(page.get_by_text("Unreachable destination handset")).to_be_visible()
    expect(page.get_by_text("The phone is off or out of coverage.")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name="All messages").click()
    page.get_by_label("Reason").select_option("opted_out")
    expect(page.get_by_role("link", name="Reminder to choose")).to_be_visible()
    expect(page.get_by_role("link", name="Out for delivery")).to_have_count(0)
    assert violations(page) == []
    assert watch.take() == []
