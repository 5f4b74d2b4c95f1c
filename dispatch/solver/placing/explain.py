"""The reasons why visits are unserved, each proven by trial. PURE.

Vehicles are filtered in this order: allowed by the visit, skills, capacity for this visit alone,
a way there and back, range alone, time alone, and finally together with the other visits of the
plan. The reason is the first filter that no vehicle passes. It applies to all vehicles that passed
the filters before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dispatch.solver.model.cost import UNIT, unserved_cost
from dispatch.solver.model.elements import MAX_TRAVEL
from dispatch.solver.model.solution import NotServed, Reason
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.gaps import cheapest
from dispatch.solver.placing.repair import TimeUp, holds


def reasons(draft: Draft, missing: Iterable[int], time_up: TimeUp | None = None) -> list[NotServed]:
    """Return the proven reason for each visit that is in no tour.

    ``time_up`` is called before each trial. Once it returns True, the reason of each visit that
    needs a trial is TIME_UP.
    """
    return [_reason(draft, visit, time_up) for visit in missing]


def alone(context: Context, visit: int) -> NotServed | None:
    """Return the reason why no vehicle can serve the visit even alone, or None if one can."""
    if visit not in context.alone:
        context.alone[visit] = _alone(context, visit)
    return context.alone[visit]


def _alone(context: Context, visit: int) -> NotServed | None:
    problem = context.problem
    it = problem.visits[visit]
    allowed = [
        at
        for at, vehicle in enumerate(problem.vehicles)
        if it.vehicles is None or vehicle.id in it.vehicles
    ]
    if not allowed:
        return NotServed(it.id, Reason.NO_SHIFT)
    skilled = [at for at in allowed if it.skills <= problem.vehicles[at].skills]
    if not skilled:
        available = frozenset().union(*(problem.vehicles[at].skills for at in allowed))
        # If each skill is on some vehicle, no vehicle has all of them: name them all.
        lacking = it.skills - available or it.skills
        return NotServed(it.id, Reason.NO_SKILL, skills=tuple(sorted(lacking)))
    skilled = sorted({context.twin[at] for at in skilled})
    roomy = [at for at in skilled if _fits(context, at, visit)]
    if not roomy:
        return NotServed(it.id, Reason.TOO_HEAVY, dimensions=_too_much(context, skilled, visit))
    linked = [at for at in roomy if _has_way(context, at, it.place)]
    if not linked:
        return NotServed(it.id, Reason.NO_WAY)
    near = [at for at in linked if _there_and_back(context, at, it.place) <= context.ranges[at]]
    if not near:
        return NotServed(it.id, Reason.OUT_OF_RANGE)
    if not any(_can_serve(context, at, visit) for at in near):
        return NotServed(it.id, Reason.WINDOW_IMPOSSIBLE)
    return None


def _can_serve(context: Context, vehicle: int, visit: int) -> bool:
    """Return True if a vehicle can serve a visit and its pair right after its committed visits."""
    problem = context.problem
    partner = problem.partner.get(visit)
    ends = [visit] if partner is None else [visit, partner]
    if any(p.delivery == problem.visits[visit].id for p in problem.pairs):
        ends.reverse()
    committed = [problem.visit_index[name] for name in problem.vehicles[vehicle].prefix]
    return holds(context, vehicle, [*committed, *(v for v in ends if v not in committed)])


def _there_and_back(context: Context, vehicle: int, place: int) -> int:
    """Return the metres from the vehicle's start to a place and on to its end."""
    it = context.problem.vehicles[vehicle]
    out = context.timer.drive_m(vehicle, it.start, place)
    return out + context.timer.drive_m(vehicle, place, it.end)


def _has_way(context: Context, vehicle: int, place: int) -> bool:
    """Return True if the matrices have a way from the start of the vehicle and on to its end.

    Committed visits come first, so the way may begin at the last of them.
    """
    problem = context.problem
    it = problem.vehicles[vehicle]
    metres = problem.profiles[it.profile].distance_m
    start = it.start
    if it.prefix:
        start = problem.visits[problem.visit_index[it.prefix[-1]]].place
    return bool(metres[start, place] < MAX_TRAVEL and metres[place, it.end] < MAX_TRAVEL)


def _loads(context: Context, visit: int) -> list[tuple[int, ...]]:
    """Return the delivered and the collected load of a visit; they are never on board together."""
    it = context.problem.visits[visit]
    return [it.demand, it.collect] if it.collect else [it.demand]


def _fits(context: Context, vehicle: int, visit: int) -> bool:
    """Return True if a vehicle that carries nothing else has the capacity for the visit."""
    return all(context.fits(vehicle, load) for load in _loads(context, visit))


def _too_much(context: Context, vehicles: list[int], visit: int) -> tuple[str, ...]:
    """Return the dimensions in which the visit exceeds each vehicle.

    If there is no such dimension, return those in which it exceeds some vehicle.
    """
    names = context.problem.dimensions
    loads = _loads(context, visit)
    over = [
        [max(amounts) > room for *amounts, room in zip(*loads, context.capacities[at], strict=True)]
        for at in vehicles
    ]
    everywhere = tuple(
        name for name, column in zip(names, zip(*over, strict=True), strict=True) if all(column)
    )
    somewhere = tuple(
        name for name, column in zip(names, zip(*over, strict=True), strict=True) if any(column)
    )
    return everywhere or somewhere


def _hopeless(context: Context, visit: int) -> bool:
    """Return True if each vehicle is either not allowed or too small for the visit alone."""
    return not any(_fits(context, at, visit) for at in context.may[visit])


def _reason(draft: Draft, visit: int, time_up: TimeUp | None) -> NotServed:
    context, problem = draft.context, draft.context.problem
    it = problem.visits[visit]
    members = problem.groups[it.group] if it.group else (visit,)
    needs_trial = not all(_hopeless(context, member) for member in members)
    if needs_trial and time_up is not None and time_up():
        return NotServed(it.id, Reason.TIME_UP)
    places = [cheapest(draft, member) for member in members] if needs_trial else []
    fitting = [gap for gap in places if gap is not None]
    if not fitting:
        by_itself = [alone(context, member) for member in members]
        if all(reason is not None for reason in by_itself):
            return replace(by_itself[0] or NotServed(it.id, Reason.LEFT_OUT), visit=it.id)
        return NotServed(it.id, Reason.NO_CAPACITY_LEFT)
    pair = {visit, problem.partner.get(visit, visit)}
    missed = unserved_cost(problem, [problem.visits[v].id for v in pair])
    not_worth = min(gap.exact for gap in fitting) > missed * UNIT
    return NotServed(it.id, Reason.NOT_WORTH if not_worth else Reason.LEFT_OUT)
