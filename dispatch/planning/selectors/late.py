"""Finds what changed on a published day after its plan was made, and must still be published."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from dispatch.fleet.states import ShiftState
from dispatch.planning.models import Plan, Route, Stop, TentativeDay
from dispatch.planning.selectors.changes import PlanBasis, changes_since
from dispatch.planning.selectors.tentative import late_orders
from dispatch.planning.states import UNDER_WAY
from lastmile.core.clock import now


@dataclass(frozen=True, slots=True, kw_only=True)
class LateChanges:
    """The public ids of orders for which a published plan is not right any more.

    ``new`` are promised orders on no route. ``changed`` are orders on a route with another time
    window, place or load. ``left`` are orders on a route that were cancelled or left the day.
    Orders of vehicles that have left are not among them: their plan does not change any more.
    """

    new: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.new) + len(self.changed) + len(self.left)


def late_changes(row: TentativeDay) -> LateChanges:
    """Return what the published plan of a tentative plan's day lacks; nothing without a plan."""
    plan = row.base_plan
    if plan is None:
        return LateChanges()
    changes = changes_since(PlanBasis(plan))
    waiting = _waiting(plan, now())
    return LateChanges(
        new=frozenset(late_orders(row)),
        changed=changes.changed & waiting,
        left=changes.gone & waiting,
    )


def _waiting(plan: Plan, at: dt.datetime) -> frozenset[str]:
    """Return the public ids of the orders on routes whose vehicles have not left yet."""
    under_way = Stop.objects.filter(route=OuterRef("pk"), order__state__in=UNDER_WAY)
    started = Q(starts_at__lte=at, shift__state=ShiftState.SCHEDULED)
    departed = Route.objects.filter(plan=plan).filter(started | Q(Exists(under_way)))
    stops = Stop.objects.filter(plan=plan).exclude(route__in=departed)
    return frozenset(stops.values_list("order__public_id", flat=True))
