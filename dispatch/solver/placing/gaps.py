"""The search behind ``insertion``: all feasible gaps for one visit, by index. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from dispatch.solver.model.cost import UNIT
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.rows import Fitting, rows_of


@dataclass(frozen=True, slots=True)
class Fit:
    """A feasible place for a visit, by index: behind ``position`` visits of the vehicle.

    ``exact`` is the money it adds in 1/9,000,000 of a minor unit, with the vehicle's fixed cost
    when it would stay at home otherwise. Values may be negative where times or distances break
    the triangle inequality. Of a pair ``position`` is the pickup's and ``pair_position`` the
    delivery's, the pickup counted.
    """

    vehicle: int
    position: int
    added_s: int
    added_m: int
    exact: int
    co2_mg: int
    pair_position: int | None = None
    tour: tuple[int, ...] = ()  # the codes as they are; ends: what comes into which gap of them
    ends: tuple[tuple[int, int], ...] = ()

    @property
    def codes(self) -> tuple[int, ...]:
        """The vehicle's codes with the visit, or the pair, in them; () for a plain problem."""
        codes = self.tour
        for gap, visit in self.ends:
            codes = (*codes[:gap], visit, *codes[gap:])
        return codes


def gaps(draft: Draft, visit: int) -> list[Fit]:
    """Return all feasible places for a visit that is in no tour, cheapest first.

    Of a visit in a pair, all places for both of the pair; none while the other is in a tour. None
    either while an alternative is served. Reloads and charges stay where they are; a vehicle at
    home gets those without which it could not come.
    """
    context = draft.context
    if context.plain:
        fitting = rows_of(draft).fitting(visit)
        return [_gap(context, fitting, int(at)) for at in fitting.ranked()]
    found = _whole(draft, visit)
    found.sort(key=lambda gap: (gap.exact, gap.added_s, gap.vehicle, gap.position))
    return found


def cheapest(draft: Draft, visit: int) -> Fit | None:
    """Return the first of ``gaps``, None where there is none."""
    if draft.context.plain:
        fitting = rows_of(draft).fitting(visit)
        return _gap(draft.context, fitting, fitting.best()) if len(fitting) else None
    return next(iter(gaps(draft, visit)), None)


def _gap(context: Context, fitting: Fitting, at: int) -> Fit:
    vehicle, metres = int(fitting.vehicle[at]), int(fitting.added_m[at])
    return Fit(
        vehicle,
        int(fitting.position[at]),
        int(fitting.added_s[at]),
        metres,
        int(fitting.exact[at]),
        context.problem.vehicles[vehicle].co2_mg_per_m * metres,
    )


def _whole(draft: Draft, visit: int) -> list[Fit]:
    """Ask the compiled scan, under every rule of the model."""
    problem, made = draft.context.problem, {v for tour in draft.tours for v in tour.visits}
    partner = problem.partner.get(visit)
    group = problem.visits[visit].group
    if partner in made or (group and made & set(problem.groups[group])):
        return []
    if partner is not None and problem.visits[visit].id not in {p.pickup for p in problem.pairs}:
        visit, partner = partner, visit
    ends = (visit,) if partner is None else (visit, partner)
    limit = _tied(draft, ends)
    if limit < -1:
        return []
    tours = {tour.vehicle: tour.codes for tour in draft.tours if tour.codes}
    fee = sum(problem.visits[v].service_cost for v in ends) * UNIT
    before = {vehicle: _counted(codes) for vehicle, codes in tours.items()}
    kept = {vehicle: tuple(codes) for vehicle, codes in tours.items()}
    best: dict[tuple[int, int, int], Fit] = {}
    for vehicle, gap, then, seconds, metres, exact in draft.context.scanner.gaps(
        tours, visit, limit
    ):
        counts = before.get(vehicle, (0,))
        position, behind = counts[gap], -1
        put: tuple[tuple[int, int], ...] = ((gap, visit),)
        if partner is not None:
            behind, put = counts[then] + 1, ((then, partner), *put)
        known = best.get((vehicle, position, behind))
        if known is None or exact + fee < known.exact:
            best[vehicle, position, behind] = Fit(
                vehicle,
                position,
                seconds,
                metres,
                exact + fee,
                problem.vehicles[vehicle].co2_mg_per_m * metres,
                None if partner is None else behind,
                kept.get(vehicle, ()),
                put,
            )
    asked = {vehicle for vehicle, _, _ in best} | set(tours)
    found = [_equipped(draft, vehicle, ends) for vehicle in _left(draft, asked, limit)]
    return [*best.values(), *(gap for gap in found if gap is not None)]


def _left(draft: Draft, asked: set[int], limit: int) -> list[int]:
    """Return vehicles at home that could only come by way of a reload or charger."""
    return [
        at
        for at, vehicle in enumerate(draft.context.problem.vehicles)
        if (vehicle.reloads or vehicle.chargers) and at not in asked and limit in (-1, at)
    ]


def _equipped(draft: Draft, vehicle: int, ends: tuple[int, ...]) -> Fit | None:
    """Return the place on a vehicle at home with the stops that make it possible."""
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


def _counted(codes: Sequence[int]) -> tuple[int, ...]:
    """Return how many visits come before each gap."""
    return tuple(accumulate((int(code >= 0) for code in codes), initial=0))


def _tied(draft: Draft, ends: tuple[int, ...]) -> int:
    """Return the vehicle of those they must be together with; -1: any, -2: there is none."""
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
