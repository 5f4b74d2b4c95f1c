"""Stores what providers accepted: many calls in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from django.db import connection, transaction

from lastmile.core.clock import now
from lastmile.core.tenancy import current_schema
from notifications.channels.base import Accepted
from notifications.models import AccountState, Message, ProviderReport
from notifications.services.claiming import ClaimedMessage
from notifications.services.ledger import held_many
from notifications.services.pointing import point_in
from notifications.services.polling import first_poll_s
from notifications.states import MessageState

#: One transaction at a time connects a provider's id with its message (``reporting.serialise``).
_SERIALISE: Final = """
    SELECT pg_advisory_xact_lock(hashtextextended(name, 0))
      FROM (SELECT unnest(%s::text[]) AS name ORDER BY 1) AS names
"""
_CALLS: Final = """
    UPDATE notifications_providercall AS call
       SET result = 'accepted', ended_at = statement_timestamp(), provider_id = taken.provider_id
      FROM unnest(%s::bigint[], %s::int[], %s::text[]) AS taken (message, number, provider_id)
     WHERE call.message_id = taken.message AND call.number = taken.number
"""
_MESSAGES: Final = """
    UPDATE notifications_message AS message
       SET state = taken.state, provider_id = taken.provider_id, accepted_at = %s,
           segments = coalesce(taken.segments, message.segments), polls = 0, retry_at = NULL,
           poll_at = statement_timestamp() + make_interval(secs => taken.wait_s),
           lease_token = NULL, lease_until = NULL
      FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::int[], %s::float8[])
           AS taken (message, state, provider_id, segments, wait_s)
     WHERE message.id = taken.message
"""

#: What storing a result needs. The words, contacts and secrets, which are sealed, are not read.
_READ: Final = ("channel", "lease_token", "account__kind", "account__state")

#: A mail server and a push service say at once that they have sent a message.
_USUAL: Final = frozenset({MessageState.ACCEPTED.value, MessageState.SENT.value})

Result = tuple[ClaimedMessage, Accepted]


def accept_many(*, results: Sequence[Result]) -> list[Result]:
    """Store that the provider took many messages; return the results that it left alone.

    Each of these needs ``accept``: a report waits for it, it came as more than sent, or its account
    was paused. If a message's lease is lost, because a report settled it before, only its call is
    closed.

    Locks: the messages, by id; then the provider's ids, in their order. Records: nothing. Raises:
    nothing of its own.
    """
    taken = {claimed.pk: (claimed, accepted) for claimed, accepted in results}
    with transaction.atomic():
        tokens = {pk: claimed.token for pk, (claimed, _accepted) in taken.items()}
        rows = held_many(tokens, only=_READ)
        lost = taken.keys() - {row.pk for row in rows}
        usual = [row for row in rows if _is_usual(row, taken[row.pk][1])]
        if usual:
            usual = _without_reports(usual, taken)
        if usual:
            _store(usual, taken)
        if lost:
            _close_calls(sorted(lost), taken)
    done = lost | {row.pk for row in usual}
    return [result for result in results if result[0].pk not in done]


def _is_usual(row: Message, accepted: Accepted) -> bool:
    is_plain = accepted.state in _USUAL and bool(accepted.provider_id)
    return is_plain and row.account is not None and row.account.state != AccountState.PAUSED


def _without_reports(rows: Sequence[Message], taken: dict[int, Result]) -> list[Message]:
    """Lock the provider's ids; leave out the messages for which a report waits."""
    ids = {row.pk: taken[row.pk][1].provider_id for row in rows}
    with connection.cursor() as cursor:
        names = [f"report:{current_schema()}:{row.channel}:{ids[row.pk]}" for row in rows]
        cursor.execute(_SERIALISE, [names])
    early = ProviderReport.objects.filter(
        provider_id__in=list(ids.values()),
        message__isnull=True,
        take_at__isnull=True,  # else a worker takes it soon
    ).values_list("channel", "provider_id")
    reported = set(early)
    return [row for row in rows if (row.channel, ids[row.pk]) not in reported]


def _close_calls(pks: Sequence[int], taken: Mapping[int, Result]) -> None:
    """Store that the calls were accepted."""
    numbers = [taken[pk][0].call for pk in pks]
    provider_ids = [taken[pk][1].provider_id for pk in pks]
    with connection.cursor() as cursor:
        cursor.execute(_CALLS, [list(pks), numbers, provider_ids])


def _store(rows: Sequence[Message], taken: dict[int, Result]) -> None:
    pks = [row.pk for row in rows]
    answers = [taken[pk][1] for pk in pks]
    provider_ids = [answer.provider_id for answer in answers]
    waits_s = [first_poll_s(row.account) for row in rows]
    _close_calls(pks, taken)
    with connection.cursor() as cursor:
        states = [answer.state for answer in answers]
        segments = [answer.segments for answer in answers]
        cursor.execute(_MESSAGES, [now(), pks, states, provider_ids, segments, waits_s])
    point_in(min(waits_s))
