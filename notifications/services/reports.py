"""Reports of providers that come as calls to us: kept at once, and taken by a worker soon after.

A call stores one row and no more, so it costs little. A worker then takes many rows of a retailer
together and moves their messages forward. A row waits for this while it has ``take_at``.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from django.db import OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now

from lastmile.core.clock import now
from lastmile.core.hints import Gathered
from lastmile.core.postgres.prepared import prepared_cursor
from lastmile.core.tenancy import current_schema
from lastmile.core.timing import backoff_s, in_seconds
from lastmile.worklist.services import point
from notifications.channels.base import ProviderStatus
from notifications.models import Message, ProviderReport, ReportSource
from notifications.services.ledger import record_ends
from notifications.services.polling import is_over
from notifications.services.reporting import connect, state_of, status_of
from notifications.states import FINAL, OPEN, MessageState, may_move

log = logging.getLogger(__name__)

REPORTS: Final = "notifications.reports"  # the kind of pointers to reports that are not taken
TAKE_TASK: Final = "notifications.take_reports"
BATCH: Final = 200
#: The calls of this time are taken together. Nobody waits for a report as for a message.
GATHER_S: Final = 1.0
#: A pointer is due after this time, when a hint has surely been lost …
POINTER_DUE_S: Final = 15.0
#: … and is enough for the reports that follow within this time. A report is stored in much less
#: than the difference, so nobody can clear the pointer before the report can be seen.
POINTER_ENOUGH_S: Final = 5.0
LONGEST_DELAY_S: Final = 600

_hints = Gathered(TAKE_TASK, queue="hot", within_s=GATHER_S)
_pointed_until: dict[str, float] = {}

_KEEP: Final = """
    INSERT INTO notifications_providerreport AS report
        (channel, provider_id, state, code, currency, received_at, source, named, call, tries,
         take_at)
    VALUES (%s, %s, %s, %s, '', %s, %s, %s, %s, 0, statement_timestamp())
        ON CONFLICT (channel, provider_id, state, code) DO NOTHING
"""
_TAKEN: Final = """
    UPDATE notifications_providerreport AS report
       SET message_id = taken.message, take_at = NULL
      FROM unnest(%s::bigint[], %s::bigint[]) AS taken (report, message)
     WHERE report.id = taken.report
"""
_MOVED: Final = """
    UPDATE notifications_message AS message
       SET state = moved.state, lease_token = NULL, lease_until = NULL,
           ended_at = CASE WHEN moved.ends THEN %s ELSE message.ended_at END,
           secret = CASE WHEN moved.ends THEN NULL ELSE message.secret END,
           poll_at = CASE WHEN moved.is_over THEN NULL ELSE message.poll_at END
      FROM unnest(%s::bigint[], %s::text[], %s::bool[], %s::bool[])
           AS moved (id, state, ends, is_over)
     WHERE message.id = moved.id
"""
#: What moving a message needs. The words, which are sealed, are not read.
_READ: Final = (
    *("public_id", "channel", "provider_id", "state", "reason", "moment", "calls", "segments"),
    *("ended_at", "price_micros", "account__kind", "order__public_id"),
)


def keep_report(*, channel: str, status: ProviderStatus, message: str = "", call: int = 0) -> None:
    """Keep what a provider says about a message; a worker takes it soon.

    ``message`` and ``call`` are the public id and the number of the call, if the provider sent
    them back. A repetition changes nothing. The report is stored when this returns, unless a
    transaction is open.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    schema = current_schema()
    values: list[Any] = [
        *(channel, status.provider_id, status.state, status.code, now()),
        *(ReportSource.CALLBACK.value, message, call),
    ]
    is_pointed = time.monotonic() < _pointed_until.get(schema, 0.0)
    if is_pointed:
        _keep(values)
    else:
        with transaction.atomic():
            _keep(values)
            point(schema=schema, kind=REPORTS, due_in_s=POINTER_DUE_S)
            until = time.monotonic() + POINTER_ENOUGH_S
            transaction.on_commit(lambda: _pointed_until.update({schema: until}))
    transaction.on_commit(lambda: _hints.ask(schema))


def take_reports(*, most: int = BATCH) -> int:
    """Move messages forward by the reports that were kept for them; return how many were taken.

    The usual reports are taken together. Each other one has a transaction of its own: of a message
    that failed, that is not accepted yet, or that is not known. One that cannot be taken is tried
    again later.

    Locks: the reports that nobody else takes; then their messages, by id. Records: message.ended.
    Raises: nothing of its own.
    """
    reports: list[ProviderReport] = []
    try:
        with transaction.atomic():
            due = ProviderReport.objects.select_for_update(skip_locked=True)
            reports = list(due.filter(take_at__lte=Now()).order_by("id")[:most])
            left = _take_usual(reports)
    except OperationalError:  # no database, or a lock: all of them wait
        raise
    except Exception as fault:  # noqa: BLE001 - one report must not hold up the others
        log.error("%d reports are taken one by one: %s", len(reports), type(fault).__name__)
        left = reports
    for report in left:
        _take_alone(report.pk)
    return len(reports)


def overdue(by: dt.timedelta) -> int:
    """Return how many reports should have been taken longer ago than ``by``."""
    return ProviderReport.objects.filter(take_at__lt=Now() - by).count()


def _keep(values: list[Any]) -> None:
    with prepared_cursor() as cursor:
        cursor.execute(_KEEP, values)


def _take_usual(reports: Sequence[ProviderReport]) -> list[ProviderReport]:
    """Take reports that only move their message forward; return the other ones."""
    if not reports:
        return []
    of_message: dict[tuple[str, str], list[ProviderReport]] = defaultdict(list)
    for report in reports:
        of_message[report.channel, report.provider_id].append(report)
    rows = (
        Message.objects.select_for_update(of=("self",))
        .select_related("account", "order")
        .only(*_READ)
        .filter(provider_id__in={provider_id for _channel, provider_id in of_message})
        .order_by("id")
    )
    taken: list[tuple[int, int]] = []
    moved: list[tuple[int, str, bool, bool]] = []
    ended: list[Message] = []
    for message in rows:
        its = of_message.get((message.channel, message.provider_id), [])
        if not its or not _is_usual(message, its):
            continue
        taken += [(report.pk, message.pk) for report in its]
        before, message.state = message.state, _moved(message.state, its)
        if message.state == before:
            continue
        ends = message.ended_at is None and message.state in FINAL
        if ends:
            message.ended_at = now()
            ended.append(message)
        moved.append((message.pk, message.state, ends, is_over(message)))
    _store(taken, moved)
    record_ends(ended)
    done = {report for report, _message in taken}
    return [report for report in reports if report.pk not in done]


def _is_usual(message: Message, reports: Sequence[ProviderReport]) -> bool:
    is_known = message.state not in OPEN and bool(message.provider_id)
    return is_known and all(report.state != MessageState.FAILED for report in reports)


def _moved(state: str, reports: Sequence[ProviderReport]) -> str:
    """Return the state of a message after its reports, in the order in which they came."""
    for report in reports:
        to = state_of(report.state)
        if to is not None and may_move(state, to):
            state = to.value
    return state


def _store(taken: Sequence[tuple[int, int]], moved: Sequence[tuple[int, str, bool, bool]]) -> None:
    with prepared_cursor() as cursor:
        if moved:
            columns = [list(column) for column in zip(*moved, strict=True)]
            cursor.execute(_MOVED, [now(), *columns])
        if taken:
            cursor.execute(_TAKEN, [list(column) for column in zip(*taken, strict=True)])


def _take_alone(pk: int) -> None:
    """Take one report in its own transaction; put it off if this fails."""
    try:
        with transaction.atomic():
            due = ProviderReport.objects.select_for_update(skip_locked=True)
            report = due.filter(pk=pk, take_at__isnull=False).first()
            if report is not None:
                connect(
                    channel=report.channel,
                    status=status_of(report),
                    message=report.named,
                    call=report.call,
                    kept=report,
                )
    except OperationalError:
        raise
    except Exception as fault:  # noqa: BLE001 - one report must not hold up the others
        log.error("Report %d cannot be taken: %s", pk, type(fault).__name__)
        _put_off(pk)


def _put_off(pk: int) -> None:
    """Let a report wait that could not be taken, longer each time."""
    with transaction.atomic():
        due = ProviderReport.objects.select_for_update(skip_locked=True)
        report = due.filter(pk=pk, take_at__isnull=False).first()
        if report is None:
            return
        wait_s = backoff_s(report.tries + 1, most_s=LONGEST_DELAY_S)
        ProviderReport.objects.filter(pk=pk).update(
            tries=F("tries") + 1, take_at=in_seconds(wait_s)
        )
        point(schema=current_schema(), kind=REPORTS, due_in_s=wait_s)
