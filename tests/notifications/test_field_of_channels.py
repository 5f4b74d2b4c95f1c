"""Rows M03, M11 and M12 of the field: opt-outs at the provider, restored copies, WhatsApp's window.

They run from the intent through the pump and the real ``twilio`` client to a fake Twilio.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from dispatch.orders.drafts import ShopperDraft
from dispatch.orders.models import Order
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.channels.twilio_credentials import report_url
from notifications.models import ChannelAccount, ContactChannel, Message, ProviderCall
from notifications.services.accounts import AccountDraft, set_account, switch_on
from notifications.services.polling import WITHOUT_REPORTS_S, first_poll_s
from notifications.states import MessageState
from tests.databases import FIRST, copy_of
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import at, out
from tests.factories import make_hub, make_order
from tests.factories.orders import make_window
from tests.fake_twilio import (
    ACCOUNT_SID,
    API_KEY,
    API_SECRET,
    AUTH_TOKEN,
    SERVICE_SID,
    Behaviour,
    FakeTwilio,
)
from tests.notifications.ledger.stage import again, hurry, pump, tell_shopper

DRAFT = AccountDraft(
    shape="twilio-own",
    values={"account_sid": ACCOUNT_SID, "api_key": API_KEY, "service": SERVICE_SID},
    secrets={"api_secret": API_SECRET, "auth_token": AUTH_TOKEN},
    per_s=500,
)
ANA, EVA, ZOE = "+34600000001", "+34600000002", "+34600000003"


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeTwilio]:
    with FakeTwilio(Behaviour(reports=(), report_after_s=0.0)) as running:
        settings.TWILIO_API_BASE = running.base_url
        yield running


@pytest.fixture
def orders(fresh_db: str, retailer: RetailerRef, clock: SetClock) -> dict[str, Order]:
    """Return the orders of three shoppers that are on the road, by phone number."""
    hub = make_hub().public_id
    placed = {}
    for number in (ANA, EVA, ZOE):
        shopper = ShopperDraft(name="A shopper", phone=number)
        placed[number] = make_order(hub=hub, window=make_window(), shopper=shopper)
    clock(at(10))
    return {number: out(order) for number, order in placed.items()}


def send_all() -> None:
    """Pump until nothing waits: on a busy machine one pump may end before."""
    for _time in range(6):
        pump()
        if not Message.objects.filter(state__in=[MessageState.WAITING, MessageState.SENDING]):
            return


def switched_on(*channels: str) -> None:
    for channel in channels:
        switch_on(account=set_account(channel=channel, draft=DRAFT, version=None), version=None)


@pytest.mark.parametrize("later", [False, True], ids=["by the answer", "by a report"])
def test_m03_a_refusal_for_one_person_touches_only_that_message_and_is_our_opt_out_too(
    orders: dict[str, Order], fake: FakeTwilio, later: bool
) -> None:
    """A messaging service accepts first and reports the refusal later."""
    switched_on("sms")
    if later:
        fake.ends[EVA] = ("failed", 21610)
    else:
        fake.refuse[EVA] = 21610
    messages = {number: tell_shopper(order) for number, order in orders.items()}
    send_all()
    if later:
        hurry()  # the result is asked for
        pump()
    taken = sorted(taken.to for taken in fake.book)  # senders run side by side: in any order
    assert taken == ([ANA, EVA, ZOE] if later else [ANA, ZOE])
    eva = again(messages[EVA])
    assert (eva.state, eva.reason) == (MessageState.FAILED, "opted_out")
    assert again(messages[ZOE]).state == MessageState.ACCEPTED
    row = ContactChannel.objects.get(contact=eva.contact, channel="sms")
    assert (row.opted_out_at is not None, row.opted_out_by) == (True, "provider")
    calls = len(fake.arrivals)
    following = tell_shopper(orders[EVA])
    assert (following.state, following.reason) == (MessageState.SKIPPED, "opted_out")
    pump()
    assert len(fake.arrivals) == calls
    assert not ProviderCall.objects.filter(message=following).exists()
    assert tell_shopper(orders[ANA]).state == MessageState.WAITING


@pytest.mark.parametrize("code", [63016, 63013, 29999])
@pytest.mark.parametrize("later", [False, True], ids=["by the answer", "by a report"])
def test_m12_any_refusal_of_free_text_goes_to_the_next_channel_and_names_its_reason(
    orders: dict[str, Order], fake: FakeTwilio, code: int, later: bool
) -> None:
    switched_on("whatsapp", "sms")
    number = f"whatsapp:{ANA}"
    if later:
        fake.ends[number] = ("undelivered", code)
    else:
        fake.refuse[number] = code
    first = tell_shopper(orders[ANA])
    assert first.channel == "whatsapp"
    send_all()
    if later:
        hurry()
        pump()
    first = again(first)
    window = "window" if code == 63016 else ""
    assert first.state == MessageState.FAILED
    assert (first.reason == "window") == bool(window)
    (following,) = Message.objects.filter(follows=first)
    assert (following.channel, following.state) == ("sms", MessageState.ACCEPTED)
    assert [taken.to for taken in fake.book if not taken.to.startswith("whatsapp")] == [ANA]


def test_m11_a_restored_copy_sends_nothing_until_each_channel_is_switched_on_there(
    fresh_db: str, orders: dict[str, Order], fake: FakeTwilio
) -> None:
    switched_on("sms")
    message = tell_shopper(orders[ANA])
    connections.close_all()
    with copy_of(fresh_db), retailer_context(FIRST.schema):
        pump()
        unsent = again(message)
        assert (unsent.state, unsent.reason) == (MessageState.SKIPPED, "restored_copy")
        assert fake.arrivals == []
        assert fake.calls == []
        switch_on(account=ChannelAccount.objects.get(channel="sms"), version=None)
        following = tell_shopper(Order.objects.get(pk=orders[EVA].pk))
        pump()
        assert again(following).state == MessageState.ACCEPTED
        assert [taken.to for taken in fake.book] == [EVA]
        connections.close_all()
    with retailer_context(FIRST.schema):
        pump()  # the original goes on as before
        assert again(message).state == MessageState.ACCEPTED


def test_m11_another_host_is_another_installation(
    orders: dict[str, Order], fake: FakeTwilio, settings: Any
) -> None:
    switched_on("sms")
    message = tell_shopper(orders[ANA])
    settings.BASE_DOMAIN = "copy.example"
    pump()
    assert (again(message).reason, fake.arrivals) == ("restored_copy", [])


def test_a_laptop_that_twilio_cannot_call_asks_for_the_result_soon(
    orders: dict[str, Order], fake: FakeTwilio, settings: Any
) -> None:
    switched_on("sms")
    account = ChannelAccount.objects.get(channel="sms")
    assert first_poll_s(account) == settings.LIMIT_MESSAGE_POLL_S
    assert report_url(account, message="msg_1", call=1).endswith("/callbacks/twilio/?m=msg_1&c=1")
    settings.TWILIO_API_BASE = ""
    assert first_poll_s(account) == WITHOUT_REPORTS_S
    assert report_url(account, message="msg_1", call=1) == ""
    settings.LOCAL = False
    assert first_poll_s(account) == settings.LIMIT_MESSAGE_POLL_S
    assert report_url(account, message="msg_1", call=1)
