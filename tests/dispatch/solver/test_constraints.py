"""The function solve() with each constraint and each pair of them: valid plans of least cost."""

from __future__ import annotations

import random
from collections.abc import Collection
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings

from dispatch.solver.classic.covers import covers
from dispatch.solver.model.cost import cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.referee.check import check
from dispatch.solver.solve import NotRefereed, replay, solve
from tests.dispatch.solver.degenerate import DEGENERATE
from tests.dispatch.solver.features import FEATURES, grown, mixed
from tests.dispatch.solver.oracle import optimum
from tests.dispatch.solver.strategies import whole_problems
from tests.dispatch.solver.test_scan import chosen_by_rule
from tests.dispatch.solver.trials import TRIALS

ITERATIONS = 1_000


def _drawn(seed: int, features: Collection[str]) -> Problem:
    rng = random.Random(f"{seed} {sorted(features)}")
    return mixed(rng, visits=rng.randint(2, 4), vehicles=rng.randint(1, 2), features=features)


def hold(problem: Problem, engine: str, *, by_rule: bool = False) -> None:
    """Solve a problem; check the plan with the referee and compare it with the best plan."""
    best = optimum(problem)
    if best is None:
        with pytest.raises(NotRefereed):
            solve(problem, iterations=ITERATIONS, engine=engine)
        return
    result = solve(problem, iterations=ITERATIONS, engine=engine)
    assert check(problem, result.solution) == []
    assert result.cost == cost(problem, result.solution)
    assert result.cost.exact >= best.exact
    assert by_rule or result.cost.exact == best.exact


@pytest.mark.parametrize("seed", range(2 * TRIALS))
@pytest.mark.parametrize("feature", FEATURES)
def test_the_best_plan_is_found_with(feature: str, seed: int) -> None:
    hold(_drawn(seed, {feature}), "rich", by_rule=chosen_by_rule({feature}))


@pytest.mark.parametrize("pair", list(combinations(FEATURES, 2)), ids="-".join)
def test_the_best_plan_is_found_with_both(pair: tuple[str, str]) -> None:
    for seed in range(TRIALS):
        hold(_drawn(seed, pair), "rich", by_rule=chosen_by_rule(pair))


@pytest.mark.parametrize("seed", range(30 * TRIALS))
def test_the_best_plan_is_found_with_many(seed: int) -> None:
    rng = random.Random(seed)
    features = rng.sample(list(FEATURES), rng.randint(3, 12))
    hold(_drawn(seed, features), "rich", by_rule=chosen_by_rule(features))


@settings(
    max_examples=25 * TRIALS,
    deadline=None,
    derandomize=True,  # the search may miss the best plan, so the problems must not change
    suppress_health_check=[HealthCheck.too_slow],
)
@given(whole_problems())
def test_the_best_plan_is_found(drawn: tuple[Problem, frozenset[str]]) -> None:
    problem, features = drawn
    hold(problem, "rich", by_rule=chosen_by_rule(features))


@pytest.mark.parametrize("name", DEGENERATE)
def test_contradictory_problems_get_the_best_possible_plan(name: str) -> None:
    problem = DEGENERATE[name]()
    hold(problem, "rich", by_rule=bool(any(v.max_late_s for v in problem.visits)))


@pytest.mark.parametrize("seed", range(20 * TRIALS))
def test_the_classic_engine_finds_the_best_plan(seed: int) -> None:
    rng = random.Random(seed)
    supported = [f for f in FEATURES if covers(_drawn(seed, {f}))]
    problem = _drawn(seed, rng.sample(supported, rng.randint(1, min(6, len(supported)))))
    if covers(problem):
        hold(problem, "core")


@pytest.mark.parametrize("seed", range(4 * TRIALS))
def test_a_day_with_all_constraints_gets_a_valid_plan_and_is_replayed_exactly(seed: int) -> None:
    problem = grown(seed, visits=30)
    if any(v.prefix for v in problem.vehicles):
        return
    result = solve(problem, iterations=40, seed=seed)
    assert check(problem, result.solution) == []
    assert replay(problem, result.work).solution == result.solution
