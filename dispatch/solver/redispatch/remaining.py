"""The rest of a day: what is done is cut away, vehicles stand where they are by now. PURE.

A visit is done once its service has begun. A vehicle that has left stands at its last place from
the moment it leaves it; the stop it is driving to is committed. What it loaded stays its own.
Limits shrink by what is used up: metres, hours, stops, trips, battery; breaks it had are gone.
The fixed cost of a vehicle that has left is spent, so it counts no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from dispatch.solver.model.cost import paid_s
from dispatch.solver.model.elements import Break, Pair, VehicleShift, Visit
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Charge, Reload, Served, Solution, TakenBreak, Tour
from dispatch.solver.redispatch.change import Change

FETCH: Final = "fetch:"
HANDOVER_S: Final = 120  # to take one order's goods over from a vehicle that fell out


@dataclass(frozen=True, slots=True)
class RemainingDay:
    """The rest of the day.

    Parameters
    ----------
    problem : Problem
    sequences : dict
        What is left of the plan, by vehicle; without the visits of vehicles that fell out.
    drivers : dict
        VehicleShift that was to come to each visit that was planned.
    starts : dict
        Second at which it was to begin; without visits whose promise the change itself replaces.
    stranded : frozenset of str
        Visits whose vehicle fell out.
    touched : frozenset of str
        Visits that the change is about: new, other than before, on a tour that lost somebody or
        is late.
    """

    problem: Problem
    sequences: dict[str, list[str]]
    drivers: dict[str, str]
    starts: dict[str, int]
    stranded: frozenset[str]
    touched: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where one vehicle is by now."""

    vehicle: VehicleShift  # as it goes on
    left: tuple[str, ...]  # visits it still was to make
    aboard: frozenset[str]  # of these, whose goods it has
    away: bool = False  # it has begun its work
    resting: tuple[tuple[int, TakenBreak], ...] = ()  # breaks on the leg under way, and where


def remaining_day(
    problem: Problem, solution: Solution, change: Change, *, now_s: int, committed: int = 1
) -> RemainingDay:
    """Return what is left of a plan at ``now_s``, changed as the change says.

    Parameters
    ----------
    committed : int
        How many next stops of a vehicle that is on its way stay as they are.

    Raises
    ------
    Invalid
        When the changed problem does not fit.
    """
    routes = {r.vehicle: r for r in solution.routes}
    stands = [_stand(problem, v, routes.get(v.id), now_s) for v in problem.vehicles]
    done = {s.visit for r in solution.routes for s in r.visits if _done(r, s, now_s)}
    gone = done | _fallen(problem, change.removed, done)
    known = {v.id: v for v in problem.visits if v.id not in gone}
    known |= {v.id: v for v in change.visits if v.id not in done}
    lost = [s for s in stands if s.vehicle.id in change.lost]
    fetches, pairs = _rescued(lost, known)
    vehicles = tuple(_onward(stands, change, known, now_s, committed))
    names = frozenset(known)
    pairs += _pairs(problem, change, names)
    fetched = frozenset(pair.delivery for pair in pairs)
    changed = replace(
        problem,
        profiles=change.profiles or problem.profiles,
        visits=(*(_bound(v, vehicles, fetched) for v in known.values()), *fetches),
        vehicles=vehicles,
        pairs=tuple(pairs),
        together=tuple(m & names for m in problem.together),
        apart=tuple(m & names for m in problem.apart),
    )
    alive = {v.id for v in vehicles}
    new = frozenset(v.id for v in change.visits)
    planned = [(r.vehicle, s) for r in solution.routes for s in r.visits if s.visit in names]
    return RemainingDay(
        problem=changed,
        sequences={
            s.vehicle.id: [v for v in s.left if v in names] for s in stands if s.vehicle.id in alive
        },
        drivers={s.visit: vehicle for vehicle, s in planned},
        starts={s.visit: s.start_s for _, s in planned if s.visit not in new},
        stranded=frozenset(v for s in stands for v in s.left if s.vehicle.id not in alive) & names,
        touched=(new | _shaken(stands, change, names)) & names,
    )


def _shaken(stands: list[_Standing], change: Change, names: frozenset[str]) -> frozenset[str]:
    """Visits of tours that lost somebody, or whose vehicle is late or gone."""
    return frozenset(
        v
        for s in stands
        for v in s.left
        if s.vehicle.id in change.lost or s.vehicle.id in change.ready_s or set(s.left) - names
    )


def _fallen(problem: Problem, removed: frozenset[str], done: set[str]) -> set[str]:
    """Visits that go: those removed, each with its partner, and the alternatives to one done."""
    visits, gone = problem.visits, set(removed)
    for name in removed:
        at = problem.visit_index.get(name)
        if at is not None and at in problem.partner:
            gone.add(visits[problem.partner[at]].id)
    for name in done:
        group = visits[problem.visit_index[name]].group
        gone |= {visits[at].id for at in problem.groups.get(group, ())}
    return gone


def _done(route: Tour, served: Served, now_s: int) -> bool:
    return served.start_s <= now_s and route.start_s <= now_s


def _pairs(problem: Problem, change: Change, names: frozenset[str]) -> Iterator[Pair]:
    """Pairs of which neither end is done or gone; a delivery that is left alone is on board."""
    for pair in (*problem.pairs, *change.pairs):
        if {pair.pickup, pair.delivery} <= names:
            yield pair


def _stand(problem: Problem, vehicle: VehicleShift, route: Tour | None, now_s: int) -> _Standing:
    """Return where a vehicle is, and what of its limits is left."""
    if route is None or route.start_s > now_s:
        left = tuple(s.visit for s in route.visits) if route else ()
        later = replace(vehicle, opens_s=max(vehicle.opens_s, now_s))
        return _Standing(later, left, frozenset())
    past = [s for s in route.stops if s.start_s <= now_s]
    done = [s for s in past if isinstance(s, Served)]
    place, free_s = vehicle.start, route.depart_s
    if past:
        place = _place(problem, vehicle, past[-1])
        free_s = past[-1].depart_s if isinstance(past[-1], Served) else past[-1].end_s
    begun = [b for b in route.breaks if b.start_s <= now_s]
    rested = {b.index for b in begun if b.start_s < free_s}
    kept = [at for at in range(len(vehicle.breaks)) if at not in rested]
    reloads = [s for s in past if isinstance(s, Reload)]
    left = tuple(s.visit for s in route.visits[len(done) :])
    goods = _collected(problem, done[reloads[-1].before if reloads else 0 :])
    driven = _driven(problem, vehicle, past)
    onward = replace(
        vehicle,
        start=place,
        opens_s=free_s,
        latest_start_s=free_s if left else None,
        fixed_cost=0,
        loading_s=0,
        reload_s=vehicle.reloading_s,
        capacity=tuple(
            max(0, room - taken) for room, taken in zip(vehicle.capacity, goods, strict=True)
        ),
        max_stops=_less(vehicle.max_stops, len(done)),
        max_distance_m=_less(vehicle.max_distance_m, sum(driven)),
        max_duration_s=_less(vehicle.max_duration_s, free_s - route.start_s),
        overtime_after_s=_less(vehicle.overtime_after_s, _paid(vehicle, route, free_s)),
        start_range_m=_charge(vehicle, past, driven),
        max_trips=max(1, vehicle.max_trips - len(reloads)),
        breaks=tuple(vehicle.breaks[at] for at in kept),
        loaded=frozenset(),
        prefix=(),
    )
    resting = tuple((kept.index(b.index), b) for b in begun if b.index not in rested)
    goods_aboard = frozenset(_trip(problem, route, now_s))
    return _Standing(onward, left, goods_aboard, away=True, resting=resting)


def _place(problem: Problem, vehicle: VehicleShift, stop: Served | Reload | Charge) -> int:
    if isinstance(stop, Served):
        return problem.visits[problem.visit_index[stop.visit]].place
    return stop.place if isinstance(stop, Reload) else vehicle.chargers[stop.charger].place


def _trip(problem: Problem, route: Tour, now_s: int) -> Iterator[str]:
    """Yield the visits still to be made whose goods are on board.

    Those of the trip under way, but for goods of a pair that are not yet fetched.
    """
    end = min((r.before for r in route.reloads if r.start_s > now_s), default=len(route.visits))
    ahead = {s.visit for s in route.visits if s.start_s > now_s}
    for served in route.visits[:end]:
        at = problem.visit_index[served.visit]
        partner = problem.partner.get(at)
        fetched = partner is None or problem.visits[partner].id not in ahead
        if served.visit in ahead and fetched and any(problem.visits[at].demand):
            yield served.visit


def _collected(problem: Problem, done: list[Served]) -> list[int]:
    """What was taken on board on this trip and stays there."""
    goods = [0] * len(problem.dimensions)
    for served in done:
        visit = problem.visits[problem.visit_index[served.visit]]
        for at, amount in enumerate(visit.collect):
            goods[at] += amount
    return goods


def _driven(
    problem: Problem, vehicle: VehicleShift, past: list[Served | Reload | Charge]
) -> list[int]:
    """Metres of each leg that was driven."""
    metres = problem.profiles[vehicle.profile].distance_m
    places = [vehicle.start, *(_place(problem, vehicle, stop) for stop in past)]
    return [int(metres[a, b]) for a, b in pairwise(places)]


def _charge(
    vehicle: VehicleShift, past: list[Served | Reload | Charge], driven: list[int]
) -> int | None:
    """Metres left in the battery."""
    if vehicle.range_m is None:
        return None
    left = vehicle.range_m if vehicle.start_range_m is None else vehicle.start_range_m
    for stop, metres in zip(past, driven, strict=True):
        left = vehicle.range_m if isinstance(stop, Charge) else left - metres
    return max(0, left)


def _paid(vehicle: VehicleShift, route: Tour, until_s: int) -> int:
    """Paid seconds by then."""
    had = tuple(b for b in route.breaks if b.end_s <= until_s)
    return paid_s(vehicle, replace(route, end_s=until_s, breaks=had))


def _less(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(0, limit - used)


def _onward(
    stands: list[_Standing],
    change: Change,
    known: Mapping[str, Visit],
    now_s: int,
    committed: int,
) -> Iterator[VehicleShift]:
    """Yield the vehicles that go on, with what they are committed to and have on board."""
    for stand in stands:
        vehicle = stand.vehicle
        if vehicle.id in change.lost:
            continue
        ready = change.ready_s.get(vehicle.id, 0)
        begin = max(vehicle.opens_s, ready)
        latest = vehicle.latest_start_s
        if latest is not None and not stand.away:
            latest = max(latest, ready)
            if begin > latest:
                continue
            vehicle = replace(vehicle, latest_start_s=latest)
        if stand.away:
            under_way = bool(stand.left) and stand.left[0] in known and committed > 0
            on_time = under_way and begin == vehicle.opens_s
            if not on_time:
                begin = max([begin, now_s, *(b.end_s for _, b in stand.resting)])
            vehicle = replace(
                vehicle,
                breaks=_breaks(vehicle, stand, on_time),
                latest_start_s=begin if any(v in known for v in stand.left) else None,
                prefix=tuple(v for v in stand.left[:committed] if v in known) if under_way else (),
                loaded=stand.aboard & frozenset(known),
            )
        if begin < vehicle.closes_s:
            yield replace(vehicle, opens_s=begin)


def _breaks(vehicle: VehicleShift, stand: _Standing, on_time: bool) -> tuple[Break, ...]:
    """Hold a break of the leg under way where it was; it is had once the leg is given up."""
    moments = dict(stand.resting)
    found: list[Break] = []
    for at, rest in enumerate(vehicle.breaks):
        taken = moments.get(at)
        if taken is None:
            least = max((b.opens_s for b in found), default=0)
            found.append(replace(rest, opens_s=max(rest.opens_s, least)))
        elif on_time:
            found.append(replace(rest, opens_s=taken.start_s, closes_s=taken.start_s + 1))
    return tuple(found)


def _bound(visit: Visit, vehicles: tuple[VehicleShift, ...], fetched: frozenset[str]) -> Visit:
    """Say who can come by now: whose goods are on board goes with them, nobody loads twice."""
    owner = [v.id for v in vehicles if v.loaded is not None and visit.id in v.loaded]
    if owner:
        return replace(visit, vehicles=frozenset(owner))
    if not any(visit.demand) or visit.id in fetched:
        return visit
    closed = {v.id for v in vehicles if v.loaded is not None and not v.reloads}
    if not closed:
        return visit
    allowed = visit.vehicles
    everybody = frozenset(v.id for v in vehicles) if allowed is None else allowed
    return replace(visit, vehicles=everybody - closed)


def _rescued(lost: list[_Standing], known: dict[str, Visit]) -> tuple[list[Visit], list[Pair]]:
    """Goods on a vehicle that fell out are fetched where it stands."""
    fetches: list[Visit] = []
    pairs: list[Pair] = []
    for stand in lost:
        for name in stand.left:
            if name in stand.aboard and name in known and any(known[name].demand):
                nothing = (0,) * len(known[name].demand)
                known[name] = replace(known[name], release_s=0, group="")
                fetches.append(
                    Visit(
                        f"{FETCH}{name}", stand.vehicle.start, HANDOVER_S, nothing, unserved_cost=0
                    )
                )
                pairs.append(Pair(f"{FETCH}{name}", name))
    return fetches, pairs
