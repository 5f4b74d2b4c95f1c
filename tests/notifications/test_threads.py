"""Replies and answers: each lands where it belongs, and a stop word is obeyed (M04, M13)."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from typing import Any

import pytest
from django.db import connections

from dispatch.orders.drafts import ShopperDraft
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order
from lastmile.core.clock import now
from lastmile.core.errors import Invalid
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.errors import NotSendable
from notifications.models import ContactChannel, Message, Thread, ThreadEntry
from notifications.services.contacts import contact_of, opt_out
from notifications.services.threads import (
    Inbound,
    answer,
    mark_read,
    move_thread,
    receive_reply,
    write_from_page,
)
from tests.dispatch.conftest import SetClock, clock
from tests.factories import make_hub, make_order
from tests.factories.orders import DAY, make_window
from tests.notifications.making import make_sent, switch_on

__all__ = ["clock"]
PHONE = "+525512345678"
MORNING = dt.datetime.combine(DAY, dt.time(9), dt.UTC)
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def morning(clock: SetClock) -> SetClock:
    clock(MORNING)
    return clock


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    make_hub()
    return place_for(PHONE)


def place_for(phone: str, **fields: Any) -> Order:
    """Place an order of this number."""
    shopper = ShopperDraft(name="Ana", phone=phone, email="ana@example.org", language="es")
    return make_order(shopper=shopper, window=make_window(10, 12), **fields)


def reply(text: str = "Hello", from_: str = PHONE, **fields: Any) -> ThreadEntry:
    values: dict[str, Any] = {
        "channel": "sms",
        "from_": from_,
        "to": "+15550001",
        "text": text,
        "provider_id": f"SM{next(_numbers):032d}",
        "at": now(),
    }
    return receive_reply(Inbound(**(values | fields)))


def stopped(channel: str = "sms") -> set[str]:
    rows = ContactChannel.objects.filter(channel=channel, opted_out_at__isnull=False)
    return {row.contact.address for row in rows}


def explanations() -> list[Message]:
    return list(Message.objects.filter(moment="stop_explained").order_by("pk"))


def test_a_reply_lands_on_the_order_of_the_newest_message(order: Order) -> None:
    other = place_for(PHONE)
    contact = contact_of("phone", PHONE)
    make_sent(contact=contact, order=other, at=MORNING - dt.timedelta(days=15))
    make_sent(contact=contact, order=order, at=MORNING - dt.timedelta(days=13))
    entry = reply("Where are you?")
    assert (entry.thread.order, entry.thread.contact, entry.text) == (
        order, contact, "Where are you?",
    )  # fmt: skip
    assert entry.thread.unanswered_since == entry.at
    event = Event.objects.get(kind="reply.received")
    assert event.data["order"] == order.public_id
    assert "Where" not in str(event.data)
    assert PHONE not in str(event.data)


def test_without_a_message_a_reply_lands_on_the_open_order_of_the_number(order: Order) -> None:
    ended = place_for(PHONE)
    cancel_order(order=ended)
    assert reply().thread.order == order


def test_an_unknown_number_lands_in_the_general_inbox(order: Order) -> None:
    entry = reply(from_="+34600111222")
    assert entry.thread.order is None
    assert reply(from_="+34600111222").thread == entry.thread


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("+525512345678", "+5215512345678"),
        ("+5215512345678", "+525512345678"),
        ("+5511987654321", "+551187654321"),
        ("+551187654321", "+5511987654321"),
        ("+5491123456789", "+541123456789"),
        ("+541123456789", "+5491123456789"),
    ],
)
@pytest.mark.parametrize("was_told", [True, False])
def test_m13_an_answer_in_any_spelling_lands_on_the_order_and_changes_no_number(
    retailer: RetailerRef, stored: str, written: str, was_told: bool
) -> None:
    make_hub()
    placed = place_for("+351912345678")
    placed.shopper.phone = stored
    placed.shopper.save()
    if was_told:
        make_sent(contact=contact_of("phone", stored), order=placed)
    entry = reply(from_=written)
    assert entry.thread.order == placed
    assert entry.thread.contact is not None
    assert entry.thread.contact.address == stored
    placed.shopper.refresh_from_db()
    assert placed.shopper.phone == stored


def test_m13_a_mobile_number_does_not_land_on_the_order_of_a_landline(
    retailer: RetailerRef,
) -> None:
    make_hub()
    place_for("+551132345678")
    assert reply(from_="+5511932345678").thread.order is None


@pytest.mark.parametrize("text", ["STOP", "Stop. Thank you", "BAJA por favor", "إيقاف", "Arrêt !"])
def test_m04_a_stop_word_stops_the_channel_and_asks_nobody(order: Order, text: str) -> None:
    entry = reply(text)
    assert stopped() == {PHONE}
    assert stopped("whatsapp") == set()
    assert entry.thread.unanswered_since is None
    assert explanations() == []
    reply("START")
    assert stopped() == set()


def test_m04_a_sentence_with_a_stop_word_goes_to_people(order: Order) -> None:
    entry = reply("Please stop at the gate")
    assert stopped() == set()
    assert entry.thread.unanswered_since is not None


def test_m04_the_answer_to_cancel_says_what_stopped_and_links_to_the_delivery(
    order: Order,
) -> None:
    switch_on("sms", "email")
    reply("CANCEL")
    assert stopped() == {PHONE}
    order.refresh_from_db()
    assert order.state != "cancelled", "the word stops messages, not the delivery"
    (message,) = explanations()
    assert (message.channel, message.state, message.order) == ("sms", "waiting", order)
    reply("Cancel please")
    assert len(explanations()) == 1, "one automatic answer in a day"


def test_m04_if_the_provider_answered_the_word_the_answer_goes_by_mail(order: Order) -> None:
    switch_on("sms", "email")
    reply("CANCEL", opt_out_type="STOP")
    (message,) = explanations()
    assert (message.channel, message.state) == ("email", "waiting")
    assert ContactChannel.objects.get(channel="sms").opted_out_by == "provider"


def test_m04_an_earlier_contact_of_the_order_gets_no_link_to_it(order: Order) -> None:
    switch_on("sms", "email")
    make_sent(contact=contact_of("phone", "+34600111222"), order=order)
    assert reply("CANCEL", from_="+34600111222").thread.order == order
    assert stopped() == {"+34600111222"}
    assert explanations() == []


def test_the_words_of_the_provider_count_without_a_known_word(order: Order) -> None:
    reply("REVOKE ALL", opt_out_type="STOP")
    assert stopped() == {PHONE}
    reply("yes", opt_out_type="START")
    assert stopped() == set()


def test_the_same_reply_twice_is_one_entry(order: Order) -> None:
    for _twice in range(2):
        reply("Hi", provider_id="SM1")
    assert ThreadEntry.objects.count() == 1
    assert Event.objects.filter(kind="reply.received").count() == 1


def test_the_same_reply_at_the_same_time_is_one_entry(fresh_db: str, retailer: RetailerRef) -> None:
    make_hub()
    place_for(PHONE)
    gate = threading.Barrier(6)
    keys: list[int] = []

    def act() -> None:
        try:
            with retailer_context(retailer.schema):
                gate.wait()
                keys.append(reply("STOP", provider_id="SM1").pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act) for _n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(keys), len(set(keys))) == (6, 1)
    assert Event.objects.filter(kind="contact.opted_out").count() == 1


def test_an_answer_is_sent_once_and_the_thread_is_answered(order: Order) -> None:
    switch_on("sms")
    thread = reply("Where are you?").thread
    first = answer(thread=thread, text="  At two.  ", key="k1")
    assert answer(thread=thread, text="At two.", key="k1") == first
    assert (first.direction, first.text) == ("out", "At two.")
    message = Message.objects.get()
    assert (message.moment, message.channel, message.text) == ("answer", "sms", "At two.")
    thread.refresh_from_db()
    assert thread.unanswered_since is None


def test_an_answer_to_a_person_who_stopped_is_refused_and_nothing_is_stored(order: Order) -> None:
    switch_on("sms")
    thread = reply("Where are you?").thread
    opt_out(contact=contact_of("phone", PHONE), channel="sms", by="word")
    with pytest.raises(NotSendable):
        answer(thread=thread, text="At two.", key="k1")
    assert not Message.objects.exists()
    assert ThreadEntry.objects.count() == 1


@pytest.mark.parametrize("text", ["", "   ", "a" * 1601, "a\x00b"])
def test_an_answer_without_a_good_text_is_refused(order: Order, text: str) -> None:
    switch_on("sms")
    thread = reply().thread
    with pytest.raises(Invalid):
        answer(thread=thread, text=text, key="k1")
    assert ThreadEntry.objects.count() == 1


def test_whatsapp_takes_free_text_for_24_hours_after_a_reply(
    order: Order, morning: SetClock
) -> None:
    switch_on("whatsapp")
    thread = reply("Hi", channel="whatsapp").thread
    answer(thread=thread, text="Hello", key="k1")
    morning(MORNING + dt.timedelta(hours=24, minutes=1))
    with pytest.raises(NotSendable, match="24 hours"):
        answer(thread=thread, text="Hello again", key="k2")


def test_a_text_from_the_page_is_one_text_and_its_answer_also_goes_to_the_phone(
    order: Order,
) -> None:
    switch_on("sms")
    for _twice in range(2):
        entry = write_from_page(order=order, text="Please ring twice", key="p1")
    assert ThreadEntry.objects.count() == 1
    assert (entry.thread.contact, entry.thread.order) == (None, order)
    sent = answer(thread=entry.thread, text="We will.", key="k1")
    assert sent.message is not None
    assert sent.message.channel == "sms"


def test_an_answer_on_the_page_needs_no_channel(order: Order) -> None:
    entry = write_from_page(order=order, text="Please ring twice", key="p1")
    assert answer(thread=entry.thread, text="We will.", key="k1").message is None
    assert Thread.objects.get().unanswered_since is None


def test_a_thread_moves_to_an_order_and_joins_the_one_that_is_there(order: Order) -> None:
    stray = reply("One", from_="+34600111222").thread
    moved = move_thread(thread=stray, order=order)
    assert (moved.pk, moved.order) == (stray.pk, order)
    again = reply("Two", from_="+34600111222").thread
    assert again.order is None
    joined = move_thread(thread=again, order=order)
    assert joined == moved
    assert [entry.text for entry in joined.entries.all()] == ["One", "Two"]
    assert Thread.objects.count() == 1
    page = write_from_page(order=order, text="Three", key="p1").thread
    with pytest.raises(Invalid):
        move_thread(thread=page, order=order)


def test_marking_as_read_needs_no_answer(order: Order) -> None:
    thread = reply().thread
    mark_read(thread=thread)
    mark_read(thread=thread)
    thread.refresh_from_db()
    assert thread.unanswered_since is None
    assert thread.entries.count() == 1
