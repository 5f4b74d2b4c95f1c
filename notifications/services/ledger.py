"""The moves of a message: locks its row, changes its state, and records its end once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from lastmile.core.clock import now
from lastmile.core.events import record_many
from notifications.errors import LeaseLost
from notifications.events import MESSAGE_ENDED, MessageEndedFacts
from notifications.models import Message
from notifications.states import FINAL, MessageState, may_move

RELATED = ("order", "contact", "account")


def held(pk: int, token: uuid.UUID) -> Message:
    """Lock the message that this sender has leased, and return it.

    Locks: the message. Records: nothing. Raises: LeaseLost.
    """
    leased = Message.objects.select_for_update(of=("self",)).select_related(*RELATED)
    message = leased.filter(pk=pk, lease_token=token, state=MessageState.SENDING).first()
    if message is None:
        raise LeaseLost(f"Message {pk} is no longer leased by this sender.")
    return message


def held_many(tokens: Mapping[int, uuid.UUID], *, only: Sequence[str] = ()) -> list[Message]:
    """Lock the messages that this sender has leased, by id, and return them.

    ``tokens`` has the token of the lease of each message. A message whose lease is lost is left
    out. ``only`` names the columns to read, so that sealed ones need not be opened.

    Locks: the messages. Records: nothing. Raises: nothing.
    """
    related = {name.partition("__")[0] for name in only if "__" in name}
    leased = Message.objects.select_for_update(of=("self",))
    leased = leased.select_related(*(related or ("contact", "account"))).only(*only)
    rows = leased.filter(pk__in=list(tokens), state=MessageState.SENDING).order_by("pk")
    return [row for row in rows if row.lease_token == tokens[row.pk]]


def locked(**which: Any) -> Message | None:
    """Lock the message with these values, and return it; None if there is none.

    Locks: the message. Records: nothing. Raises: nothing.
    """
    rows = Message.objects.select_for_update(of=("self",)).select_related(*RELATED)
    return rows.filter(**which).first()


def move(message: Message, to: MessageState, **changes: Any) -> bool:
    """Move a locked message to another state; return False if this move is not allowed.

    ``changes`` are further columns. The lease ends with every move but the one to sending. At the
    first final state the code is emptied and the end is recorded.

    Locks: nothing. Records: message.ended. Raises: nothing.
    """
    if not may_move(message.state, to):
        return False
    changes["state"] = to.value
    if to != MessageState.SENDING:
        changes |= {"lease_token": None, "lease_until": None}
    if to in FINAL:
        _end(message, changes)
    write(message, **changes)
    return True


def end_as_sent(message: Message) -> None:
    """End a locked message that was sent and stayed silent. Its state stays ``sent``.

    Locks: nothing. Records: message.ended. Raises: nothing.
    """
    changes: dict[str, Any] = {"state": MessageState.SENT.value, "poll_at": None}
    _end(message, changes)
    write(message, **changes)


def skip(message: Message, reason: str, params: Mapping[str, int | str] | None = None) -> bool:
    """End a locked message that is not sent, with the name of the rule.

    Locks: nothing. Records: message.ended. Raises: nothing.
    """
    return move(message, MessageState.SKIPPED, reason=reason, reason_params=dict(params or {}))


def write(message: Message, **changes: Any) -> None:
    """Store columns of a locked message.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    for name, value in changes.items():
        setattr(message, name, value)
    message.save(update_fields=[*changes])


def skip_waiting(messages: Sequence[Message], reason: str) -> None:
    """End locked messages that wait, with the name of the rule. The caller records their ends.

    It is one statement, however many messages there are.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    changes: dict[str, Any] = {
        "state": MessageState.SKIPPED.value,
        "reason": reason,
        "reason_params": {},
        "ended_at": now(),
        "secret": None,
    }
    Message.objects.filter(pk__in=[message.pk for message in messages]).update(**changes)
    for message in messages:
        for name, value in changes.items():
            setattr(message, name, value)


def record_end(message: Message) -> None:
    """Record the end of a message.

    Locks: nothing. Records: message.ended. Raises: nothing.
    """
    record_ends([message])


def record_ends(messages: Sequence[Message]) -> None:
    """Record the ends of messages with one statement.

    Locks: nothing. Records: message.ended for each. Raises: nothing.
    """
    ends = [MESSAGE_ENDED.new(one.public_id, _facts_of_end(one)) for one in messages]
    record_many(ends, hinted=False)  # no handler waits for them, and each message has one


def _facts_of_end(message: Message) -> MessageEndedFacts:
    return MessageEndedFacts(
        state=message.state,
        reason=message.reason,
        channel=message.channel,
        moment=message.moment,
        order=message.order.public_id if message.order is not None else None,
        calls=message.calls,
        segments=message.segments,
    )


def _end(message: Message, changes: dict[str, Any]) -> None:
    """Add the end to the changes of a message and record it, unless it has ended before."""
    if message.ended_at is not None:
        return
    changes |= {"ended_at": now(), "secret": None}
    for name, value in changes.items():
        setattr(message, name, value)
    record_end(message)
