"""Threads: what shoppers and staff write to each other, from the reply to the answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.models import Order
from dispatch.orders.states import ENDED
from lastmile.core.actor import current_actor
from lastmile.core.clock import now
from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.events import Lane, record
from notifications.catalogue.kinds import CONTACT_OF_CHANNEL, ChannelKey, ContactKind
from notifications.errors import NotSendable
from notifications.events import REPLY_RECEIVED, ReplyReceivedFacts
from notifications.models import (
    Contact,
    ContactChannel,
    Direction,
    Message,
    Thread,
    ThreadEntry,
)
from notifications.models.threads import LONGEST_TEXT, PAGE
from notifications.services.auditing import audit_sending
from notifications.services.board_counts import tell_boards
from notifications.services.contacts import (
    contact_of,
    find_contacts,
    opt_in,
    opt_out,
    stopped_by_word,
)
from notifications.services.stopping import explain_stop
from notifications.services.telling import send_text
from notifications.wording.spellings import spellings
from notifications.wording.stop_words import Word, says_yes, word_of

RECENT: Final = dt.timedelta(days=14)  # a reply belongs to the newest message of this time
OPEN_FOR: Final = dt.timedelta(hours=24)  # after a reply, WhatsApp takes free text for so long
#: The provider's own words for what it did with a stop word -> the meaning.
_PROVIDERS_WORDS: Final[Mapping[str, Word]] = {"STOP": Word.STOP, "START": Word.START}
#: The channels that bring an answer to a shopper who wrote on the page, in this order.
_ANSWERS: Final = (ChannelKey.SMS, ChannelKey.EMAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A text that somebody sent to us, as a channel understood it.

    Parameters
    ----------
    channel : str
        The key of the channel.
    from_, to : str
        The sender's address, and our own number or service.
    text : str
        The text as it came.
    provider_id : str
        The provider's id; the same id is the same text.
    at : datetime
        Business time at which it came.
    media_count : int
        Number of pictures with it. They are not fetched.
    opt_out_type : str
        ``STOP``, ``START`` or ``HELP`` if the provider itself handled such a word, else "".
    """

    channel: str
    from_: str
    to: str
    text: str
    provider_id: str
    at: dt.datetime
    media_count: int = 0
    opt_out_type: str = ""


@transaction.atomic
def receive_reply(inbound: Inbound) -> ThreadEntry:
    """Put a reply into the thread of its order, and obey a stop or start word in it.

    A number without an order lands in the general inbox. The same provider id twice is one entry.

    Locks: the contact, the thread. Records: reply.received, contact.opted_out or
    contact.opted_in. Raises: nothing.
    """
    known = ThreadEntry.objects.filter(key=inbound.provider_id).first()
    if known is not None:
        return known
    contact, order = _sender_of(inbound)
    Contact.objects.select_for_update().get(pk=contact.pk)
    known = ThreadEntry.objects.filter(key=inbound.provider_id).first()
    if known is not None:  # the same reply came twice at the same time
        return known
    word = _PROVIDERS_WORDS.get(inbound.opt_out_type) or word_of(inbound.text)
    thread = _thread(contact=contact, channel=inbound.channel, order=order)
    entry = _add(
        thread,
        direction=Direction.IN,
        text=inbound.text[:LONGEST_TEXT],
        key=inbound.provider_id,
        at=inbound.at,
        media_count=inbound.media_count,
        is_question=word is None,
    )
    if inbound.channel == ChannelKey.WHATSAPP:
        ContactChannel.objects.update_or_create(
            contact=contact,
            channel=inbound.channel,
            defaults={"open_until": inbound.at + OPEN_FOR},
        )
    if word is not None:
        _obey(word, inbound, contact, order)
    elif says_yes(inbound.text) and stopped_by_word(contact, inbound.channel):
        opt_in(contact=contact, channel=inbound.channel, by="word")
    record(
        REPLY_RECEIVED,
        ReplyReceivedFacts(
            channel=inbound.channel,
            thread=thread.public_id,
            order=order.public_id if order else None,
        ),
        subject=contact.public_id,
        lane=Lane.PERSON,
    )
    return entry


@transaction.atomic
def write_from_page(*, order: Order, text: str, key: str) -> ThreadEntry:
    """Put what a shopper wrote on the page of an order into its thread; the same key is one text.

    Locks: the thread. Records: reply.received. Raises: Invalid for an empty or too long text.
    """
    text = checked_text(text)
    known = ThreadEntry.objects.filter(key=f"page:{key}").first()
    if known is not None:
        return known
    thread = _thread(contact=None, channel=PAGE, order=order)
    entry = _add(
        thread, direction=Direction.IN, text=text, key=f"page:{key}", at=now(), is_question=True
    )
    facts = ReplyReceivedFacts(channel=PAGE, thread=thread.public_id, order=order.public_id)
    record(REPLY_RECEIVED, facts, subject=thread.public_id, lane=Lane.PERSON)
    return entry


@transaction.atomic
def answer(*, thread: Thread, text: str, key: str) -> ThreadEntry:
    """Write to the person of a thread, on the channel of the thread; the same key is one answer.

    The answer to a text from the page is on the page. It is also sent to the shopper by text
    message or e-mail, if a rule does not forbid it.

    Locks: the thread. Records: an audit entry, without the text. Raises: Invalid for an empty or
    too long text; NotSendable with the rule's sentence.
    """
    text = checked_text(text)
    known = ThreadEntry.objects.filter(key=f"man:{key}").first()
    if known is not None:
        return known
    Thread.objects.select_for_update().get(pk=thread.pk)
    if thread.channel == PAGE:
        message = _send_to_shopper(thread, text, key)
    else:
        _refuse_closed_window(thread)
        message = send_text(
            order=thread.order,
            contact=_present(thread.contact),
            channel=thread.channel,
            text=text,
            key=key,
        )
    entry = _add(
        thread,
        direction=Direction.OUT,
        text=text,
        key=f"man:{key}",
        at=now(),
        message=message,
        actor=current_actor(),
    )
    _answered(thread)
    audit_sending("thread.answered", subject=thread.public_id, message=message, order=thread.order)
    return entry


@transaction.atomic
def mark_read(*, thread: Thread) -> None:
    """Take a thread from the list of unanswered ones. A second call changes nothing.

    Locks: the thread. Records: nothing. Raises: nothing.
    """
    _answered(thread)


@transaction.atomic
def move_thread(*, thread: Thread, order: Order) -> Thread:
    """Move a thread to another order; return the thread that has its entries now.

    A thread of the same contact and channel on that order takes the entries.

    Locks: both threads, by id. Records: nothing. Raises: Invalid for a thread from a page, which
    belongs to its order.
    """
    if thread.channel == PAGE:
        raise Invalid(_("This was written on the page of its order, so it stays there."))
    same = Thread.objects.filter(contact=thread.contact, channel=thread.channel)
    rows = same.filter(pk=thread.pk) | same.filter(order=order)
    locked = list(rows.select_for_update().order_by("pk"))
    target = next((row for row in locked if row.order_id == order.pk), None)
    source = next(row for row in locked if row.pk == thread.pk)
    before = source.order
    if target is None:
        source.order = order
        source.save(update_fields=["order"])
        tell_boards(before)
        tell_boards(order)
        return source
    if target.pk == source.pk:
        return source
    ThreadEntry.objects.filter(thread=source).update(thread=target)
    waiting = [row.unanswered_since for row in (source, target) if row.unanswered_since]
    target.unanswered_since = min(waiting, default=None)
    target.last_at = max(source.last_at, target.last_at)
    target.save(update_fields=["unanswered_since", "last_at"])
    source.delete()
    tell_boards(before)
    tell_boards(order)
    return target


def _sender_of(inbound: Inbound) -> tuple[Contact, Order | None]:
    """Return who wrote, and the order that it is about; None for the general inbox."""
    kind = CONTACT_OF_CHANNEL[ChannelKey(inbound.channel)]
    if kind != ContactKind.PHONE:
        return contact_of(kind, inbound.from_), None
    contacts = find_contacts(inbound.from_)
    newest = (
        Message.objects.filter(
            contact__in=contacts,
            channel=inbound.channel,
            order__isnull=False,
            accepted_at__gt=inbound.at - RECENT,
        )
        .select_related("contact", "order__hub")
        .order_by("-accepted_at", "-pk")
        .first()
    )
    if newest is not None:
        return _present(newest.contact), newest.order
    order = _open_order_of(inbound.from_)
    if order is not None:
        return contact_of(kind, order.shopper.phone), order
    return contacts[0] if contacts else contact_of(kind, inbound.from_), None


def _open_order_of(number: str) -> Order | None:
    """Return the newest open order of a number; None for a sender that is no number."""
    if not number.startswith("+"):
        return None
    orders = Order.objects.filter(shopper__phone__in=spellings(number))
    open_ = orders.exclude(state__in=[state.value for state in ENDED])
    return open_.select_related("hub", "shopper").order_by("-created_at", "-pk").first()


def _obey(word: Word, inbound: Inbound, contact: Contact, order: Order | None) -> None:
    """Stop or start the channel for everybody behind the number, and explain the word CANCEL."""
    by = "provider" if inbound.opt_out_type else "word"
    if word == Word.START:
        opt_in(contact=contact, channel=inbound.channel, by=by)
        return
    opt_out(contact=contact, channel=inbound.channel, by=by, sender=inbound.to)
    if order is not None and word_of(inbound.text) == Word.CANCEL:
        explain_stop(
            order=order,
            contact=contact,
            channel=inbound.channel,
            is_answered=bool(inbound.opt_out_type),
        )


def _answered(thread: Thread) -> None:
    """Take a thread from the list of unanswered ones."""
    Thread.objects.filter(pk=thread.pk).update(unanswered_since=None)
    tell_boards(thread.order)


def _thread(*, contact: Contact | None, channel: str, order: Order | None) -> Thread:
    thread, _created = Thread.objects.get_or_create(
        contact=contact, channel=channel, order=order, defaults={"last_at": now()}
    )
    return Thread.objects.select_for_update(of=("self",)).get(pk=thread.pk)


def _add(
    thread: Thread,
    *,
    direction: str,
    text: str,
    at: dt.datetime,
    is_question: bool = False,
    **columns: object,
) -> ThreadEntry:
    entry = ThreadEntry.objects.create(
        thread=thread, direction=direction, text=text, at=at, **columns
    )
    thread.last_at = max(thread.last_at, at)
    if is_question and thread.unanswered_since is None:
        thread.unanswered_since = at
    thread.save(update_fields=["last_at", "unanswered_since"])
    if is_question:
        tell_boards(thread.order)
    return entry


def _send_to_shopper(thread: Thread, text: str, key: str) -> Message | None:
    """Send an answer to the shopper of the order by the first channel that may; None if none."""
    order = thread.order
    if order is None:
        return None
    addresses = {ContactKind.PHONE: order.shopper.phone, ContactKind.EMAIL: order.shopper.email}
    for channel in _ANSWERS:
        kind = CONTACT_OF_CHANNEL[channel]
        if not addresses[kind]:
            continue
        contact = contact_of(kind, addresses[kind], language=order.shopper.language)
        try:
            with transaction.atomic():
                return send_text(order=order, contact=contact, channel=channel, text=text, key=key)
        except NotSendable:
            continue
    return None


def _refuse_closed_window(thread: Thread) -> None:
    """Raise NotSendable if WhatsApp takes no free text for this person now."""
    if thread.channel != ChannelKey.WHATSAPP:
        return
    rows = ContactChannel.objects.filter(contact=thread.contact, channel=thread.channel)
    open_until = rows.values_list("open_until", flat=True).first()
    if open_until is None or open_until <= now():
        raise NotSendable(
            _(
                "WhatsApp takes free text only within 24 hours of the person's last reply. Send a"
                " message of the catalogue, or use another channel."
            )
        )


def checked_text(text: str) -> str:
    """Return a text without spaces around it.

    Locks: nothing. Records: nothing. Raises: Invalid if it is empty or too long.
    """
    text = text.strip()
    if not text or "\x00" in text:
        detail = _("Enter a text.")
        raise Invalid(detail, errors=[FieldProblem("/text", detail)])
    if len(text) > LONGEST_TEXT:
        detail = _("Use at most %(most)d characters.") % {"most": LONGEST_TEXT}
        raise Invalid(detail, errors=[FieldProblem("/text", detail)])
    return text


def _present(contact: Contact | None) -> Contact:
    if contact is None:
        raise RuntimeError("A thread of a channel has a contact; the database checks it.")
    return contact
