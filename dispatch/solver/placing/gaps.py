"""All feasible gaps of a plan for one visit, by index; used by ``insertion``. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from dispatch.solver.model.cost import UNIT
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.rows import Fitting, rows_of


@dataclass(frozen=True, slots=True)
class Fit:
    """A feasible insertion of a visit, by index: after ``position`` visits of the vehicle.

    ``exact`` is the added cost in 1/9,000,000 of a minor unit. The vehicle's fixed cost is
    included if the vehicle is not used yet. Values may be negative where times or distances
    break the triangle inequality. For a pair, ``position`` is that of the pickup and
    ``pair_position`` that of the delivery, the pickup counted.

    ``tour`` : the codes of the vehicle as they are.
    ``ends`` : (gap, visit) for each visit to insert, the last gap first.
    """

    vehicle: int
    position: int
    added_s: int
    added_m: int
    exact: int
    co2_mg: int
    pair_position: int | None = None
    tour: tuple[int, ...] = ()
    ends: tuple[tuple[int, int], ...] = ()

    @property
    def codes(self) -> tuple[int, ...]:
        """The vehicle's codes with the visit or the pair inserted; () for a plain problem."""
        codes = self.tour
        for gap, visit in self.ends:
            codes = (*codes[:gap], visit, *codes[gap:])
        return codes


def gaps(draft: Draft, visit: int) -> list[Fit]:
    """Return all feasible insertions of a visit that is in no tour, cheapest first.

    For a visit of a pair, insert both visits of the pair. The list is empty while the other visit
    of the pair, or an alternative of the same group, is in a tour. Reloads and charges stay where
    they are; an unused vehicle gets the reloads and charges that it needs.
    """
    context = draft.context
    if context.plain:
        fitting = rows_of(draft).fitting(visit)
        return [_gap(context, fitting, int(at)) for at in fitting.ranked()]
    result = _scanned(draft, visit)
    result.sort(key=lambda gap: (gap.exact, gap.added_s, gap.vehicle, gap.position))
    return result


def cheapest(draft: Draft, visit: int) -> Fit | None:
    """Return the first of ``gaps``, or None if there are no feasible gaps."""
    if draft.context.plain:
        fitting = rows_of(draft).fitting(visit)
        return _gap(draft.context, fitting, fitting.best()) if len(fitting) else None
    return next(iter(gaps(draft, visit)), None)


def best_in_windows(
    draft: Draft, visit: int, windows: Sequence[tuple[int, int]]
) -> list[Fit | None]:
    """Return the cheapest gap for each of several windows of a visit, None where none is feasible.

    Parameters
    ----------
    visit : int
        A visit in no tour, with one window, in no pair, group or set. Its window is replaced.
    windows : sequence of (first second, last second)
    """
    context = draft.context
    if context.plain:
        every = rows_of(draft).in_windows(visit, windows)
        return [_gap(context, f, f.best()) if len(f) else None for f in every]
    tours = {tour.vehicle: tour.codes for tour in draft.tours if tour.codes}
    fee = context.problem.visits[visit].service_cost * UNIT
    result: list[Fit | None] = []
    for best in context.scanner.best(tours, visit, windows):
        if best is None:
            result.append(None)
            continue
        vehicle, gap, seconds, metres, exact = best
        codes = tuple(tours.get(vehicle, ()))
        result.append(
            Fit(
                vehicle,
                _visits_before(codes)[gap],
                seconds,
                metres,
                exact + fee,
                context.problem.vehicles[vehicle].co2_mg_per_m * metres,
                None,
                codes,
                ((gap, visit),),
            )
        )
    return result


def _gap(context: Context, fitting: Fitting, at: int) -> Fit:
    """Return one row of the columns as an insertion."""
    vehicle, metres = int(fitting.vehicle[at]), int(fitting.added_m[at])
    return Fit(
        vehicle,
        int(fitting.position[at]),
        int(fitting.added_s[at]),
        metres,
        int(fitting.exact[at]),
        context.problem.vehicles[vehicle].co2_mg_per_m * metres,
    )


def _scanned(draft: Draft, visit: int) -> list[Fit]:
    """Return the feasible insertions found by the compiled scan, which knows all rules.

    Several gaps can have the same position, because of reloads and charges: the cheapest counts.
    """
    problem, served = draft.context.problem, {v for tour in draft.tours for v in tour.visits}
    partner = problem.partner.get(visit)
    group = problem.visits[visit].group
    if partner in served or (group and served & set(problem.groups[group])):
        return []
    if partner is not None and problem.visits[visit].id not in {p.pickup for p in problem.pairs}:
        visit, partner = partner, visit
    ends = (visit,) if partner is None else (visit, partner)
    limit = _required_vehicle(draft, ends)
    if limit < -1:
        return []
    tours = {tour.vehicle: tour.codes for tour in draft.tours if tour.codes}
    fee = sum(problem.visits[v].service_cost for v in ends) * UNIT
    before = {vehicle: _visits_before(codes) for vehicle, codes in tours.items()}
    codes_of = {vehicle: tuple(codes) for vehicle, codes in tours.items()}
    best: dict[tuple[int, int, int], Fit] = {}
    for vehicle, gap, then, seconds, metres, exact in draft.context.scanner.gaps(
        tours, visit, limit
    ):
        counts = before.get(vehicle, (0,))
        position, behind = counts[gap], -1
        inserted: tuple[tuple[int, int], ...] = ((gap, visit),)
        if partner is not None:
            behind, inserted = counts[then] + 1, ((then, partner), *inserted)
        cheaper = best.get((vehicle, position, behind))
        if cheaper is None or exact + fee < cheaper.exact:
            best[vehicle, position, behind] = Fit(
                vehicle,
                position,
                seconds,
                metres,
                exact + fee,
                problem.vehicles[vehicle].co2_mg_per_m * metres,
                None if partner is None else behind,
                codes_of.get(vehicle, ()),
                inserted,
            )
    tried = {vehicle for vehicle, _, _ in best} | set(tours)
    equipped = [_equipped(draft, vehicle, ends) for vehicle in _equippable(draft, tried, limit)]
    return [*best.values(), *(gap for gap in equipped if gap is not None)]


def _equippable(draft: Draft, tried: set[int], limit: int) -> list[int]:
    """Return the unused vehicles that a reload or charge on the way might make feasible."""
    return [
        at
        for at, vehicle in enumerate(draft.context.problem.vehicles)
        if (vehicle.reloads or vehicle.chargers) and at not in tried and limit in (-1, at)
    ]


def _equipped(draft: Draft, vehicle: int, ends: tuple[int, ...]) -> Fit | None:
    """Return the insertion into an unused vehicle, with the reloads and charges that it needs."""
    context, problem = draft.context, draft.context.problem
    codes = context.scanner.equipped(vehicle, ends)
    timed = None if codes is None else context.scanner.timed(vehicle, codes)
    if codes is None or timed is None:
        return None
    fee = sum(problem.visits[v].service_cost for v in ends) * UNIT
    co2_mg = problem.vehicles[vehicle].co2_mg_per_m * timed.metres
    behind = 1 if len(ends) > 1 else None
    exact = timed.exact + fee
    return Fit(vehicle, 0, timed.lasts_s, timed.metres, exact, co2_mg, behind, tuple(codes))


def _visits_before(codes: Sequence[int]) -> tuple[int, ...]:
    """Return the number of visits before each gap."""
    return tuple(accumulate((int(code >= 0) for code in codes), initial=0))


def _required_vehicle(draft: Draft, ends: tuple[int, ...]) -> int:
    """Return the vehicle that the ``together`` sets of the visits require; -1 any, -2 none."""
    problem = draft.context.problem
    if not problem.together:
        return -1
    names = {problem.visits[v].id for v in ends}
    peers = {v for union in problem.together if union & names for v in union} - names
    at = {problem.visit_index[v] for v in peers}
    vehicles = {tour.vehicle for tour in draft.tours if at.intersection(tour.visits)}
    if len(vehicles) > 1:
        return -2
    return vehicles.pop() if vehicles else -1
