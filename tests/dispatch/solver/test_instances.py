"""Benchmark instances, if the shared data are next to the checkout."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from dispatch.solver.formats.text import parse
from dispatch.solver.model.cost import UNIT
from dispatch.solver.placing.insertion import evaluate
from dispatch.solver.referee.check import check
from dispatch.solver.solve import solve
from tests.shared import shared_data


def best_known(folder: Path) -> dict[str, float]:
    """Return the best-known cost of each instance by the DIMACS convention."""
    with (folder / "bks.csv").open(encoding="utf-8") as file:
        return {row["instance"]: float(row["bks_dimacs"]) for row in csv.DictReader(file)}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "gap"), [("C104", 0.02), ("RC106", 0.03), ("R1_2_5", 0.06)])
def test_two_seconds_give_a_valid_plan_for_a_known_instance(name: str, gap: float) -> None:
    folder = shared_data("vrptw")
    instance = parse((folder / f"{name}.txt").read_text(encoding="utf-8"))
    result = solve(instance.problem, seconds=2, seed=1)
    assert check(instance.problem, result.solution) == []
    assert result.solution.unserved == ()
    cost = result.cost.exact / UNIT / instance.scale
    least = best_known(folder)[name]
    assert least - 0.05 <= cost <= least * (1 + gap)


def test_a_published_solution_costs_what_is_published() -> None:
    folder = shared_data("vrptw")
    instance = parse((folder / "R1_10_4.txt").read_text(encoding="utf-8"))
    lines = (folder / "R1_10_4.sol").read_text(encoding="utf-8").splitlines()
    routes = {
        str(at): line.partition(":")[2].split()
        for at, line in enumerate((x for x in lines if x.startswith("Route")), start=1)
    }
    plan = evaluate(instance.problem, routes)
    assert check(instance.problem, plan) == []
    metres = sum(r.distance_m for r in plan.routes)
    assert metres / 10 == pytest.approx(float(lines[-1].split()[-1]))
