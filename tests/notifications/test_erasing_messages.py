"""Erasing and forgetting: the words go, the opt-out stays."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.orders.drafts import ShopperDraft
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order
from lastmile.core.clock import now
from lastmile.core.erasing import PersonQuery, erase_shopper
from lastmile.core.tenancy import RetailerRef
from notifications.models import Contact, ContactChannel, Message, ProviderCall, Thread, ThreadEntry
from notifications.services.contacts import contact_of, find_contacts, opt_out
from notifications.services.erasing import forget_messages
from tests.dispatch.conftest import SetClock, clock
from tests.factories import make_hub, make_order
from tests.notifications.making import make_message, make_sent

__all__ = ["clock"]
PHONE, MAIL, WORDS = "+351912345678", "ana.lopes@example.org", "Ana, your parcel is on its way"


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    make_hub()
    return make_order(shopper=ShopperDraft(name="Ana Lopes", phone=PHONE, email=MAIL))


def write_to(order: Order) -> Message:
    """Store a delivered message with a call, and a thread."""
    contact = contact_of("phone", PHONE)
    message = make_sent(contact=contact, order=order, state="delivered", ended_at=now(), text=WORDS)
    ProviderCall.objects.create(message=message, number=1, started_at=now(), words="bad +351912")
    thread = Thread.objects.create(contact=contact, channel="sms", order=order, last_at=now())
    ThreadEntry.objects.create(thread=thread, direction="in", text="Hi", at=now(), key="SM1")
    return message


def texts() -> str:
    rows = [
        *Message.objects.values_list("text", "subject", "values"),
        *ProviderCall.objects.values_list("words"),
        *ThreadEntry.objects.values_list("text"),
        *Contact.objects.values_list("address", "language"),
    ]
    return str(rows)


def test_erasing_leaves_no_words_and_no_address_but_the_opt_out(order: Order) -> None:
    message = write_to(order)
    contact = contact_of("phone", PHONE)
    opt_out(contact=contact, channel="sms", by="word")
    cancel_order(order=order)
    _person, done = erase_shopper(PersonQuery(phone=PHONE))
    assert (done["message_texts"], done["thread_texts"], done["contacts"]) == (1, 1, 1)
    left = texts()
    for word in ("Ana", "parcel", "Hi", "bad", PHONE, MAIL):
        assert word not in left
    message.refresh_from_db()
    assert (message.state, message.provider_id) == ("delivered", "")
    assert [row.pk for row in find_contacts(PHONE)] == [contact.pk], "found by its digest"
    again = contact_of("phone", PHONE)
    assert (again.pk, again.address, again.erased_at) == (contact.pk, PHONE, None)
    assert ContactChannel.objects.get(contact=again).opted_out_by == "word"


def test_erasing_twice_changes_nothing_more(order: Order) -> None:
    write_to(order)
    cancel_order(order=order)
    erase_shopper(PersonQuery(phone=PHONE))
    before = texts()
    _person, done = erase_shopper(PersonQuery(shopper=order.shopper.public_id))
    assert done["message_texts"] == done["thread_texts"] == done["contacts"] == 0
    assert texts() == before


def test_a_message_that_waits_for_an_erased_person_ends_and_has_no_words_left(
    order: Order,
) -> None:
    contact = contact_of("phone", PHONE)
    make_message(contact=contact, order=order, text=WORDS, values={"reason": "x"})
    cancel_order(order=order)
    erase_shopper(PersonQuery(phone=PHONE))
    waiting = Message.objects.get()
    assert (waiting.text, waiting.values) == ("", {})
    assert (waiting.state, waiting.reason) == ("skipped", "erased")


def test_an_address_that_another_shopper_has_stays_with_that_shopper(order: Order) -> None:
    mail = contact_of("email", MAIL)
    make_sent(contact=mail, order=order, channel="email", text=WORDS)
    other = make_order(shopper=ShopperDraft(name="Rui", email=MAIL, phone="+351913333333"))
    cancel_order(order=order)
    cancel_order(order=other)
    order.shopper.email = ""
    order.shopper.save()
    erase_shopper(PersonQuery(phone=PHONE))
    mail.refresh_from_db()
    assert mail.address == MAIL
    assert Message.objects.get().text == ""


def test_words_are_forgotten_first_and_messages_later(order: Order, clock: SetClock) -> None:
    message = write_to(order)
    follower = make_sent(
        contact=contact_of("phone", PHONE), state="failed", reason="x", ended_at=now(),
        follows=message,
    )  # fmt: skip
    assert follower.follows == message
    began = now()
    forget_messages()
    assert Message.objects.get(pk=message.pk).text == WORDS
    clock(began + dt.timedelta(days=91))
    forget_messages()
    assert "parcel" not in texts()
    assert (Message.objects.count(), ThreadEntry.objects.count()) == (2, 1)
    opt_out(contact=contact_of("phone", PHONE), channel="sms", by="word")
    clock(began + dt.timedelta(days=401))
    done = forget_messages()
    assert done["messages"] == 2
    assert not Message.objects.exists()
    assert not Thread.objects.exists()
    (contact,) = Contact.objects.all()
    assert contact.address == ""
    assert ContactChannel.objects.get(contact=contact).opted_out_by == "word"


def test_a_contact_without_messages_is_forgotten(retailer: RetailerRef, clock: SetClock) -> None:
    began = now()
    contact_of("phone", PHONE)
    clock(began + dt.timedelta(days=399))
    assert forget_messages()["contacts"] == 0
    clock(began + dt.timedelta(days=401))
    assert forget_messages()["contacts"] == 1
    assert not Contact.objects.exists()


def test_words_about_another_shopper_at_the_same_number_stay(order: Order) -> None:
    """Two people share a phone. One asks to be erased, by the e-mail address."""
    write_to(order)
    other = make_order(shopper=ShopperDraft(name="Rui", phone=PHONE))
    phone = contact_of("phone", PHONE)
    sent = make_sent(contact=phone, order=other, state="delivered", ended_at=now(), text="Rui!")
    waiting = make_message(contact=phone, order=other, values={"cause": "shopper"})
    cancel_order(order=order)
    erase_shopper(PersonQuery(email=MAIL))
    sent.refresh_from_db()
    waiting.refresh_from_db()
    phone.refresh_from_db()
    assert (sent.text, waiting.values, phone.address) == ("Rui!", {"cause": "shopper"}, PHONE)
    assert "parcel" not in texts()
    assert "Hi" not in texts()
