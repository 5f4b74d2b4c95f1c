"""The function solve(): valid plans, repeatable by seed and counts, stopped on request."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from dispatch.solver import solve as solve_module
from dispatch.solver.engines.base import Progress
from dispatch.solver.model.cost import cost
from dispatch.solver.model.problem import Break, Problem, VehicleShift
from dispatch.solver.model.solution import Reason
from dispatch.solver.referee.check import Kind, Violation, check
from dispatch.solver.solve import (
    CUT,
    MIN_STEPS,
    NotRefereed,
    Phase,
    Steering,
    default_engines,
    replay,
    solve,
)
from lastmile.core.errors import Invalid
from tests.dispatch.solver.degenerate import DEGENERATE
from tests.dispatch.solver.problems import HOUR, rich


@pytest.mark.parametrize("engine", ["pyvrp", "ortools"])
@pytest.mark.parametrize("seed", range(8))
def test_every_answer_passes_the_referee_and_is_replayed_exactly(engine: str, seed: int) -> None:
    problem = rich(seed, visits=14, vehicles=3)
    iterations = 100 if engine == "pyvrp" else 8
    result = solve(problem, iterations=iterations, seed=seed, engine=engine)
    assert check(problem, result.solution) == []
    assert result.cost == cost(problem, result.solution)
    assert replay(problem, result.work).solution == result.solution


def test_a_search_for_more_solutions_than_exist_ends() -> None:
    problem = rich(1, visits=1, vehicles=1)
    result = solve(problem, iterations=1_000, engine="ortools")
    assert 0 < result.work[0].counts[0] < 1_000
    assert replay(problem, result.work).solution == result.solution


def test_a_search_by_the_clock_is_replayed_by_its_counts() -> None:
    problem = rich(77, visits=20, vehicles=3)
    result = solve(problem, seconds=0.3, seed=5)
    assert sum(result.work[0].counts) > 0
    again = replay(problem, result.work)
    assert again.solution == result.solution
    assert again.work == result.work


def test_without_any_time_a_few_steps_are_taken_and_the_plan_is_repeated_by_its_record() -> None:
    problem = rich(77, visits=20, vehicles=3)
    result = solve(problem, seconds=0, seed=5, threads=1)
    assert check(problem, result.solution) == []
    assert {u.reason for u in result.solution.unserved} == {Reason.TIME_UP}
    assert 20 - MIN_STEPS <= len(result.solution.unserved) < 20
    assert result.work[1:] == (Phase(CUT, 5, (MIN_STEPS,)),)
    again = replay(problem, result.work)
    assert (again.solution, again.work) == (result.solution, result.work)


@pytest.mark.parametrize("steps", [1, 4, 9])
def test_incomplete_settling_is_repeated_incompletely(steps: int) -> None:
    problem = rich(77, visits=20, vehicles=3)
    nothing = solve(problem, seconds=0, seed=5, threads=1).work[0]
    work = (nothing, Phase(CUT, 5, (steps,)))
    result = replay(problem, work)
    assert check(problem, result.solution) == []
    assert result.work == work
    assert 20 - steps <= len(result.solution.unserved) < 20
    assert result.solution == replay(problem, work).solution
    whole = replay(problem, (nothing,))
    assert whole.work == (nothing,)
    assert Reason.TIME_UP not in {u.reason for u in whole.solution.unserved}


def test_problems_that_the_classic_engine_does_not_cover_go_to_the_rich_engine() -> None:
    base = rich(2, visits=12, vehicles=4)
    once = tuple(replace(v, windows=v.windows[:1]) for v in base.visits)
    meeting = replace(base, visits=once, vehicles=_resting(base, (0, 0, 0, 0)))
    apart = replace(base, visits=once, vehicles=_resting(base, (0, 1, 2, 3)))
    assert (default_engines(meeting), default_engines(apart)) == (("core",), ("rich",))
    for problem in (meeting, apart):
        result = solve(problem, iterations=200, seed=4)
        assert check(problem, result.solution) == []
        assert replay(problem, result.work).solution == result.solution


def _resting(problem: Problem, hours: tuple[int, ...]) -> tuple[VehicleShift, ...]:
    """Give each vehicle one break that opens its number of hours after second 7,200."""
    return tuple(
        replace(v, breaks=(Break((2 + at) * HOUR, (2 + at) * HOUR + 900, 1_800),))
        for at, v in zip(hours, problem.vehicles, strict=True)
    )


def test_what_the_referee_refuses_is_never_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = rich(1, visits=5, vehicles=1)
    fault = Violation(Kind.WINDOW, "made up")
    monkeypatch.setattr(solve_module, "check", lambda *_: [fault])
    with pytest.raises(NotRefereed):
        solve(problem, iterations=5)
    refused = iter([[fault], []])
    monkeypatch.setattr(solve_module, "check", lambda *_: next(refused))
    assert solve(problem, iterations=5).engine == "ortools"


def test_no_second_engine_is_tried_for_impossible_commitments() -> None:
    with pytest.raises(NotRefereed) as refusal:
        solve(DEGENERATE["committed to what cannot be"](), iterations=5)
    # With a second engine the list would contain its violations, too.
    assert [fault.kind for fault in refusal.value.violations] == [Kind.WINDOW]


def test_the_time_limit_is_kept() -> None:
    problem = rich(3, visits=60, vehicles=6)
    solve(problem, iterations=1)  # load the engine before the clock starts
    began = time.perf_counter()
    result = solve(problem, seconds=0.6)
    assert result.seconds <= time.perf_counter() - began < 6  # also on a busy machine


def test_a_search_stops_on_request_with_a_good_plan() -> None:
    problem = rich(4, visits=40, vehicles=4)
    began = time.perf_counter()
    result = solve(
        problem,
        seconds=30,
        steering=Steering(should_stop=lambda: time.perf_counter() - began > 0.2),
    )
    assert time.perf_counter() - began < 10
    assert result.stopped
    assert check(problem, result.solution) == []


def test_progress_is_reported_during_the_search() -> None:
    reported: list[Progress] = []
    solve(
        rich(5, visits=40, vehicles=4), seconds=0.9, steering=Steering(on_progress=reported.append)
    )
    assert len(reported) >= 2
    assert [p.iterations for p in reported] == sorted(p.iterations for p in reported)


def test_no_visits_or_no_vehicles_make_an_empty_plan() -> None:
    full = rich(1, visits=3, vehicles=1)
    for problem in (
        Problem(full.profiles, (), full.vehicles, full.dimensions),
        Problem(full.profiles, full.visits, (), full.dimensions),
    ):
        result = solve(problem, seconds=0.2)
        assert result.solution.routes == ()
        assert {u.reason.value for u in result.solution.unserved} <= {"no_shift"}
        assert check(problem, result.solution) == []


def test_a_search_ends_by_seconds_or_iterations_and_an_engine_has_a_name() -> None:
    with pytest.raises(Invalid):
        solve(rich(1, visits=2, vehicles=1))
    with pytest.raises(Invalid):
        solve(rich(1, visits=2, vehicles=1), seconds=1, iterations=1)
    with pytest.raises(Invalid, match="no engine"):
        solve(rich(1, visits=2, vehicles=1), iterations=1, engine="abacus")
