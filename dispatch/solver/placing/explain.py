"""Why a visit is left out: the first proof that leaves no vehicle, found by trying. PURE.

Vehicles are sifted in this order: there and allowed, skilled, roomy enough alone, in range alone,
in time alone, and at last beside the others in the plan. The reason is the sieve that lets none
through, so each reason holds for every vehicle that the sieves before it let pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dispatch.solver.model.cost import UNIT, unserved_cost
from dispatch.solver.model.solution import NotServed, Reason
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.gaps import cheapest
from dispatch.solver.placing.repair import TimeUp, holds


def reasons(draft: Draft, missing: Iterable[int], time_up: TimeUp | None = None) -> list[NotServed]:
    """Return the proven reason for each visit that is in no tour.

    ``time_up`` is asked before each that takes trying; once it says yes, those are TIME_UP.
    """
    return [_reason(draft, visit, time_up) for visit in missing]


def alone(context: Context, visit: int) -> NotServed | None:
    """Return why no vehicle could serve the visit even by itself, or None when one could."""
    if visit not in context.alone:
        context.alone[visit] = _alone(context, visit)
    return context.alone[visit]


def _alone(context: Context, visit: int) -> NotServed | None:
    problem = context.problem
    it = problem.visits[visit]
    left = [
        at
        for at, vehicle in enumerate(problem.vehicles)
        if it.vehicles is None or vehicle.id in it.vehicles
    ]
    if not left:
        return NotServed(it.id, Reason.NO_SHIFT)
    skilled = [at for at in left if it.skills <= problem.vehicles[at].skills]
    if not skilled:
        anywhere = frozenset().union(*(problem.vehicles[at].skills for at in left))
        lacking = it.skills - anywhere or it.skills  # each somewhere, never together
        return NotServed(it.id, Reason.NO_SKILL, skills=tuple(sorted(lacking)))
    skilled = sorted({context.twin[at] for at in skilled})
    roomy = [at for at in skilled if _fits(context, at, visit)]
    if not roomy:
        return NotServed(it.id, Reason.TOO_HEAVY, dimensions=_too_much(context, skilled, visit))
    near = [at for at in roomy if _there_and_back(context, at, it.place) <= context.ranges[at]]
    if not near:
        return NotServed(it.id, Reason.OUT_OF_RANGE)
    if not any(_could(context, at, visit) for at in near):
        return NotServed(it.id, Reason.WINDOW_IMPOSSIBLE)
    return None


def _could(context: Context, vehicle: int, visit: int) -> bool:
    """Tell whether a vehicle could serve a visit, and its pair, behind what it is committed to."""
    problem = context.problem
    partner = problem.partner.get(visit)
    ends = [visit] if partner is None else [visit, partner]
    if any(p.delivery == problem.visits[visit].id for p in problem.pairs):
        ends.reverse()
    committed = [problem.visit_index[name] for name in problem.vehicles[vehicle].prefix]
    return holds(context, vehicle, [*committed, *(v for v in ends if v not in committed)])


def _there_and_back(context: Context, vehicle: int, place: int) -> int:
    it = context.problem.vehicles[vehicle]
    out = context.timer.drive_m(vehicle, it.start, place)
    return out + context.timer.drive_m(vehicle, place, it.end)


def _loads(context: Context, visit: int) -> list[tuple[int, ...]]:
    """What a visit brings and what it collects: the two are never on board together."""
    it = context.problem.visits[visit]
    return [it.demand, it.collect] if it.collect else [it.demand]


def _fits(context: Context, vehicle: int, visit: int) -> bool:
    """Tell whether a vehicle that carries nothing else has room for the visit."""
    return all(context.fits(vehicle, load) for load in _loads(context, visit))


def _too_much(context: Context, vehicles: list[int], visit: int) -> tuple[str, ...]:
    """Dimensions that exceed every vehicle; when none does, all that exceed some vehicle."""
    names = context.problem.dimensions
    loads = _loads(context, visit)
    over = [
        [max(amounts) > room for *amounts, room in zip(*loads, context.rooms[at], strict=True)]
        for at in vehicles
    ]
    everywhere = tuple(
        name for name, column in zip(names, zip(*over, strict=True), strict=True) if all(column)
    )
    somewhere = tuple(
        name for name, column in zip(names, zip(*over, strict=True), strict=True) if any(column)
    )
    return everywhere or somewhere


def _nobody(context: Context, visit: int) -> bool:
    """Tell whether no vehicle may serve the visit, or none of those has room for it alone."""
    return not any(_fits(context, at, visit) for at in context.may[visit])


def _reason(draft: Draft, visit: int, time_up: TimeUp | None) -> NotServed:
    context, problem = draft.context, draft.context.problem
    it = problem.visits[visit]
    members = problem.groups[it.group] if it.group else (visit,)
    tried = not all(_nobody(context, member) for member in members)
    if tried and time_up is not None and time_up():
        return NotServed(it.id, Reason.TIME_UP)
    places = [cheapest(draft, member) for member in members] if tried else []
    fitting = [gap for gap in places if gap is not None]
    if not fitting:
        by_itself = [alone(context, member) for member in members]
        if all(why is not None for why in by_itself):
            return replace(by_itself[0] or NotServed(it.id, Reason.LEFT_OUT), visit=it.id)
        return NotServed(it.id, Reason.NO_CAPACITY_LEFT)
    pair = {visit, problem.partner.get(visit, visit)}
    missed = unserved_cost(problem, [problem.visits[v].id for v in pair])
    dearer = min(gap.exact for gap in fitting) > missed * UNIT
    return NotServed(it.id, Reason.NOT_WORTH if dearer else Reason.LEFT_OUT)
