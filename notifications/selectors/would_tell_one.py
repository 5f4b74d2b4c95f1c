"""Says whether an act of staff on one order will write to its shopper, and on which channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dispatch.orders.models import Order
from dispatch.orders.wording import zone_of
from notifications.catalogue.kinds import CONTACT_OF_CHANNEL, ContactKind
from notifications.catalogue.moments import BY_KEY
from notifications.models import Contact
from notifications.rules.contacts import consent_of, known_contact
from notifications.rules.when import is_history
from notifications.selectors.ledger import channels_on
from notifications.selectors.moments import moment_in_use
from notifications.selectors.push import push_contact


@dataclass(frozen=True, slots=True, kw_only=True)
class WouldTellOne:
    """The message of an act to the shopper of an order.

    ``channel`` is the first one that reaches the shopper, "" if none does. Then ``reason`` is
    ``opted_out`` or ``no_contact``.
    """

    channel: str = ""
    reason: str = ""


def would_tell_one(order: Order, moment: str) -> WouldTellOne | None:
    """Return what an act with this moment tells; None if it writes to nobody anyway.

    Caps and quiet hours are asked at the send.
    """
    used = moment_in_use(BY_KEY[moment])
    on = channels_on()
    chain = [channel for channel in used.channels if channel in on] if used is not None else []
    if used is None or not chain or is_history(order, zone_of(order)):
        return None
    reason = "no_contact"
    for channel in chain:
        for contact in _contacts(order, channel):
            if _is_wanted(contact, channel, used.group):
                return WouldTellOne(channel=channel)
            reason = "opted_out"
    return WouldTellOne(reason=reason)


def promise_moment_after(order: Order) -> str:
    """Return the moment that tells a promise that staff make now."""
    return "promise_superseded" if order.promise is not None else "promise_confirmed"


def _contacts(order: Order, channel: str) -> Iterator[Contact]:
    """Yield the contact of the shopper on a channel. One that is new is not stored here."""
    kind = CONTACT_OF_CHANNEL[channel]
    if kind == ContactKind.PUSH:
        contact = push_contact(order)
        if contact is not None:
            yield contact
        return
    shopper = order.shopper
    address = shopper.phone if kind == ContactKind.PHONE else shopper.email
    if address:
        yield known_contact(kind, address) or Contact(kind=kind, address=address)


def _is_wanted(contact: Contact, channel: str, group: str) -> bool:
    rows = consent_of(contact, channel)
    wanted = rows[0].preferences.get(group, True) if rows else True
    return wanted and not any(row.opted_out_at for row in rows)
