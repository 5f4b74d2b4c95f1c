"""Situations of a real day in which people write back: stop, start, and numbers that are shared."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from dispatch.orders.drafts import ShopperDraft
from dispatch.orders.models import Order
from lastmile.core.clock import now
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.models import ContactChannel, Message, Thread, ThreadEntry
from notifications.services.contacts import contact_of, opt_out
from notifications.services.threads import Inbound, receive_reply
from tests.dispatch.conftest import SetClock
from tests.factories import make_hub, make_order
from tests.factories.orders import DAY, make_window
from tests.notifications.making import make_message, make_sent, switch_on
from tests.notifications.one_day import send_due

PHONE = "+351912345678"
NOON = dt.datetime.combine(DAY, dt.time(12), dt.UTC)
_numbers = itertools.count(1)


@pytest.fixture
def shop(retailer: RetailerRef, clock: SetClock) -> RetailerRef:
    """Return a retailer whose text messages are on; it is noon on the day of the orders."""
    clock(NOON)
    make_hub()
    switch_on("sms", "email")
    return retailer


def place(**fields: Any) -> Order:
    known = {"name": "Ana", "phone": PHONE, "email": "ana@example.org", "language": "en"}
    return make_order(shopper=ShopperDraft(**known | fields), window=make_window(14, 16))


def reply(text: str, **fields: Any) -> ThreadEntry:
    values: dict[str, Any] = {
        "channel": "sms",
        "from_": PHONE,
        "to": "+15550001",
        "text": text,
        "provider_id": f"SM{next(_numbers):032d}",
        "at": now(),
    }
    return receive_reply(Inbound(**values | fields))


def stopped() -> bool:
    return ContactChannel.objects.filter(opted_out_at__isnull=False, channel="sms").exists()


@pytest.mark.parametrize(
    "text",
    ["STOP", "stop!", "Alto.", "BAJA por favor", "توقف", "قف!", "  parar  ", "Stop, thank you 🙏"],
)
def test_stop_at_a_number_with_two_orders_ends_the_messages_of_both(
    shop: RetailerRef, text: str
) -> None:
    orders = [place(email=""), place(email="")]
    contact = contact_of("phone", PHONE)
    for order in orders:
        make_message(contact=contact, order=order, moment="answer", text="Hello")
    reply(text)
    assert send_due() == []
    assert set(Message.objects.values_list("state", "reason")) == {("skipped", "opted_out")}


def test_start_after_stop_brings_the_messages_back(shop: RetailerRef) -> None:
    order = place()
    reply("STOP")
    assert stopped()
    reply("start")
    assert not stopped()
    make_message(contact=contact_of("phone", PHONE), order=order, moment="answer", text="Hello")
    assert [one.text for one in send_due()] == ["Hello"]


def test_yes_after_stop_is_taken_as_the_provider_takes_it_and_a_person_reads_it_too(
    shop: RetailerRef,
) -> None:
    """Twilio opts in by YES without a word to us; else nothing would ever be sent again."""
    place()
    reply("STOP")
    entry = reply("Yes!")
    assert not stopped()
    assert entry.thread.unanswered_since is not None


def test_yes_is_an_answer_while_nobody_opted_out_or_a_page_did(shop: RetailerRef) -> None:
    place()
    reply("yes")
    assert not ContactChannel.objects.filter(channel="sms").exists()
    opt_out(contact=contact_of("phone", PHONE), channel="sms", by="page")
    reply("yes")
    assert stopped()
    reply("yes, please come at five")
    assert stopped()


def test_a_retailers_stop_does_not_stop_another_retailer(
    shop: RetailerRef, other: RetailerRef
) -> None:
    place()
    with retailer_context(other):
        make_hub()
        switch_on("sms")
        other_order = place()
    reply("STOP")
    assert stopped()
    with retailer_context(other):
        assert not stopped()
        contact = contact_of("phone", PHONE)
        make_message(contact=contact, order=other_order, moment="answer", text="Hello")
        assert [one.text for one in send_due()] == ["Hello"]
        assert not Thread.objects.exists()


def test_a_reply_to_one_retailer_never_lands_on_the_order_of_another(
    shop: RetailerRef, other: RetailerRef
) -> None:
    with retailer_context(other):
        make_hub()
        make_sent(contact=contact_of("phone", PHONE), order=place())
    assert reply("Where are you?").thread.order is None
    with retailer_context(other):
        assert not ThreadEntry.objects.exists()


def test_a_reply_from_the_old_number_after_a_correction_still_lands_on_the_order(
    shop: RetailerRef,
) -> None:
    order = place()
    make_sent(contact=contact_of("phone", "+351900000001"), order=order)
    assert reply("Wrong person!", from_="+351900000001").thread.order == order


@pytest.mark.parametrize("from_", ["VERIFY", "12345", "", "whatsapp", "+", "x" * 64])
def test_a_sender_that_is_no_number_is_kept_in_the_inbox_of_nobodys_order(
    shop: RetailerRef, from_: str
) -> None:
    place(phone="")
    entry = reply("Your parcel: http://evil.test", from_=from_)
    assert entry.thread.order is None


def test_a_reply_of_64_thousand_characters_is_cut_and_kept(shop: RetailerRef) -> None:
    place()
    entry = reply("ñ" * 64_000)
    assert 1_000 <= len(entry.text) <= 10_000


def test_stop_by_e_mail_words_does_not_end_the_text_messages(shop: RetailerRef) -> None:
    place()
    reply("STOP", channel="email", from_="Ana@Example.org")
    assert not stopped()
    assert ContactChannel.objects.filter(channel="email", opted_out_at__isnull=False).exists()
