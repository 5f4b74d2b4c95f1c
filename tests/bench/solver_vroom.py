"""VROOM on a neutral problem, modelled by hand: whole solves and warm re-solves."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import vroom

from dispatch.solver.model.problem import Problem, VehicleShift, Visit
from tests.bench.solver_peers import Answers, Routes


def run_vroom(problem: Problem, marks: Sequence[float], _seed: int, *, level: int = 5) -> Answers:
    """Run VROOM on both cores; it ends by itself or at the last mark, which is its only answer."""
    model, names = vroom_model(problem)
    answers = Answers()
    answers.begin()
    solution = model.solve(
        exploration_level=level, nb_threads=2, timeout=timedelta(seconds=max(marks))
    )
    if not solution.unassigned:
        answers.at[max(marks)] = vroom_routes(problem, solution, names)
    return answers


def vroom_model(problem: Problem, routes: Routes | None = None) -> tuple[Any, dict[int, str]]:
    """Return the problem as a VROOM model, starting from ``routes`` if given.

    Only what VROOM can express is in it. Soft closes become hard at their latest. Of alternatives
    the first is used. Traffic, reloads, batteries, fairness and sets of visits are left out.
    """
    model = vroom.Input()
    for profile in problem.profiles:
        model.set_durations_matrix(profile.name, profile.duration_s.astype("uint32"))
        model.set_distances_matrix(profile.name, profile.distance_m.astype("uint32"))
        if all(v.cost_per_hour == 0 for v in problem.vehicles):
            model.set_costs_matrix(profile.name, profile.distance_m.astype("uint32"))
    number = {visit.id: at for at, visit in enumerate(problem.visits)}
    bound = {name: van.id for van in problem.vehicles for name in van.loaded or ()}
    needs = {visit.id: _needs(visit, bound) for visit in problem.visits}
    skills = {name: at for at, name in enumerate(sorted({s for n in needs.values() for s in n}))}
    for at, van in enumerate(problem.vehicles):
        model.add_vehicle(
            _vehicle(problem, at, van, skills, (routes or {}).get(van.id, ()), number)
        )
    paired = {name for pair in problem.pairs for name in (pair.pickup, pair.delivery)}
    groups: set[str] = set()
    for visit in problem.visits:
        if visit.id not in paired and (not visit.group or visit.group not in groups):
            groups.add(visit.group)
            model.add_job(
                vroom.Job(
                    **_step(problem, visit, number),
                    delivery=list(visit.demand),
                    pickup=list(visit.collect or (0,) * len(visit.demand)),
                    skills={skills[name] for name in needs[visit.id]},
                    priority=10 * visit.priority,
                )
            )
    for pair in problem.pairs:
        pickup, delivery = (
            problem.visits[problem.visit_index[name]] for name in (pair.pickup, pair.delivery)
        )
        model.add_shipment(
            vroom.ShipmentStep(**_step(problem, pickup, number)),
            vroom.ShipmentStep(**_step(problem, delivery, number)),
            amount=vroom.Amount(list(delivery.demand)),
        )
    return model, {at: name for name, at in number.items()}


def _needs(visit: Visit, bound: dict[str, str]) -> set[str]:
    """Return skills, and marks for goods on board, goods at the hub and allowed vehicles."""
    marks = {f"aboard {bound[visit.id]}"} if visit.id in bound else set()
    if not marks and any(visit.demand):
        marks.add("loads at the hub")
    if visit.vehicles is not None:
        marks.add(_one_of(visit.vehicles))
    return set(visit.skills) | marks


def _one_of(vehicles: frozenset[str]) -> str:
    return f"one of {sorted(vehicles)}"


def _has(problem: Problem, van: VehicleShift) -> set[str]:
    sets = {v.vehicles for v in problem.visits if v.vehicles is not None and van.id in v.vehicles}
    marks = {f"aboard {van.id}", *map(_one_of, sets)}
    return set(van.skills) | marks | ({"loads at the hub"} if van.loaded is None else set())


def _step(problem: Problem, visit: Visit, number: dict[str, int]) -> dict[str, Any]:
    service = visit.service_s
    kinds = {} if isinstance(service, int) else {
        p.name: seconds for p, seconds in zip(problem.profiles, service, strict=True)
    }  # fmt: skip
    return {
        "id": number[visit.id],
        "location": visit.place,
        "default_service": service if isinstance(service, int) else service[0],
        "service_per_type": kinds or None,
        "time_windows": [(w.opens_s, w.closes_s - 1 + visit.max_late_s) for w in visit.windows],
    }


def _vehicle(
    problem: Problem,
    at: int,
    van: VehicleShift,
    skills: dict[str, int],
    route: Sequence[str],
    number: dict[str, int],
) -> vroom.Vehicle:
    profile = problem.profiles[van.profile].name
    has = _has(problem, van)
    priced = bool(van.cost_per_hour or van.fixed_cost)
    costs = vroom.VehicleCosts(van.fixed_cost, van.cost_per_hour, van.cost_per_km)
    optional: dict[str, Any] = {"costs": costs} if priced else {}
    if van.max_stops is not None:
        optional["max_tasks"] = van.max_stops
    if van.max_distance_m is not None:
        optional["max_distance"] = van.max_distance_m
    if route:
        optional["steps"] = [vroom.VehicleStep("single", number[name]) for name in route]
    return vroom.Vehicle(
        at,
        start=van.start,
        end=van.end,
        profile=profile,
        type=profile,
        capacity=list(van.capacity),
        skills={at for name, at in skills.items() if name in has},
        time_window=(van.opens_s + van.first_loading_s, van.closes_s),
        breaks=[
            vroom.Break(index, [(rest.opens_s, rest.closes_s - 1)], rest.duration_s)
            for index, rest in enumerate(van.breaks)
        ],
        **optional,
    )


def vroom_routes(problem: Problem, solution: Any, names: dict[int, str]) -> Routes:
    """Return the routes of VROOM's answer."""
    routes: Routes = defaultdict(list)
    table = solution.routes
    jobs = table[table.type.isin(["job", "pickup", "delivery"])]
    for vehicle, job in zip(jobs.vehicle_id, jobs.id, strict=True):
        routes[problem.vehicles[int(vehicle)].id].append(names[int(job)])
    return dict(routes)


def run_vroom_level_0(problem: Problem, marks: Sequence[float], seed: int) -> Answers:
    """Run VROOM at its quickest level."""
    return run_vroom(problem, marks, seed, level=0)


def warm_vroom(problem: Problem, routes: Routes) -> tuple[float, Routes]:
    """Solve again at level 0 from the rest of a plan; return seconds and routes.

    VROOM refuses a plan with a visit that is no longer feasible. It then starts without a plan, and
    only those seconds count.
    """
    single = {name for pair in problem.pairs for name in (pair.pickup, pair.delivery)}
    starts = {
        vehicle: [name for name in names if name not in single]
        for vehicle, names in routes.items()
        if vehicle in problem.vehicle_index
    }
    for start in (starts, None):
        model, names = vroom_model(problem, start)
        began = time.perf_counter()
        try:
            solution = model.solve(exploration_level=0, nb_threads=2)
        except RuntimeError:
            if start is None:
                raise
            continue
        took = time.perf_counter() - began
        return took, vroom_routes(problem, solution, names)
    raise AssertionError("not reached")
