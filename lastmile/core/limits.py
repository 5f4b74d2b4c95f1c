"""Limits of calls that must be right: counted in PostgreSQL, one statement for each call.

They protect scarce things, such as places in delivery slots, from a caller in a loop. The count
is committed on its own, so a call that fails later is counted too. The limit of the whole API
(``core.http.throttle``) counts in the cache, because it only has to be roughly right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from lastmile.core.errors import TooMany
from lastmile.core.keys import ring
from lastmile.core.models import CallCount
from lastmile.core.tenancy import current_retailer

# One statement counts all subjects, always in the same order, so that two calls cannot deadlock.
_COUNT: Final = """
    INSERT INTO core_callcount AS c (scope, subject_hash, calls, window_ends_at)
    SELECT new.scope, new.subject_hash, 1, statement_timestamp() + new.per_s * interval '1 second'
      FROM unnest(%s::text[], %s::text[], %s::int[]) AS new (scope, subject_hash, per_s)
     ORDER BY new.scope, new.subject_hash
        ON CONFLICT (scope, subject_hash) DO UPDATE SET
           calls = CASE WHEN c.window_ends_at <= statement_timestamp() THEN 1
                        ELSE least(c.calls, 2000000000) + 1 END,
           window_ends_at = CASE WHEN c.window_ends_at <= statement_timestamp()
                                 THEN EXCLUDED.window_ends_at ELSE c.window_ends_at END
    RETURNING c.scope, c.subject_hash, c.calls,
              ceil(extract(epoch FROM c.window_ends_at - statement_timestamp()))::int
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimit:
    """The greatest number of calls that one subject may make within a period.

    Parameters
    ----------
    scope : str
        What is limited, such as ``checkout.key``; at most 24 characters.
    subject : str
        Who calls: the public id of a key, or a network address.
    most : int
        Calls within the period.
    per_s : int
        Length of the period, in seconds. It begins with the first call.
    """

    scope: str
    subject: str
    most: int
    per_s: int = 60


def count_call(limits: Sequence[CallLimit]) -> None:
    """Count one call for each limit. Call it outside any transaction.

    Inside a transaction it raises RuntimeError, because a rollback would undo the count.

    Locks: the rows of the counts during one statement. Records: nothing. Raises: TooMany, with
    the seconds until the longest of the periods that are full ends.
    """
    hashes = {_hash(limit): limit for limit in limits}
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            [
                [limit.scope for limit in hashes.values()],
                list(hashes),
                [limit.per_s for limit in hashes.values()],
            ],
        )
        rows = cursor.fetchall()
    waits = [
        max(1, left_s)
        for _scope, subject_hash, calls, left_s in rows
        if calls > hashes[subject_hash].most
    ]
    if waits:
        raise TooMany(
            _("Too many calls. Wait %(seconds)d seconds and try again.") % {"seconds": max(waits)},
            data={"retry_after_s": max(waits)},
        )


def forget_counts() -> dict[str, int]:
    """Delete counts whose period is over.

    Locks: the deleted rows. Records: nothing. Raises: nothing of its own.
    """
    over = CallCount.objects.filter(window_ends_at__lte=Now())
    return {"call_counts": over.delete()[0]}


def _hash(limit: CallLimit) -> str:
    key = ring().first.derive("call count", current_retailer().public_id, limit.scope)
    return hashlib.blake2b(limit.subject.encode(), key=key[:64], digest_size=32).hexdigest()


def give_back(limit: CallLimit) -> None:
    """Subtract one call from a count, for a call that turned out to be right.

    Locks: the count during one statement. Records: nothing. Raises: nothing.
    """
    rows = CallCount.objects.filter(
        scope=limit.scope, subject_hash=_hash(limit), calls__gt=0, window_ends_at__gt=Now()
    )
    rows.update(calls=F("calls") - 1)
