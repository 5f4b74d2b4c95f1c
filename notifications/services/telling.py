"""Intents: record whom to tell what, send again, and withdraw.

A message is written in the transaction of the fact's handler. It says why it will not be sent, if
a rule is against it. So the ledger answers for everybody who was told, and for everybody who was
not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from dispatch.orders.models import Order
from lastmile.core.actor import current_actor
from lastmile.core.clock import now
from lastmile.core.tenancy import current_retailer
from notifications.catalogue.kinds import Audience, Moment, Priority, Recipient
from notifications.catalogue.moments import BY_KEY
from notifications.catalogue.own_words import ANSWER, OWN_WORDS, TO_A_WRITER
from notifications.channels.registry import account_for, channels_on
from notifications.errors import NotRetryable, NotSendable
from notifications.models import Contact, Direction, Message, ThreadEntry
from notifications.reasons import sentence
from notifications.rules import Ruling, Verdict, may_send
from notifications.rules.when import times_of
from notifications.rules.who import as_recipient
from notifications.selectors.moments import moment_in_use
from notifications.services.auditing import audit_sending
from notifications.services.chain import contact_for
from notifications.services.intents import (
    Batch,
    ChannelChoice,
    Fact,
    choice_of,
    settle,
    write_intents,
    zone_of,
)
from notifications.services.ledger import record_end, skip
from notifications.services.pointing import wake
from notifications.states import MessageState

JUST_WRITTEN = dt.timedelta(hours=3)
RETRYABLE = frozenset({MessageState.FAILED, MessageState.SKIPPED, MessageState.UNKNOWN})


@transaction.atomic(savepoint=False)
def tell(
    *,
    moment: Moment,
    origin: str,
    order: Order | None,
    recipient: Recipient,
    values: Mapping[str, int | str] | None = None,
    secret: str = "",
    at: dt.datetime | None = None,
) -> list[Message]:
    """Write the message that tells a recipient a moment; return it, or nothing for history.

    ``at`` is the time of the fact. A retailer without any channel writes nothing. The same origin
    again returns the message of the first time.

    Locks: the waiting messages that it replaces, by id. Records: message.ended for a skipped
    message and for each replaced one. Raises: nothing; every refusal is a message with its reason.
    """
    on = channels_on()
    if not on:
        return []
    fact = Fact(
        moment=moment,
        origin=origin,
        order=order,
        recipient=recipient,
        values=values or {},
        secret=secret,
        at=at,
    )
    return write_intents([fact], Batch(on, [origin]))[0]


@transaction.atomic
def send_text(
    *,
    order: Order | None,
    contact: Contact,
    channel: str,
    text: str,
    key: str,
    subject: str = "",
    heeds_quiet: bool = True,
) -> Message:
    """Write a message in a member's own words; the same key is the same message.

    In quiet hours it waits for the morning, unless the person has just written, or ``heeds_quiet``
    is False: a member's test to an own phone.

    Locks: nothing. Records: nothing. Raises: NotSendable with the rule's sentence.
    """
    origin = f"{current_actor()}:{key}"[:80]
    known = Message.objects.filter(origin=origin, moment=ANSWER, channel=channel).first()
    if known is not None:
        return known
    zone = zone_of(order)
    at_once = not heeds_quiet or _has_just_written(contact, order)
    send_at, not_after = times_of(OWN_WORDS.timing, order=order, zone=zone, at=now())
    message = Message(
        origin=origin,
        moment=ANSWER,
        recipient=order.shopper.public_id if order is not None else contact.public_id,
        channel=channel,
        contact=contact,
        order=order,
        hub_id=order.hub.public_id if order is not None and order.hub is not None else "",
        priority=OWN_WORDS.priority,
        language=contact.language or current_retailer().language,
        zone=zone,
        values={TO_A_WRITER: 1} if at_once else {},
        state=MessageState.WAITING.value,
        made_at=now(),
        send_at=send_at,
        not_after=not_after,
        text=text,
        subject=subject,
    )
    ruling = _ruling(message, OWN_WORDS, contact, channel)
    if ruling.verdict in {Verdict.SKIP, Verdict.NEXT_CHANNEL}:
        raise NotSendable(sentence(ruling.reason, ruling.params), data={"reason": ruling.reason})
    if ruling.send_at is not None:
        message.send_at = ruling.send_at
    message.save()
    wake(at=message.send_at)
    return message


@transaction.atomic
def retry(*, message: Message, key: str) -> Message:
    """Send a message again as a new one; the same key is the same message.

    Locks: nothing. Records: an audit entry; message.ended if it is skipped again. Raises:
    NotRetryable unless it failed, was skipped or is unknown, or if its facts are over.
    """
    origin = f"{current_actor()}:{key}"[:80]
    known = Message.objects.filter(origin=origin, recipient=message.recipient).first()
    if known is not None:
        return known
    if MessageState(message.state) not in RETRYABLE:
        raise NotRetryable(_("The message was not refused, so it is not sent again."))
    if message.priority == Priority.CODE:
        raise NotRetryable(_("A code is not sent again. The shopper asks for a new one."))
    if message.not_after < now():
        raise NotRetryable(
            _("What the message says is over, so it is not sent again. Write a new message.")
        )
    again = Message(
        origin=origin,
        moment=message.moment,
        recipient=message.recipient,
        channel=message.channel,
        contact=message.contact,
        order=message.order,
        hub_id=message.hub_id,
        priority=message.priority,
        language=message.language,
        zone=message.zone,
        values=message.values,
        state=MessageState.WAITING.value,
        made_at=now(),
        send_at=now(),
        not_after=message.not_after,
        text=message.text if message.moment == ANSWER else "",
        follows=message,
    )
    again = _store(again, _choose_again(message, again))
    audit_sending("message.repeated", subject=again.public_id, message=again)
    return again


def _choose_again(message: Message, again: Message) -> ChannelChoice:
    """Return the channel of a message that is sent again, with the order's contact as it is now.

    A skipped message may take any channel of its chain, because the number or the channel that was
    missing may be there now. A failed one keeps its channel.
    """
    moment = BY_KEY.get(message.moment, OWN_WORDS)
    if moment is not OWN_WORDS:
        moment = moment_in_use(moment) or moment
    contact = message.contact
    if message.order is not None and message.moment in BY_KEY:
        recipient = as_recipient(message.order.shopper)
        if moment.audience == Audience.SHOPPER:
            if message.state == MessageState.SKIPPED:
                fact = Fact(
                    moment=moment, origin=again.origin, order=again.order, recipient=recipient
                )
                return choice_of(again, fact, channels_on())
            contact = contact_for(message.channel, recipient, message.order)
    return ChannelChoice(message.channel, contact, _ruling(again, moment, contact, message.channel))


@transaction.atomic
def withdraw(*, order: Order, moments: Sequence[str], reason: str) -> int:
    """Skip the waiting messages of an order and of these moments; return how many.

    Locks: these messages. Records: message.ended for each. Raises: nothing.
    """
    waiting = Message.objects.select_for_update(of=("self",)).filter(
        order=order, moment__in=list(moments), state=MessageState.WAITING
    )
    rows = list(waiting.select_related("order").order_by("pk"))
    for row in rows:
        skip(row, reason)
    return len(rows)


def _has_just_written(contact: Contact, order: Order | None) -> bool:
    """Return True if somebody at this contact, or about this order, wrote in the last hours."""
    whose = Q(thread__contact=contact)
    if order is not None:
        whose |= Q(thread__order=order)
    texts = ThreadEntry.objects.filter(whose, direction=Direction.IN)
    return texts.filter(at__gt=now() - JUST_WRITTEN).exists()


def _ruling(draft: Message, moment: Moment, contact: Contact | None, channel: str) -> Ruling:
    draft.channel = channel
    has_account = account_for(channel) is not None
    return may_send(draft, draft.order, contact, now(), moment=moment, has_account=has_account)


def _store(draft: Message, choice: ChannelChoice) -> Message:
    """Store a new message: waiting for its time, or skipped with the name of the rule."""
    settle(draft, choice)
    draft.save()
    if draft.ended_at is None:
        wake(at=draft.send_at)
    else:
        record_end(draft)
    return draft
