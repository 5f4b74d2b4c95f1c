"""A plan of 400 stops changed while it is driven: our redispatch compared with VROOM.

VROOM gets the same rest of the day that our redispatch planned. Goods on board are allowed only on
their vehicle, and it starts from the old plan. It has no committed stops: given one as a job, it
sends a vehicle elsewhere first, from a moment before the change. So its vehicles start where and
when their committed stops are done, and those stops count as served. Our referee checks its answer,
too.
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
from tests.bench.solver_page import selected, table, write
from tests.bench.solver_peers import Routes
from tests.bench.solver_recost import Unsound
from tests.bench.solver_vroom import warm_vroom

CASES = ("vrptw/RC1_4_8", "vrptw/R2_4_2", "vrptw/C1_4_6", "porto/400/distance", "porto/400/money")
PLANNED_S, BUDGET_S, TARGET_MS, MOMENTS, DRAWS = 10.0, 0.45, 500.0, (0.0, 0.4), 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of one change at one moment, for both solvers."""

    case: str
    what: str
    took_ms: float
    left_out: int
    vroom_ms: float
    vroom_left_out: int
    lost: int  # visits that VROOM serves and our redispatch does not


def run() -> str:
    """Plan each day, change it in three ways at two moments, three times each."""
    outcomes: list[Outcome] = []
    for name in CASES:
        if selected(f"redispatch/{name}"):
            for one in _day(name):
                outcomes.append(one)
                print(
                    f"  {one.case:<20} {one.what:<34} {one.took_ms:.0f} ms, left out "
                    f"{one.left_out}; VROOM {one.vroom_ms:.0f} ms, left out "
                    f"{one.vroom_left_out}; lost {one.lost}",
                    flush=True,
                )
    rows = []
    for case in dict.fromkeys(one.case for one in outcomes):
        of_case = [one for one in outcomes if one.case == case]
        rows.append([case, *_figures(of_case)])
    whole = _figures(outcomes)
    rows.append(["all", *whole])
    heads = ["day", "changes", "p50 ms", "p95 ms", "left out", "VROOM p50 ms", "VROOM p95 ms",
             "VROOM left out", "served by VROOM only"]  # fmt: skip
    text = (
        "## A plan changed under way\n\n400 stops; one new order, twelve new orders, or a vehicle "
        f"lost; before the day and at two fifths of it; {DRAWS} draws each. Lastmile: "
        f"`redispatch(seconds={BUDGET_S})`, repair and improvement, refereed; wanted: p95 under "
        f"{TARGET_MS:g} ms and no visit unserved that VROOM serves. VROOM: level 0, two threads, "
        "warm from the plan, its vehicles placed after their committed stops, which neither "
        "may move, and counted where its tours pass our referee. "
        f"Load {os.getloadavg()[0]:.1f}.\n\n"
    )
    write("redispatch", text + table(heads, rows), [])
    return (
        f"{whole[0]} changes of 400-stop plans: p50 {whole[1]:.0f} ms, p95 {whole[2]:.0f} ms, "
        f"left out {whole[3]} (VROOM {whole[6]}; p95 {whole[5]:.0f} ms), served by VROOM only "
        f"{whole[7]}"
    )


def _figures(outcomes: list[Outcome]) -> list[float | int]:
    own_ms, vroom_ms = [one.took_ms for one in outcomes], [one.vroom_ms for one in outcomes]
    return [
        len(outcomes),
        quantile(own_ms, 0.5),
        quantile(own_ms, 0.95),
        sum(one.left_out for one in outcomes),
        quantile(vroom_ms, 0.5),
        quantile(vroom_ms, 0.95),
        sum(one.vroom_left_out for one in outcomes),
        sum(one.lost for one in outcomes),
    ]


def _day(name: str) -> Iterator[Outcome]:
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
            batch = newcomers[12 * number : 12 * (number + 1)]
            lost = plan.routes[int(draw.integers(len(plan.routes)))].vehicle
            for change_name, change in (
                ("one new order", Change(visits=tuple(batch[:1]))),
                ("twelve new orders", Change(visits=tuple(batch))),
                ("a vehicle lost", Change(lost=frozenset({lost}))),
            ):
                when = "before the day" if not moment else f"at {moment:.0%} of it"
                yield _ask(name, f"{change_name}, {when}", planned, plan, change, now)


def _ask(
    case: str, what: str, problem: Problem, plan: Solution, change: Change, now_s: int
) -> Outcome:
    began = time.perf_counter()
    own = redispatch(
        problem, plan, change, now_s=now_s, improving=Improving(seconds=BUDGET_S, seed=1)
    )
    took = time.perf_counter() - began
    faults = check(own.problem, own.solution)
    if faults:
        raise Unsound(f"{case}, {what}: {faults[:3]}")
    before = {
        route.vehicle: [s.visit for s in route.visits if s.visit in own.problem.visit_index]
        for route in plan.routes
    }
    open_problem, committed = after_committed(own.problem)
    ahead = {v: [name for name in names if name not in committed] for v, names in before.items()}
    vroom_s, routes = warm_vroom(open_problem, ahead)
    served = committed | _feasibly_served(own.problem, routes)
    own_served = {s.visit for route in own.solution.routes for s in route.visits}
    return Outcome(
        case,
        what,
        1000 * took,
        len(own.solution.unserved),
        1000 * vroom_s,
        len(own.problem.visits) - len(served),
        len(served - own_served),
    )


def after_committed(problem: Problem) -> tuple[Problem, set[str]]:
    """Return the problem once all committed stops are made, and these stops.

    A vehicle on its way leaves at one moment, so its place and time after its committed stops are
    known. Their goods are then off board, and nothing is fetched before.
    """
    index = problem.visit_index
    first = {
        at: [index[v] for v in van.prefix] for at, van in enumerate(problem.vehicles) if van.prefix
    }
    routes = {route.vehicle: route for route in Draft(Context(problem), first).solution([]).routes}
    committed = {name for van in problem.vehicles for name in van.prefix}
    return replace(
        problem,
        visits=tuple(v for v in problem.visits if v.id not in committed),
        vehicles=tuple(
            _after_stops(problem, van, routes[van.id]) if van.prefix else van
            for van in problem.vehicles
        ),
    ), committed


def _after_stops(problem: Problem, van: VehicleShift, route: Tour) -> VehicleShift:
    """Return a vehicle at the end of its committed stops."""
    last = route.visits[-1]
    assert van.max_distance_m is None, "no day of this campaign limits the metres of a vehicle"
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


def _feasibly_served(problem: Problem, routes: Routes) -> set[str]:
    """Return the visits that VROOM serves on tours feasible by our rules, committed stops first."""
    context, index, vehicles = Context(problem), problem.visit_index, problem.vehicle_index
    served: set[str] = set()
    for name, visits in routes.items():
        at = vehicles[name]
        whole = [*problem.vehicles[at].prefix, *visits]
        if holds(context, at, [index[v] for v in whole]):
            served |= set(visits)
    return served
