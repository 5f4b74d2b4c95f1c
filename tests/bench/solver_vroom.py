"""VROOM on a neutral problem, in its own words by hand: whole solves and warm re-solves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import vroom

from dispatch.solver.problem import Problem
from tests.bench.solver_peers import Answers, Routes


def run_vroom(problem: Problem, marks: Sequence[float], _seed: int, *, level: int = 5) -> Answers:
    """VROOM on both cores; it ends by itself or at the last mark, which is its only answer."""
    model, names = vroom_model(problem)
    answers = Answers()
    answers.begin()
    found = model.solve(
        exploration_level=level, nb_threads=2, timeout=timedelta(seconds=max(marks))
    )
    if not found.unassigned:
        answers.at[max(marks)] = vroom_routes(problem, found, names)
    return answers


def vroom_model(problem: Problem, routes: Routes | None = None) -> tuple[Any, dict[int, str]]:
    """The problem in VROOM's words: times, distances as costs; ``routes`` to start from."""
    model = vroom.Input()
    model.set_durations_matrix("car", problem.profiles[0].duration_s.astype("uint32"))
    model.set_costs_matrix("car", problem.profiles[0].distance_m.astype("uint32"))
    if any(v.profile for v in problem.vehicles) or problem.pairs:
        raise ValueError("VROOM is measured here on one profile, without pairs.")
    number = {visit.id: at for at, visit in enumerate(problem.visits)}
    for at, van in enumerate(problem.vehicles):
        steps = [
            vroom.VehicleStep("single", number[name]) for name in (routes or {}).get(van.id, ())
        ]
        model.add_vehicle(
            vroom.Vehicle(
                at,
                start=van.start,
                end=van.end,
                capacity=list(van.capacity),
                time_window=(van.opens_s, van.closes_s),
                **({"steps": steps} if steps else {}),
            )
        )
    model.add_job(
        [
            vroom.Job(
                number[v.id],
                location=v.place,
                delivery=list(v.demand),
                default_service=v.service_s,
                time_windows=[(w.opens_s, w.closes_s - 1) for w in v.windows],
            )
            for v in problem.visits
        ]
    )
    return model, {at: name for name, at in number.items()}


def vroom_routes(problem: Problem, found: Any, names: dict[int, str]) -> Routes:
    """Read VROOM's answer back."""
    routes: Routes = defaultdict(list)
    table = found.routes
    jobs = table[table.type == "job"]
    for vehicle, job in zip(jobs.vehicle_id, jobs.id, strict=True):
        routes[problem.vehicles[int(vehicle)].id].append(names[int(job)])
    return dict(routes)


def run_vroom_level_0(problem: Problem, marks: Sequence[float], seed: int) -> Answers:
    """VROOM's quickest level."""
    return run_vroom(problem, marks, seed, level=0)
