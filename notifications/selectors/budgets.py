"""The use of the budgets and caps of a day, for the page and for the home page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from django.db.models import Max, Q

from notifications.models import BudgetScope, BudgetUse
from notifications.policy import MessagePolicy
from tenants.people.selectors import policy
from tenants.selectors import today

DAYS_SHOWN: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """The use of one kind of budget on a day.

    ``used`` is the use of the subject that used most. ``subjects`` is the number of subjects (the
    retailer, foreign countries, people, orders) that were counted, ``full`` how many of them have
    nothing left.
    """

    scope: str
    used: int
    most: int
    subjects: int
    full: int

    @property
    def percent(self) -> int:
        """The share that is used, in per cent; 100 for a budget of nothing."""
        return 100 if self.most == 0 else min(100, self.used * 100 // self.most)


def budgets_of(day: dt.date) -> list[BudgetState]:
    """Return the use of the budgets and caps of a day, those of the retailer first."""
    settings = policy(MessagePolicy)
    limits = {
        BudgetScope.RETAILER: settings.segments_day,
        BudgetScope.DIAL: settings.foreign_segments_day,
        BudgetScope.NUMBER: settings.per_number_day,
    }
    return [_state(scope, most, day) for scope, most in limits.items()]


def _state(scope: str, most: int, day: dt.date) -> BudgetState:
    rows = BudgetUse.objects.filter(scope=scope, day=day, used__gt=0)
    figures = rows.aggregate(used=Max("used"))
    return BudgetState(
        scope=str(scope),
        used=figures["used"] or 0,
        most=most,
        subjects=rows.count(),
        full=rows.filter(Q(used__gte=most)).count(),
    )


def used_percent() -> int:
    """Return how much of today's budget of the whole retailer is used, in per cent."""
    row = BudgetUse.objects.filter(scope=BudgetScope.RETAILER, day=today()).first()
    most = policy(MessagePolicy).segments_day
    used = row.used if row is not None else 0
    return BudgetState(scope="retailer", used=used, most=most, subjects=1, full=0).percent


def segments_by_day() -> list[tuple[dt.date, int]]:
    """Return the segments of the last days with any, the oldest first."""
    since = today() - dt.timedelta(days=DAYS_SHOWN - 1)
    rows = BudgetUse.objects.filter(scope=BudgetScope.RETAILER, day__gte=since)
    return list(rows.order_by("day").values_list("day", "used"))
