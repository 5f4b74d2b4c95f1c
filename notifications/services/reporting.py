"""Results of provider calls, and what providers report later.

A report that names its message and call is a proof that the provider has it, also while the sender
still waits for the answer of the call. Then the sender has lost its lease, and only notes the
provider's id at the call.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import connection, transaction
from django.db.models import F

from lastmile.core.clock import now
from lastmile.core.tenancy import current_schema
from lastmile.core.timing import backoff_s, in_seconds
from notifications.catalogue.kinds import ChannelKey
from notifications.channels.base import Accepted, ChannelError, ProviderStatus, Scope
from notifications.channels.twilio_codes import scope_of
from notifications.errors import LeaseLost
from notifications.models import (
    AccountState,
    CallResult,
    Contact,
    Message,
    ProviderCall,
    ProviderReport,
    ReportSource,
)
from notifications.services.accounts import pause, resume
from notifications.services.budgets import give_back_budget
from notifications.services.chain import start_next
from notifications.services.claiming import ClaimedMessage
from notifications.services.contacts import BOUNCE, opt_out
from notifications.services.ledger import held, locked, move, write
from notifications.services.pointing import point_in
from notifications.services.polling import first_poll_s, is_over
from notifications.services.subscribing import end_subscriptions
from notifications.states import OPEN, RANK, MessageState

FIRST_LOOKUP_S: Final = 5
LONGEST_DELAY_S: Final = 600
ACCOUNT_PAUSE_S: Final = 900  # a locked account is tried again after a quarter of an hour
RATE_PAUSE_S: Final = 5
_PAUSE_S: Final = {Scope.ACCOUNT: ACCOUNT_PAUSE_S, Scope.RATE: RATE_PAUSE_S}
#: Scope of a refusal -> the reason of the message that failed.
REASONS: Final = {
    Scope.MESSAGE: "refused",
    Scope.CONTACT: "bad_contact",
    Scope.OPTED_OUT: "opted_out",
    Scope.WINDOW: "window",
    Scope.ACCOUNT: "refused",
    Scope.RATE: "refused",
}


def accept(*, claimed: ClaimedMessage, accepted: Accepted) -> None:
    """Store that the provider took a message, and apply reports that wait for it.

    Locks: the message. Records: message.ended if it ended. Raises: LeaseLost.
    """
    try:
        with transaction.atomic():
            take(held(claimed.pk, claimed.token), accepted, call=claimed.call)
    except LeaseLost:
        _close_call(claimed, CallResult.ACCEPTED, provider_id=accepted.provider_id, only_open=False)
        raise


def take(message: Message, accepted: Accepted, *, call: int) -> None:
    """Store that the provider has a locked message, and apply reports that wait for it.

    Locks: nothing. Records: message.ended if it ended. Raises: nothing.
    """
    ProviderCall.objects.filter(message=message, number=call).update(
        result=CallResult.ACCEPTED, ended_at=in_seconds(0), provider_id=accepted.provider_id
    )
    changes: dict[str, Any] = {"provider_id": accepted.provider_id, "accepted_at": now()}
    if accepted.segments is not None:
        changes["segments"] = accepted.segments
    wait_s = first_poll_s(message.account)
    changes |= {"poll_at": in_seconds(wait_s), "polls": 0, "retry_at": None}
    _serialise(message.channel, accepted.provider_id)
    if not move(message, MessageState(accepted.state), **changes):
        return
    if is_over(message):
        write(message, poll_at=None)
    else:
        point_in(wait_s)
    if message.account is not None and message.account.state == AccountState.PAUSED:
        resume(account=message.account, by_person=False)
    early = ProviderReport.objects.filter(
        channel=message.channel,
        provider_id=accepted.provider_id,
        message__isnull=True,
        take_at__isnull=True,  # else a worker takes it soon
    )
    reports = sorted(early, key=lambda one: _rank(one.state))
    if reports:
        early.update(message=message)
    for one in reports:
        _apply(message, status_of(one))


def refuse_call(*, claimed: ClaimedMessage, error: ChannelError) -> None:
    """Store a refusal: the message fails, waits again or goes to the next channel.

    Locks: the message, the contact's channel, the account. Records: message.ended,
    contact.opted_out, channel.paused. Raises: LeaseLost.
    """
    with transaction.atomic():
        message = held(claimed.pk, claimed.token)
        if error.permanent and error.scope not in {Scope.ACCOUNT, Scope.RATE}:
            _close_call(claimed, CallResult.REFUSED, error=error)
            fail(message, error.scope)
            return
        _close_call(claimed, CallResult.TRANSIENT, error=error)
        if error.scope in _PAUSE_S and message.account is not None:
            # The pause holds the message back; it goes on when the account does.
            pause_s = error.retry_after_s or _PAUSE_S[error.scope]
            pause(account=message.account, code=error.code or error.scope, for_s=pause_s)
            move(message, MessageState.WAITING, calls=message.calls - 1, retry_at=None)
            point_in(pause_s)
        else:
            wait_s = backoff_s(message.delays + 1, most_s=LONGEST_DELAY_S)
            move(
                message,
                MessageState.WAITING,
                calls=message.calls - 1,
                delays=message.delays + 1,
                retry_at=in_seconds(wait_s),
            )
            point_in(wait_s)


def leave_unclear(*, claimed: ClaimedMessage, error: ChannelError) -> None:
    """Store that a call had no answer; a look-up follows.

    Locks: the message. Records: nothing. Raises: LeaseLost.
    """
    with transaction.atomic():
        message = held(claimed.pk, claimed.token)
        _close_call(claimed, CallResult.UNCLEAR, error=error)
        move(message, MessageState.UNCLEAR, retry_at=in_seconds(FIRST_LOOKUP_S), lookups=0)
        point_in(FIRST_LOOKUP_S)


def report(
    *,
    channel: str,
    status: ProviderStatus,
    message: str = "",
    call: int = 0,
    source: str = ReportSource.CALLBACK,
) -> None:
    """Store what a provider says about a message, and move the message forward.

    ``message`` and ``call`` are the public id and the number of the call, if the provider sent
    them back. Locks: the message, if it is known. Records: message.ended. Raises: nothing; a
    report of an unknown message is kept until its message is known.
    """
    with transaction.atomic():
        connect(channel=channel, status=status, message=message, call=call, source=source)


def connect(
    *,
    channel: str,
    status: ProviderStatus,
    message: str,
    call: int,
    source: str = ReportSource.CALLBACK,
    kept: ProviderReport | None = None,
) -> None:
    """Store a report with its message, and move the message forward; ``report`` says more.

    ``kept`` is the row of the report if it was kept before. It is locked.

    Locks: the message, if it is known. Records: message.ended. Raises: nothing.
    """
    row = _message_of(channel, status.provider_id, message)
    if row is None:
        _serialise(channel, status.provider_id)
        row = _message_of(channel, status.provider_id, message)
    if kept is not None:
        ProviderReport.objects.filter(pk=kept.pk).update(message=row, take_at=None)
    else:
        _write_report(channel, status, row, source)
    if row is None:
        return
    if row.state in OPEN or (row.state == MessageState.UNKNOWN and not row.provider_id):
        _prove(row, status, call)
    elif status.provider_id != row.provider_id:
        _note_second(row, status, call)
        return
    _apply(row, status)


def _write_report(
    channel: str, status: ProviderStatus, message: Message | None, source: str
) -> None:
    """Store a report unless there is one with the same content."""
    ProviderReport.objects.bulk_create(
        [
            ProviderReport(
                channel=channel,
                provider_id=status.provider_id,
                state=status.state,
                code=status.code,
                segments=status.segments,
                price_micros=status.price_micros,
                currency=status.currency,
                message=message,
                source=source,
            )
        ],
        ignore_conflicts=True,
    )


def fail(message: Message, scope: Scope, reason: str = "") -> None:
    """End a locked message that the provider refused, and start its next channel.

    Locks: the contact's channel, budget rows. Records: message.ended, contact.opted_out. Raises:
    nothing.
    """
    secret = message.secret or ""
    if scope == Scope.OPTED_OUT and message.contact is not None:
        opt_out(contact=message.contact, channel=message.channel, by="provider")
    if scope == Scope.CONTACT and message.contact is not None:
        _end_contact(message.contact, message.channel)
    if move(message, MessageState.FAILED, reason=reason or REASONS[scope], poll_at=None):
        if message.accepted_at is None:
            give_back_budget(message=message)
        start_next(message=message, secret=secret)


def _end_contact(contact: Contact, channel: str) -> None:
    """Write no more to a mailbox that does not exist, or to a browser that its service forgot.

    Phone numbers stay: the same number may take messages another day.
    """
    if channel == ChannelKey.EMAIL:
        opt_out(contact=contact, channel=channel, by=BOUNCE)
    elif channel == ChannelKey.PUSH:
        end_subscriptions(contact=contact)


def _message_of(channel: str, provider_id: str, public_id: str) -> Message | None:
    """Lock the message of a report, by the provider's id, else by its own."""
    row = locked(channel=channel, provider_id=provider_id) if provider_id else None
    if row is None and public_id:
        row = locked(public_id=public_id, channel=channel)
    return row


def _serialise(channel: str, provider_id: str) -> None:
    """Let one transaction at a time connect a provider's id with its message, until it commits.

    Without this, a report and the answer of its call could both miss the other's rows.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"report:{current_schema()}:{channel}:{provider_id}"],
        )


def _prove(message: Message, status: ProviderStatus, call: int) -> None:
    """Take a message whose call had no answer yet: the report proves that it was accepted."""
    taken = Accepted(provider_id=status.provider_id, state="accepted", segments=status.segments)
    if message.state == MessageState.UNKNOWN:
        write(message, provider_id=status.provider_id, accepted_at=now())
        return
    take(message, taken, call=call or message.calls)


def _note_second(message: Message, status: ProviderStatus, call: int) -> None:
    """Note at its call that the provider took a message twice."""
    if call:
        ProviderCall.objects.filter(message=message, number=call).exclude(
            result=CallResult.ACCEPTED
        ).update(result=CallResult.ACCEPTED, ended_at=in_seconds(0), provider_id=status.provider_id)


def _apply(message: Message, status: ProviderStatus) -> None:
    """Move a locked message forward by a report, and store segments and price."""
    facts: dict[str, Any] = {}
    if status.segments:
        facts["segments"] = status.segments
    if status.price_micros is not None:
        facts |= {"price_micros": status.price_micros, "currency": status.currency}
    if facts:
        write(message, **facts)
    state = state_of(status.state)
    if state is None:
        return
    if state == MessageState.FAILED:
        scope = scope_of(status.code)
        known = scope in {Scope.OPTED_OUT, Scope.WINDOW}
        fail(message, scope, reason="" if known else "undelivered")
    else:
        move(message, state)
    if message.poll_at is not None and is_over(message):
        write(message, poll_at=None)


def state_of(word: str) -> MessageState | None:
    try:
        return MessageState(word)
    except ValueError:
        return None


def _rank(word: str) -> int:
    state = state_of(word)
    return -1 if state is None else RANK.get(state, -1)


def status_of(report_row: ProviderReport) -> ProviderStatus:
    return ProviderStatus(
        provider_id=report_row.provider_id,
        state=report_row.state,
        code=report_row.code,
        segments=report_row.segments,
        price_micros=report_row.price_micros,
        currency=report_row.currency,
    )


def _close_call(
    claimed: ClaimedMessage,
    result: CallResult,
    *,
    error: ChannelError | None = None,
    provider_id: str = "",
    only_open: bool = True,
) -> None:
    calls = ProviderCall.objects.filter(message_id=claimed.pk, number=claimed.call)
    if only_open:
        calls = calls.filter(result=CallResult.OPEN)
    calls.update(
        result=result,
        ended_at=in_seconds(0),
        code=error.code if error else "",
        words=error.words if error else "",
        short_proof=error.short_proof if error else False,
        provider_id=provider_id or F("provider_id"),
    )
