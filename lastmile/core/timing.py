"""Times of leases and retries on the clock of the database, which is the same for all workers."""

from __future__ import annotations

import datetime as dt
import random

from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from lastmile.core.clock import shift_for_tests


def in_seconds(seconds: float) -> CombinedExpression:
    """Return the SQL expression for the database's time plus some seconds."""
    return Now() + dt.timedelta(seconds=seconds)


def database_now() -> CombinedExpression | Now:
    """Return the SQL expression for the database's time, shifted by the test clock.

    The ends of sessions and tickets are compared with it.
    """
    shift = shift_for_tests()
    return Now() + shift if shift else Now()


def backoff_s(attempt: int, *, first_s: float = 2, most_s: float = 3600) -> float:
    """Return the seconds to wait after a failed attempt (1, 2, …): four times longer each time.

    A random part of up to a fifth is added. It prevents that many failures with the same cause are
    retried at the same time.
    """
    wait = min(most_s, first_s * 4.0 ** (attempt - 1))
    return wait * (1 + random.random() / 5)  # noqa: S311 - spreads the load; not for security
