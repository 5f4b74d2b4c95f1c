"""100,000 random events of vehicles on the road: the arrivals are right after each of them (R25).

EVENTS sets another number. Each day is played by its seed and undone, so a failure names its day.
"""

from __future__ import annotations

import os

from django.db import transaction

from lastmile.core.tenancy import retailer_context
from tests.bench.database import bench_database
from tests.bench.month import settable_clock
from tests.databases import FIRST
from tests.dispatch.live.random_days import check_day, random_steps

EVENTS = 100_000


def played(least: int) -> tuple[int, int]:
    """Play days in the database in use, with ``least`` events or more; return events and days."""
    events = days = 0
    with settable_clock() as clock:
        while events < least:
            days += 1
            with retailer_context(FIRST.schema), transaction.atomic():
                try:
                    events += check_day(clock, random_steps(days))
                except AssertionError as fault:
                    raise AssertionError(f"day {days}: {random_steps(days)}") from fault
                transaction.set_rollback(True)
    return events, days


def run() -> str:
    """Play the days. Raises on the first arrival that is wrong."""
    with bench_database():
        events, days = played(int(os.environ.get("EVENTS", EVENTS)))
    return (
        f"{events:,} random events on {days:,} days: low <= ETA <= high, times never fall along "
        "the route, an ended stop has no ETA; 0 wrong"
    )
