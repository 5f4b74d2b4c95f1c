"""Reads a plan and its day as it is now, for an update of the plan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.utils.translation import gettext as _

from dispatch.fleet.states import ShiftState
from dispatch.orders.states import OrderState
from dispatch.planning.errors import NothingToPlan, PlanNotDraft
from dispatch.planning.models import Plan, Route
from dispatch.planning.problem import holds as holding
from dispatch.planning.problem.closed import has_left
from dispatch.planning.problem.day import Day, read_day
from dispatch.planning.selectors.changes import Changes, PlanBasis, changes_since
from dispatch.planning.selectors.lists import published
from dispatch.planning.states import DRAFT, PUBLISHED, UNDER_WAY

SOON: Final = dt.timedelta(minutes=1)  # a shift that ends within SOON gets no more orders


@dataclass(frozen=True, slots=True)
class Departed:
    """A vehicle that has left according to the published plan: its start and its orders."""

    starts_at: dt.datetime
    orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Situation:
    """A plan, its day as it is now, and the changes since the plan was made."""

    plan: Plan
    basis: PlanBasis
    at: dt.datetime
    changes: Changes
    day: Day
    departed: Mapping[str, Departed]  # by shift
    by_hand: frozenset[str]  # orders that a person removed from their route
    holds: Sequence[
        holding.HeldVisit
    ] = ()  # places that shoppers hold; the new draft has room for them

    @property
    def is_empty(self) -> bool:
        """Return True if every order of the plan has left the day, and no other one came."""
        return bool(self.changes.gone) and not self.day.orders


def read_situation(plan: Plan, at: dt.datetime) -> Situation:
    """Read a plan and its day for an update. Raises PlanNotDraft, NothingToPlan."""
    if plan.status not in {DRAFT, PUBLISHED}:
        raise PlanNotDraft(
            _("This plan was superseded or discarded. Update the current plan or a draft."),
            data={"status": plan.status},
        )
    basis = PlanBasis(plan)
    departed, orders, shifts = _departed_vehicles(plan, at)
    day = read_day(plan.hub, plan.service_date, orders_too=orders, shifts_too=shifts)
    day = replace(
        day, shifts=tuple(s for s in day.shifts if s.shift in departed or s.ends_at > at + SOON)
    )
    if day.orders and all(shift.shift in departed for shift in day.shifts):
        raise NothingToPlan(
            _("Every vehicle of this day has left, or its shift is over. Add a shift, then update "
              "the plan.")
        )  # fmt: skip
    by_hand = plan.unserved.filter(reason="by_hand").values_list("order__public_id", flat=True)
    return Situation(
        plan,
        basis,
        at,
        changes_since(basis),
        day,
        departed,
        frozenset(by_hand),
        holding.live_holds(plan.hub, plan.service_date, at),
    )


def _departed_vehicles(
    plan: Plan, at: dt.datetime
) -> tuple[dict[str, Departed], list[int], list[int]]:
    """Return the vehicles that have left, by shift, and the pks of their orders and shifts.

    A vehicle has left when ``has_left`` says so, or when one of its orders is already under way.
    """
    current = published(plan.hub, plan.service_date)
    departed: dict[str, Departed] = {}
    order_pks: list[int] = []
    shift_pks: list[int] = []
    routes: list[Route] = [] if current is None else list(
        current.routes.select_related("shift").prefetch_related("stops__order")
    )  # fmt: skip
    away = set() if current is None else set(
        current.routes.filter(has_left(at)).values_list("pk", flat=True)
    )  # fmt: skip
    for route in routes:
        orders = [stop.order for stop in route.stops.all()]
        aboard = [o for o in orders if o.state in UNDER_WAY]
        is_scheduled = route.shift.state == ShiftState.SCHEDULED
        if not aboard and not (is_scheduled and route.pk in away):
            continue
        remaining = [
            o
            for o in orders
            if o in aboard
            or (o.state == OrderState.PLANNED and o.service_date == plan.service_date
                and o.hub_id == plan.hub_id)
        ]  # fmt: skip
        departed[route.shift.public_id] = Departed(
            route.starts_at, tuple(o.public_id for o in remaining)
        )
        order_pks += [o.pk for o in remaining]
        shift_pks.append(route.shift_id)
    return departed, order_pks, shift_pks
