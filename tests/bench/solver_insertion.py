"""The places of a new order in a plan with every constraint: their correctness and the speed."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

from dispatch.solver.model.cost import UNIT, cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution
from dispatch.solver.placing.insertion import Board, evaluate, places
from dispatch.solver.placing.newcomers import OpenBoard, PlaceTravel
from dispatch.solver.referee.check import check
from dispatch.solver.solve import solve
from tests.bench.solver_page import selected, table, write
from tests.bench.solver_recost import Unsound
from tests.bench.solver_rich import rich_day
from tests.bench.solver_vroom import vroom_model

SIZES = {400: (5.0, 20.0), 1000: (15.0, 40.0)}  # stops: (p95 wanted in ms, seconds of planning)
ORDERS, SPARE, COLD, PROVED, RESOLVED, SEED = 200, 20, 20, 25, 2, 1
HEADS = ("stops", "routes", "places an order", "p50 ms", "p95 ms", "longest ms", "p95 wanted",
         "unknown, p50 ms", "unknown, p95 ms", "cold, mean ms", "checked",
         "VROOM level 0 s", "VROOM unassigned")  # fmt: skip
TEXT = f"""## One new order: every place it fits

Greater Porto with every constraint on: vans and cargo bikes, traffic by the hour, breaks, several
windows, soft closes, skills, three loads, pairs, alternatives, reloads, batteries, overtime, CO2e,
fairness. {ORDERS} orders, one after the other on one prepared board (`insertion.Board`), each with
all its places and what they add in time, way, money and grams; cold: the plan prepared again for
each (`insertion.places`); unknown: the same orders on a problem without them, from one row and one
column of travel each (`newcomers.OpenBoard`), the places compared one by one. Checked: of {PROVED}
orders the cheapest place and a random one were carried out; the referee accepted the plan, and the
whole plan's cost rose by the stated cost. VROOM (level 0, two threads) plans everything again with
one more order, with the constraints that it can express. """


def run() -> str:
    """Plan, ask for the places of 200 orders, check some of them, let VROOM solve again."""
    rows, summary = [], []
    for size, (target_ms, seconds) in SIZES.items():
        if not selected(f"insertion/{size}"):
            continue
        problem, plan = planned(size, seconds)
        orders = newcomers(problem, size)
        took, counts = timed(problem, plan, orders)
        apart = unknown_orders(problem, plan, orders, size)
        alone = cold(problem, plan, orders[:COLD])
        proved = prove(problem, plan, orders[:PROVED])
        vroom_s, left_out = re_solved(problem, plan, orders[:RESOLVED])
        routes, p50, p95 = len(plan.routes), quantile(took, 0.5), quantile(took, 0.95)
        rows.append(
            [
                size,
                routes,
                mean(counts),
                p50,
                p95,
                max(took),
                target_ms,
                quantile(apart, 0.5),
                quantile(apart, 0.95),
                alone,
                proved,
                vroom_s,
                left_out,
            ]
        )
        summary.append(
            f"n={size}: {len(orders)} orders, {mean(counts):.0f} places each on {routes} routes, "
            f"p50 {p50:.1f} ms, p95 {p95:.1f} ms (wanted {target_ms:g}), unknown to the problem "
            f"{quantile(apart, 0.5):.1f} and {quantile(apart, 0.95):.1f} ms; VROOM level 0 "
            f"{vroom_s:.1f} s"
        )
    load = f"Load when measured {os.getloadavg()[0]:.1f}.\n\n"
    write("insertion", TEXT + load + table(HEADS, rows), [])
    return "; ".join(summary)


def planned(size: int, seconds: float) -> tuple[Problem, Solution]:
    """Return a day of ``size`` planned stops with the newcomers, which are not in the plan yet."""
    problem = rich_day(size + ORDERS + SPARE)
    first = replace(
        problem,
        visits=problem.visits[:size],
        pairs=tuple(p for p in problem.pairs if problem.visit_index[p.delivery] < size),
        together=tuple(s for s in problem.together if _within(problem, s, size)),
        apart=tuple(s for s in problem.apart if _within(problem, s, size)),
    )
    result = solve(first, seconds=seconds, seed=SEED)
    plan = evaluate(problem, result.solution.sequences)
    faults = check(problem, plan)
    if faults:
        raise Unsound(f"The plan is infeasible with the newcomers in the problem: {faults[:3]}")
    return problem, plan


def _within(problem: Problem, names: frozenset[str], size: int) -> bool:
    return all(problem.visit_index[name] < size for name in names)


def newcomers(problem: Problem, size: int) -> list[str]:
    """Return the orders to be placed: those after the planned ones that are not in a pair."""
    paired = {name for pair in problem.pairs for name in (pair.pickup, pair.delivery)}
    alone = [v.id for v in problem.visits[size:] if v.id not in paired]
    return alone[:ORDERS]


def timed(problem: Problem, plan: Solution, orders: Sequence[str]) -> tuple[list[float], list[int]]:
    """Return milliseconds and number of places of each order on one board, prepared beforehand."""
    board = Board(problem, plan)
    board.places(orders[0])
    took, counts = [], []
    for order in orders:
        began = time.perf_counter()
        answer = board.places(order)
        took.append(1000 * (time.perf_counter() - began))
        counts.append(len(answer))
    return took, counts


def unknown_orders(
    problem: Problem, plan: Solution, orders: Sequence[str], size: int
) -> list[float]:
    """Return milliseconds of each order unknown to the problem; raises if places differ."""
    inside = Board(problem, plan)
    base = replace(
        problem,
        visits=problem.visits[:size],
        pairs=tuple(p for p in problem.pairs if problem.visit_index[p.delivery] < size),
        together=tuple(s for s in problem.together if _within(problem, s, size)),
        apart=tuple(s for s in problem.apart if _within(problem, s, size)),
    )
    board = OpenBoard(base, plan)
    named = {name for names in (*problem.together, *problem.apart) for name in names}
    took: list[float] = []
    for order in [name for name in (orders[0], *orders) if name not in named]:
        visit = problem.visits[problem.visit_index[order]]
        ways = [
            PlaceTravel(
                t.duration_s[:, visit.place].copy(), t.duration_s[visit.place],
                t.distance_m[:, visit.place].copy(), t.distance_m[visit.place],
                tuple((p.duration_s[:, visit.place].copy(), p.duration_s[visit.place])
                      for p in t.hourly),
            )
            for t in problem.profiles
        ]  # fmt: skip
        began = time.perf_counter()
        answer = board.places(visit, ways)
        took.append(1000 * (time.perf_counter() - began))
        inside_names = {v.id for v in base.visits}
        group = [v.id for v in problem.visits if visit.group and v.group == visit.group]
        if all(name in inside_names or name == order for name in group) and answer != inside.places(
            order
        ):
            raise Unsound(f"{order}: its places differ from those in the problem that has it.")
    return took[1:]  # the first also prepares the board


def cold(problem: Problem, plan: Solution, orders: Sequence[str]) -> float:
    """Return mean milliseconds of an order when the plan is prepared again for each order."""
    began = time.perf_counter()
    for order in orders:
        places(problem, plan, order)
    return 1000 * (time.perf_counter() - began) / len(orders)


def prove(problem: Problem, plan: Solution, orders: Sequence[str]) -> int:
    """Carry out some places; raises if the referee objects or the cost differs."""
    before = cost(problem, plan).exact
    proved = 0
    for number, order in enumerate(orders):
        answer = places(problem, plan, order)
        for place in {0, (7 * number + 3) % max(1, len(answer))} if answer else ():
            claim = answer[place]
            sequences = {vehicle: list(names) for vehicle, names in plan.sequences.items()}
            sequences.setdefault(claim.vehicle, []).insert(claim.position, order)
            after = evaluate(problem, sequences)
            faults = check(problem, after)
            if faults:
                raise Unsound(f"{order} at {claim}: {faults[:3]}")
            rise = (cost(problem, after).exact - before) / UNIT + missed(problem, order)
            if abs(rise - claim.cost) > 2:
                raise Unsound(f"{order} at {claim}: the plan's cost rose by {rise:.2f}.")
            proved += 1
    return proved


def missed(problem: Problem, order: str) -> int:
    """Return the price of not serving the order; of alternatives the highest."""
    group = problem.visits[problem.visit_index[order]].group
    return max(
        v.unserved_cost * (1 + v.priority)
        for v in problem.visits
        if v.id == order or (group and v.group == group)
    )


def re_solved(problem: Problem, plan: Solution, orders: Sequence[str]) -> tuple[float, int]:
    """Return mean seconds of VROOM's level 0 for one more order, and the most left out."""
    served = {s.visit for route in plan.routes for s in route.visits}
    seconds, left_out = [], 0
    for order in orders:
        names = served | {order}
        small = replace(
            problem,
            visits=tuple(v for v in problem.visits if v.id in names),
            pairs=tuple(p for p in problem.pairs if p.pickup in names),
            together=(),
            apart=(),
        )
        model, _ = vroom_model(small)
        began = time.perf_counter()
        result = model.solve(exploration_level=0, nb_threads=2)
        seconds.append(time.perf_counter() - began)
        left_out = max(left_out, len(result.unassigned))
    return mean(seconds), left_out


def quantile(values: Sequence[float], part: float) -> float:
    """Return the value below or at which this share of the values is."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]
