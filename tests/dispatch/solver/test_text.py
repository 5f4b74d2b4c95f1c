"""Text formats: Li & Lim files, kinds of distances, and error messages."""

from __future__ import annotations

from itertools import pairwise
from math import dist

import pytest

from dispatch.solver.formats.text import Instance, from_sol, parse, to_sol
from dispatch.solver.model.problem import Pair
from dispatch.solver.placing.insertion import evaluate
from dispatch.solver.referee.check import check
from lastmile.core.errors import Invalid
from tests.shared import shared_data

# Two pairs: 1 -> 3 carries 7, 2 -> 4 carries 5; the capacity is 10.
LI_LIM = """3 10 1
0 0 0 0 0 1000 0 0 0
1 1 1 7 0 500 10 0 3
2 0 20 5 100 200 10 0 4
3 10 20 -7 0 900 10 1 0
4 10 0 -5 0 900 10 2 0
"""
SINTEF = """Instance name : tiny
Authors : nobody
Date : 2026-11-22
Reference : none
Solution
Route 1 : 1 3
Route 2 : 2 4
"""


def tiny(distances: str = "dimacs") -> Instance:
    return parse(LI_LIM, distances)


def test_li_lim_pairs_are_on_board_from_pickup_to_delivery() -> None:
    problem = tiny().problem
    assert problem.pairs == (Pair("1", "3"), Pair("2", "4"))
    assert [v.demand for v in problem.visits] == [(0,), (0,), (7,), (5,)]
    assert len(problem.vehicles) == 3
    assert problem.vehicles[0].capacity == (10,)


@pytest.mark.parametrize(
    ("routes", "kinds"),
    [
        ({"1": ["1", "3", "2", "4"]}, set()),
        ({"1": ["1", "2", "3", "4"]}, {"capacity"}),
        ({"1": ["3", "1", "2", "4"]}, {"pair"}),
        ({"1": ["1", "3", "2"], "2": ["4"]}, {"pair"}),
    ],
    ids=["one after the other", "both at once", "delivery first", "two vehicles"],
)
def test_the_referee_knows_the_pairs_of_a_li_lim_file(
    routes: dict[str, list[str]], kinds: set[str]
) -> None:
    problem = tiny().problem
    assert {str(v.kind) for v in check(problem, evaluate(problem, routes))} == kinds


def test_li_lim_distances_are_cut_or_kept_to_the_thousandth() -> None:
    cut, exact = tiny(), tiny("exact")
    assert (cut.scale, exact.scale) == (10, 1000)
    assert cut.problem.profiles[0].distance_m[0, 1] == 14
    assert exact.problem.profiles[0].distance_m[0, 1] == 1414
    assert exact.problem.profiles[0].duration_s[0, 1] == 1415
    assert exact.problem.profiles[0].duration_s[0, 2] == 20_000
    assert (cut.problem.profiles[0].duration_s == cut.problem.profiles[0].distance_m).all()


def test_windows_include_their_last_moment_in_the_scale_of_the_distances() -> None:
    for instance in (tiny(), tiny("exact")):
        window = instance.problem.visits[1].windows[0]
        assert (window.opens_s, window.closes_s) == (100 * instance.scale, 200 * instance.scale + 1)


def test_a_solution_is_written_and_read_again() -> None:
    problem = tiny().problem
    plan = evaluate(problem, {"1": ["1", "3"], "2": ["2", "4"]})
    assert from_sol(to_sol(plan, "99.9")) == [["1", "3"], ["2", "4"]]
    assert from_sol(SINTEF) == [["1", "3"], ["2", "4"]]
    assert from_sol("Route #1: 0 1 3 0\nCost 5\n") == [["1", "3"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LI_LIM.replace(" 1 0\n4", " 2 0\n4"), "Nodes 1 and 3 are not a pair"),
        (LI_LIM.replace("-7", "-6"), "Nodes 1 and 3 are not a pair"),
        (LI_LIM.replace("20 5 ", "20 -5 ").replace("-5 0 900", "5 0 900"), "are not a pair"),
        (
            LI_LIM.replace("1 7", "1 0").replace("-7", "0").replace("1 0\n4", "0 1\n4"),
            "are not a pair",
        ),
        (LI_LIM.replace("0 3\n", "0 0\n"), "must name either its pickup"),
        (LI_LIM.replace("0 3\n", "2 3\n"), "must name either its pickup"),
        (LI_LIM.replace("0 3\n", "0 9\n"), "must name nodes of this file"),
        (LI_LIM.replace("0 3\n", "0 2.5\n"), "must name nodes of this file"),
        (LI_LIM.replace("4 10 0", "5 10 0"), "numbered 0, 1, 2"),
        (LI_LIM.replace("3 10 20", "3 10"), "Expected 9 numbers"),
        (LI_LIM.replace("100 200", "100.25 200"), "use exact distances"),
    ],
)
def test_an_inconsistent_li_lim_file_is_refused_with_the_cause(text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        parse(text)


@pytest.mark.parametrize("text", ["", "Cost 12\n", "Route #1: a b\n"])
def test_text_that_is_not_a_solution_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        from_sol(text)


@pytest.mark.parametrize(("name", "tasks"), [("lc104", 106), ("lr108", 100), ("lrc1_2_3", 210)])
def test_benchmark_files_are_read(name: str, tasks: int) -> None:
    text = (shared_data("vrptw") / "pdptw" / f"{name}.txt").read_text(encoding="utf-8")
    problem = parse(text, "exact").problem
    assert len(problem.visits) == tasks == 2 * len(problem.pairs)
    rows = [[float(word) for word in line.split()] for line in text.splitlines()[1:]]
    for one, two in pairwise(range(len(rows))):
        truth = dist(rows[one][1:3], rows[two][1:3])
        assert problem.profiles[0].distance_m[one, two] == pytest.approx(1000 * truth, abs=0.51)
        assert 0 <= problem.profiles[0].duration_s[one, two] - 1000 * truth < 1
