"""The marginal cost of an offer is the cost of the plan with the visit minus the cost without it.

Each case asks for the cost of a visit in one window, holds the place, and reads the rows. Both
plans are built from the rows, timed again and checked by the referee, and their costs are
compared. In some cases both plans are also solved again from nothing, and the difference of their
costs is compared with the offered cost. That comparison is only reported, because a new solution
may change every route. Finished blocks and cases are kept under var/proof/slots_marginal, so that a
run can be resumed.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from django.conf import settings
from django.db import transaction

from dispatch.fleet.models import Hub
from dispatch.planning.boards import prepare, price_windows
from dispatch.planning.errors import VisitDoesNotFit
from dispatch.planning.models import TentativeDay
from dispatch.planning.problem.tentative import build_state, read_arranged
from dispatch.planning.services import insert_visit, lock_days, remove_visits
from dispatch.solver.model.cost import UNIT, cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.placing.insertion import evaluate
from dispatch.solver.referee.check import check
from dispatch.solver.solve import solve
from lastmile.core.clock import now
from lastmile.core.tenancy import retailer_context
from tests.bench.database import bench_database
from tests.bench.slots_days import Days, Times, filled_days, new_visit, windows

CASES, BLOCK = 1_000, 50
TOLERANCE = 0.01  # of the difference between both plans
ROUNDING = 0.5  # minor units: an offered cost is rounded once
RESOLVED, RESOLVE_S = 50, 10.0
ARRANGE_S = 2.0
SIZES = (30, 60, 90, 150)  # orders of a day, in turn
RETURNS = 0.15  # share of the new visits that collect goods
MOST_HELD = 15  # visits of a block at once, so that the day does not fill up


class Wrong(AssertionError):
    """An offered cost differs from the difference between both plans."""


@dataclass(frozen=True, slots=True)
class Case:
    """A visit that was held: the offered cost, and the cost of both plans in minor units."""

    offered: int
    without: float
    with_visit: float

    @property
    def rise(self) -> float:
        """The cost of the plan with the visit minus that without it."""
        return self.with_visit - self.without

    @property
    def error(self) -> float:
        """The difference between the offered cost and the rise, in minor units."""
        return abs(self.offered - self.rise)


def run() -> str:
    """Run the cases that are not done yet; return the figures. Raises Wrong."""
    folder = Path(settings.VAR) / "proof" / "slots_marginal"
    folder.mkdir(parents=True, exist_ok=True)
    cases = Journal(folder / "cases.jsonl")
    resolved = Journal(folder / "resolved.jsonl")
    with bench_database(), retailer_context("t1"):
        for block in range(len(cases.rows), CASES // BLOCK):
            done = [vars_of(case) for case in cases_of(day(block), block, BLOCK)]
            cases.add({"cases": done})
        if len(resolved.rows) < RESOLVED:
            days = day(10_000, orders=90)
            for number, both in enumerate(problems(days, RESOLVED)):
                if number >= len(resolved.rows):
                    resolved.add(solved_again(*both, RESOLVE_S))
    figures = f"{summary(cases.rows)}; {summary_resolved(resolved.rows)}"
    cases.path.unlink()
    resolved.path.unlink()
    return figures


def day(block: int, *, orders: int | None = None, streets: bool = True) -> Days:
    """Return a day for a block of cases; every second one has breaks."""
    size = SIZES[block % len(SIZES)] if orders is None else orders
    return filled_days(
        orders=size, days=1, breaks=bool(block % 2), seconds=ARRANGE_S, streets=streets, seed=block
    )


def cases_of(days: Days, seed: int, count: int) -> Iterator[Case]:
    """Hold visits at random until ``count`` have found a place; yield them. Raises Wrong."""
    rng, date, hub = random.Random(seed), days.dates[0], days.hub
    held: list[str] = []
    before = plan_cost(hub, date)
    for number in range(20 * count):
        if count == 0:
            return
        visit = replace(
            new_visit(rng.choice(days.homes), seed * 100_000 + number, rng),
            key=f"hld_x{seed:08d}{number:013d}",
            collects=rng.random() < RETURNS,
        )
        window = rng.choice(windows(date))
        offered = price_windows(hub=hub, visit=visit, days={date: [window]})[date].best[0]
        prepared = prepare(hub=hub, service_date=date, visit=visit)
        try:
            with transaction.atomic():
                (locked,) = lock_days([(hub, date)])
                insert_visit(locked, prepared, window=window, expires_at=later(window))
        except VisitDoesNotFit:
            if offered is not None:
                raise Wrong(f"{visit.key} was offered for {offered}, but does not fit.") from None
            continue
        if offered is None:
            raise Wrong(f"{visit.key} was not offered, but fits.")
        after = plan_cost(hub, date)
        case = Case(offered.cost_minor, before, after)
        if case.error > max(TOLERANCE * abs(case.rise), ROUNDING + 1e-6):
            raise Wrong(f"{visit.key}: offered {case.offered}, the plan rose by {case.rise:.2f}.")
        yield case
        count -= 1
        held.append(visit.key)
        before = after
        if len(held) == MOST_HELD or rng.random() < 0.5:
            with transaction.atomic():
                (locked,) = lock_days([(hub, date)])
                remove_visits(locked, [held.pop(rng.randrange(len(held)))])
            before = plan_cost(hub, date)
    raise Wrong(f"Only few of the visits of block {seed} fit: the day is too full for this test.")


def later(window: Times) -> dt.datetime:
    """Return an end for a hold that no case reaches."""
    return window[1] + dt.timedelta(days=2)


def plan_cost(hub: Hub, date: dt.date) -> float:
    """Return the cost of the plan in the rows, in minor units; the referee must accept it."""
    problem, sequences = plan_of(hub, date)
    plan = evaluate(problem, sequences)
    faults = check(problem, plan)
    if faults:
        raise Wrong(f"The referee refuses the plan: {faults[:3]}")
    return cost(problem, plan).exact / UNIT


def plan_of(hub: Hub, date: dt.date) -> tuple[Problem, dict[str, list[str]]]:
    """Return the day as its rows are, as a problem and its routes."""
    rows = TentativeDay.objects.select_related("hub", "base_plan")
    arranged = read_arranged(rows.get(hub=hub, service_date=date), now())
    problem = build_state(arranged.day, now()).problem
    return problem, {shift: list(keys) for shift, keys in arranged.sequences.items()}


def problems(days: Days, count: int) -> Iterator[tuple[int, Problem, Problem]]:
    """Yield an offered cost, and the problems without and with the visit."""
    rng, date = random.Random(77), days.dates[0]
    while count:
        visit = new_visit(rng.choice(days.homes), 10**7 + count, rng)
        visit = replace(visit, key=f"hld_y{count:021d}")
        window = rng.choice(windows(date))
        offered = price_windows(hub=days.hub, visit=visit, days={date: [window]})[date].best[0]
        if offered is None:
            continue
        without, _ = plan_of(days.hub, date)
        prepared = prepare(hub=days.hub, service_date=date, visit=visit)
        with transaction.atomic():
            (locked,) = lock_days([(days.hub, date)])
            insert_visit(locked, prepared, window=window, expires_at=later(window))
        with_visit, _ = plan_of(days.hub, date)
        with transaction.atomic():
            (locked,) = lock_days([(days.hub, date)])
            remove_visits(locked, [visit.key])
        yield offered.cost_minor, without, with_visit
        count -= 1


def solved_again(
    offered: int, without: Problem, with_visit: Problem, seconds: float
) -> dict[str, float]:
    """Solve both plans from nothing; return the offered cost and the difference of both."""
    costs = []
    for problem in (without, with_visit):
        solution = solve(problem, seconds=seconds, seed=1).solution
        faults = check(problem, solution)
        if faults:
            raise Wrong(f"The referee refuses a plan that was solved again: {faults[:3]}")
        costs.append(cost(problem, solution).exact / UNIT)
    return {"offered": offered, "rise": costs[1] - costs[0], "plan": costs[0]}


class Journal:
    """Rows of JSON in a file that grows, so that a campaign can go on after a stop."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.rows: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def add(self, row: dict[str, Any]) -> None:
        """Append a row to the file."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self.rows.append(row)


def vars_of(case: Case) -> dict[str, float]:
    """Return a case as plain values."""
    return {"offered": case.offered, "rise": case.rise, "error": case.error}


def summary(blocks: list[dict[str, Any]]) -> str:
    """Return the figures of the cases."""
    cases = [case for block in blocks for case in block["cases"]]
    worst = max(case["error"] for case in cases)
    return (
        f"{len(cases)} offers held: offered cost and rise of the plan differ by at most "
        f"{worst:.2f} minor units (allowed {TOLERANCE:.0%}, and {ROUNDING} for rounding), "
        f"median rise {median(case['rise'] for case in cases):.0f}"
    )


def summary_resolved(rows: list[dict[str, Any]]) -> str:
    """Return the figures of the plans that were solved again."""
    off = sorted(abs(row["rise"] - row["offered"]) for row in rows)
    share = sorted(abs(row["rise"] - row["offered"]) / row["plan"] for row in rows)
    high = min(len(off) - 1, int(0.9 * len(off)))
    return (
        f"{len(rows)} of such plans solved again for {RESOLVE_S:g} s each: the difference of both "
        f"costs is off the offered cost by {median(off):.0f} minor units (median) and "
        f"{off[high]:.0f} (90th percentile), {median(share):.2%} and {share[high]:.2%} of the plan"
    )
