"""A problem is passed to another process in a file with memory-mapped matrices."""

from __future__ import annotations

import tempfile

import numpy as np
import pytest

from dispatch.solver.formats.json import problem_to_json
from dispatch.solver.formats.packed import read, write
from dispatch.solver.model.problem import Problem, Slice, TravelTable, VehicleShift, Visit
from lastmile.core.errors import Invalid
from tests.dispatch.solver.problems import rich
from tests.dispatch.solver.test_check_whole import PROBLEM as WHOLE


def _through(problem: Problem) -> Problem:
    with tempfile.TemporaryFile() as file:
        write(problem, file)
        file.seek(0)
        return read(file)


@pytest.mark.parametrize("problem", [WHOLE, rich(1, visits=5, vehicles=2)])
def test_a_problem_is_read_back_unchanged(problem: Problem) -> None:
    assert problem_to_json(_through(problem)) == problem_to_json(problem)


def test_hourly_slices_are_read_back_and_equal_matrices_are_stored_once() -> None:
    rng = np.random.default_rng(1).integers(1, 99, (3, 7, 7)).astype(np.int32)
    for matrix in rng:
        np.fill_diagonal(matrix, 0)
    profile = TravelTable("van", rng[0], rng[1], (Slice(3_600, rng[2]), Slice(7_200, rng[0])))
    problem = Problem((profile,), (Visit("a", 1),), (VehicleShift("k", 0, 0, 0, 9_000),))
    with tempfile.TemporaryFile() as file:
        write(problem, file)
        assert file.tell() < 1_000 + 3 * 7 * 7 * 4 + 3 * 64
        file.seek(0)
        back = read(file)
    assert problem_to_json(back) == problem_to_json(problem)
    assert not back.profiles[0].duration_s.flags.writeable


@pytest.mark.parametrize("keep", [0, 10, 30, -300])
def test_a_truncated_file_is_refused(keep: int) -> None:
    with tempfile.TemporaryFile() as file:
        write(WHOLE, file)
        file.truncate(keep if keep >= 0 else file.tell() + keep)
        file.seek(0)
        with pytest.raises(Invalid):
            read(file)
