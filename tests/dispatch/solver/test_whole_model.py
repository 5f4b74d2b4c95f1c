"""What crosses a border comes back whole, and prices add up, whatever constraints there are."""

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
    for mine, theirs in zip(one.profiles, other.profiles, strict=True):
        matrices = [(mine.duration_s, theirs.duration_s), (mine.distance_m, theirs.distance_m)]
        assert [s.from_s for s in mine.hourly] == [s.from_s for s in theirs.hourly]
        matrices += [
            (a.duration_s, b.duration_s) for a, b in zip(mine.hourly, theirs.hourly, strict=True)
        ]
        assert all((a == b).all() for a, b in matrices)


def _everything(seed: int) -> Problem:
    lots = random.Random(seed)
    return mixed(lots, visits=6, vehicles=3, features=FEATURES)


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
def test_what_contradicts_itself_is_still_judged_and_priced(name: str) -> None:
    problem = DEGENERATE[name]()
    _same(problem, problem_from_json(json.loads(dumps(problem_to_json(problem)))))
    best = optimum(problem)
    assert (best is None) == (name.startswith("committed to") and name != "committed to all")
    if best is not None:
        assert check(problem, best.solution) == []
        assert cost(problem, best.solution).exact == best.exact


@pytest.mark.parametrize("seed", range(150 * TRIALS))
def test_hostile_json_is_refused_in_words_or_is_a_problem(seed: int) -> None:
    lots = random.Random(seed)
    data: Any = problem_to_json(_everything(seed % 7))
    text = spoiled(lots, data)
    try:
        problem = problem_from_json(loads(text))
    except Invalid:
        return  # whatever else is raised fails the test
    _same(problem, problem_from_json(loads(dumps(problem_to_json(problem)))))
