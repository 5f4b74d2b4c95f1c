"""Durations of the machinery, on the database's clock: one for all workers, never set back."""

from __future__ import annotations

import datetime as dt
import random

from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from lastmile.core.clock import shift_for_tests


def in_seconds(seconds: float) -> CombinedExpression:
    """Return the database's instant so many seconds from now."""
    return Now() + dt.timedelta(seconds=seconds)


def database_now() -> CombinedExpression | Now:
    """Return the database's instant, moved by a test's clock: when sessions and tickets end."""
    shift = shift_for_tests()
    return Now() + shift if shift else Now()


def backoff_s(attempt: int, *, first_s: float = 2, most_s: float = 3600) -> float:
    """Return the wait after a failed attempt (1, 2, …): fourfold each time, up to a fifth more.

    The random part keeps a hundred failures of one cause from coming back together.
    """
    wait = min(most_s, first_s * 4.0 ** (attempt - 1))
    return wait * (1 + random.random() / 5)  # noqa: S311 - spreads load, guards nothing
