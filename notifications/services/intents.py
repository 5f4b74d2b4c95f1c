"""Writes the intents of many facts at once: the reads of all together, and the rows together.

The rows are those that each fact alone would get, in the order of the facts. ``Batch`` has what is
read once. ``write_intents`` may be called several times for a batch: a fact that depends on the
messages of an earlier one comes in a later call.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from dispatch.orders.models import Order
from lastmile.core.actor import acting_as, current_actor
from lastmile.core.clock import now
from lastmile.core.tenancy import current_retailer
from notifications.catalogue.kinds import (
    CONTACT_OF_CHANNEL,
    Audience,
    ChannelKey,
    ContactKind,
    Moment,
    Priority,
    Recipient,
)
from notifications.models import Contact, Message
from notifications.rules import Ruling, Verdict, may_send, next_channel
from notifications.rules.facts import known_of_drafts
from notifications.rules.when import is_history, times_of
from notifications.rules.who import language_of
from notifications.selectors.push import push_contact
from notifications.services.contacts import contacts_of, set_languages
from notifications.services.ledger import record_ends, skip_waiting
from notifications.services.pointing import wake
from notifications.states import MessageState

SUPERSEDED: Final = "superseded"
SHOPPER: Final = "shp_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A fact that one recipient is told: its moment, its origin and its time.

    Parameters
    ----------
    values : Mapping
        What the message keeps of its event.
    secret : str
        A code, "" for none.
    at : datetime, optional
        The time of the fact, None for now.
    actor : str
        Who did it, "" for the present actor. The end of a message is recorded in this name.
    place : int
        The place among all facts of the batch. The last one that names a contact says its language.
    """

    moment: Moment
    origin: str
    order: Order | None
    recipient: Recipient
    values: Mapping[str, int | str] = field(default_factory=dict)
    secret: str = ""
    at: dt.datetime | None = None
    actor: str = ""
    place: int = 0


@dataclass(frozen=True, slots=True)
class ChannelChoice:
    """The channel and contact that a message takes, and what the rules say of it."""

    channel: str
    contact: Contact | None
    ruling: Ruling


class Batch:
    """The reads that the facts of a transaction share: channels, and messages of their origins."""

    def __init__(self, on: frozenset[str], origins: Sequence[str]) -> None:
        self.on = on
        self.known: dict[tuple[str, str], list[Message]] = {}
        self._named_at: dict[int, int] = {}
        if origins:
            for row in Message.objects.filter(origin__in=list(origins)).order_by("pk"):
                self.remember(row)

    def remember(self, message: Message) -> None:
        """Add a message to those that are known."""
        self.known.setdefault((message.origin, message.recipient), []).append(message)

    def messages_of(self, fact: Fact) -> list[Message]:
        """Return the messages that tell a fact already."""
        keys = {fact.moment.key, *fact.moment.takes_over}
        rows = self.known.get((fact.origin, fact.recipient.public_id), [])
        return [row for row in rows if row.moment in keys]

    def names_last(self, fact: Fact, contact: Contact) -> bool:
        """Return True if no later fact of the batch has named a contact so far."""
        last = self._named_at.get(contact.pk, -1)
        self._named_at[contact.pk] = max(last, fact.place)
        return fact.place >= last


@dataclass(slots=True)
class _Draft:
    """A message that is being written, and the channels of its chain that are not asked yet."""

    fact: Fact
    message: Message
    rest: list[str]
    refused: list[ChannelChoice] = field(default_factory=list)
    choice: ChannelChoice | None = None


def write_intents(facts: Sequence[Fact], batch: Batch) -> list[list[Message]]:
    """Write the messages of facts; return for each fact its messages, none for history.

    No two of the facts are about the same order. Call it inside a transaction.

    Locks: the waiting messages that are replaced, by id. Records: message.ended for each message
    that is skipped or replaced. Raises: nothing; every refusal is a message with its reason.
    """
    messages: dict[int, list[Message]] = {}
    fresh: list[tuple[int, Fact]] = []
    for number, fact in enumerate(facts):
        messages[number] = [] if _is_old(fact) else batch.messages_of(fact)
        if not messages[number] and not _is_old(fact):
            fresh.append((number, fact))
    replaced = _replace([fact for _number, fact in fresh])
    drafts = []
    for (number, fact), rows in zip(fresh, replaced, strict=True):
        drafts.append(_draft(fact, rows))
        messages[number] = [drafts[-1].message]
    for draft, choice in zip(drafts, _choose(drafts, batch), strict=True):
        settle(draft.message, choice)
    _store(drafts, replaced)
    for draft in drafts:
        batch.remember(draft.message)
    return [messages[number] for number in range(len(facts))]


def choice_of(message: Message, fact: Fact, on: frozenset[str]) -> ChannelChoice:
    """Return the channel that a message takes, which is not stored yet.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    draft = _Draft(fact=fact, message=message, rest=list(fact.moment.channels))
    return _choose([draft], Batch(on, []))[0]


def zone_of(order: Order | None) -> str:
    """Return the time zone of a message: the zone of the order's hub, else of the retailer."""
    if order is not None and order.hub is not None:
        return order.hub.zone
    return current_retailer().zone


def _is_old(fact: Fact) -> bool:
    """Return True for history. A code is asked for by a person, so it is sent for an old order."""
    if fact.order is None or fact.recipient.is_member or fact.moment.priority == Priority.CODE:
        return False
    return is_history(fact.order, zone_of(fact.order))


def _replace(facts: Sequence[Fact]) -> list[list[Message]]:
    """Supersede the waiting messages that facts replace; return those of each fact, by id.

    A corrected contact is another shopper row, and the messages that wait follow the order. So
    those of each shopper of the order are replaced.
    """
    orders = {fact.order.pk for fact in facts if fact.order is not None and fact.moment.replaces}
    if not orders:
        return [[] for _fact in facts]
    moments = {key for fact in facts for key in fact.moment.replaces}
    waiting = Message.objects.select_for_update(of=("self",)).filter(
        order__in=orders, moment__in=moments, state=MessageState.WAITING
    )
    of_order: dict[int | None, list[Message]] = {}
    for row in waiting.order_by("pk"):
        of_order.setdefault(row.order_id, []).append(row)
    replaced = []
    for fact in facts:
        rows = of_order.get(fact.order.pk, []) if fact.order is not None else []
        replaced.append([row for row in rows if _is_replaced(row, fact)])
        for row in replaced[-1]:
            row.order = fact.order
    if all_rows := [row for rows in replaced for row in rows]:
        skip_waiting(all_rows, SUPERSEDED)
    return replaced


def _is_replaced(row: Message, fact: Fact) -> bool:
    if row.moment not in fact.moment.replaces:
        return False
    if fact.moment.audience == Audience.SHOPPER:
        return row.recipient.startswith(SHOPPER)
    return row.recipient == fact.recipient.public_id


def _draft(fact: Fact, replaced: Sequence[Message]) -> _Draft:
    """Return the message of a fact. It takes over the moment and the due time of what it replaces.

    Its reader never read the one that is taken over.
    """
    moment, order, zone = fact.moment, fact.order, zone_of(fact.order)
    send_at, not_after = times_of(moment.timing, order=order, zone=zone, at=fact.at or now())
    taken_over = [row.moment for row in replaced if row.moment in moment.takes_over]
    if moment.timing.gather_s:
        send_at = min([send_at, *(row.send_at for row in replaced)])
    message = Message(
        origin=fact.origin,
        moment=taken_over[-1] if taken_over else moment.key,
        recipient=fact.recipient.public_id,
        order=order,
        hub_id=order.hub.public_id if order is not None and order.hub is not None else "",
        priority=moment.priority,
        language=language_of(fact.recipient),
        zone=zone,
        values=dict(fact.values),
        state=MessageState.WAITING.value,
        made_at=now(),
        send_at=send_at,
        not_after=not_after,
        secret=fact.secret or None,
    )
    return _Draft(fact=fact, message=message, rest=list(moment.channels))


def _choose(drafts: Sequence[_Draft], batch: Batch) -> list[ChannelChoice]:
    """Return for each draft the first channel of its chain that may be used.

    If there is none, it takes the channel that says best why not. A channel without an account
    says least, so another channel's reason comes before it, and nothing else is read about it.
    """
    open_drafts = list(drafts)
    while open_drafts := [draft for draft in open_drafts if _next_channel(draft, batch.on)]:
        contacts = _contacts(open_drafts, batch)
        messages = [draft.message for draft in open_drafts]
        known = known_of_drafts(list(zip(messages, contacts, strict=True)), now())
        for draft, contact, facts in zip(open_drafts, contacts, known, strict=True):
            message = draft.message
            ruling = may_send(
                message,
                message.order,
                contact,
                now(),
                moment=draft.fact.moment,
                known=facts,
                has_account=True,
            )
            choice = ChannelChoice(message.channel, contact, ruling)
            if ruling.verdict == Verdict.NEXT_CHANNEL:
                draft.refused.append(choice)
            else:
                draft.choice = choice
    choices = [draft.choice or _best_refusal(draft.refused) for draft in drafts]
    for draft, choice in zip(drafts, choices, strict=True):
        draft.message.passed_over = [
            [one.channel, one.ruling.reason]
            for one in draft.refused
            # That a channel is off matters only for a message that is not sent.
            if one is not choice and (draft.choice is None or one.ruling.reason != "no_channel")
        ]
    return choices


def _best_refusal(refused: Sequence[ChannelChoice]) -> ChannelChoice:
    telling = [choice for choice in refused if choice.ruling.reason != "no_channel"]
    return (telling or refused)[0]


def _next_channel(draft: _Draft, on: frozenset[str]) -> bool:
    """Set the next channel of a draft whose account is on; return False if it needs none."""
    while draft.choice is None and draft.rest:
        channel = draft.rest.pop(0)
        if channel in on:
            draft.message.channel = channel
            return True
        draft.refused.append(ChannelChoice(channel, None, next_channel("no_channel")))
    return False


def _contacts(drafts: Sequence[_Draft], batch: Batch) -> list[Contact | None]:
    """Return the contacts of drafts on their channels, None without one. New ones are made."""
    contacts: dict[int, Contact | None] = {}
    wanted: list[tuple[int, tuple[str, str, str]]] = []
    for number, draft in enumerate(drafts):
        kind = CONTACT_OF_CHANNEL[ChannelKey(draft.message.channel)]
        recipient = draft.fact.recipient
        if kind == ContactKind.PUSH:
            order = draft.message.order
            is_shopper = order is not None and not recipient.is_member
            contacts[number] = push_contact(order) if is_shopper and order is not None else None
        elif address := _ADDRESS[kind](recipient):
            wanted.append((number, (kind, address, recipient.language)))
    rows = contacts_of([address for _number, address in wanted]) if wanted else []
    languages: dict[int, tuple[Contact, str]] = {}
    for (number, (_kind, _address, language)), contact in zip(wanted, rows, strict=True):
        contacts[number] = contact
        if language and batch.names_last(drafts[number].fact, contact):
            languages[contact.pk] = (contact, language)
    changed: dict[str, list[Contact]] = {}
    for contact, language in languages.values():
        if contact.language != language:
            changed.setdefault(language, []).append(contact)
    set_languages(changed)
    return [contacts.get(number) for number in range(len(drafts))]


_ADDRESS: Final[Mapping[str, Callable[[Recipient], str]]] = {
    ContactKind.PHONE: lambda recipient: recipient.phone,
    ContactKind.EMAIL: lambda recipient: recipient.email,
}


def _store(drafts: Sequence[_Draft], replaced: Sequence[Sequence[Message]]) -> None:
    """Store new messages, and record the ends of replaced and skipped ones."""
    Message.objects.bulk_create([draft.message for draft in drafts])
    waiting = [one.message.send_at for one in drafts if one.message.ended_at is None]
    if waiting:
        wake(at=min(waiting))
    ended: list[tuple[str, Message]] = []
    for draft, rows in zip(drafts, replaced, strict=True):
        own = [draft.message] if draft.message.ended_at is not None else []
        ended += [(draft.fact.actor, row) for row in (*rows, *own)]
    for actor, group in groupby(ended, key=lambda one: one[0]):
        with acting_as(actor or current_actor()):
            record_ends([message for _actor, message in group])


def settle(message: Message, choice: ChannelChoice) -> None:
    """Give a message its channel and contact: it waits for its time, or it is skipped."""
    message.channel, message.contact = choice.channel, choice.contact
    ruling = choice.ruling
    if ruling.verdict == Verdict.LATER and ruling.send_at is not None:
        message.send_at = ruling.send_at
    message.not_after = max(message.not_after, message.send_at)
    if ruling.verdict in {Verdict.OK, Verdict.LATER}:
        return
    message.state = MessageState.SKIPPED.value
    message.reason = ruling.reason
    message.reason_params = dict(ruling.params)
    message.ended_at = now()
    message.secret = None
