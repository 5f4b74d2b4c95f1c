"""The rare states of a shopper's pages: the code, another address, errors, each language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from dispatch.fleet.models import Hub
from dispatch.slots.models import Slot
from lastmile.core.tenancy import RetailerRef, shared_context
from notifications.models import ChannelAccount
from portal.choice.models import ShownOffer
from tenants.models import Retailer
from tests.browser.accessibility import violations
from tests.browser.live import Live
from tests.browser.pages import PAGES
from tests.browser.test_shopper import new_secret
from tests.portal.shopper.codes import let_codes_be_sent, newest_code

pytestmark = pytest.mark.browser
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1440, "height": 900}
STATES: tuple[tuple[ViewportSize, Literal["light", "dark"]], ...] = (
    (PHONE, "light"),
    (DESK, "dark"),
)
SHOPPER_PAGES = [one for one in PAGES if one.path.startswith("/t/") and "lang=" not in one.path]
# Without the checks of the browser, as a shopper with scripts off or an old form sends it.
_SEND = """form => {
    const button = [...form.querySelectorAll('button')].pop();
    form.noValidate = true;
    form.requestSubmit(button);
}"""


def fits(page: Page) -> None:
    """Check a page in its present state: on a phone and on a dark desk."""
    for size, scheme in STATES:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert violations(page) == [], scheme
    page.set_viewport_size(PHONE)
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0, "the page scrolls sideways"


def send(page: Page, form: Locator) -> int:
    """Send a form without the checks of the browser; return the status of the answer."""
    with page.expect_navigation() as navigation:
        form.evaluate(_SEND)
    answer = navigation.value
    assert answer is not None
    return answer.status


@pytest.fixture
def demo(live: Live) -> Iterator[None]:
    """Let the retailer be a demo, whose codes go to the Null channel."""

    def be(is_demo: bool) -> Callable[[RetailerRef], None]:
        def act(ref: RetailerRef) -> None:
            with shared_context():
                Retailer.objects.filter(schema_name=ref.schema).update(is_demo=is_demo)
            if is_demo:
                let_codes_be_sent()
            else:
                ChannelAccount.objects.update(is_on=False)

        return act

    live.do(be(True))
    yield
    live.do(be(False))


def code_of(live: Live) -> str:
    return live.do(lambda _ref: newest_code())


def confirmed(live: Live, page: Page, secret: str, path: str) -> None:
    """Go through the page of the code to a page that needs it."""
    page.goto(f"{live.retailer}/t/{secret}/{path}")
    page.get_by_role("button", name="Send the code").click()
    page.get_by_label("Code").fill(code_of(live))
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(f"**/{path}")


@pytest.mark.parametrize("language", ["es", "ar"])
def test_every_page_of_a_shopper_is_accessible_in_every_language(
    live: Live, page: Page, language: str
) -> None:
    for visit in SHOPPER_PAGES:
        mark = "&" if "?" in visit.path else "?"
        page.goto(f"{visit.url(live)}{mark}lang={language}")
        page.locator(visit.ready).first.wait_for()
        html = page.locator("html")
        expect(html).to_have_attribute("lang", language)
        expect(html).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
        fits(page)


def test_the_page_of_the_code_in_each_state(live: Live, page: Page, demo: None) -> None:
    secret = new_secret(live)
    page.goto(f"{live.retailer}/t/{secret}/change/address/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm with a code")
    fits(page)
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_text("We sent a code of six digits")).to_be_visible()
    fits(page)
    wrong = f"{(int(code_of(live)) + 1) % 1_000_000:06d}"
    page.get_by_label("Code").fill(wrong)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("4 more tries")
    fits(page)
    for _time in range(3):
        page.get_by_role("button", name="Send a new code").click()
    expect(page.get_by_role("alert")).to_contain_text("Wait 60 minutes")
    fits(page)


def test_without_a_channel_the_page_of_the_code_says_so(live: Live, page: Page) -> None:
    page.goto(f"{live.retailer}/t/{new_secret(live)}/confirm/?next=change/address/")
    expect(page.get_by_text("this shop cannot send you messages now")).to_be_visible()
    fits(page)


def test_another_address_empty_unknown_and_refused(live: Live, page: Page, demo: None) -> None:
    confirmed(live, page, new_secret(live), "change/address/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Where should it go?")
    fits(page)
    assert send(page, page.locator("main form.form")) == 422
    expect(page.get_by_text("This field is required.").first).to_be_visible()
    fits(page)
    page.get_by_label("Street").fill("No such street")
    page.get_by_label("House number").fill("7")
    page.get_by_label("Town").fill("Nowhere")
    assert send(page, page.locator("main form.form")) == 422
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Street")).to_have_value("No such street")
    fits(page)


def test_what_was_typed_is_there_after_the_code(live: Live, page: Page, demo: None) -> None:
    page.goto(f"{live.retailer}/t/{new_secret(live)}/change/instructions/")
    page.get_by_label("Leave it in a safe place").check()
    page.get_by_label("Note for the driver").fill("In the shed")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Send the code").click()
    page.get_by_label("Code").fill(code_of(live))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_label("Note for the driver")).to_have_value("In the shed")
    expect(page.get_by_label("Leave it in a safe place")).to_be_checked()
    fits(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Your instructions were saved")


def test_a_time_that_is_gone_or_full_shows_its_error_and_the_times_near_it(
    live: Live, page: Page
) -> None:
    page.goto(f"{live.retailer}/t/{new_secret(live)}/")
    page.get_by_role("button", name="Choose a time").click()
    offers = page.locator("form.offers")
    assert send(page, offers) == 422
    expect(page.get_by_role("alert")).to_contain_text("Choose one of the times")
    fits(page)
    first = page.locator("input[name=offer]").first
    offer = str(first.get_attribute("value"))
    before = live.do(lambda _ref: Slot.objects.get(public_id=offer).capacity_orders)

    def limit(orders: int | None) -> None:
        live.do(lambda _ref: Slot.objects.filter(public_id=offer).update(capacity_orders=orders))

    limit(0)
    first.check()
    status = send(page, offers)
    limit(before)
    assert status == 409
    expect(page.get_by_text("Near it, these times are still free:")).to_be_visible()
    fits(page)


def test_a_list_with_pickups_alone_and_a_list_without_any_time(live: Live, page: Page) -> None:
    page.goto(f"{live.retailer}/t/{new_secret(live)}/")
    page.get_by_role("button", name="Choose a time").click()
    session = page.url.rstrip("/").rpartition("/")[2]

    def pass_by(**which: Any) -> Callable[[RetailerRef], None]:
        def act(_ref: RetailerRef) -> None:
            rows = ShownOffer.objects.filter(session__public_id=session, **which)
            rows.update(book_until_at="2020-01-01T00:00:00Z")

        return act

    live.do(pass_by(option="window"))
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("When will you collect it?")
    fits(page)
    live.do(pass_by())
    page.reload()
    expect(page.get_by_text("No time is free at the moment.")).to_be_visible()
    fits(page)


@pytest.mark.parametrize(
    ("path", "form", "words"),
    [
        ("change/cancel/", "main form.form", "Choose a reason."),
        ("change/instructions/", "main form.form", "Write where the safe place is"),
    ],
)
def test_a_form_with_an_error_is_accessible(
    live: Live, page: Page, path: str, form: str, words: str
) -> None:
    page.goto(f"{live.retailer}/t/{new_secret(live)}/{path}")
    if "instructions" in path:
        page.get_by_label("Leave it in a safe place").check()
    assert send(page, page.locator(form)) == 422
    expect(page.get_by_text(words)).to_be_visible()
    fits(page)


def test_an_unknown_link_and_an_ended_order_are_accessible(live: Live, page: Page) -> None:
    answer = page.goto(f"{live.retailer}/t/{'a' * 32}/")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_contain_text("This link does not work.")
    fits(page)
    secret = live.world.names["delivered"]
    for path in ("choose/", "change/cancel/", "change/instructions/"):
        page.goto(f"{live.retailer}/t/{secret}/{path}")
        expect(page.locator(".notice").first).to_be_visible()
        fits(page)


@pytest.mark.parametrize(
    ("zone", "scripts", "named"),
    [("hub", True, False), ("Asia/Dubai", True, True), ("Asia/Dubai", False, True)],
)
def test_a_reader_whose_clock_shows_another_time_reads_the_zone_of_the_times(
    live: Live, browser: Browser, zone: str, scripts: bool, named: bool
) -> None:
    here = live.do(lambda _ref: str(Hub.objects.get(public_id=live.world.names["hub"]).zone))
    context = browser.new_context(
        timezone_id=here if zone == "hub" else zone, java_script_enabled=scripts, locale="en-GB"
    )
    page = context.new_page()
    names = live.world.names
    for path in (
        f"{names['shopper']}/",
        f"{names['choosing']}/choose/{names['choosing-session']}/",
        f"{names['holding']}/choose/{names['holding-session']}/confirm/",
    ):
        page.goto(f"{live.retailer}/t/{path}", wait_until="networkidle")
        note = page.locator("main p", has_text=re.compile("^All times here are local times of "))
        expect(note.locator("visible=true")).to_have_count(int(named))
    context.close()


def test_the_field_for_a_code_is_shown_where_a_code_is_needed(live: Live, page: Page) -> None:
    page.goto(f"{live.retailer}/t/{new_secret(live)}/change/instructions/")
    code = page.locator("input[name=code]")
    expect(code).to_be_hidden()
    page.get_by_label("In person, only against a PIN").check()
    expect(code).to_be_visible()
    code.fill("4711")
    page.get_by_label("Hand it to me in person").check()
    expect(code).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Only a gate, a lockbox or a PIN has a code.")).to_be_visible()
    code.fill("")
    expect(code).to_be_visible()
