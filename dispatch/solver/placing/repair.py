"""From an engine's proposal to a plan that holds and leaves out nothing that fits. PURE.

Engines may approximate (breaks, above all). Here every tour is made to hold exactly, and every
visit left over goes where it still fits, if that costs no more than leaving it. Deterministic
unless the caller's clock cuts the second part short: rather unserved than late.
"""

from __future__ import annotations

from collections.abc import Callable

from dispatch.solver.model.cost import UNIT
from dispatch.solver.model.problem import missed_cost
from dispatch.solver.placing.draft import Draft, Ground
from dispatch.solver.placing.gaps import cheapest

Late = Callable[[], bool]


def settle(ground: Ground, proposal: dict[int, list[int]], late: Late | None = None) -> Draft:
    """Return the proposal made to hold, with what fits put in. Vehicles and visits by index.

    ``late`` is asked before each visit that is to be put in; when it says yes, the rest stay out.
    """
    if not ground.plain:
        given = {v: ground.equipped(v, codes) for v, codes in proposal.items()}
        return Draft(ground, ground.hand.filled(given, add=True, late=late))
    draft = Draft(ground)
    for vehicle, visits in sorted(proposal.items()):
        draft.put(vehicle, _holding(ground, vehicle, visits))
    fill(draft, late)
    return draft


def fill(draft: Draft, late: Late | None = None) -> None:
    """Put each missing visit, dearest first, into its cheapest gap until none fits that pays."""
    ground = draft.ground
    if not ground.plain:
        tours = {tour.vehicle: tour.codes for tour in draft.tours if tour.codes}
        for vehicle, codes in ground.hand.filled(tours, add=True, late=late).items():
            draft.put(vehicle, codes)
        return
    visits = ground.problem.visits
    waiting = sorted(draft.missing(), key=lambda v: (-missed_cost(visits[v]), v))
    placed = True
    while placed and waiting:
        placed, left = False, []
        for visit in waiting:
            if late is not None and late():
                return
            gap = cheapest(draft, visit)
            if gap is not None and gap.exact <= missed_cost(visits[visit]) * UNIT:
                draft.insert(gap.vehicle, gap.position, visit)
                placed = True
            else:
                left.append(visit)
        waiting = left


def holds(ground: Ground, vehicle: int, visits: list[int]) -> bool:
    """Tell whether one vehicle can drive a sequence: who, load, range and time.

    Visits alone hold, too, where reloads and charges between them make them hold.
    """
    if not ground.plain:
        return ground.hand.timed(vehicle, ground.equipped(vehicle, visits)) is not None
    return (
        all(vehicle in ground.may[v] for v in visits)
        and ground.fits(vehicle, ground.timer.load(visits))
        and ground.timer.chain(vehicle, visits).distance <= ground.ranges[vehicle]
        and ground.timer.shortest(vehicle, visits) is not None
    )


def _holding(ground: Ground, vehicle: int, visits: list[int]) -> list[int]:
    """Return the sequence without as little as it takes to make it hold."""
    kept = [v for v in visits if vehicle in ground.may[v]]
    if not kept or holds(ground, vehicle, kept):
        return kept
    prices = ground.problem.visits
    by_price = sorted(range(len(kept)), key=lambda at: (missed_cost(prices[kept[at]]), at))
    for at in by_price:
        fewer = kept[:at] + kept[at + 1 :]
        if not fewer or holds(ground, vehicle, fewer):
            return fewer
    return _rebuilt(ground, vehicle, kept)


def _rebuilt(ground: Ground, vehicle: int, visits: list[int]) -> list[int]:
    """Keep the order; take visits in from the dearest down as long as the tour holds."""
    prices = ground.problem.visits
    chosen: set[int] = set()
    for visit in sorted(visits, key=lambda v: (-missed_cost(prices[v]), visits.index(v))):
        if holds(ground, vehicle, [v for v in visits if v in chosen or v == visit]):
            chosen.add(visit)
    return [v for v in visits if v in chosen]
