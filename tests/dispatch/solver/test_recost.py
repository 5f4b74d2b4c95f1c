"""The second referee of the benchmarks accepts valid plans and refuses broken ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.solver.formats.text import parse
from dispatch.solver.model.cost import UNIT, cost
from dispatch.solver.model.problem import Problem, VehicleShift, Visit, Window
from dispatch.solver.model.solution import Served, Solution, Tour
from dispatch.solver.placing.insertion import evaluate
from tests.bench.solver_recost import Unsound, of_file, recost
from tests.dispatch.solver.problems import line
from tests.dispatch.solver.test_command import SOLOMON
from tests.dispatch.solver.test_text import LI_LIM

HOUR = 3600


@pytest.fixture
def day() -> Problem:
    """Return a problem of two stops on a line, 60 s apart; the second has its own hour."""
    return Problem(
        profiles=(line([0, 60, 120]),),
        visits=(
            Visit("a", 1, 30, (2,)),
            Visit("b", 2, 30, (3,), (Window(HOUR, 2 * HOUR),)),
        ),
        vehicles=(
            VehicleShift("v", 0, 0, 0, 4 * HOUR, capacity=(5,), fixed_cost=700, cost_per_km=1000,
                    cost_per_hour=1800, loading_s=100),
            VehicleShift("w", 0, 0, 0, 4 * HOUR, capacity=(2,), cost_per_km=1000),
        ),
        dimensions=("parcels",),
    )  # fmt: skip


def test_both_referees_give_a_valid_plan_the_same_cost(day: Problem) -> None:
    for routes in ({"v": ["a", "b"]}, {"v": ["b"], "w": ["a"]}):
        plan = evaluate(day, routes)
        assert recost(day, plan) * UNIT == cost(day, plan).exact
    assert recost(day, evaluate(day, {"v": ["b"], "w": ["a"]})) == 700 + 2400 + 1200 + 370 / 2


def changed(plan: Solution, **words: object) -> Solution:
    return replace(plan, routes=(replace(plan.routes[0], **words),))


def moved(plan: Solution, at: int, start_s: int) -> Solution:
    visits = list(plan.routes[0].visits)
    visits[at] = Served(visits[at].visit, visits[at].arrive_s, start_s, start_s + 30)
    return changed(plan, visits=tuple(visits))


def test_it_refuses_a_plan_that_cannot_be_driven(day: Problem) -> None:
    sound = evaluate(day, {"v": ["a", "b"]})
    first: Tour = sound.routes[0]
    for broken, message in (
        (changed(sound, vehicle="w"), "room for 2"),
        (changed(sound, visits=first.visits[:1]), "exactly once"),
        (moved(sound, 1, 2 * HOUR), "outside its windows"),
        (moved(sound, 0, first.start_s + 100), "can be there"),
        (changed(sound, end_s=first.end_s - 1), "back before"),
        (changed(sound, end_s=5 * HOUR), "outside its shift"),
        (replace(sound, routes=(first, first)), "exactly once"),
    ):
        with pytest.raises(Unsound, match=message):
            recost(day, broken)


def test_a_file_is_priced_by_itself_as_the_solver_prices_it() -> None:
    routes = [["1", "3"], ["2"]]
    problem = parse(SOLOMON).problem
    plan = evaluate(problem, {"1": routes[0], "2": routes[1]})
    assert of_file(SOLOMON, routes) == pytest.approx(cost(problem, plan).total / 10)
    assert of_file(LI_LIM, [["1", "3", "2", "4"]]) == pytest.approx(64.7987, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "routes"),
    [
        (SOLOMON, [["1", "3"]]),
        (SOLOMON, [["1", "2", "3"]]),
        (SOLOMON.replace("200   ", " 19   "), [["1", "3"], ["2"]]),
        (LI_LIM, [["3", "1", "2", "4"]]),
        (LI_LIM, [["1", "2", "3", "4"]]),
        (LI_LIM, [["1", "3", "2"], ["4"]]),
    ],
    ids=["one left out", "too full", "too late", "delivery first", "both at once", "parted"],
)
def test_a_file_refuses_routes_that_break_its_rules(text: str, routes: list[list[str]]) -> None:
    with pytest.raises(Unsound):
        of_file(text, routes)
