"""From an engine's proposal to a plan that holds and leaves out nothing that fits. PURE.

Engines may approximate (breaks, above all). Here every tour is made to hold exactly, and every
visit left over goes where it still fits, if that costs no more than leaving it. Deterministic
unless the caller's clock cuts the second part short: rather unserved than late.
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
    """Return the proposal made to hold, with what fits put in. Vehicles and visits by index.

    ``time_up`` is called before each visit is inserted; once it returns True, the rest stay out.
    """
    if not context.plain:
        given = {v: context.equipped(v, codes) for v, codes in proposal.items()}
        return Draft(context, context.scanner.filled(given, add=True, late=time_up))
    draft = Draft(context)
    for vehicle, visits in sorted(proposal.items()):
        draft.assign(vehicle, _holding(context, vehicle, visits))
    fill(draft, time_up)
    return draft


def fill(draft: Draft, time_up: TimeUp | None = None) -> None:
    """Put each missing visit, dearest first, into its cheapest gap until none fits that pays."""
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
        placed, left = False, []
        for visit in waiting:
            if time_up is not None and time_up():
                return
            gap = cheapest(draft, visit)
            if gap is not None and gap.exact <= missed_cost(visits[visit]) * UNIT:
                draft.insert(gap.vehicle, gap.position, visit)
                placed = True
            else:
                left.append(visit)
        waiting = left


def holds(context: Context, vehicle: int, visits: list[int]) -> bool:
    """Tell whether one vehicle can drive a sequence: who, load, range and time.

    Visits alone hold, too, where reloads and charges between them make them hold.
    """
    if not context.plain:
        return context.scanner.timed(vehicle, context.equipped(vehicle, visits)) is not None
    return (
        all(vehicle in context.may[v] for v in visits)
        and context.fits(vehicle, context.timer.load(visits))
        and context.timer.chain(vehicle, visits).distance <= context.ranges[vehicle]
        and context.timer.shortest(vehicle, visits) is not None
    )


def _holding(context: Context, vehicle: int, visits: list[int]) -> list[int]:
    """Return the sequence without as little as it takes to make it hold."""
    kept = [v for v in visits if vehicle in context.may[v]]
    if not kept or holds(context, vehicle, kept):
        return kept
    prices = context.problem.visits
    by_price = sorted(range(len(kept)), key=lambda at: (missed_cost(prices[kept[at]]), at))
    for at in by_price:
        fewer = kept[:at] + kept[at + 1 :]
        if not fewer or holds(context, vehicle, fewer):
            return fewer
    return _rebuilt(context, vehicle, kept)


def _rebuilt(context: Context, vehicle: int, visits: list[int]) -> list[int]:
    """Keep the order; take visits in from the dearest down as long as the tour holds."""
    prices = context.problem.visits
    chosen: set[int] = set()
    for visit in sorted(visits, key=lambda v: (-missed_cost(prices[v]), visits.index(v))):
        if holds(context, vehicle, [v for v in visits if v in chosen or v == visit]):
            chosen.add(visit)
    return [v for v in visits if v in chosen]
