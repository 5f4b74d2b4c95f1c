"""Gaps on the shared instances, ours and plain PyVRP's, same seconds, same run, same referee.

``python -m tests.bench solver``. Plain PyVRP is the library's own reading of the problem without
our door: what the neutral problem, the settling and the referee cost shows in the difference.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import numpy as np
import pyvrp
from pyvrp.stop import MaxRuntime

from dispatch.solver.check import check
from dispatch.solver.cost import cost
from dispatch.solver.formats.text import Instance, parse
from dispatch.solver.insertion import evaluate
from dispatch.solver.problem import Problem
from dispatch.solver.solution import Solution
from dispatch.solver.solve import Stop, solve

SETS = {
    100: (2.0, ("C104", "R208", "RC106")),
    200: (5.0, ("C2_2_4", "R1_2_5", "RC2_2_3")),
    400: (10.0, ("C1_4_6", "R2_4_2", "RC1_4_8")),
}
SEED = 1


def run() -> str:
    """Measure every set; raise when an answer does not hold."""
    folder = _folder()
    with (folder / "bks.csv").open(encoding="utf-8") as file:
        best = {row["instance"]: float(row["bks_dimacs"]) for row in csv.DictReader(file)}
    figures = []
    for size, (seconds, names) in SETS.items():
        gaps: dict[str, list[float]] = {"ours": [], "plain PyVRP": []}
        for name in names:
            instance = parse((folder / f"{name}.txt").read_text(encoding="utf-8"))
            for who, plan in (("ours", _ours), ("plain PyVRP", _plain)):
                gaps[who].append(_gap(instance, plan, seconds, best[name]))
        line = ", ".join(f"{who} {100 * mean(found):.2f} %" for who, found in gaps.items())
        figures.append(f"n={size} at {seconds:g} s: {line}")
    return "; ".join(figures)


def _folder() -> Path:
    said = os.environ.get("LASTMILE_SHARED")
    root = Path(__file__).resolve().parents[2]
    bases = [Path(said)] if said else [root.parent / "shared", root.parent.parent / "shared"]
    for base in bases:
        if (base / "data" / "vrptw").is_dir():
            return base / "data" / "vrptw"
    raise FileNotFoundError("The vrptw instances are not here: LASTMILE_SHARED names their folder.")


def _gap(
    instance: Instance, plan: Callable[[Problem, float], Solution], seconds: float, best: float
) -> float:
    found = plan(instance.problem, seconds)
    faults = check(instance.problem, found)
    if faults or found.unserved:
        raise AssertionError(f"{instance.problem.name}: {faults[:3]} {found.unserved[:3]}")
    return cost(instance.problem, found).total / instance.scale / best - 1


def _ours(problem: Problem, seconds: float) -> Solution:
    return solve(problem, stop=Stop(seconds=seconds), seed=SEED).solution


def _plain(problem: Problem, seconds: float) -> Solution:
    """The problem of a Solomon file in PyVRP's words, by hand."""
    matrix = problem.profiles[0].distance_m.astype(np.int64)
    van = problem.vehicles[0]
    data = pyvrp.ProblemData(
        [pyvrp.Location(0, 0) for _ in range(problem.places)],
        [
            pyvrp.Client(
                location=v.place,
                delivery=list(v.demand),
                service_duration=int(v.service_s),  # type: ignore[arg-type]
                tw_early=v.windows[0].opens_s,
                tw_late=v.windows[0].closes_s - 1,
            )
            for v in problem.visits
        ],
        [pyvrp.Depot(0)],
        [
            pyvrp.VehicleType(
                len(problem.vehicles),
                list(van.capacity),
                tw_early=van.opens_s,
                tw_late=van.closes_s,
            )
        ],
        [matrix],
        [matrix],
    )
    result = pyvrp.solve(data, MaxRuntime(seconds), seed=SEED, collect_stats=False, display=False)
    routes = [[problem.visits[a.idx].id for a in r if a.is_client()] for r in result.best.routes()]
    return evaluate(
        problem, {v.id: names for v, names in zip(problem.vehicles, routes, strict=False)}
    )
