"""The chain of channels: the next one takes over when a channel cannot or may not be used."""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.orders.models import Order
from lastmile.core.clock import now
from lastmile.core.fields import digests_of
from notifications.catalogue.kinds import CONTACT_OF_CHANNEL, ChannelKey, ContactKind, Recipient
from notifications.catalogue.moments import BY_KEY
from notifications.channels.registry import account_for
from notifications.models import Contact, Message
from notifications.rules.contacts import normal_address
from notifications.rules.who import as_recipient
from notifications.selectors.moments import moment_state
from notifications.selectors.push import push_contact
from notifications.services.budgets import give_back_budget
from notifications.services.contacts import contact_of
from notifications.services.ledger import skip
from notifications.services.pointing import wake
from notifications.states import MessageState
from tenants.people.selectors import members


def contact_for(channel: str, recipient: Recipient, order: Order | None) -> Contact | None:
    """Return the contact of a recipient on a channel, None without one. It is made if it is new.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    kind = CONTACT_OF_CHANNEL[ChannelKey(channel)]
    if kind == ContactKind.PUSH:
        return push_contact(order) if order is not None and not recipient.is_member else None
    address = {ContactKind.PHONE: recipient.phone, ContactKind.EMAIL: recipient.email}.get(kind, "")
    return contact_of(kind, address, language=recipient.language) if address else None


def contacts_ahead(
    recipients: Iterable[tuple[str, Recipient]],
) -> dict[tuple[str, str], Contact]:
    """Return the contacts of recipients on channels, by channel and public id of the recipient.

    It reads all in one statement and writes nothing. So a contact is left out that ``contact_for``
    would make or change, and one of web push, which belongs to an order.
    """
    wanted: dict[str, list[tuple[str, Recipient]]] = {}
    languages = {}
    for channel, recipient in recipients:
        languages[recipient.public_id] = recipient.language
        kind = CONTACT_OF_CHANNEL[ChannelKey(channel)]
        address = {ContactKind.PHONE: recipient.phone, ContactKind.EMAIL: recipient.email}.get(kind)
        for digest in digests_of(Contact, "digest", normal_address(kind, address or "")):
            if address:
                wanted.setdefault(digest, []).append((channel, recipient))
    known: dict[tuple[str, str], Contact] = {}
    for contact in Contact.objects.filter(digest__in=list(wanted)).order_by("-pk"):
        for channel, recipient in wanted[contact.digest]:
            is_of_channel = CONTACT_OF_CHANNEL[ChannelKey(channel)] == contact.kind
            if is_of_channel:
                known[channel, recipient.public_id] = contact
    return {
        key: contact
        for key, contact in known.items()
        if contact.erased_at is None and languages[key[1]] in {"", contact.language}
    }


def end_unsent(
    message: Message, reason: str, params: dict[str, int | str] | None = None, *, go_on: bool
) -> None:
    """End a locked message that is not sent; with ``go_on`` its next channel takes over.

    Locks: budget rows. Records: message.ended. Raises: nothing.
    """
    secret = message.secret or ""
    if skip(message, reason, params):
        give_back_budget(message=message)
        if go_on:
            start_next(message=message, secret=secret)


def start_next(*, message: Message, secret: str = "") -> Message | None:
    """Write the message of the next channel after one that ended; None if there is none.

    Only a channel whose account is on, with a contact of the recipient, takes over. Nothing is
    started when the time of the message is over. A member's own words are sent on the channel that
    the member chose, so they have no next one.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    at = now()
    if message.moment not in BY_KEY or at > message.not_after:
        return None
    chain = moment_state(message.moment).moment.channels
    rest = chain[chain.index(message.channel) + 1 :] if message.channel in chain else ()
    recipient = _recipient_of(message)
    for channel in rest:
        account = account_for(channel)
        contact = contact_for(channel, recipient, message.order) if recipient else None
        if account is None or contact is None:
            continue
        row, is_new = Message.objects.get_or_create(
            origin=message.origin,
            moment=message.moment,
            recipient=message.recipient,
            channel=channel,
            defaults={
                "contact": contact,
                "order": message.order,
                "hub_id": message.hub_id,
                "priority": message.priority,
                "language": message.language,
                "zone": message.zone,
                "values": message.values,
                "state": MessageState.WAITING,
                "made_at": at,
                "send_at": at,
                "not_after": message.not_after,
                "secret": secret or None,
                "follows": message,
            },
        )
        if is_new:
            wake()
            return row
    return None


def _recipient_of(message: Message) -> Recipient | None:
    """Return the recipient of a message as known now: the shopper of its order, or the member."""
    if message.order is not None:
        return as_recipient(message.order.shopper)
    member = members().filter(public_id=message.recipient).first()
    if member is None:
        return None
    return Recipient(
        public_id=member.public_id, email=member.email, language=member.language, is_member=True
    )
