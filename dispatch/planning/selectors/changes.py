"""Finds the orders and shifts of a hub's day that changed since a plan was made for it.

A plan stores the problem that it was made from. ``changes_since`` compares the present rows with
that problem. ``count_changes`` is less exact but faster, because it reads rows only; the board
calls it often.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from django.db.models import Exists, OuterRef, Q

from dispatch.fleet.models import Shift
from dispatch.fleet.selectors import shifts_on
from dispatch.fleet.states import ShiftState
from dispatch.orders.models import Attempt, Order, Outcome
from dispatch.orders.selectors import by_van, to_plan
from dispatch.orders.states import OrderState
from dispatch.planning.models import Plan, Stop
from dispatch.planning.problem.build import visit_of
from dispatch.planning.problem.day import order_input, pin_of
from dispatch.planning.problem.keep import unpack
from dispatch.planning.states import UNDER_WAY
from dispatch.solver.model.elements import Visit
from lastmile.core.geo import Point


def _under_way() -> Q:
    """Return the condition for orders under way, including those that a van has deposited."""
    return Q(state__in=UNDER_WAY) | Q(
        Exists(Attempt.objects.filter(order=OuterRef("pk"), outcome=Outcome.DEPOSITED)),
        state=OrderState.AWAITING_COLLECTION,
    )


class PlanBasis:
    """The problem and the points that a plan was made from."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.problem = unpack(bytes(plan.input.problem))

    @cached_property
    def points(self) -> list[Point]:
        """Return the points of the plan's places; the hub is the first one."""
        return [Point(lat=lat, lon=lon) for lat, lon in self.plan.input.points]

    def is_unchanged(self, order: Order) -> bool:
        """Return True if an order of the plan is the same as when the plan was made.

        Compares its load, time window, service time, skills and pin. ``order`` must have its place
        and promise.
        """
        visit, present = self._visit(order), self._present(order)
        same = replace(present, vehicles=visit.vehicles) == visit
        return same and pin_of(order) == self.point_of(order)

    def has_window_of(self, order: Order) -> bool:
        """Return True if the plan was made for the time window that an order of it has now."""
        return self._present(order).windows == self._visit(order).windows

    def point_of(self, order: Order) -> Point:
        """Return the point to which the plan sends the vehicle for an order of it."""
        return self.points[self._visit(order).place]

    def _visit(self, order: Order) -> Visit:
        return self.problem.visits[self.problem.visit_index[order.public_id]]

    def _present(self, order: Order) -> Visit:
        """Return an order of the plan as a plan would read it now."""
        visit = self._visit(order)
        return visit_of(
            visit.place - 1, order_input(order), self.plan.origin_at, visit.unserved_cost
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The public ids of orders and shifts that changed since a plan was made.

    ``came`` are orders that were added to the day. ``gone`` are orders of the plan that were
    removed from the day. ``changed`` are orders with another load, time window or pin.
    """

    came: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    shifts_came: frozenset[str] = frozenset()
    shifts_gone: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.came or self.gone or self.changed or self.shifts_came or self.shifts_gone)


def changes_since(basis: PlanBasis) -> Changes:
    """Return the changes of the plan's day since the plan was made."""
    plan, problem = basis.plan, basis.problem
    rows = to_plan(plan.hub, plan.service_date).select_related(
        "place", "promise__place", "common_stop"
    )
    orders = {order.public_id: order for order in rows}
    plan_orders, plan_shifts = problem.visit_index.keys(), problem.vehicle_index.keys()
    under_way = Order.objects.filter(
        _under_way(), public_id__in=plan_orders - orders.keys(), service_date=plan.service_date
    )
    shifts = set(shifts_on(plan.hub, plan.service_date).values_list("public_id", flat=True))
    return Changes(
        came=frozenset(orders.keys() - plan_orders),
        gone=frozenset(
            plan_orders - orders.keys() - set(under_way.values_list("public_id", flat=True))
        ),
        changed=frozenset(
            name for name in orders.keys() & plan_orders if not basis.is_unchanged(orders[name])
        ),
        shifts_came=frozenset(shifts - plan_shifts),
        shifts_gone=frozenset(plan_shifts - shifts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCounts:
    """The numbers of orders and shifts that changed since a plan was made, counted from rows."""

    came: int
    gone: int
    promised: int  # orders with a new promise (time window or place)
    shifts_gone: int

    @property
    def any(self) -> bool:
        """Return True if anything changed."""
        return bool(self.came or self.gone or self.promised or self.shifts_gone)


def count_changes(plan: Plan) -> ChangeCounts:
    """Count the changes since a plan was made, in four short queries, without reading its problem.

    Not counted are new shifts and changes of an order's own pin, load or service time; only
    ``changes_since`` finds these.
    """
    day = to_plan(plan.hub, plan.service_date)
    served, unserved = Q(pk__in=plan.stops.values("order")), Q(pk__in=plan.unserved.values("order"))
    stays = Q(hub=plan.hub, service_date=plan.service_date) & (
        Q(state__in=[OrderState.READY, OrderState.PLANNED]) & by_van() | _under_way()
    )
    return ChangeCounts(
        came=day.exclude(served | unserved).count(),
        gone=Order.objects.filter(served).exclude(stays).count(),
        promised=day.filter(served, promise__made_at__gt=plan.input.created_at).count(),
        shifts_gone=Shift.objects.filter(routes__plan=plan)
        .exclude(state=ShiftState.SCHEDULED)
        .count(),
    )


def carried_on(before: Plan | None, draft: Plan, orders: Iterable[Order]) -> frozenset[int]:
    """Return the pks of the orders under way that have the same shift in both plans.

    ``before`` is the published plan; without it the result is empty.
    """
    if before is None:
        return frozenset()
    orders = list(orders)
    under_way = set(
        Order.objects.filter(_under_way(), pk__in=[order.pk for order in orders]).values_list(
            "pk", flat=True
        )
    )
    shift_before = dict(Stop.objects.filter(plan=before).values_list("order_id", "route__shift_id"))
    shift_now = dict(Stop.objects.filter(plan=draft).values_list("order_id", "route__shift_id"))
    return frozenset(
        order.pk
        for order in orders
        if order.pk in under_way
        and order.pk in shift_before
        and shift_before[order.pk] == shift_now.get(order.pk)
    )
