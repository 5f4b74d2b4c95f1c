"""Claims: leases on the messages that are due, and the end of leases that ran out.

One statement claims a batch with SKIP LOCKED, so any number of senders never get the same message.
Every later step names the token of the lease. A sender that has lost it changes nothing.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from lastmile.core.clock import now
from lastmile.core.postgres.prepared import prepared_cursor
from lastmile.core.timing import in_seconds
from notifications.catalogue.kinds import Priority
from notifications.channels.known_accounts import known_accounts
from notifications.models import (
    CallResult,
    ChannelAccount,
    Message,
    ProviderCall,
)
from notifications.services.ledger import move
from notifications.services.pointing import point_in, real_seconds
from notifications.states import MessageState

LEASE_S: Final = 60  # a provider call ends within 20 seconds
LEASE_GRACE_S: Final = 5
REAP_BATCH: Final = 200
EXPIRED_BATCH: Final = 200

_CLAIM_SQL: Final = """
UPDATE notifications_message message
SET state = 'sending', lease_token = %(token)s, account_id = %(account)s,
    lease_until = statement_timestamp() + make_interval(secs => %(lease_s)s::float8)
WHERE message.id IN (
    SELECT id FROM notifications_message
    WHERE state = 'waiting' AND channel = %(channel)s AND send_at <= %(now)s
      AND priority <= %(lowest)s
      AND (retry_at IS NULL OR retry_at <= statement_timestamp())
    ORDER BY moment = ANY(%(behind)s), priority, send_at, id
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
)
RETURNING message.id, message.public_id, message.channel, message.priority, message.moment,
    message.send_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedMessage:
    """A message that this sender has leased, with the token that fences every later step.

    ``call`` is the number of the provider call that ``prepare`` opened, 0 before it.
    """

    pk: int
    public_id: str
    token: uuid.UUID
    channel: str
    account: int
    priority: int
    moment: str
    send_at: dt.datetime
    call: int = 0


def claim(
    *,
    account: ChannelAccount,
    most: int,
    lowest: int = Priority.LOW,
    behind: Collection[str] = (),
) -> list[ClaimedMessage]:
    """Lease waiting messages of an account's channel that are due, the urgent ones first.

    ``lowest`` leaves out the messages that are less urgent. Messages of the moments in ``behind``
    come after all others.

    Locks: the messages. Records: nothing. Raises: nothing.
    """
    if most < 1:
        return []
    token = uuid.uuid4()
    with transaction.atomic():
        with prepared_cursor() as cursor:
            cursor.execute(
                _CLAIM_SQL,
                {
                    "token": token,
                    "account": account.pk,
                    "lease_s": LEASE_S,
                    "channel": account.channel,
                    "now": now(),
                    "lowest": int(lowest),
                    "behind": list(behind),
                    "most": most,
                },
            )
            rows = cursor.fetchall()
        if rows:
            point_in(LEASE_S + LEASE_GRACE_S)
    claimed = [
        ClaimedMessage(
            pk=pk,
            public_id=public_id,
            token=token,
            channel=channel,
            account=account.pk,
            priority=priority,
            moment=moment,
            send_at=send_at,
        )
        for pk, public_id, channel, priority, moment, send_at in rows
    ]
    return sorted(claimed, key=lambda one: (one.priority, one.send_at, one.pk))


def senders() -> list[tuple[ChannelAccount, bool]]:
    """Return the retailer's accounts, each with True unless a pause holds its messages back."""
    return known_accounts()


def put_off(*, claimed: ClaimedMessage, for_s: float) -> None:
    """Let a message wait for some seconds whose last check broke.

    Locks: the message. Records: nothing. Raises: nothing.
    """
    with transaction.atomic():
        leased = Message.objects.filter(
            pk=claimed.pk, lease_token=claimed.token, state=MessageState.SENDING
        )
        leased.update(
            state=MessageState.WAITING,
            lease_token=None,
            lease_until=None,
            delays=F("delays") + 1,
            retry_at=in_seconds(for_s),
        )
        point_in(for_s)


def give_back(*, claimed: Collection[ClaimedMessage]) -> int:
    """Let messages wait again that were claimed and not called; return how many.

    Locks: the messages. Records: nothing. Raises: nothing.
    """
    back = 0
    for one in claimed:
        leased = Message.objects.filter(
            pk=one.pk, lease_token=one.token, state=MessageState.SENDING
        )
        back += leased.update(state=MessageState.WAITING, lease_token=None, lease_until=None)
    return back


def reap() -> int:
    """Take back messages whose lease ran out; return how many.

    With an open provider call, nobody knows whether the provider has the message: it is unclear.
    Without one, it waits again.

    Locks: these messages. Records: nothing. Raises: nothing.
    """
    with transaction.atomic():
        silent = (
            Message.objects.select_for_update(skip_locked=True)
            .filter(state=MessageState.SENDING, lease_until__lte=Now())
            .order_by("id")
        )
        messages = list(silent[:REAP_BATCH])
        calls = ProviderCall.objects.filter(message__in=messages, result=CallResult.OPEN)
        opened = set(calls.values_list("message_id", "number"))
        for message in messages:
            if (message.pk, message.calls) in opened:
                move(message, MessageState.UNCLEAR, retry_at=Now(), lookups=0)
            else:
                move(message, MessageState.WAITING)
        calls.update(result=CallResult.UNCLEAR, ended_at=Now())
    return len(messages)


def expired() -> list[int]:
    """Return waiting messages whose time is over, by primary key; the sender skips them.

    They are left over while their account is paused or off.
    """
    over = Message.objects.filter(state=MessageState.WAITING, not_after__lt=now())
    return list(over.order_by("not_after").values_list("pk", flat=True)[:EXPIRED_BATCH])


def next_due_s(*, sending: Collection[str]) -> float | None:
    """Return the real seconds until this retailer has work for the sender, None if never.

    Only the channels in ``sending`` can send now. Messages of the others are looked at when they
    expire.
    """
    with prepared_cursor() as cursor:
        cursor.execute(_NEXT_SQL, {"sending": list(sending)})
        first, last, machine_s = cursor.fetchone()
    waits_s: list[float] = []
    if first is not None:
        waits_s.append(real_seconds(first))
    if last is not None:
        waits_s.append(real_seconds(last) + 1)
    if machine_s is not None:
        waits_s.append(max(0.0, float(machine_s)))
    return min(waits_s, default=None)


#: The first time to send and the last time to send are business times. The others are times of the
#: database: retries, look-ups, leases and polls.
_NEXT_SQL: Final = """
SELECT min(send_at) FILTER (WHERE retry_at IS NULL AND channel = ANY(%(sending)s)),
       min(not_after) FILTER (WHERE channel <> ALL(%(sending)s)),
       extract(epoch FROM least(
           min(retry_at) FILTER (WHERE channel = ANY(%(sending)s)),
           (SELECT min(retry_at) FROM notifications_message WHERE state = 'unclear'),
           (SELECT min(lease_until) FROM notifications_message WHERE state = 'sending'),
           (SELECT min(poll_at) FROM notifications_message WHERE poll_at IS NOT NULL)
       ) - statement_timestamp())
  FROM notifications_message
 WHERE state = 'waiting'
"""


def renew(*, claimed: ClaimedMessage) -> bool:
    """Lengthen the lease of a message that waited for its sending time; False if it is lost.

    Locks: the message. Records: nothing. Raises: nothing.
    """
    leased = Message.objects.filter(
        pk=claimed.pk, lease_token=claimed.token, state=MessageState.SENDING
    )
    return leased.update(lease_until=in_seconds(LEASE_S)) == 1
