"""Invalid problems are refused with the position of the fault; valid ones survive JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dispatch.solver.formats.json import (
    dumps,
    loads,
    problem_from_json,
    problem_to_json,
    solution_from_json,
    solution_to_json,
)
from dispatch.solver.model.problem import Break, Problem, TravelTable, VehicleShift, Visit, Window
from dispatch.solver.solve import solve
from lastmile.core.errors import Invalid
from tests.dispatch.solver.problems import line, rich

VISIT = Visit("a", 1, demand=(1,))
VEHICLE = VehicleShift("k", 0, 0, 0, 100, capacity=(1,))
FAULTY: list[tuple[str, dict[str, Any]]] = [
    ("/visits/0/place", {"visits": (replace(VISIT, place=2),)}),
    ("/visits/0/service_s", {"visits": (replace(VISIT, service_s=(1, 2)),)}),
    ("/visits/0/service_s", {"visits": (replace(VISIT, service_s=-1),)}),
    ("/visits/0/demand", {"visits": (replace(VISIT, demand=()),)}),
    ("/visits/0/demand/0", {"visits": (replace(VISIT, demand=(1.5,)),)}),
    ("/visits/0/windows/0", {"visits": (replace(VISIT, windows=(Window(5, 5),)),)}),
    (
        "/visits/0/windows",
        {"visits": (replace(VISIT, windows=(Window(5, 9), Window(8, 10))),)},
    ),
    ("/visits/0/unserved_cost", {"visits": (replace(VISIT, unserved_cost=-1),)}),
    ("/visits/1/id", {"visits": (VISIT, VISIT)}),
    ("/vehicles/0", {"vehicles": (replace(VEHICLE, closes_s=0),)}),
    ("/vehicles/0/capacity", {"vehicles": (replace(VEHICLE, capacity=(1, 2)),)}),
    ("/vehicles/0/speed_percent", {"vehicles": (replace(VEHICLE, speed_percent=0),)}),
    ("/vehicles/0/profile", {"vehicles": (replace(VEHICLE, profile=1),)}),
    (
        "/vehicles/0/breaks",
        {"vehicles": (replace(VEHICLE, breaks=(Break(5, 9, 1), Break(2, 4, 1))),)},
    ),
    (
        "/vehicles/0/breaks/0/duration_s",
        {"vehicles": (replace(VEHICLE, breaks=(Break(5, 9, 0),)),)},
    ),
    ("/vehicles/1/id", {"vehicles": (VEHICLE, VEHICLE)}),
    ("/dimensions", {"dimensions": ("w", "w")}),
    ("/profiles", {"profiles": ()}),
]


def _matrix(value: Any) -> TravelTable:
    return TravelTable("van", value, np.zeros((2, 2), dtype=int))


@pytest.mark.parametrize(("pointer", "changes"), FAULTY)
def test_a_fault_is_reported_at_its_position(pointer: str, changes: dict[str, Any]) -> None:
    whole = {
        "profiles": (line([0, 5]),),
        "visits": (VISIT,),
        "vehicles": (VEHICLE,),
        "dimensions": ("w",),
    }
    Problem(**whole)  # type: ignore[arg-type]
    with pytest.raises(Invalid) as refusal:
        Problem(**(whole | changes))
    assert pointer in [e.pointer for e in refusal.value.errors]


@pytest.mark.parametrize(
    "matrix",
    [
        np.array([[0, -1], [1, 0]]),
        np.array([[0, 1], [1, 1]]),
        np.array([[0.0, np.nan], [1.0, 0.0]]),
        np.array([[0, 1]]),
        np.array([[0, 10**9], [1, 0]]),
        np.zeros((3, 3), dtype=int),
    ],
)
def test_a_matrix_that_cannot_be_driven_on_is_refused(matrix: Any) -> None:
    with pytest.raises(Invalid):
        Problem((_matrix(matrix),), (), ())


def test_a_problem_keeps_its_own_matrices() -> None:
    matrix = np.array([[0, 5], [5, 0]])
    problem = Problem((_matrix(matrix),), (), ())
    matrix[0, 1] = 99
    assert problem.profiles[0].duration_s[0, 1] == 5
    with pytest.raises(ValueError, match="read-only"):
        problem.profiles[0].duration_s[0, 1] = 1


@pytest.mark.parametrize("seed", range(5))
def test_problems_and_solutions_survive_json(seed: int) -> None:
    problem = rich(seed, visits=8, vehicles=2)
    again = problem_from_json(loads(dumps(problem_to_json(problem))))
    assert (again.visits, again.vehicles) == (problem.visits, problem.vehicles)
    assert dumps(problem_to_json(again)) == dumps(problem_to_json(problem))
    plan = solve(problem, iterations=20).solution
    assert solution_from_json(loads(dumps(solution_to_json(plan)))) == plan
    assert solve(again, iterations=20).solution == plan


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "/format"),
        ({"visitz": []}, "visitz"),
        ({"visits": [{"id": "a"}]}, "place is missing"),
        ({"visits": [{"id": "a", "place": "1"}]}, "/visits/0/place"),
        ({"visits": [{"id": "a", "place": True}]}, "/visits/0/place"),
        ({"visits": [{"id": "a", "place": 1, "windows": [[1]]}]}, "/visits/0/windows/0"),
        ({"visits": [{"id": "a", "place": 1, "servise_s": 5}]}, "servise_s"),
        ({"profiles": [{"name": "v", "duration_s": [[0, 1], [0]], "distance_m": []}]}, "rows"),
        ({"profiles": None}, "/profiles"),
    ],
)
def test_invalid_json_is_refused_with_a_message(change: dict[str, Any], words: str) -> None:
    data = problem_to_json(Problem((line([0, 5]),), (), (VehicleShift("k", 0, 0, 0, 9),)))
    with pytest.raises(Invalid, match=words):
        problem_from_json(json.loads(json.dumps(data | change)))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "NaN", "[]", "null", '"x"', "1"])
def test_text_that_is_not_a_problem_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        problem_from_json(loads(text))
