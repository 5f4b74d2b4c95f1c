"""Messages in a browser: set Twilio up, change a text, read a phone, and why nothing came."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import override_settings
from playwright.sync_api import Page, expect

from dispatch.orders.models import Order
from lastmile.core.clock import now
from lastmile.core.tenancy import RetailerRef
from notifications.channels.base import Outgoing
from notifications.channels.null import NullChannel
from notifications.models import ChannelAccount, KeptMessage, Message, MessageTemplate
from tenants.models import Retailer
from tests.browser.accessibility import violations
from tests.browser.live import Live
from tests.browser.watch import Watch
from tests.factories.messages import make_contact, make_message
from tests.fake_twilio import ACCOUNT_SID, API_KEY, API_SECRET, AUTH_TOKEN, SERVICE_SID, FakeTwilio

pytestmark = pytest.mark.browser
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
TEXT = "/messages/texts/out_for_delivery/en/sms/"


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


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake, override_settings(TWILIO_API_BASE=fake.base_url):
        yield fake


def test_a_manager_sets_twilio_up_with_wrong_and_then_right_credentials(
    live: Live, page: Page, watch: Watch, twilio: FakeTwilio
) -> None:
    live.log_in(page.context, "manager")
    page.goto(f"{live.retailer}/messages/channels/whatsapp/")
    for name, value in (
        ("account_sid", ACCOUNT_SID),
        ("api_key", API_KEY),
        ("api_secret", "the-secret-of-another-key"),
        ("auth_token", AUTH_TOKEN),
        ("service", SERVICE_SID),
    ):
        page.locator(f"[name={name}]").fill(value)
    page.get_by_role("button", name="Save and test").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Copy them again from the Twilio console")
    expect(alert.locator("q")).to_have_text("Authenticate")
    expect(alert).to_contain_text("Code 20003.")
    assert violations(page) == []
    for name in ("api_secret", "auth_token"):
        assert page.locator(f"[name={name}]").input_value() == ""
    assert "the-secret-of-another-key" not in page.content()
    assert AUTH_TOKEN not in page.content()
    page.locator("[name=api_secret]").fill(API_SECRET)
    page.get_by_role("button", name="Save and test").click()
    expect(page.get_by_text("It works: the provider accepts the account")).to_be_visible()
    expect(page.get_by_text("The channel is still off.")).to_be_visible()
    assert API_SECRET not in page.content()
    assert violations(page) == []
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("The channel is on.")).to_be_visible()
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("button", name="Switch on")).to_be_visible()
    assert twilio.book == []
    assert watch.take() == []

    def stored(_ref: RetailerRef) -> tuple[bool, str]:
        account = ChannelAccount.objects.get(channel="whatsapp")
        return account.is_on, account.check_code

    assert live.do(stored) == (False, "ok")


def test_a_manager_changes_a_text_with_a_live_preview_and_a_wrong_variable_is_refused(
    live: Live, page: Page, watch: Watch
) -> None:
    live.log_in(page.context, "manager")
    page.goto(f"{live.retailer}{TEXT}")
    preview, text = page.locator("#text-preview"), page.locator("textarea[name=text]")
    expect(preview).to_contain_text(re.compile(r"\d+ segments?"))
    text.fill("Hello {first_nam}: {link}")
    expect(preview).to_contain_text("first_nam")
    expect(preview.locator(".notice.failed")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_text("first_nam", exact=False).first).to_be_visible()
    expect(text).to_have_value("Hello {first_nam}: {link}")
    assert live.do(lambda _ref: MessageTemplate.objects.filter(channel="sms").count()) == 0
    watch.take()  # the refusal is a 422
    text.fill("{shop}: your order is on its way 🚚 {link}")
    expect(preview).to_contain_text("UCS-2")
    expect(preview).to_contain_text("delivery truck")
    text.fill("{shop}: your order is on its way. {link}")
    expect(preview).to_contain_text("GSM-7")
    expect(preview).to_contain_text("your order is on its way.")
    assert "{shop}" not in preview.inner_text()
    page.locator("#preview-order").select_option("example")
    expect(preview).to_contain_text("your order is on its way.")
    assert violations(page) == []
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_text("Saved. Messages use this text from now on.")).to_be_visible()
    expect(page.get_by_text("Own text")).to_be_visible()
    page.get_by_role("button", name="Back to the default").click()
    expect(page.get_by_text("The default text is used again.")).to_be_visible()
    assert watch.take() == []


def test_the_inbox_of_a_demo_shopper_shows_a_hostile_message_as_text_and_fills_by_itself(
    live: Live, page: Page, watch: Watch
) -> None:
    hostile = "<img src=x onerror=alert(1)> Tom & Jerry's <24h>"
    message_pks: list[int] = []

    def keep(ref: RetailerRef, text: str) -> str:
        Retailer.objects.filter(schema_name=ref.schema).update(is_demo=True)
        order = Order.objects.get(public_id=live.world.names["order"])
        at = now()
        message = make_message(
            order, state="accepted", contact=make_contact(), made_at=at, send_at=at, not_after=at
        )
        outgoing = Outgoing(
            message=message.public_id, call=1, to="+351900001234", text=text, expires_in_s=60,
            language="en",
        )  # fmt: skip
        NullChannel().send(outgoing)
        message_pks.append(message.pk)
        return message.recipient

    def leave(ref: RetailerRef) -> None:
        KeptMessage.objects.all().delete()
        Message.objects.filter(pk__in=message_pks).delete()
        Retailer.objects.filter(schema_name=ref.schema).update(is_demo=False)

    recipient = live.do(lambda ref: keep(ref, hostile))
    try:
        live.log_in(page.context, "dispatcher")
        page.goto(f"{live.retailer}/messages/phone/")
        page.get_by_role("navigation", name="Phones").get_by_role("link").first.click()
        expect(page).to_have_url(re.compile(re.escape(recipient)))
        inbox = page.locator("#inbox")
        expect(inbox).to_contain_text(hostile)
        assert violations(page) == []
        live.do(lambda ref: keep(ref, "Your order has arrived."))
        expect(inbox).to_contain_text("Your order has arrived.", timeout=20_000)
        assert watch.take() == []
    finally:
        live.do(leave)
