"""The rest of a day as a problem: what is done is left out, vehicles are where they are now. PURE.

A visit is done once its service has begun. A vehicle that has left is at its last place from the
moment it leaves there; the stop it is driving to is committed. Only this vehicle can serve the
goods it has loaded. Limits are reduced by what is used up: metres, hours, stops, trips, battery.
Breaks already taken are left out. The fixed cost of a vehicle that has left is spent and no longer
counts.
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
HANDOVER_S: Final = 120  # to take over one order's goods from a vehicle out of service


@dataclass(frozen=True, slots=True)
class RemainingDay:
    """The rest of the day.

    Parameters
    ----------
    problem : Problem
    sequences : dict
        The rest of the plan, by vehicle; without visits of vehicles out of service.
    drivers : dict
        The vehicle planned for each visit.
    starts : dict
        The second at which service was planned to begin; without visits that the change itself
        gives new times.
    stranded : frozenset of str
        Visits whose vehicle is out of service.
    touched : frozenset of str
        Visits that the change affects: new or changed ones, and those on a tour that lost a visit
        or is late.
    """

    problem: Problem
    sequences: dict[str, list[str]]
    drivers: dict[str, str]
    starts: dict[str, int]
    stranded: frozenset[str]
    touched: frozenset[str]


@dataclass(frozen=True, slots=True)
class _VehicleState:
    """A vehicle's present place, and what it has left to do."""

    vehicle: VehicleShift  # for the rest of the day
    ahead: tuple[str, ...]  # visits it still has to serve
    on_board: frozenset[str]  # those of them whose goods are on board
    started: bool = False  # its work has begun
    breaks_begun: tuple[tuple[int, TakenBreak], ...] = ()  # index and break, on the present leg


def remaining_day(
    problem: Problem, solution: Solution, change: Change, *, now_s: int, committed: int = 1
) -> RemainingDay:
    """Return the rest of a plan at ``now_s``, with a change applied.

    Parameters
    ----------
    committed : int
        How many next stops of a vehicle on its way stay as they are.

    Raises
    ------
    Invalid
        When the changed problem is invalid.
    """
    routes = {r.vehicle: r for r in solution.routes}
    states = [_state_of(problem, v, routes.get(v.id), now_s) for v in problem.vehicles]
    done = {s.visit for r in solution.routes for s in r.visits if _done(r, s, now_s)}
    dropped = done | _dropped(problem, change.removed, done)
    visits = {v.id: v for v in problem.visits if v.id not in dropped}
    visits |= {v.id: v for v in change.visits if v.id not in done}
    lost = [s for s in states if s.vehicle.id in change.lost]
    fetches, pairs = _fetches(lost, visits)
    vehicles = tuple(_continuing(states, change, visits, now_s, committed))
    names = frozenset(visits)
    pairs += _pairs(problem, change, names)
    fetched = frozenset(pair.delivery for pair in pairs)
    changed = replace(
        problem,
        profiles=change.profiles or problem.profiles,
        visits=(*(_eligible(v, vehicles, fetched) for v in visits.values()), *fetches),
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
            s.vehicle.id: [v for v in s.ahead if v in names]
            for s in states
            if s.vehicle.id in alive
        },
        drivers={s.visit: vehicle for vehicle, s in planned},
        starts={s.visit: s.start_s for _, s in planned if s.visit not in new},
        stranded=frozenset(v for s in states for v in s.ahead if s.vehicle.id not in alive) & names,
        touched=(new | _affected(states, change, names)) & names,
    )


def _affected(states: list[_VehicleState], change: Change, names: frozenset[str]) -> frozenset[str]:
    """Return the visits of tours that lost a visit, and of vehicles that are late or lost."""
    return frozenset(
        v
        for s in states
        for v in s.ahead
        if s.vehicle.id in change.lost or s.vehicle.id in change.ready_s or set(s.ahead) - names
    )


def _dropped(problem: Problem, removed: frozenset[str], done: set[str]) -> set[str]:
    """Return removed visits with their partners, and the other alternatives of served visits."""
    visits, dropped = problem.visits, set(removed)
    for name in removed:
        at = problem.visit_index.get(name)
        if at is not None and at in problem.partner:
            dropped.add(visits[problem.partner[at]].id)
    for name in done:
        group = visits[problem.visit_index[name]].group
        dropped |= {visits[at].id for at in problem.groups.get(group, ())}
    return dropped


def _done(route: Tour, served: Served, now_s: int) -> bool:
    return served.start_s <= now_s and route.start_s <= now_s


def _pairs(problem: Problem, change: Change, names: frozenset[str]) -> Iterator[Pair]:
    """Yield the pairs with both ends still to serve; a delivery without its pickup is on board."""
    for pair in (*problem.pairs, *change.pairs):
        if {pair.pickup, pair.delivery} <= names:
            yield pair


def _state_of(
    problem: Problem, vehicle: VehicleShift, route: Tour | None, now_s: int
) -> _VehicleState:
    """Return where a vehicle is, and what remains of its limits."""
    if route is None or route.start_s > now_s:
        ahead = tuple(s.visit for s in route.visits) if route else ()
        later = replace(vehicle, opens_s=max(vehicle.opens_s, now_s))
        return _VehicleState(later, ahead, frozenset())
    past = [s for s in route.stops if s.start_s <= now_s]
    done = [s for s in past if isinstance(s, Served)]
    place, free_s = vehicle.start, route.depart_s
    if past:
        place = _place(problem, vehicle, past[-1])
        free_s = past[-1].depart_s if isinstance(past[-1], Served) else past[-1].end_s
    breaks = [b for b in route.breaks if b.start_s <= now_s]
    rested = {b.index for b in breaks if b.start_s < free_s}
    remaining_breaks = [at for at in range(len(vehicle.breaks)) if at not in rested]
    reloads = [s for s in past if isinstance(s, Reload)]
    ahead = tuple(s.visit for s in route.visits[len(done) :])
    goods = _collected(problem, done[reloads[-1].before if reloads else 0 :])
    driven = _driven(problem, vehicle, past)
    onward = replace(
        vehicle,
        start=place,
        opens_s=free_s,
        latest_start_s=free_s if ahead else None,
        fixed_cost=0,
        loading_s=0,
        reload_s=vehicle.reloading_s,
        capacity=tuple(
            max(0, room - amount) for room, amount in zip(vehicle.capacity, goods, strict=True)
        ),
        max_stops=_left_over(vehicle.max_stops, len(done)),
        max_distance_m=_left_over(vehicle.max_distance_m, sum(driven)),
        max_duration_s=_left_over(vehicle.max_duration_s, free_s - route.start_s),
        overtime_after_s=_left_over(vehicle.overtime_after_s, _paid(vehicle, route, free_s)),
        start_range_m=_charge(vehicle, past, driven),
        max_trips=max(1, vehicle.max_trips - len(reloads)),
        breaks=tuple(vehicle.breaks[at] for at in remaining_breaks),
        loaded=frozenset(),
        prefix=(),
    )
    breaks_begun = tuple(
        (remaining_breaks.index(b.index), b) for b in breaks if b.index not in rested
    )
    goods_aboard = frozenset(_trip(problem, route, now_s))
    return _VehicleState(onward, ahead, goods_aboard, started=True, breaks_begun=breaks_begun)


def _place(problem: Problem, vehicle: VehicleShift, stop: Served | Reload | Charge) -> int:
    if isinstance(stop, Served):
        return problem.visits[problem.visit_index[stop.visit]].place
    return stop.place if isinstance(stop, Reload) else vehicle.chargers[stop.charger].place


def _trip(problem: Problem, route: Tour, now_s: int) -> Iterator[str]:
    """Yield the visits still to serve whose goods are on board.

    They are those of the present trip, without deliveries of pairs that are not picked up yet.
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
    """Return the load collected on the present trip, by dimension."""
    goods = [0] * len(problem.dimensions)
    for served in done:
        visit = problem.visits[problem.visit_index[served.visit]]
        for at, amount in enumerate(visit.collect):
            goods[at] += amount
    return goods


def _driven(
    problem: Problem, vehicle: VehicleShift, past: list[Served | Reload | Charge]
) -> list[int]:
    """Return the metres of each leg driven so far."""
    metres = problem.profiles[vehicle.profile].distance_m
    places = [vehicle.start, *(_place(problem, vehicle, stop) for stop in past)]
    return [int(metres[a, b]) for a, b in pairwise(places)]


def _charge(
    vehicle: VehicleShift, past: list[Served | Reload | Charge], driven: list[int]
) -> int | None:
    """Return the metres left in the battery; None without a battery."""
    if vehicle.range_m is None:
        return None
    charge_m = vehicle.range_m if vehicle.start_range_m is None else vehicle.start_range_m
    for stop, metres in zip(past, driven, strict=True):
        charge_m = vehicle.range_m if isinstance(stop, Charge) else charge_m - metres
    return max(0, charge_m)


def _paid(vehicle: VehicleShift, route: Tour, until_s: int) -> int:
    """Return the paid seconds up to ``until_s``."""
    had = tuple(b for b in route.breaks if b.end_s <= until_s)
    return paid_s(vehicle, replace(route, end_s=until_s, breaks=had))


def _left_over(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(0, limit - used)


def _continuing(
    states: list[_VehicleState],
    change: Change,
    visits: Mapping[str, Visit],
    now_s: int,
    committed: int,
) -> Iterator[VehicleShift]:
    """Yield the vehicles that go on, with committed stops and goods on board."""
    for state in states:
        vehicle = state.vehicle
        if vehicle.id in change.lost:
            continue
        ready = change.ready_s.get(vehicle.id, 0)
        begin = max(vehicle.opens_s, ready)
        latest = vehicle.latest_start_s
        if latest is not None and not state.started:
            latest = max(latest, ready)
            if begin > latest:
                continue
            vehicle = replace(vehicle, latest_start_s=latest)
        if state.started:
            under_way = bool(state.ahead) and state.ahead[0] in visits and committed > 0
            on_time = under_way and begin == vehicle.opens_s
            if not on_time:
                begin = max([begin, now_s, *(b.end_s for _, b in state.breaks_begun)])
            vehicle = replace(
                vehicle,
                breaks=_breaks(vehicle, state, on_time),
                latest_start_s=begin if any(v in visits for v in state.ahead) else None,
                prefix=tuple(v for v in state.ahead[:committed] if v in visits)
                if under_way
                else (),
                loaded=state.on_board & frozenset(visits),
            )
        if begin < vehicle.closes_s:
            yield replace(vehicle, opens_s=begin)


def _breaks(vehicle: VehicleShift, state: _VehicleState, on_time: bool) -> tuple[Break, ...]:
    """Fix a break on the present leg at its planned time; drop it if the leg is given up."""
    moments = dict(state.breaks_begun)
    breaks: list[Break] = []
    for at, rest in enumerate(vehicle.breaks):
        begun = moments.get(at)
        if begun is None:
            least = max((b.opens_s for b in breaks), default=0)
            breaks.append(replace(rest, opens_s=max(rest.opens_s, least)))
        elif on_time:
            breaks.append(replace(rest, opens_s=begun.start_s, closes_s=begun.start_s + 1))
    return tuple(breaks)


def _eligible(visit: Visit, vehicles: tuple[VehicleShift, ...], fetched: frozenset[str]) -> Visit:
    """Limit a visit to the vehicles that can still serve it.

    Goods on board stay with their vehicle. A vehicle that has loaded and cannot reload takes no
    other goods.
    """
    owner = [v.id for v in vehicles if v.loaded is not None and visit.id in v.loaded]
    if owner:
        return replace(visit, vehicles=frozenset(owner))
    if not any(visit.demand) or visit.id in fetched:
        return visit
    cannot_load = {v.id for v in vehicles if v.loaded is not None and not v.reloads}
    if not cannot_load:
        return visit
    allowed = visit.vehicles
    candidates = frozenset(v.id for v in vehicles) if allowed is None else allowed
    return replace(visit, vehicles=candidates - cannot_load)


def _fetches(lost: list[_VehicleState], visits: dict[str, Visit]) -> tuple[list[Visit], list[Pair]]:
    """Return pickups that fetch the goods on vehicles out of service, and their pairs."""
    fetches: list[Visit] = []
    pairs: list[Pair] = []
    for state in lost:
        for name in state.ahead:
            if name in state.on_board and name in visits and any(visits[name].demand):
                nothing = (0,) * len(visits[name].demand)
                visits[name] = replace(visits[name], release_s=0, group="")
                fetches.append(
                    Visit(
                        f"{FETCH}{name}", state.vehicle.start, HANDOVER_S, nothing, unserved_cost=0
                    )
                )
                pairs.append(Pair(f"{FETCH}{name}", name))
    return fetches, pairs
