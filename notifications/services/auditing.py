"""Audit entries about messages: who sent what to which order, never the text, number or code."""

from __future__ import annotations

from dispatch.orders.models import Order
from lastmile.core.actor import current_actor
from notifications.catalogue.own_words import ANSWER
from notifications.models import Message
from tenants.people.services import audit


def is_first_use(key: str) -> bool:
    """Return True if the current actor has sent nothing in own words with a key yet.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    origin = f"{current_actor()}:{key}"[:80]
    return not Message.objects.filter(origin=origin, moment=ANSWER).exists()


def audit_sending(
    act: str, *, subject: str, message: Message | None, order: Order | None = None
) -> None:
    """Record in the audit log that a person or a key sent a message by hand.

    Call it in the transaction of the message. A message of None is a text that only the page of
    the order shows.

    Locks: nothing. Records: an audit entry. Raises: nothing of its own.
    """
    order = order or (message.order if message is not None else None)
    values = {
        "order": order.public_id if order is not None else None,
        "moment": message.moment if message is not None and message.moment else None,
        "channel": message.channel if message is not None else None,
    }
    audit(act, subject, {name: (None, value) for name, value in values.items() if value})
