"""A search with a start plan never costs more than this plan, in a call and in a child."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dispatch.solver.formats.json import dumps, problem_to_json
from dispatch.solver.model.cost import cost
from dispatch.solver.process import child
from dispatch.solver.process.cli import main
from dispatch.solver.referee.check import check
from dispatch.solver.solve import PRESENT, Steering, solve
from lastmile.core.errors import Invalid
from tests.dispatch.solver.problems import rich
from tests.dispatch.solver.towns import towns

TOWN = towns(4, hubs=1, visits=60, vehicles=8)


@pytest.mark.parametrize("engine", ["core", "pyvrp", "rich"])
@pytest.mark.parametrize("iterations", [0, 200])
def test_the_plan_never_costs_more_than_the_start_plan(engine: str, iterations: int) -> None:
    good = solve(TOWN, iterations=8_000, seed=1, engine="core")
    again = solve(
        TOWN,
        iterations=iterations,
        seed=2,
        engine=engine,
        steering=Steering(present=good.solution.sequences),
    )
    assert again.cost.exact <= good.cost.exact
    assert check(TOWN, again.solution) == []
    assert again.work[0].engine == PRESENT


def test_the_classic_engine_continues_from_the_start_plan() -> None:
    good = solve(TOWN, iterations=4_000, seed=1, engine="core")
    cold = solve(TOWN, iterations=400, seed=2, engine="core")
    warm = solve(
        TOWN,
        iterations=400,
        seed=2,
        engine="core",
        steering=Steering(present=good.solution.sequences),
    )
    assert warm.cost.exact < cold.cost.exact


def test_an_infeasible_start_plan_is_repaired() -> None:
    """A start plan with unserved visits and an infeasible route is repaired."""
    good = solve(TOWN, iterations=500, seed=1).solution.sequences
    (first, visits), *rest = good.items()
    everything = tuple(v for names in good.values() for v in names)
    for pieces in ({first: visits[::-1]}, dict(rest), {first: everything}, {first: ()}):
        result = solve(TOWN, iterations=100, seed=1, steering=Steering(present=pieces))
        assert check(TOWN, result.solution) == []


def test_a_start_plan_with_unknown_ids_is_refused() -> None:
    with pytest.raises(Invalid, match="nobody"):
        solve(TOWN, iterations=1, steering=Steering(present={"nobody": ()}))
    with pytest.raises(Invalid, match="nowhere"):
        solve(TOWN, iterations=1, steering=Steering(present={"k0": ("nowhere",)}))


def test_other_vehicles_of_a_kind_may_drive_it() -> None:
    mixed = replace(rich(3, visits=20, vehicles=5), name="mixed")
    plan = solve(mixed, iterations=500, seed=1)
    again = solve(mixed, iterations=50, seed=2, steering=Steering(present=plan.solution.sequences))
    assert again.cost.exact <= plan.cost.exact


def test_a_child_accepts_a_start_plan() -> None:
    good = solve(TOWN, iterations=8_000, seed=1)
    result = child.run(
        TOWN, iterations=0, seed=2, steering=Steering(present=good.solution.sequences)
    )
    assert cost(TOWN, result.solution).exact <= good.cost.exact
    with pytest.raises(Invalid, match="nobody"):
        child.run(TOWN, iterations=0, steering=Steering(present={"nobody": ["v1"]}))


def test_a_file_that_holds_no_plan_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem_path, path = tmp_path / "problem.json", tmp_path / "plan.json"
    problem_path.write_text(dumps(problem_to_json(TOWN)))
    path.write_text("[]")
    assert main([str(problem_path), "--iterations", "1", "--present", str(path)]) == 2
    assert "contains no start plan" in capsys.readouterr().err
