"""The last check before a call: rules, words and budgets in one short transaction.

It ends with the row of the provider call. Only after the commit is the provider called, at once.
If the sender dies after the commit, the open row says that the provider may have the message.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from django.db import connection, transaction
from django.db.models import Field

from dispatch.orders.links import is_link_over, links_read_ahead
from dispatch.orders.models import Order
from dispatch.orders.wording import zone_of
from lastmile.core.clock import now
from lastmile.core.timing import in_seconds
from lastmile.core.wiring import load
from notifications.catalogue.kinds import Audience, ChannelKey, Moment, Priority, Recipient
from notifications.catalogue.moments import BY_KEY
from notifications.catalogue.own_words import OWN_WORDS
from notifications.channels.base import Outgoing
from notifications.models import CallResult, Message, ProviderCall
from notifications.rendering.facts import arrivals_of
from notifications.rendering.render import ReadAhead, own_words, render
from notifications.rendering.rendered import LINK_MARK, Rendered
from notifications.rules import Ruling, Verdict, may_send
from notifications.rules.facts import Known, known_of
from notifications.rules.who import as_recipient, language_of
from notifications.selectors.accounts import is_copied
from notifications.selectors.moments import moment_in_use
from notifications.selectors.push import push_contacts
from notifications.services.budgets import reserve_budget, reserve_budgets
from notifications.services.chain import contact_for, contacts_ahead, end_unsent
from notifications.services.claiming import ClaimedMessage
from notifications.services.ledger import held, held_many, move, write
from notifications.services.outgoing import outgoing_of
from notifications.services.pointing import wake
from notifications.states import MessageState
from tenants.people.selectors import members, policies_read_once

PRESENT = ("shopper", "place", "hub", "promise__place")
LONG_WAIT: Final = dt.timedelta(minutes=5)
MEMBER: Final = "mbr_"
BY_HAND: Final = "man:"


def prepare(*, claimed: ClaimedMessage, copied: bool | None = None) -> Outgoing | None:
    """Check a message against the present state, render it and open its provider call.

    ``copied`` says whether the account was switched on on another installation; None looks.

    Locks: the message, by its token; budget rows. Records: message.ended if it is skipped.
    Raises: LeaseLost.
    """
    with policies_read_once(), transaction.atomic():
        message = held(claimed.pk, claimed.token)
        message.order = _present_order(message)
        moment = BY_KEY.get(message.moment, OWN_WORDS)
        _follow_reader(message)
        if why := _no_longer_true(message, moment):
            end_unsent(message, why, go_on=False)
            return None
        rendered = _words(message)
        ruling = _ruling(message, moment, rendered, copied)
        if rendered is not None and ruling.verdict == Verdict.OK:
            ruling = _reserve(message, rendered) or ruling
        if rendered is None or ruling.verdict != Verdict.OK:
            obey(message, ruling)
            return None
        return _open_call(message, rendered)


def prepare_many(*, claimed: Sequence[ClaimedMessage], copied: bool) -> dict[int, Outgoing]:
    """Check many messages of one account and open their provider calls, in one transaction.

    It is the usual case of ``prepare`` with a few statements for all messages. Messages that are
    missing in the answer are unchanged, and each needs ``prepare``: a rule is against it,
    its contact is new, or another message of the batch has its contact or order. If a budget has
    no room for all, the answer is empty.

    Returns
    -------
    dict of int to Outgoing
        The messages whose call is open, by primary key.

    Locks: the messages, by id; budget rows, by scope, subject and day. Records: budget.reached.
    Raises: nothing of its own.
    """
    with policies_read_once():
        try:
            with transaction.atomic():
                return _prepare_all({one.pk: one.token for one in claimed}, copied)
        except _NoRoom:
            return {}


class _NoRoom(Exception):
    """A budget has not enough room for all messages of a batch."""


def _prepare_all(tokens: Mapping[int, uuid.UUID], copied: bool) -> dict[int, Outgoing]:
    messages = _with_present_facts(held_many(tokens))
    known = known_of(messages, now())
    orders = [message.order for message in messages if message.order is not None]
    ahead = ReadAhead(arrivals=arrivals_of(orders))
    with links_read_ahead(orders):
        ready: list[tuple[Message, Rendered]] = []
        for message in messages:
            moment = BY_KEY.get(message.moment, OWN_WORDS)
            if _no_longer_true(message, moment):
                continue
            rendered = _words(message, ahead)
            ruling = _ruling(message, moment, rendered, copied, known[message.pk])
            if rendered is not None and ruling.verdict == Verdict.OK:
                ready.append((message, rendered))
        if not reserve_budgets(messages=[(row, words.segments) for row, words in ready]):
            raise _NoRoom
        _open_calls(ready)
        return {row.pk: outgoing_of(row, words, call=row.calls) for row, words in ready}


def _with_present_facts(messages: Sequence[Message]) -> list[Message]:
    """Return the messages with their order and contact as they are now.

    A message is left out if its contact, language or zone must be written, or if it is counted
    already by an earlier call. It is left out too if an earlier one has its contact or order,
    because the caps count that one first.
    """
    ids = [message.order_id for message in messages if message.order_id is not None]
    orders = Order.objects.select_related(*PRESENT).in_bulk(ids)
    recipients: dict[int, tuple[str, Recipient]] = {}
    for message in messages:
        if message.order_id is not None:
            message.order = orders[message.order_id]
            if _follows_order(message):
                recipients[message.pk] = (message.channel, as_recipient(message.order.shopper))
    contacts = contacts_ahead(recipients.values())
    browsers = push_contacts(
        [row.order_id for row in messages if row.channel == ChannelKey.PUSH and row.order_id]
    )
    taken: set[tuple[str, int | None]] = set()
    usable = []
    for message in messages:
        if message.pk in recipients:
            channel, recipient = recipients[message.pk]
            message.contact = contacts.get((channel, recipient.public_id))
            if channel == ChannelKey.PUSH:
                message.contact = browsers.get(message.order_id or 0)
            if message.order is None or _changed(message, message.order, recipient):
                continue
        if message.counted_on is not None:
            continue
        marks = {("contact", message.contact_id)}
        if message.order_id is not None:
            marks.add(("order", message.order_id))
        if message.contact is not None and not marks & taken:
            taken |= marks
            usable.append(message)
    return usable


def _reserve(message: Message, rendered: Rendered) -> Ruling | None:
    return reserve_budget(
        message=message,
        order=message.order,
        contact=message.contact,
        segments=rendered.segments,
    )


def obey(message: Message, ruling: Ruling) -> None:
    """End or put off a locked message, as the rules say.

    Locks: budget rows. Records: message.ended if it ends. Raises: nothing.
    """
    if ruling.verdict == Verdict.LATER and ruling.send_at is not None:
        move(message, MessageState.WAITING, send_at=ruling.send_at)
        wake(at=ruling.send_at)
        return
    go_on = ruling.verdict == Verdict.NEXT_CHANNEL
    end_unsent(message, ruling.reason, dict(ruling.params), go_on=go_on)


def _present_order(message: Message) -> Order | None:
    if message.order_id is None:
        return None
    return Order.objects.select_related(*PRESENT).get(pk=message.order_id)


def _follow_reader(message: Message) -> None:
    """Take contact, language and zone as they are now: they may have changed since the intent.

    A code goes where it was promised to go, and a warning to the contact that the event names.
    """
    order = message.order
    if order is None or not _follows_order(message):
        return
    recipient = as_recipient(order.shopper)
    message.contact = contact_for(message.channel, recipient, order)
    if changed := _changed(message, order, recipient):
        write(message, **changed)


def _changed(message: Message, order: Order, recipient: Recipient) -> dict[str, str]:
    """Return language and zone as they are now, as far as they have changed."""
    now_true = {"language": language_of(recipient), "zone": zone_of(order)}
    return {name: value for name, value in now_true.items() if getattr(message, name) != value}


def _follows_order(message: Message) -> bool:
    """Return True if a message goes to its order's contact as it is now."""
    moment = BY_KEY.get(message.moment, OWN_WORDS)
    is_shoppers = moment.audience == Audience.SHOPPER and moment.priority != Priority.CODE
    return message.order_id is not None and is_shoppers


def _no_longer_true(message: Message, moment: Moment) -> str:
    """Return "" if a message is still to be sent, else the name of the rule."""
    if message.recipient.startswith(MEMBER) and not _is_member(message.recipient):
        return "no_longer_true"
    if _was_switched_off(message, moment):
        return "switched_off"
    if not moment.still_true:
        return ""
    return str(load(moment.still_true)(message, message.order))


def _is_member(public_id: str) -> bool:
    return members().filter(public_id=public_id, active=True).exists()


def _was_switched_off(message: Message, moment: Moment) -> bool:
    """Return True if the retailer switched the moment of a message off while it waited.

    Only a message that has waited long is looked at, so a message at once costs no query. What a
    member sends by hand is sent all the same.
    """
    has_waited = now() - message.made_at > LONG_WAIT
    if moment is OWN_WORDS or not has_waited or message.origin.startswith(BY_HAND):
        return False
    return moment_in_use(moment) is None


def _words(message: Message, ahead: ReadAhead | None = None) -> Rendered | None:
    if message.moment not in BY_KEY:
        return own_words(message)
    return render(message, message.order, ahead=ahead)


def _ruling(
    message: Message,
    moment: Moment,
    rendered: Rendered | None,
    copied: bool | None,
    known: Known | None = None,
) -> Ruling:
    """Return what the rules say, without the budgets."""
    account = message.account
    if copied is None:
        copied = account is not None and is_copied(account)
    ruling = may_send(
        message,
        message.order,
        message.contact,
        now(),
        moment=moment,
        known=known,
        has_account=account is not None and account.is_on,
        is_restored_copy=copied,
        has_template=rendered is not None,
    )
    if ruling.verdict != Verdict.OK or rendered is None:
        return ruling
    if LINK_MARK in rendered.text and (message.order is None or is_link_over(message.order)):
        return Ruling(verdict=Verdict.SKIP, reason="expired")
    return ruling


_WORDS: Final = ("text", "subject")
_STORE_WORDS: Final = """
    UPDATE notifications_message AS message
       SET calls = words.calls, contact_id = words.contact, text = words.text,
           subject = words.subject, segments_counted = words.segments,
           counted_on = words.counted_on, template_digest = words.digest,
           template_version = words.version
      FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::text[], %s::text[], %s::int[],
                  %s::date[], %s::text[], %s::int[])
           AS words (id, calls, contact, text, subject, segments, counted_on, digest, version)
     WHERE message.id = words.id
"""


def _open_calls(ready: Sequence[tuple[Message, Rendered]]) -> None:
    """Store the words and the open calls of many messages, as ``_open_call`` does for one."""
    if not ready:
        return
    text, subject = cast("list[Field[Any, Any]]", [Message._meta.get_field(n) for n in _WORDS])
    rows = []
    for message, rendered in ready:
        message.calls += 1
        rows.append(
            (
                message.pk,
                message.calls,
                message.contact_id,
                text.get_db_prep_save(rendered.text, connection),
                subject.get_db_prep_save(rendered.subject, connection),
                rendered.segments,
                message.counted_on,
                rendered.digest,
                rendered.version,
            )
        )
    ProviderCall.objects.bulk_create(
        (
            ProviderCall(
                message=message,
                number=message.calls,
                started_at=in_seconds(0),
                result=CallResult.OPEN.value,
            )
            for message, _rendered in ready
        ),
        update_conflicts=True,  # a call that did not reach the provider left its row
        unique_fields=["message", "number"],
        update_fields=[
            *("started_at", "ended_at", "result", "code", "words", "provider_id", "short_proof")
        ],
    )
    with connection.cursor() as cursor:
        cursor.execute(_STORE_WORDS, [list(column) for column in zip(*rows, strict=True)])


def _open_call(message: Message, rendered: Rendered) -> Outgoing:
    """Store the words and the open call; return the message as it goes to the provider."""
    call = message.calls + 1
    opened = {"started_at": in_seconds(0), "result": CallResult.OPEN}
    blank = {"ended_at": None, "code": "", "words": "", "provider_id": "", "short_proof": False}
    calls = ProviderCall.objects.filter(message=message, number=call)
    if not calls.update(**opened, **blank):  # a call that did not reach the provider left its row
        ProviderCall.objects.create(message=message, number=call, **opened)
    write(
        message,
        calls=call,
        contact=message.contact,
        text=rendered.text,
        subject=rendered.subject,
        segments_counted=rendered.segments,
        template_digest=rendered.digest,
        template_version=rendered.version,
    )
    return outgoing_of(message, rendered, call=call)
