"""Makes messages, contacts and channel accounts for tests of the rules."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from dispatch.orders.models import Order
from lastmile.core.clock import now
from notifications.models import ChannelAccount, Contact, Message
from notifications.policy import MessagePolicy
from notifications.selectors.accounts import fingerprint
from notifications.services.contacts import contact_of
from tenants.people.services import set_section
from tenants.sections import section_of

PHONE = "+351912345678"


def make_contact(address: str = PHONE, kind: str = "phone") -> Contact:
    """Return the contact of an address."""
    return contact_of(kind, address)


def make_message(
    *, contact: Contact | None = None, order: Order | None = None, **columns: Any
) -> Message:
    """Store a message that is due now."""
    at = now()
    values: dict[str, Any] = {
        "origin": f"test:{uuid.uuid4().hex}",
        "moment": "out_for_delivery",
        "recipient": order.shopper.public_id if order else "shp_nobody",
        "channel": "sms",
        "priority": 2,
        "language": "en",
        "zone": "Europe/Lisbon",
        "send_at": at,
        "not_after": at + dt.timedelta(hours=1),
    }
    return Message.objects.create(contact=contact, order=order, **(values | columns))


def make_sent(*, contact: Contact, at: dt.datetime | None = None, **columns: Any) -> Message:
    """Store a message that the provider accepted."""
    accepted = {"state": "accepted", "accepted_at": at or now()}
    return make_message(contact=contact, **(accepted | columns))


def set_policy(**settings: Any) -> None:
    """Set the policy of messages; the other settings have their defaults."""
    set_section(section=section_of(MessagePolicy), policy=MessagePolicy(**settings))


def switch_on(*channels: str) -> None:
    """Switch the Null channel on for these channels."""
    for channel in channels:
        ChannelAccount.objects.create(
            channel=channel,
            kind="null",
            source="own",
            is_on=True,
            on_at_machine=fingerprint(),
        )
