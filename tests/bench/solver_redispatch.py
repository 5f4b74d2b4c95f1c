"""A plan of 400 stops changed while it is driven: our re-dispatch beside VROOM's warm re-solve.

VROOM gets the very rest of the day that ours planned: what is on board only for its vehicle, and
starts from the plan as it was. It has no word for a committed stop: told of it as a job it sends
a vehicle elsewhere first, from a moment before the change. So its vehicles stand where and when
their committed stops are done; those count as served. Its answer is refereed like ours.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from dispatch.solver.model.problem import Problem, VehicleShift
from dispatch.solver.model.solution import Solution, Tour
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.repair import holds
from dispatch.solver.redispatch.change import Change
from dispatch.solver.redispatch.run import Improving, redispatch
from dispatch.solver.referee.check import check
from dispatch.solver.solve import solve
from tests.bench.solver_cases import load
from tests.bench.solver_insertion import quantile
from tests.bench.solver_page import table, wanted, write
from tests.bench.solver_peers import Routes
from tests.bench.solver_recost import Unsound
from tests.bench.solver_vroom import warm_vroom

CASES = ("vrptw/RC1_4_8", "vrptw/R2_4_2", "vrptw/C1_4_6", "porto/400/distance", "porto/400/money")
PLANNED_S, BUDGET_S, TARGET_MS, MOMENTS, DRAWS = 10.0, 0.45, 500.0, (0.0, 0.4), 3


@dataclass(frozen=True, slots=True)
class Asked:
    """One change at one moment, and what it came to for both."""

    case: str
    what: str
    took_ms: float
    left_out: int
    vroom_ms: float
    vroom_left_out: int
    lost: int  # visits that VROOM serves and ours does not


def run() -> str:
    """Plan each day, change it in three ways at two moments, three times each."""
    found: list[Asked] = []
    for name in CASES:
        if wanted(f"redispatch/{name}"):
            for one in _day(name):
                found.append(one)
                print(
                    f"  {one.case:<20} {one.what:<34} {one.took_ms:.0f} ms, left out "
                    f"{one.left_out}; VROOM {one.vroom_ms:.0f} ms, left out "
                    f"{one.vroom_left_out}; lost {one.lost}",
                    flush=True,
                )
    rows = []
    for case in dict.fromkeys(one.case for one in found):
        mine = [one for one in found if one.case == case]
        rows.append([case, *_figures(mine)])
    whole = _figures(found)
    rows.append(["all", *whole])
    heads = ["day", "changes", "p50 ms", "p95 ms", "left out", "VROOM p50 ms", "VROOM p95 ms",
             "VROOM left out", "served by VROOM, not by ours"]  # fmt: skip
    text = (
        "## A plan changed under way\n\n400 stops; one new order, twelve new orders, or a vehicle "
        f"lost; before the day and at two fifths of it; {DRAWS} draws each. Ours: "
        f"`redispatch(seconds={BUDGET_S})`, repair and improvement, refereed; wanted: p95 under "
        f"{TARGET_MS:g} ms and no visit unserved that VROOM serves. VROOM: level 0, two threads, "
        "warm from the plan, its vehicles standing behind their committed stops, which neither "
        "may move, and counted where its tours hold by our referee. "
        f"Load {os.getloadavg()[0]:.1f}.\n\n"
    )
    write("redispatch", text + table(heads, rows), [])
    return (
        f"{whole[0]} changes of 400-stop plans: p50 {whole[1]:.0f} ms, p95 {whole[2]:.0f} ms, "
        f"left out {whole[3]} (VROOM {whole[6]}; p95 {whole[5]:.0f} ms), served by VROOM and not "
        f"by ours {whole[7]}"
    )


def _figures(found: list[Asked]) -> list[float | int]:
    ours, theirs = [one.took_ms for one in found], [one.vroom_ms for one in found]
    return [
        len(found),
        quantile(ours, 0.5),
        quantile(ours, 0.95),
        sum(one.left_out for one in found),
        quantile(theirs, 0.5),
        quantile(theirs, 0.95),
        sum(one.vroom_left_out for one in found),
        sum(one.lost for one in found),
    ]


def _day(name: str) -> Iterator[Asked]:
    problem = load(name).problem
    draw = np.random.default_rng(len(name))
    kept_back = set(draw.choice(len(problem.visits), 12 * DRAWS, replace=False).tolist())
    planned = replace(
        problem, visits=tuple(v for at, v in enumerate(problem.visits) if at not in kept_back)
    )
    plan = solve(planned, seconds=PLANNED_S, seed=1).solution
    ends = [route.end_s for route in plan.routes]
    first, last = min(route.start_s for route in plan.routes), max(ends)
    newcomers = [problem.visits[at] for at in sorted(kept_back)]
    for moment in MOMENTS:
        now = first - 1 if not moment else int(first + moment * (last - first))
        for number in range(DRAWS):
            lots = newcomers[12 * number : 12 * (number + 1)]
            lost = plan.routes[int(draw.integers(len(plan.routes)))].vehicle
            for what, change in (
                ("one new order", Change(visits=tuple(lots[:1]))),
                ("twelve new orders", Change(visits=tuple(lots))),
                ("a vehicle lost", Change(lost=frozenset({lost}))),
            ):
                when = "before the day" if not moment else f"at {moment:.0%} of it"
                yield _ask(name, f"{what}, {when}", planned, plan, change, now)


def _ask(
    case: str, what: str, problem: Problem, plan: Solution, change: Change, now_s: int
) -> Asked:
    began = time.perf_counter()
    ours = redispatch(
        problem, plan, change, now_s=now_s, improving=Improving(seconds=BUDGET_S, seed=1)
    )
    took = time.perf_counter() - began
    faults = check(ours.problem, ours.solution)
    if faults:
        raise Unsound(f"{case}, {what}: {faults[:3]}")
    before = {
        route.vehicle: [s.visit for s in route.visits if s.visit in ours.problem.visit_index]
        for route in plan.routes
    }
    told, committed = behind_committed(ours.problem)
    ahead = {v: [name for name in names if name not in committed] for v, names in before.items()}
    vroom_s, routes = warm_vroom(told, ahead)
    served = committed | _holding(ours.problem, routes)
    mine = {s.visit for route in ours.solution.routes for s in route.visits}
    return Asked(
        case,
        what,
        1000 * took,
        len(ours.solution.unserved),
        1000 * vroom_s,
        len(ours.problem.visits) - len(served),
        len(served - mine),
    )


def behind_committed(problem: Problem) -> tuple[Problem, set[str]]:
    """Return the problem once all committed stops are made, and these stops.

    A vehicle on its way leaves at one moment, so where it is after its committed stops, and when,
    is known; its goods for them are off board by then, and nothing is fetched before.
    """
    index = problem.visit_index
    first = {
        at: [index[v] for v in van.prefix] for at, van in enumerate(problem.vehicles) if van.prefix
    }
    made = {route.vehicle: route for route in Draft(Context(problem), first).solution([]).routes}
    committed = {name for van in problem.vehicles for name in van.prefix}
    return replace(
        problem,
        visits=tuple(v for v in problem.visits if v.id not in committed),
        vehicles=tuple(
            _behind(problem, van, made[van.id]) if van.prefix else van for van in problem.vehicles
        ),
    ), committed


def _behind(problem: Problem, van: VehicleShift, route: Tour) -> VehicleShift:
    """Return a vehicle at the end of its committed stops."""
    last = route.visits[-1]
    assert van.max_distance_m is None, "no day of this campaign bounds the metres of a vehicle"
    return replace(
        van,
        start=problem.visits[problem.visit_index[last.visit]].place,
        opens_s=last.depart_s,
        latest_start_s=None,
        loading_s=0,
        max_stops=None if van.max_stops is None else van.max_stops - len(van.prefix),
        prefix=(),
        loaded=None if van.loaded is None else van.loaded - set(van.prefix),
    )


def _holding(problem: Problem, routes: Routes) -> set[str]:
    """Whom VROOM serves on tours that hold by our rules, committed stops first."""
    context, index, vehicles = Context(problem), problem.visit_index, problem.vehicle_index
    found: set[str] = set()
    for name, visits in routes.items():
        at = vehicles[name]
        whole = [*problem.vehicles[at].prefix, *visits]
        if holds(context, at, [index[v] for v in whole]):
            found |= set(visits)
    return found
