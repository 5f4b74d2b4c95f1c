"""A second, small referee for the benchmarks: it checks the routes and computes their price.

It shares no code with ``dispatch.solver.referee.check`` or ``cost``. If all three agree on the cost
of a plan, the figure in a table is right. It supports only the rules that the benchmarks use, and
refuses a problem with other rules.
"""

from __future__ import annotations

import math
from fractions import Fraction

from dispatch.solver.model.problem import Problem, VehicleShift
from dispatch.solver.model.solution import Solution, Tour


class Unsound(AssertionError):
    """A plan is infeasible, or its stated cost is wrong."""


def recost(problem: Problem, solution: Solution) -> Fraction:
    """Return the plan's price in minor units. Raises ``Unsound`` with the reason."""
    total = Fraction(0)
    names: list[str] = []
    for route in solution.routes:
        vehicle = problem.vehicles[problem.vehicle_index[route.vehicle]]
        names += [stop.visit for stop in route.visits]
        metres = _drive(problem, vehicle, route)
        total += vehicle.fixed_cost + Fraction(vehicle.cost_per_km * metres, 1000)
        total += Fraction(vehicle.cost_per_hour * (route.end_s - route.start_s), 3600)
    missed = [unserved.visit for unserved in solution.unserved]
    if sorted([*names, *missed]) != sorted(v.id for v in problem.visits):
        raise Unsound("Not every visit appears exactly once.")
    if len({route.vehicle for route in solution.routes}) != len(solution.routes):
        raise Unsound("A vehicle drives two routes.")
    missed_at = {problem.visit_index[name] for name in missed}
    return total + sum(problem.visits[at].unserved_cost for at in missed_at)


def _drive(problem: Problem, vehicle: VehicleShift, route: Tour) -> int:
    """Check the times of one route; return its metres."""
    if vehicle.breaks or vehicle.speed_percent != 100 or vehicle.max_duration_s is not None:
        raise Unsound("This referee knows no breaks, speeds or longest times.")
    profile = problem.profiles[vehicle.profile]
    seconds, metres = profile.duration_s, 0
    now, place = route.start_s + vehicle.loading_s, vehicle.start
    if not vehicle.opens_s <= route.start_s <= route.end_s <= vehicle.closes_s:
        raise Unsound(f"{vehicle.id} works outside its shift.")
    for stop in route.visits:
        visit = problem.visits[problem.visit_index[stop.visit]]
        metres += int(profile.distance_m[place, visit.place])
        now += int(seconds[place, visit.place])
        if stop.start_s < now:
            raise Unsound(f"{visit.id} is served before {vehicle.id} can be there.")
        if visit.windows and not any(w.opens_s <= stop.start_s < w.closes_s for w in visit.windows):
            raise Unsound(f"{visit.id} is served outside its windows.")
        service = visit.service_s
        now = stop.start_s + (service[vehicle.profile] if isinstance(service, tuple) else service)
        place = visit.place
    metres += int(profile.distance_m[place, vehicle.end])
    if now + int(seconds[place, vehicle.end]) > route.end_s:
        raise Unsound(f"{vehicle.id} is back before it can be.")
    _loads(problem, vehicle, [stop.visit for stop in route.visits])
    return metres


def _loads(problem: Problem, vehicle: VehicleShift, names: list[str]) -> None:
    """Check that the load fits after each stop and that each delivery follows its pickup."""
    pickup_of = {pair.delivery: pair.pickup for pair in problem.pairs}
    delivery_of = {pair.pickup: pair.delivery for pair in problem.pairs}
    demand = {name: problem.visits[problem.visit_index[name]].demand for name in names}
    for at, name in enumerate(names):
        if name in delivery_of and delivery_of[name] not in names[at + 1 :]:
            raise Unsound(f"What {name} picks up is not delivered after it.")
        if name in pickup_of and pickup_of[name] not in names[:at]:
            raise Unsound(f"What {name} delivers was not picked up before.")
    for at, room in enumerate(vehicle.capacity):
        board = sum(demand[name][at] for name in names if name not in pickup_of)
        most = board
        for name in names:
            if name in delivery_of:
                board += demand[delivery_of[name]][at]
            board -= demand[name][at]
            most = max(most, board)
        if most > room:
            raise Unsound(f"{vehicle.id} carries {most}, there is room for {room}.")


def of_file(text: str, routes: list[list[str]]) -> float:
    """Return the price of routes, computed from the text of a Solomon or Li & Lim file.

    Distances and times of Solomon files are cut to one decimal (DIMACS). Those of Li & Lim files
    have double precision. Raises ``Unsound``.
    """
    numbers = [[float(w) for w in line.split()] for line in text.splitlines() if _numeric(line)]
    paired = len(numbers[1]) == 9
    (count, capacity), rows = numbers[0][:2], {int(row[0]): row for row in numbers[1:]}
    served = sorted(int(name) for route in routes for name in route)
    if served != sorted(set(rows) - {0}) or len(routes) > count:
        raise Unsound("Not every customer is served once by the vehicles there are.")
    total = 0.0
    for route in routes:
        total += _way(rows, [int(name) for name in route], capacity, paired)
    return total


def _numeric(line: str) -> bool:
    words = line.split()
    return bool(words) and all(word.lstrip("-").replace(".", "", 1).isdigit() for word in words)


def _way(rows: dict[int, list[float]], route: list[int], capacity: float, paired: bool) -> float:
    now, length, board, before = rows[0][4], 0.0, 0.0, 0
    board = 0.0 if paired else sum(rows[node][3] for node in route)
    for at, node in enumerate([*route, 0]):
        _, x, y, demand, ready, due, service = rows[node][:7]
        leg = math.dist((x, y), rows[before][1:3])
        leg = leg if paired else math.floor(10 * leg) / 10
        length, now = length + leg, max(now + leg, ready)
        if now > due + 1e-6 or board > capacity:
            raise Unsound(f"Customer {node} is late or the vehicle full.")
        if paired and node and int(rows[node][7]) not in [0, *route[:at]]:
            raise Unsound(f"Customer {node} comes before its pickup.")
        now, before = now + service, node
        board += demand if paired else 0.0
    if paired and board:
        raise Unsound("Something picked up is not delivered on the same route.")
    return length
