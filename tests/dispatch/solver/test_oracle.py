"""The oracle and the referee, compared with each other; both follow the model's documentation."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dispatch.solver.model.cost import cost
from dispatch.solver.model.problem import Break, Problem, VehicleShift, Visit, Window
from dispatch.solver.model.solution import Served, Solution, TakenBreak, Tour
from dispatch.solver.referee.check import Kind, check
from tests.dispatch.solver import brute
from tests.dispatch.solver.features import FEATURES, mixed, seeded
from tests.dispatch.solver.mutants import mutant
from tests.dispatch.solver.oracle import optimum
from tests.dispatch.solver.problems import line
from tests.dispatch.solver.trials import TRIALS

PLAIN = (
    "fleet",
    "demand",
    "shift",
    "windows",
    "profiles",
    "skills",
    "locks",
    "optional",
    "limits",
    "max_distance",
    "breaks",
)


def _drawn(seed: int, features: tuple[str, ...], *, vehicles: int, day: int) -> Problem:
    rng = random.Random(seed)
    chosen = rng.sample(features, 7)
    return mixed(rng, visits=rng.randint(1, 3), vehicles=vehicles, day=day, features=chosen)


@pytest.mark.parametrize("seed", range(60 * TRIALS))
def test_the_referee_lets_the_best_plan_through_and_none_that_is_cheaper(seed: int) -> None:
    problem = seeded(seed)
    best = optimum(problem)
    if best is None:
        assert any(v.prefix for v in problem.vehicles)
        return
    assert check(problem, best.solution) == []
    assert cost(problem, best.solution).exact == best.exact
    rng = random.Random(seed)
    for _ in range(20):
        changed = mutant(rng, problem, best.solution)
        if not check(problem, changed):
            assert cost(problem, changed).exact >= best.exact


@pytest.mark.parametrize("seed", range(10 * TRIALS))
def test_trying_every_second_finds_nothing_better(seed: int) -> None:
    problem = _drawn(seed, tuple(FEATURES), vehicles=1, day=16)
    best, patient = optimum(problem), optimum(problem, patient=True)
    assert (best and best.exact) == (patient and patient.exact)


@pytest.mark.parametrize("seed", range(8 * TRIALS))
def test_the_oracle_agrees_with_driving_every_second(seed: int) -> None:
    problem = _drawn(seed, PLAIN, vehicles=2, day=30)
    best = optimum(problem)
    assert best is not None
    assert best.exact == brute.cheapest(problem)


def test_breaks_are_taken_in_their_order() -> None:
    problem = Problem(
        (line([0]),),
        (Visit("a", 0, 1, windows=(Window(4, 5),)),),
        (VehicleShift("k", 0, 0, 0, 20, breaks=(Break(2, 12, 5), Break(2, 12, 2))),),
    )
    breaks = (TakenBreak(0, 5, 10, 1), TakenBreak(1, 2, 4, 0))
    route = Tour("k", 0, 0, (Served("a", 0, 4, 5),), 10, 0, breaks=breaks)
    assert {v.kind for v in check(problem, Solution((route,)))} == {Kind.BREAK}
    in_turn = (TakenBreak(0, 5, 10, 1), TakenBreak(1, 10, 12, 1))
    assert check(problem, Solution((replace(route, end_s=12, breaks=in_turn),))) == []
