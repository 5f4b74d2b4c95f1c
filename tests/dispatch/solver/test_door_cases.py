"""The cases from the field at the solver's door; they skip where the cases are absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dispatch.solver.formats.json import problem_from_json
from dispatch.solver.formats.text import parse
from dispatch.solver.model.elements import MAX_TRAVEL
from dispatch.solver.model.problem import Problem
from dispatch.solver.process.cli import NO_ORIGIN, REFUSED, main
from lastmile.core.errors import Invalid
from tests.shared import shared_data

ROADLESS = {(0, 3), (1, 3), (2, 3), (3, 0), (3, 1), (3, 2)}


def case(name: str) -> Path:
    file = shared_data("osm").parents[1] / "cases" / name
    if not file.exists():
        pytest.skip(f"the case {name} is not beside this checkout")
    return file


def solved(file: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], Any]:
    words = ["--iterations", "200", "--threads", "1", "--out", str(out)]
    assert main([str(file), *words]) == 0
    text = out.read_text(encoding="utf-8")
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    return line, json.loads(text) if out.suffix == ".json" else text


@pytest.mark.parametrize("name", ["limit.vrp", "max_duration.vrp"])
def test_the_limit_of_a_route_in_a_vrplib_file_is_obeyed(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line, _ = solved(case(f"19-vrplib-distance/{name}"), tmp_path / "out.sol", capsys)
    assert (line["cost"], line["routes"], line["feasible"]) == (160, 4, True)


@pytest.mark.parametrize("name", ["grid5001.vrp", "grid5001-with-vehicles.vrp"])
def test_a_vrplib_file_of_five_thousand_customers_is_read(name: str) -> None:
    problem = parse(case(f"21-vrplib-xxl/{name}").read_text(encoding="utf-8")).problem
    load = sum(visit.demand[0] for visit in problem.visits)
    assert len(problem.visits) == 5_001
    assert len(problem.vehicles) * problem.vehicles[0].capacity[0] >= load
    assert len(problem.vehicles) < 5_000


def test_an_unreachable_cell_means_no_way_and_is_named_with_the_visit_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = case("22-unreachable-matrix/null.json")
    line, plan = solved(file, tmp_path / "out.json", capsys)
    assert line["no_way"]["count"] == 6
    assert {(start, end) for _, start, end in line["no_way"]["first"]} == ROADLESS
    assert [(u["visit"], u["reason"]) for u in plan["unserved"]] == [("c", "no_way")]
    infinite = tmp_path / "infinite.json"
    infinite.write_text(file.read_text(encoding="utf-8").replace("null", "Infinity"), "utf-8")
    assert solved(infinite, tmp_path / "other.json", capsys)[1]["unserved"] == plan["unserved"]


@pytest.mark.parametrize(
    ("name", "value"), [("intmax.json", "2147483647"), ("minusone.json", "-1")]
)
def test_a_value_outside_the_range_of_a_matrix_is_named_by_its_cell(
    name: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(case(f"22-unreachable-matrix/{name}"))]) == REFUSED
    text = capsys.readouterr().err
    assert f"From place 0 to place 3 the value is {value}" in text
    assert "If there is no way, give null." in text


def test_a_broken_number_in_a_matrix_is_named_by_its_cell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([str(case("22-unreachable-matrix/floats.json"))]) == REFUSED
    assert "from place 0 to place 3 the value is '900.5'" in capsys.readouterr().err


def statement(**more: object) -> dict[str, Any]:
    table = {"name": "van", "duration_s": [[0, 60], [60, 0]], "distance_m": [[0, 9], [9, 0]]}
    return {
        "format": "lastmile-problem/1",
        "profiles": [table],
        "visits": [{"id": "a", "place": 1}],
        "vehicles": [{"id": "k", "start": 0, "end": 0, "opens_s": 0, "closes_s": 900}],
        **more,
    }


def test_a_pair_without_a_way_in_one_matrix_has_none_in_the_other() -> None:
    table = {"name": "van", "duration_s": [[0, None], [60, 0]], "distance_m": [[0, 9], [9, 0]]}
    problem: Problem = problem_from_json(statement(profiles=[table]))
    assert problem.profiles[0].distance_m.tolist() == [[0, MAX_TRAVEL], [9, 0]]


def test_a_problem_without_an_origin_of_time_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "problem.json"
    file.write_text(json.dumps(statement()), encoding="utf-8")
    assert solved(file, tmp_path / "a.json", capsys)[0]["origin"] == NO_ORIGIN
    origin = "2026-11-30T05:00:00+01:00"
    file.write_text(json.dumps(statement(origin=origin)), encoding="utf-8")
    assert solved(file, tmp_path / "b.json", capsys)[0]["origin"] == origin
    file.write_text(json.dumps(statement(origin="2026-11-30 05:00")), encoding="utf-8")
    assert main([str(file)]) == REFUSED
    assert "give an instant with its offset" in capsys.readouterr().err


def test_the_origin_of_time_is_no_part_of_a_problem_within_lastmile() -> None:
    with pytest.raises(Invalid, match="origin"):
        problem_from_json(statement(origin="2026-11-30T05:00:00+01:00"))
