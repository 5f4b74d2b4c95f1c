"""Makes the partitions of positions ahead, and drops whole days by age."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

from django.db import connection, transaction
from django.db.models import Q

from dispatch.live.models import LastPosition, Position, VisitProgress
from dispatch.live.policy import driver_policy
from lastmile.core.clock import now
from lastmile.core.erasing import Person

#: Days ahead for which a partition is made, so that no position has to wait for one. Chosen.
DAYS_AHEAD: Final = 3
#: Positions this much before an arrival and after a departure show a shopper's door. Chosen.
AT_DOOR: Final = dt.timedelta(minutes=3)


@transaction.atomic
def keep_days(days: Iterable[dt.date]) -> int:
    """Make the partitions of these days that are missing; return their number.

    Locks: the table of positions, against other changes of its shape. Records: nothing. Raises:
    nothing of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE made) FROM (SELECT live_keep_day(day) AS made"
            " FROM unnest(%s::date[]) AS wanted (day)) AS kept",
            [sorted(set(days))],
        )
        return int(cursor.fetchone()[0])


def keep_coming_days() -> int:
    """Make the partitions from yesterday to three days ahead; return the number of new ones.

    Locks: as ``keep_days``. Records: nothing. Raises: nothing of its own.
    """
    today = now().date()
    return keep_days(today + dt.timedelta(days=n) for n in range(-1, DAYS_AHEAD + 1))


@transaction.atomic
def forget_positions() -> dict[str, int]:
    """Drop the days of positions that are older than the policy says.

    Locks: the table of positions, for a moment. Records: nothing. Raises: nothing of its own.
    """
    oldest = now() - dt.timedelta(days=driver_policy().places_days)
    with connection.cursor() as cursor:
        cursor.execute("SELECT live_drop_days(%s)", [oldest.date()])
        days = int(cursor.fetchone()[0])
    last = LastPosition.objects.filter(at__lt=oldest).delete()[0]
    return {"days_of_positions": days, "last_positions": last}


def erase_positions(person: Person) -> dict[str, int]:
    """Delete the positions that were measured at a person's doors.

    Locks: the deleted rows. Records: nothing. Raises: nothing of its own.
    """
    visits = VisitProgress.objects.filter(order__public_id__in=person.orders).select_related(
        "run__shift"
    )
    deleted = 0
    for visit in visits:
        known = [
            at
            for at in (
                visit.arrived_at, visit.departed_at, visit.stood_from_at, visit.stood_until_at
            )
            if at is not None
        ]  # fmt: skip
        if not known:
            continue
        during = Q(run=visit.run, at__gte=min(known) - AT_DOOR, at__lte=max(known) + AT_DOOR)
        deleted += Position.objects.filter(during, day=visit.run.shift.service_date).delete()[0]
        deleted += LastPosition.objects.filter(during).delete()[0]
    return {"positions": deleted}
