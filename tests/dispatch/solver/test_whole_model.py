"""File formats lose nothing, and the parts of the cost add up, with any constraints."""

from __future__ import annotations

import json
import random
import tempfile
from dataclasses import fields
from typing import Any

import pytest

from dispatch.solver.formats import packed
from dispatch.solver.formats.json import (
    dumps,
    loads,
    problem_from_json,
    problem_to_json,
    solution_from_json,
    solution_to_json,
)
from dispatch.solver.model.cost import UNIT, cost, route_cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.referee.check import check
from lastmile.core.errors import Invalid
from tests.dispatch.solver.degenerate import DEGENERATE
from tests.dispatch.solver.features import FEATURES, mixed, seeded
from tests.dispatch.solver.hostile import spoiled
from tests.dispatch.solver.oracle import optimum
from tests.dispatch.solver.trials import TRIALS

MONEY = (
    "fixed",
    "distance",
    "time",
    "overtime",
    "late",
    "service",
    "co2",
    "fairness",
    "unserved",
)


def _same(one: Problem, other: Problem) -> None:
    for name in (f.name for f in fields(Problem) if f.name != "profiles"):
        assert getattr(one, name) == getattr(other, name), name
    for first, second in zip(one.profiles, other.profiles, strict=True):
        matrices = [(first.duration_s, second.duration_s), (first.distance_m, second.distance_m)]
        assert [s.from_s for s in first.hourly] == [s.from_s for s in second.hourly]
        matrices += [
            (a.duration_s, b.duration_s) for a, b in zip(first.hourly, second.hourly, strict=True)
        ]
        assert all((a == b).all() for a, b in matrices)


def _everything(seed: int) -> Problem:
    rng = random.Random(seed)
    return mixed(rng, visits=6, vehicles=3, features=FEATURES)


@pytest.mark.parametrize("seed", range(10 * TRIALS))
def test_a_problem_survives_json_and_the_mapped_file(seed: int) -> None:
    problem = _everything(seed) if seed % 2 else seeded(seed)
    text = dumps(problem_to_json(problem))
    again = problem_from_json(loads(text))
    _same(problem, again)
    assert dumps(problem_to_json(again)) == text
    with tempfile.TemporaryFile() as file:
        packed.write(problem, file)
        file.seek(0)
        _same(problem, packed.read(file))


@pytest.mark.parametrize("seed", range(20 * TRIALS))
def test_a_plan_survives_json_and_its_price_adds_up(seed: int) -> None:
    problem = seeded(seed)
    best = optimum(problem)
    if best is None:
        return
    plan = best.solution
    assert solution_from_json(loads(dumps(solution_to_json(plan)))) == plan
    price = cost(problem, plan)
    assert sum(getattr(price, part) for part in MONEY) == price.total
    assert set(MONEY) | {"total", "co2_g", "exact"} == {f.name for f in fields(price)}
    assert abs(price.exact - price.total * UNIT) * 2 <= UNIT
    parts = sum(route_cost(problem, route).exact for route in plan.routes)
    assert parts + price.unserved * UNIT == price.exact


@pytest.mark.parametrize("name", DEGENERATE)
def test_contradictory_problems_are_still_checked_and_priced(name: str) -> None:
    problem = DEGENERATE[name]()
    _same(problem, problem_from_json(json.loads(dumps(problem_to_json(problem)))))
    best = optimum(problem)
    assert (best is None) == (name.startswith("committed to") and name != "committed to all")
    if best is not None:
        assert check(problem, best.solution) == []
        assert cost(problem, best.solution).exact == best.exact


@pytest.mark.parametrize("seed", range(150 * TRIALS))
def test_hostile_json_is_refused_with_a_message_or_is_a_problem(seed: int) -> None:
    rng = random.Random(seed)
    data: Any = problem_to_json(_everything(seed % 7))
    text = spoiled(rng, data)
    try:
        problem = problem_from_json(loads(text))
    except Invalid:
        return  # any other exception fails the test
    _same(problem, problem_from_json(loads(dumps(problem_to_json(problem)))))
