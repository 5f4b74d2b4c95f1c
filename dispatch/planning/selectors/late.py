"""Finds what changed on a published day after its plan was made, and must still be published."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from dispatch.fleet.states import ShiftState
from dispatch.orders.models import Order
from dispatch.orders.selectors import to_plan
from dispatch.planning.models import Plan, Route, Stop, TentativeDay, TentativeVisit
from dispatch.planning.policy import planning_policy
from dispatch.planning.selectors.changes import PlanBasis, changes_since
from dispatch.planning.selectors.lists import published
from dispatch.planning.selectors.tentative import TO_PLAN, late_orders, not_over
from dispatch.planning.states import PUBLISHED, UNDER_WAY
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


def waits_for_dispatcher(order: Order) -> bool:
    """Return True if a change of an order is promised, and a dispatcher has not confirmed it yet.

    The shopper then reads "requested". It happens only where the policy wants a dispatcher's yes.
    Then the published plan of the order's day has no stop for it, or has it with another time
    window, place or load. Or the published plan of another day still has its stop. A stop of a
    vehicle that has left does not count, because no dispatcher can change it any more.
    """
    if planning_policy().publish_late_changes:
        return False
    if order.promise_id is None or order.state not in TO_PLAN:
        return False
    at, hub, date = now(), order.hub, order.service_date
    here = None
    if hub is not None and date is not None and to_plan(hub, date).filter(pk=order.pk).exists():
        here = published(hub, date)
    plans = Plan.objects.filter(status=PUBLISHED, stops__order=order).select_related("input")
    for plan in plans:
        if _stops_waiting(plan, at).filter(order=order).exists() and (
            plan != here or not PlanBasis(plan).is_unchanged(order)
        ):
            return True
    return here is not None and here not in plans and _is_late(here, order)


def _is_late(plan: Plan, order: Order) -> bool:
    """Return True if an order without a stop came after a plan, or has got a place since."""
    if not not_over([(plan.hub, plan.service_date)]):
        return False
    if not plan.unserved.filter(order=order).exists():
        return True
    return TentativeVisit.objects.filter(order=order, shift__isnull=False).exists()


def _waiting(plan: Plan, at: dt.datetime) -> frozenset[str]:
    """Return the public ids of the orders on routes whose vehicles have not left yet."""
    return frozenset(_stops_waiting(plan, at).values_list("order__public_id", flat=True))


def _stops_waiting(plan: Plan, at: dt.datetime) -> QuerySet[Stop]:
    """Return the stops of the routes whose vehicles have not left yet."""
    under_way = Stop.objects.filter(route=OuterRef("pk"), order__state__in=UNDER_WAY)
    started = Q(starts_at__lte=at, shift__state=ShiftState.SCHEDULED)
    departed = Route.objects.filter(plan=plan).filter(started | Q(Exists(under_way)))
    return Stop.objects.filter(plan=plan).exclude(route__in=departed)
