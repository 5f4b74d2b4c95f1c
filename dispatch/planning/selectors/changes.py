"""What has changed in a hub's day since a plan was made for it: orders, shifts, what is under way.

A plan keeps the problem it was made from. What came in, fell away or is other than it was is told
by laying the rows beside that problem; ``count_changes`` tells as much as rows alone can,
for a page that is looked at all day.
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
from lastmile.core.geo import Point

#: In a vehicle or out of it: where such an order is, no plan can change any more.
UNDER_WAY = frozenset(
    {
        OrderState.LOADED,
        OrderState.OUT,
        OrderState.DELIVERED,
        OrderState.FAILED,
        OrderState.RETURNED,
    }
)


def _under_way() -> Q:
    """Return the condition that an order is under way; what a van left for collection is too."""
    return Q(state__in=UNDER_WAY) | Q(
        Exists(Attempt.objects.filter(order=OuterRef("pk"), outcome=Outcome.DEPOSITED)),
        state=OrderState.AWAITING_COLLECTION,
    )


class PlanBasis:
    """What a plan was made from."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.problem = unpack(bytes(plan.input.problem))

    @cached_property
    def points(self) -> list[Point]:
        """Where the plan's places were, the hub first."""
        return [Point(lat=lat, lon=lon) for lat, lon in self.plan.input.points]

    def is_unchanged(self, order: Order) -> bool:
        """Tell whether an order of the plan asks for what it asked for when the plan was made.

        ``order`` has its place and promise.
        """
        visit = self.problem.visits[self.problem.visit_index[order.public_id]]
        asked = visit_of(
            visit.place - 1, order_input(order), self.plan.origin_at, visit.unserved_cost
        )
        same = replace(asked, vehicles=visit.vehicles) == visit
        return same and pin_of(order) == self.points[visit.place]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Public ids of what is not as it was when a plan was made.

    ``came`` are orders that the plan does not know, ``gone`` orders of the plan that are not to
    be carried on this day any more, ``changed`` those that ask for something else by now.
    """

    came: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    shifts_came: frozenset[str] = frozenset()
    shifts_gone: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.came or self.gone or self.changed or self.shifts_came or self.shifts_gone)


def changes_since(made: PlanBasis) -> Changes:
    """Lay the day as it is beside what a plan was made from."""
    plan, problem = made.plan, made.problem
    rows = to_plan(plan.hub, plan.service_date).select_related("place", "promise__place")
    orders = {order.public_id: order for order in rows}
    known, shifts_known = problem.visit_index.keys(), problem.vehicle_index.keys()
    under_way = Order.objects.filter(
        _under_way(), public_id__in=known - orders.keys(), service_date=plan.service_date
    )
    shifts = set(shifts_on(plan.hub, plan.service_date).values_list("public_id", flat=True))
    return Changes(
        came=frozenset(orders.keys() - known),
        gone=frozenset(known - orders.keys() - set(under_way.values_list("public_id", flat=True))),
        changed=frozenset(
            name for name in orders.keys() & known if not made.is_unchanged(orders[name])
        ),
        shifts_came=frozenset(shifts - shifts_known),
        shifts_gone=frozenset(shifts_known - shifts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCounts:
    """How many orders and shifts are not as they were, by the rows alone."""

    came: int
    gone: int
    promised: int  # another window or place was promised since
    shifts_gone: int

    @property
    def any(self) -> bool:
        """Whether there is anything to fit in."""
        return bool(self.came or self.gone or self.promised or self.shifts_gone)


def count_changes(plan: Plan) -> ChangeCounts:
    """Count what changed since a plan was made, in four short queries, its problem left alone.

    An order's own pin, load or time at the door, and a new shift, show only to ``changes_since``.
    """
    day = to_plan(plan.hub, plan.service_date)
    served, left = Q(pk__in=plan.stops.values("order")), Q(pk__in=plan.unserved.values("order"))
    stays = Q(hub=plan.hub, service_date=plan.service_date) & (
        Q(state__in=[OrderState.READY, OrderState.PLANNED]) & by_van() | _under_way()
    )
    return ChangeCounts(
        came=day.exclude(served | left).count(),
        gone=Order.objects.filter(served).exclude(stays).count(),
        promised=day.filter(served, promise__made_at__gt=plan.input.created_at).count(),
        shifts_gone=Shift.objects.filter(routes__plan=plan)
        .exclude(state=ShiftState.SCHEDULED)
        .count(),
    )


def carried_on(before: Plan | None, draft: Plan, orders: Iterable[Order]) -> frozenset[int]:
    """Of a draft's orders those (pks) under way that stay on the shift they were published on."""
    if before is None:
        return frozenset()
    orders = list(orders)
    under_way = set(
        Order.objects.filter(_under_way(), pk__in=[order.pk for order in orders]).values_list(
            "pk", flat=True
        )
    )
    then = dict(Stop.objects.filter(plan=before).values_list("order_id", "route__shift_id"))
    now = dict(Stop.objects.filter(plan=draft).values_list("order_id", "route__shift_id"))
    return frozenset(
        order.pk
        for order in orders
        if order.pk in under_way and order.pk in then and then[order.pk] == now.get(order.pk)
    )
