"""The Null channel keeps what it was told, until it is erased or forgotten."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.orders.models import Order
from lastmile.core import clock
from lastmile.core.erasing import Person
from lastmile.core.tenancy import RetailerRef
from notifications.channels.base import ChannelError, Outgoing
from notifications.channels.null import NullChannel
from notifications.models import Contact, KeptMessage, Message
from notifications.services.keeping import erase_kept, forget_kept
from tenants.models import Retailer
from tests.factories import make_hub, make_order

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


def told(row: Message, text: str, **fields: Any) -> Outgoing:
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
    contact = Contact.objects.create(kind="phone", address=phone)
    message = message_of(order, contact)
    NullChannel().send(told(message, text, **fields))
    return KeptMessage.objects.get(message=message)


def make_demo(ref: RetailerRef) -> None:
    Retailer.objects.filter(schema_name=ref.schema).update(is_demo=True)


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    make_demo(retailer)
    hub = make_hub()
    return make_order(hub=hub.public_id)


# --- the channel ------------------------------------------------------------------------------
def test_a_message_is_kept_once_and_found_again(order: Order) -> None:
    contact = Contact.objects.create(kind="phone", address="+56900001234")
    message = message_of(order, contact)
    null, words = NullChannel("whatsapp"), told(message, HOSTILE, subject=HOSTILE)
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
        NullChannel().send(told(message, "x", message="msg_unknown"))
    with pytest.raises(ChannelError):
        NullChannel().fetch("kpt_unknown")
    assert not KeptMessage.objects.exists()


# --- erasing ----------------------------------------------------------------------------------
def test_a_persons_kept_messages_are_erased_and_no_other(order: Order) -> None:
    keep(order, "mine")
    other = keep(make_order(), "other", phone="+56900009999")
    erase_kept(Person(shoppers=(order.shopper.public_id,), orders=(order.public_id,)))
    assert list(KeptMessage.objects.all()) == [other]


def test_old_kept_messages_are_forgotten(order: Order) -> None:
    kept = keep(order, "old")
    assert forget_kept() == {"kept_messages": 0}
    KeptMessage.objects.filter(pk=kept.pk).update(kept_at=clock.now() - dt.timedelta(days=31))
    assert forget_kept() == {"kept_messages": 1}
