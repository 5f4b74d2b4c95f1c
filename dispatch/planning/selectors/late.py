"""Finds what changed on a published day after its plan was made, and must still be published."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from dispatch.fleet.states import ShiftState
from dispatch.orders.models import Order, Promise
from dispatch.orders.selectors import to_plan
from dispatch.planning.models import Plan, Route, Stop, TentativeDay
from dispatch.planning.policy import planning_policy
from dispatch.planning.problem.closed import has_left
from dispatch.planning.problem.day import pin_of
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
    """Return True if the promise of an order still needs a dispatcher's yes.

    The shopper then reads "requested". It happens only where the policy wants a dispatcher's yes,
    and only to a promise that was made while a plan of its day was published. The yes is a
    published plan that visits the order in the window and at the place of the promise. A yes is
    never taken back: a corrected pin, another load or a later plan does not change the promise.

    A stop in the published plan of another day also waits. A stop of a vehicle that has left does
    not wait, because no dispatcher can change it any more.
    """
    if planning_policy().publish_late_changes:
        return False
    if order.promise_id is None or order.state not in TO_PLAN:
        return False
    at, hub, date = now(), order.hub, order.service_date
    here = None
    if hub is not None and date is not None and to_plan(hub, date).filter(pk=order.pk).exists():
        here = published(hub, date)
    with_stop = Plan.objects.filter(status=PUBLISHED, stops__order=order)
    for plan in with_stop:
        is_waiting = _stops_waiting(plan, at).filter(order=order).exists()
        if plan == here and not is_waiting:
            return False
        if plan != here and is_waiting:
            return True
    return here is not None and _lacks_yes(here, order)


def _lacks_yes(here: Plan, order: Order) -> bool:
    """Return True if the promise was made on a published day, and no plan has kept it since."""
    promise = order.promise
    if promise is None or not not_over([(here.hub, here.service_date)]):
        return False
    plans = Plan.objects.filter(hub=here.hub, service_date=here.service_date)
    before = plans.filter(published_at__lte=promise.made_at).order_by("-published_at", "-number")
    in_force = before.values_list("pk", flat=True).first()
    if in_force is None:
        return False
    since = plans.filter(Q(pk=in_force) | Q(published_at__gt=promise.made_at), stops__order=order)
    rows = since.select_related("input").order_by("-published_at", "-number")
    return not any(_keeps(PlanBasis(plan), order, promise) for plan in rows)


def _keeps(basis: PlanBasis, order: Order, promise: Promise) -> bool:
    """Return True if a plan visits an order in the window and at the place of its promise.

    The pin of the order's own address does not count: staff may correct it at any time. Then only
    the place of another promise shows that the plan was made for another place.
    """
    if not basis.has_window_of(order):
        return False
    point = basis.point_of(order)
    if promise.elsewhere or point == pin_of(order):
        return point == pin_of(order)
    others = Promise.objects.filter(order=order, elsewhere=True)
    return not others.filter(place__lat=point.lat, place__lon=point.lon).exists()


def _waiting(plan: Plan, at: dt.datetime) -> frozenset[str]:
    """Return the public ids of the orders on routes whose vehicles have not left yet."""
    return frozenset(_stops_waiting(plan, at).values_list("order__public_id", flat=True))


def _stops_waiting(plan: Plan, at: dt.datetime) -> QuerySet[Stop]:
    """Return the stops of the routes whose vehicles have not left yet."""
    under_way = Stop.objects.filter(route=OuterRef("pk"), order__state__in=UNDER_WAY)
    started = has_left(at) & Q(shift__state=ShiftState.SCHEDULED)
    departed = Route.objects.filter(plan=plan).filter(started | Q(Exists(under_way)))
    return Stop.objects.filter(plan=plan).exclude(route__in=departed)
