"""Reports of a mail server: signed, handled once, and a bad mailbox gets no more mails."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from django.test import Client

from dispatch.orders.models import Order
from lastmile.core import clock
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.models import ChannelAccount, ContactChannel, Message, ProviderReport
from notifications.services.contacts import contact_of
from tests.databases import client_of
from tests.factories import make_hub, make_order
from tests.notifications.test_email import report_of
from tests.notifications.test_phone import message_of

KEY = "a-key-of-thirty-two-characters-or-more"


@pytest.fixture
def message(retailer: RetailerRef) -> Message:
    """Return a mail that was sent, and set the account's key for bounces."""
    ChannelAccount.objects.create(
        channel="email", kind="smtp", source="own", secrets={"bounce_key": KEY}
    )
    make_hub()
    return sent_mail(make_order())


def sent_mail(order: Order) -> Message:
    contact = contact_of("email", "ana@shopper.example")
    row = message_of(order, contact, channel="email", state="sent", accepted_at=clock.now())
    Message.objects.filter(pk=row.pk).update(provider_id=row.public_id)
    return row


def call(client: Client, body: bytes, *, key: str = KEY, signature: str = "") -> Any:
    right = f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}"
    return client.post(
        "/callbacks/email/",
        data=body,
        content_type="message/rfc822",
        headers={"x-lastmile-signature": signature or right},
    )


def test_a_hard_bounce_fails_the_message_and_stops_mails_to_the_contact(
    client: Client, message: Message
) -> None:
    body = report_of(name=message.public_id)
    for _twice in range(2):
        assert call(client, body).status_code == 200
    message.refresh_from_db()
    assert message.state == "failed"
    known = ContactChannel.objects.get(contact=message.contact, channel="email")
    assert (known.opted_out_by, known.opted_out_at is not None) == ("bounce", True)
    assert ProviderReport.objects.count() == 1


def test_a_refusal_of_the_content_fails_the_message_alone(client: Client, message: Message) -> None:
    assert call(client, report_of(name=message.public_id, status="5.7.1")).status_code == 200
    message.refresh_from_db()
    assert message.state == "failed"
    assert not ContactChannel.objects.filter(opted_out_at__isnull=False).exists()


def test_a_delay_changes_nothing(client: Client, message: Message) -> None:
    body = report_of(name=message.public_id, action="delayed", status="4.4.1")
    assert call(client, body).status_code == 200
    message.refresh_from_db()
    assert message.state == "sent"


def test_a_delivery_report_moves_the_message_forward(client: Client, message: Message) -> None:
    body = report_of(name=message.public_id, action="delivered", status="2.0.0")
    assert call(client, body).status_code == 200
    message.refresh_from_db()
    assert message.state == "delivered"


@pytest.mark.parametrize("signature", ["none", "sha256=", "sha256=" + "0" * 64, "sha256=é"])
def test_a_call_with_a_wrong_signature_is_refused(
    client: Client, message: Message, signature: str
) -> None:
    answer = call(client, report_of(name=message.public_id), signature=signature)
    assert answer.status_code == 403
    message.refresh_from_db()
    assert message.state == "sent"


@pytest.mark.parametrize("body", [b"", b"hello", b"\xff\xfe" * 90, b"To: a@b.example\r\n\r\nx"])
def test_an_odd_body_is_refused_and_no_fault_of_ours(
    client: Client, message: Message, body: bytes
) -> None:
    assert call(client, body).status_code == 403


def test_without_a_key_nobody_may_call(client: Client, retailer: RetailerRef) -> None:
    assert call(client, report_of(), key="").status_code == 403
    ChannelAccount.objects.create(channel="email", kind="smtp", source="own")
    assert call(client, report_of(), key="").status_code == 403


def test_the_report_about_a_message_of_another_retailer_changes_nothing(
    message: Message, other: RetailerRef
) -> None:
    with retailer_context(other):
        ChannelAccount.objects.create(
            channel="email", kind="smtp", source="own", secrets={"bounce_key": KEY}
        )
    answer = call(client_of(other), report_of(name=message.public_id))
    assert answer.status_code == 200
    message.refresh_from_db()
    assert message.state == "sent"
