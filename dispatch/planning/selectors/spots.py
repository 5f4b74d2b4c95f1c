"""Finds spots for an order: feasible places on the routes of a plan, with the added figures."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from dispatch.fleet.models import Shift
from dispatch.planning.errors import OrderNotInPlan
from dispatch.planning.models import Plan, Stop
from dispatch.planning.problem.arrangement import Arrangement
from dispatch.planning.problem.keep import unpack
from dispatch.solver.model.problem import Problem
from dispatch.solver.placing.insertion import Insertion, evaluate, places

BEST_PER_ROUTE = 3


def arrangement_of(plan: Plan, problem: Problem) -> Arrangement:
    """Return the arrangement of a plan, {shift: [orders]}, with every shift of the problem."""
    arrangement: Arrangement = {vehicle.id: [] for vehicle in problem.vehicles}
    rows = plan.stops.order_by("route_id", "position").values_list(
        "route__shift__public_id", "order__public_id"
    )
    for shift, order in rows:
        arrangement[shift].append(order)
    return arrangement


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedSpot:
    """A feasible place for an order: shift, position from 1, and the added figures."""

    shift: str
    position: int
    added_s: int
    added_m: int
    added_cost_minor: int
    added_co2_g: int


def spots_for(plan: Plan, order: str, problem: Problem | None = None) -> list[PricedSpot]:
    """Return the cheapest feasible places for an order, at most BEST_PER_ROUTE of each route.

    The added figures are exact: the solver inserts the order into the plan without it. Give
    ``problem`` if the plan's problem is unpacked already. Raises OrderNotInPlan.
    """
    problem = problem or unpack(bytes(plan.input.problem))
    if order not in problem.visit_index:
        raise OrderNotInPlan(
            _("This order is not part of this plan. Update the plan or plan the day again."),
            data={"order": order},
        )
    by_vehicle: dict[str, list[Insertion]] = {}
    for place in places(problem, evaluate(problem, arrangement_of(plan, problem)), order):
        best = by_vehicle.setdefault(place.vehicle, [])
        if len(best) < BEST_PER_ROUTE:
            best.append(place)
    chosen = sorted(
        (p for best in by_vehicle.values() for p in best), key=lambda p: (p.cost, p.added_s)
    )
    return [
        PricedSpot(
            shift=p.vehicle,
            position=p.position + 1,
            added_s=p.added_s,
            added_m=p.added_m,
            added_cost_minor=p.cost,
            added_co2_g=p.co2_g,
        )
        for p in chosen
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedSpot:
    """A feasible place for an order, with the difference in time, distance, cost and CO2e.

    If the present place of the order is feasible, the figures are the difference from it;
    otherwise they are added to the plan without the order. A negative figure is a saving.
    """

    shift: Shift
    number: int | None
    position: int
    here: bool
    added_s: int
    added_m: int
    added_cost_minor: int
    added_co2_g: int


@dataclass(frozen=True, slots=True)
class Spots:
    """The choices for moving an order: places with figures, and every shift of the plan."""

    places: list[ComparedSpot]
    shifts: list[tuple[Shift, int | None]]
    compared: bool  # True if the figures are differences from the order's present place


def compared_spots(plan: Plan, order: str, stop: Stop | None) -> Spots:
    """Return the places for an order of a plan, compared with its stop. Raises OrderNotInPlan.

    ``stop`` is the present stop of the order, None if it is unserved.
    """
    problem = unpack(bytes(plan.input.problem))
    ids = [vehicle.id for vehicle in problem.vehicles]
    shifts = {
        shift.public_id: shift
        for shift in Shift.objects.select_related("vehicle", "driver").filter(public_id__in=ids)
    }
    numbers = dict(plan.routes.values_list("shift__public_id", "number"))
    options = spots_for(plan, order, problem)
    place = (stop.route.shift.public_id, stop.position) if stop is not None else None
    here = next((o for o in options if (o.shift, o.position) == place), None)
    return Spots(
        places=[
            ComparedSpot(
                shift=shifts[o.shift],
                number=numbers.get(o.shift),
                position=o.position,
                here=o is here,
                added_s=o.added_s - (here.added_s if here else 0),
                added_m=o.added_m - (here.added_m if here else 0),
                added_cost_minor=o.added_cost_minor - (here.added_cost_minor if here else 0),
                added_co2_g=o.added_co2_g - (here.added_co2_g if here else 0),
            )
            for o in options
        ],
        shifts=sorted(
            ((shift, numbers.get(shift_id)) for shift_id, shift in shifts.items()),
            key=lambda pair: (pair[1] is None, pair[1] or 0, pair[0].pk),
        ),
        compared=here is not None,
    )
