"""The Null channel keeps its messages, and the phone of a demo shows it like an inbox."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from dispatch.orders.drafts import ShopperDraft
from dispatch.orders.models import Order
from lastmile.core import clock
from lastmile.core.erasing import Person
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.channels.base import ChannelError, Outgoing
from notifications.channels.null import NullChannel
from notifications.models import Contact, KeptMessage, Message
from notifications.services.contacts import contact_of
from notifications.services.keeping import erase_kept, forget_kept
from tenants.models import Retailer
from tenants.permissions import Role
from tests.factories import make_hub, make_order
from tests.people import add_member, logged_in

HTMX = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script> Tom & Jerry's <24h> \"'`"
LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def message_of(order: Order, contact: Contact, **fields: Any) -> Message:
    at = clock.now()
    values: dict[str, Any] = {
        "origin": f"evt_{Message.objects.count()}",
        "moment": "out_for_delivery",
        "recipient": order.shopper.public_id,
        "channel": "sms",
        "contact": contact,
        "order": order,
        "hub_id": order.hub.public_id if order.hub else "",
        "priority": 1,
        "language": "en",
        "send_at": at,
        "not_after": at,
    }
    return Message.objects.create(**values | fields)


def outgoing(row: Message, text: str, **fields: Any) -> Outgoing:
    values: dict[str, Any] = {
        "message": row.public_id,
        "call": 1,
        "to": "+56900001234",
        "text": text,
        "expires_in_s": 60,
        "language": "en",
    }
    return Outgoing(**values | fields)


def keep(order: Order, text: str, *, phone: str = "+56900001234", **fields: Any) -> KeptMessage:
    message = message_of(order, contact_of("phone", phone))
    NullChannel().send(outgoing(message, text, **fields))
    return KeptMessage.objects.get(message=message)


def make_demo(ref: RetailerRef) -> None:
    Retailer.objects.filter(schema_name=ref.schema).update(is_demo=True)


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    make_demo(retailer)
    hub = make_hub()
    return make_order(hub=hub.public_id)


@pytest.fixture
def desk(retailer: RetailerRef, order: Order) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


# --- the channel ------------------------------------------------------------------------------
def test_a_message_is_kept_once_and_found_again(order: Order) -> None:
    contact = Contact.objects.create(kind="phone", address="+56900001234")
    message = message_of(order, contact)
    null, words = NullChannel("whatsapp"), outgoing(message, HOSTILE, subject=HOSTILE)
    assert null.find(words, LONG_AGO) is None
    first = null.send(words)
    assert null.send(words) == first
    assert null.find(words, LONG_AGO) == first
    assert null.fetch(first.provider_id).state == first.state == "delivered"
    (kept,) = KeptMessage.objects.all()
    assert (kept.text, kept.subject, kept.channel) == (HOSTILE, HOSTILE, "whatsapp")
    assert null.check().ok


def test_an_unknown_message_is_refused(order: Order) -> None:
    contact = Contact.objects.create(kind="phone", address="+56900001234")
    message = message_of(order, contact)
    with pytest.raises(ChannelError):
        NullChannel().send(outgoing(message, "x", message="msg_unknown"))
    with pytest.raises(ChannelError):
        NullChannel().fetch("kpt_unknown")
    assert not KeptMessage.objects.exists()


# --- the page ---------------------------------------------------------------------------------
def test_the_newest_message_is_the_last_and_texts_are_escaped(order: Order, desk: Client) -> None:
    keep(order, f"first {HOSTILE}")
    newest = keep(order, "second https://t1.localhost/t/secret/")
    page = desk.get(f"/messages/phone/{newest.message.recipient}/").content.decode()
    inbox = page[page.index('id="inbox"') :]
    assert inbox.index("first") < inbox.index("second")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Tom &amp; Jerry" in inbox
    assert 'href="https://t1.localhost/t/secret/"' in inbox


def test_the_list_has_each_phone_once_with_its_newest_message(order: Order, desk: Client) -> None:
    keep(order, "old words")
    keep(order, "new words")
    other = make_order(
        hub=order.hub.public_id if order.hub else "", shopper=ShopperDraft(name="Eva Soto")
    )
    keep(other, "other", phone="+56900009999")
    page = desk.get("/messages/phone/").content.decode()
    assert page.count("/messages/phone/shp_") == 2
    assert "new words" in page
    assert "old words" not in page


def test_texts_and_mails_of_one_person_are_on_one_phone(order: Order, desk: Client) -> None:
    keep(order, "a text message")
    mail = message_of(order, contact_of("email", "ana@shopper.example"), channel="email")
    NullChannel("email").send(outgoing(mail, "a mail", to="ana@shopper.example"))
    page = desk.get(f"/messages/phone/{mail.recipient}/").content.decode()
    inbox = page[page.index('id="inbox"') :]
    assert inbox.index("a text message") < inbox.index("a mail")
    assert "ana@shopper.example" in inbox


def test_the_inbox_asks_for_itself_and_hears_nothing_while_nothing_is_new(
    order: Order, desk: Client
) -> None:
    kept = keep(order, "first")
    address = f"/messages/phone/{kept.message.recipient}/"
    query = f"{address}?newest={kept.public_id}"
    assert query in desk.get(address).content.decode()
    assert desk.get(query, headers=HTMX).status_code == 204
    keep(order, "second")
    answer = desk.get(query, headers=HTMX)
    assert (answer.status_code, "second" in answer.content.decode()) == (200, True)
    assert "<html" not in answer.content.decode()


def test_the_html_of_a_mail_is_shown_in_a_sandbox(order: Order, desk: Client) -> None:
    kept = keep(order, "x", html="<p onclick=alert(1)>Hello<script>alert(2)</script></p>")
    plain = keep(order, "y")
    inbox = desk.get(f"/messages/phone/{kept.message.recipient}/")
    assert f"/messages/letters/{kept.public_id}/" in inbox.content.decode()
    assert "frame-src 'self'" in inbox.headers["Content-Security-Policy"]
    answer = desk.get(f"/messages/letters/{kept.public_id}/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert desk.get(f"/messages/letters/{plain.public_id}/").status_code == 404


def test_a_real_retailer_has_no_phones(retailer: RetailerRef, order: Order, desk: Client) -> None:
    kept = keep(order, "secret words", html="<p>secret words</p>")
    Retailer.objects.filter(schema_name=retailer.schema).update(is_demo=False)
    for path in ("", f"{kept.message.recipient}/"):
        assert desk.get(f"/messages/phone/{path}").status_code == 404
    assert desk.get(f"/messages/letters/{kept.public_id}/").status_code == 404


def test_readers_strangers_and_other_hubs_see_no_phone(
    retailer: RetailerRef, order: Order, other: RetailerRef
) -> None:
    kept = keep(order, "secret words", html="<p>secret words</p>")
    places = (
        "/messages/phone/",
        f"/messages/phone/{kept.message.recipient}/",
        f"/messages/letters/{kept.public_id}/",
    )
    limited = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[make_hub().public_id]))
    reader = logged_in(retailer, add_member(Role.READONLY))
    with retailer_context(other):
        make_demo(other)
        stranger = logged_in(other, add_member(Role.DISPATCHER))
    for place in places:
        for browser in (limited, reader, stranger):
            assert "secret words" not in browser.get(place).content.decode()
        assert reader.get(place).status_code == 403
        assert Client(headers={"host": retailer.domain}).get(place).status_code == 302
    for place in places[1:]:
        assert limited.get(place).status_code == stranger.get(place).status_code == 404


# --- erasing ----------------------------------------------------------------------------------
def test_a_persons_kept_messages_are_erased_and_no_other(order: Order) -> None:
    keep(order, "mine")
    other = keep(make_order(hub=order.hub.public_id if order.hub else ""), "other")
    erase_kept(Person(shoppers=(order.shopper.public_id,), orders=(order.public_id,)))
    assert list(KeptMessage.objects.all()) == [other]


def test_old_kept_messages_are_forgotten(order: Order) -> None:
    kept = keep(order, "old")
    assert forget_kept() == {"kept_messages": 0}
    KeptMessage.objects.filter(pk=kept.pk).update(kept_at=clock.now() - dt.timedelta(days=31))
    assert forget_kept() == {"kept_messages": 1}
