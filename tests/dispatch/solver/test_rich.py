"""The rich engine and the compiled scan, compared with the timing passes and the referee."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from dispatch.solver.engines.base import SearchControl
from dispatch.solver.engines.rich import improve, iterations_of
from dispatch.solver.model.cost import route_cost
from dispatch.solver.model.problem import Break, Charger, Problem, VehicleShift, Visit
from dispatch.solver.model.solution import Solution
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.referee.check import check
from dispatch.solver.rich.fill import insert_absent
from dispatch.solver.rich.layout import FAULT, TIME, new_scratch
from dispatch.solver.rich.model import lay_out
from dispatch.solver.rich.near import near
from dispatch.solver.rich.route import refresh
from dispatch.solver.rich.scan import INFINITE, scan
from dispatch.solver.rich.search import search
from dispatch.solver.rich.state import HALT, fresh, no_promises
from dispatch.solver.rich.write import Writer
from dispatch.solver.solve import Phase, replay, solve
from dispatch.solver.timing.timer import Timer
from lastmile.core.errors import Invalid
from tests.dispatch.solver.problems import line, rich


@pytest.mark.parametrize("seed", range(20))
def test_the_scan_finds_the_shortest_working_time_as_the_passes_do(seed: int) -> None:
    problem, rng = rich(seed, visits=12, vehicles=4), random.Random(seed)
    model = lay_out(problem)
    scratch, timer = new_scratch(model), Timer(problem)
    writer = Writer(problem, model, scratch)
    for _ in range(20):
        vehicle, visits = rng.randrange(4), rng.sample(range(12), rng.randint(1, 6))
        price = scan(model, vehicle, np.array(visits), len(visits), scratch)
        if scratch.out[FAULT] not in (0, TIME):
            continue
        due, tour = timer.schedule(vehicle, visits), writer.route(vehicle, visits)
        assert (due is None) == (tour is None) == (price >= INFINITE)
        if due is None or tour is None:
            continue
        assert (tour.start_s, tour.end_s) == (due.start_s, due.end_s)
        assert price == pytest.approx(route_cost(problem, tour).exact, rel=1e-12)
        result = check(problem, Solution((tour,)))
        assert not [v for v in result if v.vehicle or v.visit in {s.visit for s in tour.visits}]


def test_a_search_by_the_clock_on_two_threads_is_repeated_by_its_record() -> None:
    problem = rich(3, visits=12, vehicles=3)
    solve(problem, iterations=1, engine="rich")  # compiled before the clock runs
    first = solve(problem, seconds=1.0, seed=2, threads=2, engine="rich")
    assert iterations_of(first.work[0].counts) > 0
    assert replay(problem, first.work).solution == first.solution


class _StopAfter(SearchControl):
    """Says to stop once it was asked ``most`` times."""

    def __init__(self, most: int, **terms: Any) -> None:
        super().__init__(0.0, **terms)
        self.most = most

    def must_stop(self, phase: int, iterations: int) -> bool:
        self.most -= 1
        return self.most < 0


@pytest.mark.parametrize("most", [0, 1, 5])
def test_a_search_cut_short_while_it_inserts_visits_is_repeated_by_its_record(most: int) -> None:
    problem = rich(3, visits=12, vehicles=3)
    first = improve(
        Context(problem), seed=2, control=_StopAfter(most, threads=2 if most == 0 else 1)
    )
    tried = first.counts[1]
    assert first.counts[0] == (2 if most == 0 else 1)
    assert tried == most
    assert iterations_of(first.counts) == 0
    assert sum(len(visits) for visits in first.sequences.values()) <= most
    again = improve(Context(problem), seed=2, control=SearchControl(0.0, counts=first.counts))
    assert again == first
    assert len(Draft(Context(problem), first.sequences).solution([]).routes) == len(first.sequences)


def test_an_iteration_that_is_halted_leaves_no_trace() -> None:
    problem = rich(3, visits=12, vehicles=3)
    model = lay_out(problem)
    promise, scratch = no_promises(model), new_scratch(model)
    state = fresh(model, near(model), 2, 0)
    for vehicle in range(3):
        refresh(model, promise, state, scratch, vehicle)
    assert insert_absent(model, promise, state, scratch, lambda tried: tried < 6) == 6
    before = [a.copy() for a in (state.codes, state.count, state.where, state.money)]
    assert state.count.sum() > 0
    state.num[HALT] = 1
    assert search(model, promise, state, scratch, 50, 1e12) == 0
    for vehicle, count in enumerate(
        state.count
    ):  # entries after the last code are left over from earlier
        assert state.codes[vehicle, :count].tolist() == before[0][vehicle, :count].tolist()
    assert state.count.tolist() == before[1].tolist()
    assert state.where.tolist() == before[2].tolist()
    assert state.money.tolist() == before[3].tolist()
    assert insert_absent(model, promise, state, scratch, lambda _: True) == 0
    state.num[HALT] = 0
    assert search(model, promise, state, scratch, 50, 1e12) == 50
    assert state.where.tolist() != before[2].tolist()


def test_the_number_of_threads_changes_nothing_where_iterations_are_counted() -> None:
    problem = rich(4, visits=12, vehicles=3)
    one, two = (
        solve(problem, iterations=250, seed=1, threads=threads, engine="rich") for threads in (1, 2)
    )
    assert one.work == two.work
    assert one.solution == two.solution


def _far(*, visits: int, chargers: tuple[Charger, ...], **changes: Any) -> Problem:
    """Return a problem with visits at the end of a road, beyond the vehicle's range.

    The road takes 40 units of time; a full battery lasts for 25.
    """
    return Problem(
        profiles=(line([0, 20, 40]),),
        visits=tuple(Visit(f"v{at}", 2, 1, unserved_cost=10_000) for at in range(visits)),
        vehicles=(
            VehicleShift("k", 0, 0, 0, 500, cost_per_hour=3_600, chargers=chargers, **changes),
        ),
    )


def test_a_vehicle_charges_on_its_way_to_one_visit_and_on_its_way_back() -> None:
    for visits in (1, 8):
        far = _far(visits=visits, chargers=(Charger(1, 6_000),), range_m=400, start_range_m=400)
        result = solve(far, iterations=50, engine="rich")
        assert result.solution.unserved == ()
        (route,) = result.solution.routes
        assert [charge.before for charge in route.charges] == [0, visits]


def test_the_last_visit_that_a_vehicle_may_make_can_come_with_a_charge() -> None:
    far = _far(visits=1, chargers=(Charger(2, 800),), range_m=400, start_range_m=400, max_stops=1)
    result = solve(far, iterations=50, engine="rich")
    assert result.solution.unserved == ()


def test_a_break_while_charging_takes_no_extra_time() -> None:
    # Thirty seconds of charging, and a break of twenty that must begin in the first minute.
    far = _far(
        visits=1,
        chargers=(Charger(2, 800),),
        range_m=400,
        start_range_m=400,
        breaks=(Break(0, 60, 20),),
        latest_start_s=5,
    )
    result = solve(far, iterations=50, engine="rich")
    (route,) = result.solution.routes
    (charge,), (rest,) = route.charges, route.breaks
    assert charge.end_s - charge.start_s == 30
    assert charge.start_s <= rest.start_s
    assert rest.end_s <= charge.end_s
    assert route.end_s - route.start_s == 40 + 30 + 1 + 40


def test_a_record_of_another_kind_is_refused() -> None:
    problem = rich(4, visits=4, vehicles=2)
    with pytest.raises(Invalid, match="Solve again"):
        replay(problem, (Phase("rich", 1, (1, 2, 3)),))
