"""Factories of the ledger: rows as a sender leaves them, without any sending."""

from __future__ import annotations

import itertools
from typing import Any

from dispatch.orders.models import Order
from lastmile.core.clock import now
from notifications.models import ChannelAccount, Contact, Message, ProviderCall
from notifications.states import FINAL, TAKEN, MessageState

_numbers = itertools.count(1)


def make_contact(address: str = "", kind: str = "phone") -> Contact:
    """Make the contact of an address; by default of a new number."""
    address = address or f"+3519{30_000_000 + next(_numbers)}"
    return Contact.objects.create(kind=kind, address=address)


def make_account(channel: str = "sms", **fields: Any) -> ChannelAccount:
    """Make a channel account that is on and keeps what it is told."""
    defaults: dict[str, Any] = {"kind": "null", "source": "own", "is_on": True}
    return ChannelAccount.objects.create(channel=channel, **(defaults | fields))


def make_message(order: Order | None, **fields: Any) -> Message:
    """Make a message about an order in any state, with times that fit the state."""
    n, at = next(_numbers), now()
    state = MessageState(fields.get("state", MessageState.DELIVERED))
    defaults: dict[str, Any] = {
        "origin": f"evt_{n:020d}",
        "moment": "out_for_delivery",
        "recipient": order.shopper.public_id if order else f"mbr_{n:020d}",
        "channel": "sms",
        "order": order,
        "hub_id": order.hub.public_id if order and order.hub else "",
        "priority": 1,
        "language": "en",
        "zone": "Europe/Lisbon",
        "state": state.value,
        "made_at": at,
        "send_at": at,
        "not_after": at,
        "text": "Your order is on its way. ⟦link⟧",
        "segments_counted": 1,
    }
    if state in TAKEN:
        defaults |= {"provider_id": f"SM{n:032d}", "accepted_at": at}
    if state in FINAL:
        defaults["ended_at"] = at
    return Message.objects.create(**(defaults | fields))


def make_call(message: Message, **fields: Any) -> ProviderCall:
    """Make an accepted call to the provider for a message."""
    defaults: dict[str, Any] = {"number": 1, "started_at": now(), "result": "accepted"}
    return ProviderCall.objects.create(message=message, **(defaults | fields))
