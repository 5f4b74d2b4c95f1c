"""The search behind ``insertion``: all feasible gaps for one visit, by index. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from dispatch.solver.cost import UNIT, driven_exact
from dispatch.solver.draft import Draft, Ground, Tour, own_segment
from dispatch.solver.segments import Segment, merge


@dataclass(frozen=True, slots=True)
class Gap:
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


def gaps(draft: Draft, visit: int) -> list[Gap]:
    """Return all feasible places for a visit that is in no tour, cheapest first.

    Of a visit in a pair, all places for both of the pair; none while the other is in a tour. None
    either while an alternative is served. Reloads and charges stay where they are; a vehicle at
    home gets those without which it could not come.
    """
    ground = draft.ground
    if ground.plain:
        found: list[Gap] = []
        for vehicle in sorted(ground.may[visit]):
            found += _in_tour(ground, draft.tours[vehicle], visit)
    else:
        found = _whole(draft, visit)
    found.sort(key=lambda gap: (gap.exact, gap.added_s, gap.vehicle, gap.position))
    return found


def _whole(draft: Draft, visit: int) -> list[Gap]:
    """Ask the compiled scan, under every rule of the model."""
    problem, made = draft.ground.problem, {v for tour in draft.tours for v in tour.visits}
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
    best: dict[tuple[int, int, int], Gap] = {}
    for vehicle, gap, then, seconds, metres, exact in draft.ground.hand.gaps(tours, visit, limit):
        counts = before.get(vehicle, (0,))
        position, behind = counts[gap], -1
        put: tuple[tuple[int, int], ...] = ((gap, visit),)
        if partner is not None:
            behind, put = counts[then] + 1, ((then, partner), *put)
        known = best.get((vehicle, position, behind))
        if known is None or exact + fee < known.exact:
            best[vehicle, position, behind] = Gap(
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
        for at, vehicle in enumerate(draft.ground.problem.vehicles)
        if (vehicle.reloads or vehicle.chargers) and at not in asked and limit in (-1, at)
    ]


def _equipped(draft: Draft, vehicle: int, ends: tuple[int, ...]) -> Gap | None:
    """Return the place on a vehicle at home with the stops that make it possible."""
    ground, problem = draft.ground, draft.ground.problem
    codes = ground.hand.equipped(vehicle, ends)
    timed = None if codes is None else ground.hand.timed(vehicle, codes)
    if codes is None or timed is None:
        return None
    fee = sum(problem.visits[v].service_cost for v in ends) * UNIT
    co2_mg = problem.vehicles[vehicle].co2_mg_per_m * timed.metres
    behind = 1 if len(ends) > 1 else None
    exact = timed.exact + fee
    return Gap(vehicle, 0, timed.lasts_s, timed.metres, exact, co2_mg, behind, tuple(codes))


def _counted(codes: Sequence[int]) -> tuple[int, ...]:
    """Return how many visits come before each gap."""
    return tuple(accumulate((int(code >= 0) for code in codes), initial=0))


def _tied(draft: Draft, ends: tuple[int, ...]) -> int:
    """Return the vehicle of those they must be together with; -1: any, -2: there is none."""
    problem = draft.ground.problem
    if not problem.together:
        return -1
    names = {problem.visits[v].id for v in ends}
    peers = {v for union in problem.together if union & names for v in union} - names
    at = {problem.visit_index[v] for v in peers}
    vehicles = {tour.vehicle for tour in draft.tours if at.intersection(tour.visits)}
    if len(vehicles) > 1:
        return -2
    return vehicles.pop() if vehicles else -1


def _in_tour(ground: Ground, tour: Tour, visit: int) -> list[Gap]:
    """Try each position of one tour; a tour that breaks rules already has none."""
    demand = ground.demands[visit]
    if tour.duration is None:
        return []
    if not ground.fits(tour.vehicle, [a + b for a, b in zip(tour.load, demand, strict=True)]):
        return []
    timer, vehicle = ground.timer, ground.problem.vehicles[tour.vehicle]
    place = ground.problem.visits[visit].place
    here = own_segment(ground, tour.vehicle, visit)
    found: list[Gap] = []
    for position in range(len(tour.visits) + 1):
        origin, target = tour.places[position], tour.places[position + 1]
        metres = timer.drive_m(tour.vehicle, origin, place) + timer.drive_m(
            tour.vehicle, place, target
        )
        if tour.visits:
            metres -= timer.drive_m(tour.vehicle, origin, target)
        if tour.distance + metres > ground.ranges[tour.vehicle]:
            continue
        length = _length(ground, tour, visit, position, here)
        if length is None:
            continue
        added = length - tour.duration
        exact = driven_exact(vehicle, metres, added)
        if not tour.visits:
            exact += vehicle.fixed_cost * UNIT
        found.append(
            Gap(tour.vehicle, position, added, metres, exact, vehicle.co2_mg_per_m * metres)
        )
    return found


def _length(ground: Ground, tour: Tour, visit: int, position: int, here: Segment) -> int | None:
    """Working time of the tour with the visit there, or None when no schedule is feasible."""
    timer, shift = ground.timer, ground.timer.shifts[tour.vehicle]
    place = ground.problem.visits[visit].place
    come = timer.drive_s(tour.vehicle, tour.places[position], place)
    go = timer.drive_s(tour.vehicle, place, tour.places[position + 1])
    duration, late, _, _ = merge(go, merge(come, tour.before[position], here), tour.after[position])
    if late or duration + shift.loading > shift.longest:
        return None
    return duration + shift.loading
