"""Look-ups of unclear calls: proof that the provider has a message, or that it does not.

After a call without an answer nobody knows whether the provider took the message. It is sent again
only after a proof of absence: the provider was asked several times and had nothing. A provider
that shows within 20 seconds what it took therefore never gets a message twice.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models.functions import Now

from lastmile.core.clock import now
from lastmile.core.timing import backoff_s, in_seconds
from notifications.channels.base import Accepted, ChannelError, Outgoing, Scope
from notifications.models import MOST_CALLS, CallResult, Message, ProviderCall
from notifications.services.ledger import locked, move, write
from notifications.services.outgoing import outgoing_again
from notifications.services.pointing import point_in
from notifications.services.reporting import fail, take
from notifications.states import MessageState

#: Seconds after the call at which the provider is asked; it must have nothing each time.
SHORT_PROOF_S: Final = (5, 20)
LONG_PROOF_S: Final = (5, 30, 90)
ASKING_S: Final = 40  # a look-up ends within this time; then another sender may ask
LONGEST_WAIT_S: Final = 300
KNOWN: Final = 100
LEAST_ASKED_S: Final = 3600  # for so long the provider is asked at least
BEFORE: Final = dt.timedelta(seconds=30)  # the provider's clock may be behind


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """A question to the provider about an unclear call.

    ``known`` has the provider's ids of other messages to this contact.
    """

    message: Message
    outgoing: Outgoing
    since: dt.datetime
    known: frozenset[str]
    account: int


def unclear_due(*, most: int) -> list[LookUp]:
    """Take the unclear messages whose next look-up is due. For some seconds no other sender asks.

    Locks: the messages. Records: nothing. Raises: nothing.
    """
    questions = []
    with transaction.atomic():
        due = Message.objects.select_for_update(of=("self",), skip_locked=True).filter(
            state=MessageState.UNCLEAR, retry_at__lte=Now()
        )
        rows = due.select_related("order__shopper", "order__promise", "contact", "account")
        for message in rows.order_by("retry_at")[:most]:
            write(message, retry_at=in_seconds(ASKING_S))
            point_in(ASKING_S)
            call = ProviderCall.objects.filter(message=message, number=message.calls).first()
            if call is None or message.contact is None or message.account_id is None:
                continue
            questions.append(
                LookUp(
                    message=message,
                    outgoing=outgoing_again(message),
                    since=call.started_at - BEFORE,
                    known=_known(message),
                    account=message.account_id,
                )
            )
    return questions


def resolve(*, message: Message, result: Accepted | ChannelError | None) -> None:
    """Store the result of a look-up of an unclear call.

    ``message`` is the row that was read before the provider was asked. If it has changed since,
    nothing happens.

    Locks: the message. Records: message.ended for unknown. Raises: nothing.
    """
    with transaction.atomic():
        row = locked(pk=message.pk)
        if row is None or row.state != MessageState.UNCLEAR:
            return
        if (row.calls, row.lookups) != (message.calls, message.lookups):
            return
        if isinstance(result, Accepted):
            take(row, result, call=row.calls)
        elif isinstance(result, ChannelError):
            _cannot_tell(row)
        else:
            _absent_now(row)


def _known(message: Message) -> frozenset[str]:
    """Return the provider's ids of the other newest messages to the same contact."""
    same = Message.objects.filter(contact=message.contact, channel=message.channel)
    newest = same.exclude(provider_id="").order_by("-made_at")
    return frozenset(newest.values_list("provider_id", flat=True)[:KNOWN])


def _absent_now(message: Message) -> None:
    """Count a look-up that found nothing; after the last one the message may be sent again."""
    steps = _proof_of(message)
    done = message.lookups + 1
    if done < len(steps):
        wait_s = steps[done] - steps[done - 1]
        write(message, lookups=done, retry_at=in_seconds(wait_s))
        point_in(wait_s)
        return
    calls = ProviderCall.objects.filter(message=message, number=message.calls)
    calls.update(result=CallResult.ABSENT, ended_at=Now())
    if message.calls >= MOST_CALLS:
        fail(message, Scope.MESSAGE, reason="too_many_calls")
        return
    move(message, MessageState.WAITING, lookups=0, retry_at=None)
    point_in(0)


def _proof_of(message: Message) -> tuple[int, ...]:
    """Return the times of the proof for the present call of a message.

    A second call without any answer makes it likelier that the provider is slow, so its proof takes
    longer. An error that the provider itself answered keeps the short one.
    """
    calls = ProviderCall.objects.filter(message=message)
    silent = calls.filter(short_proof=False)
    before = silent.filter(number__lt=message.calls, result=CallResult.ABSENT)
    is_silent = silent.filter(number=message.calls).exists()
    return LONG_PROOF_S if is_silent and before.exists() else SHORT_PROOF_S


def _cannot_tell(message: Message) -> None:
    """Ask again later; give up when the message is of no use any more."""
    calls = ProviderCall.objects.filter(message=message, number=message.calls)
    asked_enough = calls.filter(started_at__lte=in_seconds(-LEAST_ASKED_S)).exists()
    if now() > message.not_after and asked_enough:
        move(message, MessageState.UNKNOWN, reason="no_answer")
        return
    wait_s = backoff_s(message.delays + 1, most_s=LONGEST_WAIT_S)
    write(message, delays=message.delays + 1, retry_at=in_seconds(wait_s))
    point_in(wait_s)
