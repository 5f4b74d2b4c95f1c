"""Spots for an order: where on the routes of a plan it may go, and what it adds there."""

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
    """Return {shift: [orders]} of a plan's rows; every shift of the problem has a list."""
    found: Arrangement = {vehicle.id: [] for vehicle in problem.vehicles}
    rows = plan.stops.order_by("route_id", "position").values_list(
        "route__shift__public_id", "order__public_id"
    )
    for shift, order in rows:
        found[shift].append(order)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedSpot:
    """A place for an order: shift, position from 1, and what it adds there."""

    shift: str
    position: int
    added_s: int
    added_m: int
    added_cost_minor: int
    added_co2_g: int


def spots_for(plan: Plan, order: str, problem: Problem | None = None) -> list[PricedSpot]:
    """Return the best feasible places for an order on each route, the cheapest first.

    Exact: each is what the solver's insertion adds to the plan without the order. Who has unpacked
    the plan's problem already hands it in. Raises OrderNotInPlan.
    """
    problem = problem or unpack(bytes(plan.input.problem))
    if order not in problem.visit_index:
        raise OrderNotInPlan(
            _("This order is not part of this plan. Update the plan or plan the day again."),
            data={"order": order},
        )
    found: dict[str, list[Insertion]] = {}
    for place in places(problem, evaluate(problem, arrangement_of(plan, problem)), order):
        best = found.setdefault(place.vehicle, [])
        if len(best) < BEST_PER_ROUTE:
            best.append(place)
    chosen = sorted((p for best in found.values() for p in best), key=lambda p: (p.cost, p.added_s))
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
    """A feasible place for an order: whose route, and what it adds (less, if below zero).

    Where the order stands well already, the figures count from there; else from the plan
    without it.
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
    """All that a person can choose from: priced places, and every shift of the plan."""

    places: list[ComparedSpot]
    shifts: list[tuple[Shift, int | None]]
    compared: bool  # whether the figures count from where the order stands


def compared_spots(plan: Plan, order: str, stop: Stop | None) -> Spots:
    """Return where an order of a plan may go. Raises OrderNotInPlan."""
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
