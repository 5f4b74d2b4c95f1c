"""The compiled scan: one sequence under every rule, held against the passes and the referee."""

from __future__ import annotations

import random

import numpy as np
import pytest

from dispatch.solver.check import check
from dispatch.solver.cost import route_cost
from dispatch.solver.rich.lay import FAULT, TIME, scratch
from dispatch.solver.rich.model import lay_out
from dispatch.solver.rich.scan import INFINITE, scan
from dispatch.solver.rich.write import Writer
from dispatch.solver.solution import Solution
from dispatch.solver.solve import Phase, Stop, replay, solve
from dispatch.solver.timing import Timer
from lastmile.core.errors import Invalid
from tests.dispatch.solver.problems import rich


@pytest.mark.parametrize("seed", range(20))
def test_the_scan_finds_the_shortest_working_time_as_the_passes_do(seed: int) -> None:
    problem, lots = rich(seed, visits=12, vehicles=4), random.Random(seed)
    model = lay_out(problem)
    room, timer = scratch(model), Timer(problem)
    writer = Writer(problem, model, room)
    for _ in range(20):
        vehicle, visits = lots.randrange(4), lots.sample(range(12), lots.randint(1, 6))
        price = scan(model, vehicle, np.array(visits), len(visits), room)
        if room.out[FAULT] not in (0, TIME):
            continue
        due, mine = timer.schedule(vehicle, visits), writer.route(vehicle, visits)
        assert (due is None) == (mine is None) == (price >= INFINITE)
        if due is None or mine is None:
            continue
        assert (mine.start_s, mine.end_s) == (due.start_s, due.end_s)
        assert price == pytest.approx(route_cost(problem, mine).exact, rel=1e-12)
        found = check(problem, Solution((mine,)))
        assert not [v for v in found if v.vehicle or v.visit in {s.visit for s in mine.visits}]


def test_a_search_by_the_clock_on_two_threads_is_repeated_by_its_record() -> None:
    problem = rich(3, visits=12, vehicles=3)
    solve(problem, stop=Stop(iterations=1), engine="rich")  # compiled before the clock runs
    first = solve(problem, stop=Stop(seconds=1.0), seed=2, threads=2, engine="rich")
    assert sum(first.work[0].counts[1:]) > 0
    assert replay(problem, first.work).solution == first.solution


def test_the_number_of_threads_changes_nothing_where_iterations_are_counted() -> None:
    problem = rich(4, visits=12, vehicles=3)
    one, two = (
        solve(problem, stop=Stop(iterations=250), seed=1, threads=threads, engine="rich")
        for threads in (1, 2)
    )
    assert one.work == two.work
    assert one.solution == two.solution


def test_a_record_of_another_kind_is_refused() -> None:
    problem = rich(4, visits=4, vehicles=2)
    with pytest.raises(Invalid, match="solve again"):
        replay(problem, (Phase("rich", 1, (1, 2, 3)),))
