"""Repair of an engine's proposal: feasible tours, with all visits inserted that are worth it. PURE.

Engines may approximate, above all breaks. Here each tour is made exactly feasible. Then each
missing visit is inserted at its cheapest feasible place, if that costs no more than not serving
it. The result is deterministic, unless the caller's clock ends the insertion early. Visits that
are not tried by then stay unserved.
"""

from __future__ import annotations

from collections.abc import Callable

from dispatch.solver.model.cost import UNIT
from dispatch.solver.model.problem import missed_cost
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.gaps import cheapest

TimeUp = Callable[[], bool]


def settle(
    context: Context, proposal: dict[int, list[int]], time_up: TimeUp | None = None
) -> Draft:
    """Return a feasible draft of a proposal, filled up. Vehicles and visits are given by index.

    ``time_up`` is called before each visit is inserted; once it returns True, the rest stay out.
    """
    if not context.plain:
        sequences = {v: context.equipped(v, codes) for v, codes in proposal.items()}
        return Draft(context, context.scanner.filled(sequences, add=True, late=time_up))
    draft = Draft(context)
    for vehicle, visits in sorted(proposal.items()):
        draft.assign(vehicle, _feasible(context, vehicle, visits))
    fill(draft, time_up)
    return draft


def fill(draft: Draft, time_up: TimeUp | None = None) -> None:
    """Insert each missing visit at its cheapest gap, until no insertion is worth its cost.

    Visits with the highest cost of not serving are inserted first.
    """
    context = draft.context
    if not context.plain:
        tours = {tour.vehicle: tour.codes for tour in draft.tours if tour.codes}
        for vehicle, codes in context.scanner.filled(tours, add=True, late=time_up).items():
            draft.assign(vehicle, codes)
        return
    visits = context.problem.visits
    waiting = sorted(draft.missing(), key=lambda v: (-missed_cost(visits[v]), v))
    placed = True
    while placed and waiting:
        placed, remaining = False, []
        for visit in waiting:
            if time_up is not None and time_up():
                return
            gap = cheapest(draft, visit)
            if gap is not None and gap.exact <= missed_cost(visits[visit]) * UNIT:
                draft.insert(gap.vehicle, gap.position, visit)
                placed = True
            else:
                remaining.append(visit)
        waiting = remaining


def holds(context: Context, vehicle: int, visits: list[int]) -> bool:
    """Return True if a vehicle can drive a sequence: allowed visits, load, range and time.

    A sequence of visits only is also feasible if reloads and charges between them make it so.
    """
    if not context.plain:
        return context.scanner.timed(vehicle, context.equipped(vehicle, visits)) is not None
    return (
        all(vehicle in context.may[v] for v in visits)
        and context.fits(vehicle, context.timer.load(visits))
        and context.timer.chain(vehicle, visits).distance <= context.ranges[vehicle]
        and context.timer.shortest(vehicle, visits) is not None
    )


def _feasible(context: Context, vehicle: int, visits: list[int]) -> list[int]:
    """Return a feasible part of a sequence, in its order.

    If the removal of one visit is enough, remove the one with the lowest cost of not serving.
    Otherwise rebuild the tour.
    """
    allowed = [v for v in visits if vehicle in context.may[v]]
    if not allowed or holds(context, vehicle, allowed):
        return allowed
    prices = context.problem.visits
    by_price = sorted(range(len(allowed)), key=lambda at: (missed_cost(prices[allowed[at]]), at))
    for at in by_price:
        fewer = allowed[:at] + allowed[at + 1 :]
        if not fewer or holds(context, vehicle, fewer):
            return fewer
    return _rebuilt(context, vehicle, allowed)


def _rebuilt(context: Context, vehicle: int, visits: list[int]) -> list[int]:
    """Rebuild a sequence from an empty tour, in its order.

    Each visit is added if the tour stays feasible. Visits with the highest cost of not serving
    are tried first.
    """
    prices = context.problem.visits
    chosen: set[int] = set()
    for visit in sorted(visits, key=lambda v: (-missed_cost(prices[v]), visits.index(v))):
        if holds(context, vehicle, [v for v in visits if v in chosen or v == visit]):
            chosen.add(visit)
    return [v for v in visits if v in chosen]
