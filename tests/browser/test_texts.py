"""A manager changes a text: the preview follows the typing, says the price and runs nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from notifications.models import MessageTemplate
from tests.browser.live import Live
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"


def test_the_preview_follows_the_typing_and_runs_nothing(
    live: Live, context: BrowserContext, page: Page, watch: Watch
) -> None:
    live.log_in(context, "manager")
    page.goto(f"{live.retailer}/messages/texts/delivered/en/sms/")
    text, preview = page.locator("textarea[name=text]"), page.locator("#text-preview")
    expect(preview).to_contain_text("was delivered")
    text.fill("")
    page.locator("[data-insert='{shop}']").click()
    expect(text).to_have_value("{shop}")
    text.press("End")
    page.keyboard.type(" says “hello”")
    expect(preview).to_contain_text("says “hello”")
    expect(preview).to_contain_text("left double quotation mark")
    text.fill(HOSTILE)
    expect(preview).to_contain_text("onerror")
    assert page.title() != "run"
    assert preview.locator("img, script").count() == 0
    text.fill("Hi {shp}")
    expect(preview).to_contain_text("Line 1, character 5: There is no variable “shp” here.")
    text.fill("It is there: {link}")
    expect(preview).to_contain_text("1 segment")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Messages use this text from now on.")).to_be_visible()
    own = live.do(lambda ref: MessageTemplate.objects.get(moment="delivered").parts)
    assert own == {"text": "It is there: {link}"}
    page.get_by_role("button", name="Back to the default").click()
    expect(text).to_have_value("Your order from {shop} was delivered. See it: {link}")
