"""Locks the days of tentative plans. Their rows are always the first lock of a transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from dispatch.fleet.models import Hub
from dispatch.planning.models import TentativeDay


@dataclass(slots=True)
class LockedDay:
    """A tentative plan whose row this transaction has locked."""

    hub: Hub
    row: TentativeDay

    @property
    def service_date(self) -> dt.date:
        """Return the date of the plan."""
        return self.row.service_date


def lock_days(
    days: Iterable[tuple[Hub, dt.date]], *, wait_ms: int | None = None
) -> list[LockedDay]:
    """Lock tentative plans in the order of hub and date; a missing plan is added, not ready.

    Call it inside a transaction, once, before any lock on plans, orders or slots. ``wait_ms`` is
    the longest time to wait for one of the rows; None is the time-out of the installation.
    Locks: the days. Records: nothing. Raises: TransactionManagementError outside a transaction.
    """
    hubs = {(hub.pk, date): hub for hub, date in days}
    wanted = sorted(hubs)
    if not wanted:
        return []
    with _patience(wait_ms):
        rows = _locked(wanted)
        missing = [key for key in wanted if key not in rows]
        if missing:
            TentativeDay.objects.bulk_create(
                [TentativeDay(hub_id=hub, service_date=date) for hub, date in missing],
                ignore_conflicts=True,
            )
            rows = _locked(wanted)
    return [LockedDay(hubs[key], rows[key]) for key in wanted]


@contextmanager
def _patience(wait_ms: int | None) -> Iterator[None]:
    """Let this transaction wait up to ``wait_ms`` for each lock; then as before.

    After an error the transaction is rolled back, and PostgreSQL restores the time-out by itself.
    """
    if wait_ms is None:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{wait_ms}ms"])
        yield
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


def _locked(keys: list[tuple[int, dt.date]]) -> dict[tuple[int, dt.date], TentativeDay]:
    condition = Q(pk__in=[])
    for hub, date in keys:
        condition |= Q(hub_id=hub, service_date=date)
    rows = (
        TentativeDay.objects.select_for_update(of=("self",))
        .select_related("hub", "base_plan")
        .filter(condition)
        .order_by("hub_id", "service_date")
    )
    return {(row.hub_id, row.service_date): row for row in rows}
