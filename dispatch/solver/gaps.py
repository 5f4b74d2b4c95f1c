"""The search behind ``insertion``: all feasible gaps for one visit, by index. PURE."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.solver.cost import UNIT, driven_exact
from dispatch.solver.draft import Draft, Ground, Tour, own_segment
from dispatch.solver.segments import Segment, merge


@dataclass(frozen=True, slots=True)
class Gap:
    """A feasible place for a visit, by index: behind ``position`` visits of the vehicle.

    ``exact`` is the money it adds in 1/9,000,000 of a minor unit, with the vehicle's fixed cost
    when it would stay at home otherwise. Values may be negative where times or distances break
    the triangle inequality.
    """

    vehicle: int
    position: int
    added_s: int
    added_m: int
    exact: int
    co2_mg: int


def gaps(draft: Draft, visit: int) -> list[Gap]:
    """Return all feasible places for a visit that is in no tour, cheapest first."""
    found: list[Gap] = []
    for vehicle in sorted(draft.ground.may[visit]):
        found += _in_tour(draft.ground, draft.tours[vehicle], visit)
    found.sort(key=lambda gap: (gap.exact, gap.added_s, gap.vehicle, gap.position))
    return found


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
    plain = tour.plain and len(timer.windows(visit)) == 1
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
        length = _length(ground, tour, visit, position, here, plain)
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


def _length(
    ground: Ground, tour: Tour, visit: int, position: int, here: Segment, plain: bool
) -> int | None:
    """Working time of the tour with the visit there, or None when no schedule is feasible."""
    timer, shift = ground.timer, ground.timer.shifts[tour.vehicle]
    place = ground.problem.visits[visit].place
    come = timer.drive_s(tour.vehicle, tour.places[position], place)
    go = timer.drive_s(tour.vehicle, place, tour.places[position + 1])
    duration, late, _, _ = merge(go, merge(come, tour.before[position], here), tour.after[position])
    if late or duration + shift.loading > shift.longest:
        return None
    if plain:
        return duration + shift.loading
    visits = [*tour.visits[:position], visit, *tour.visits[position:]]
    return timer.shortest(tour.vehicle, visits)
