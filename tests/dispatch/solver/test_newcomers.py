"""A new visit gets the same feasible places as in a problem that contains it."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dispatch.solver.model.problem import Pair, Problem, Slice, TravelTable, Visit, Window
from dispatch.solver.placing.insertion import Board
from dispatch.solver.placing.newcomers import WINDOWS, OpenBoard, PlaceTravel
from dispatch.solver.solve import solve
from lastmile.core.errors import Invalid
from tests.bench.same_plans import kinds, windowed
from tests.dispatch.solver.features import FEATURES, mixed
from tests.dispatch.solver.problems import rich
from tests.dispatch.solver.trials import TRIALS

NOT_ALONE = {"pairs", "together", "apart", "prefix", "loaded"}  # a new visit has none of them


def travel_of(problem: Problem, place: int) -> list[PlaceTravel]:
    """Return the travel to and from a place, for each profile and hourly slice."""
    return [
        PlaceTravel(
            t.duration_s[:, place], t.duration_s[place],
            t.distance_m[:, place], t.distance_m[place],
            tuple((part.duration_s[:, place], part.duration_s[place]) for part in t.hourly),
        )
        for t in problem.profiles
    ]  # fmt: skip


def without(problem: Problem, visit: Visit) -> Problem:
    return replace(problem, visits=tuple(v for v in problem.visits if v.id != visit.id))


def free(problem: Problem) -> list[Visit]:
    """Return the visits that are in no pair and no set, and not committed to a vehicle."""
    named = {v for p in problem.pairs for v in (p.pickup, p.delivery)}
    named |= {v for members in (*problem.together, *problem.apart) for v in members}
    named |= {v for k in problem.vehicles for v in (*k.prefix, *(k.loaded or ()))}
    return [v for v in problem.visits if v.id not in named]


def drawn(seed: int) -> Problem:
    rng = random.Random(f"newcomer {seed}")
    names = [name for name in FEATURES if name != "prefix"]  # prefixes can be infeasible
    chosen = rng.sample(names, rng.randint(2, 14))
    return mixed(rng, visits=9, vehicles=3, features=chosen, unit=60)


def alike(problem: Problem, iterations: int, most: int = 4) -> int:
    """Compare the places of some visits inside and outside the problem; return their number."""
    result = 0
    for visit in free(problem)[:most]:
        base = without(problem, visit)
        plan = solve(base, iterations=iterations, seed=1, threads=1, engine="rich").solution
        due = Board(problem, plan).places(visit.id)
        assert OpenBoard(base, plan).places(visit, travel_of(problem, visit.place)) == due, visit.id
        result += len(due)
    return result


@pytest.mark.parametrize("seed", range(25 * TRIALS))
def test_a_newcomer_has_the_places_it_would_have_in_the_problem(seed: int) -> None:
    alike(drawn(seed), iterations=30)


@pytest.mark.parametrize("name", [n for n in FEATURES if n not in NOT_ALONE])
def test_a_new_visit_gets_the_same_places_with(name: str) -> None:
    count = 0
    for number in range(6):
        rng = random.Random(f"newcomer with {name} {number}")
        problem = mixed(rng, visits=8, vehicles=3, features=["demand", "shift", name], unit=60)
        count += alike(problem, iterations=30, most=3)
    assert count


def test_several_kinds_of_vehicles_and_hours_of_the_day_on_one_board() -> None:
    """Use one board for many new visits, in any order."""
    problem = rich(5, visits=30, vehicles=5)
    slow = [Slice(7_200, (t.duration_s * 3) // 2) for t in problem.profiles]
    later = tuple(
        replace(table, hourly=(part,)) for table, part in zip(problem.profiles, slow, strict=True)
    )
    problem = replace(problem, profiles=later)
    names = {v.id for v in problem.visits[20:]}
    base = replace(problem, visits=problem.visits[:20])
    plan = solve(base, iterations=200, seed=1, threads=1).solution
    inside, board = Board(problem, plan), OpenBoard(base, plan)
    for visit in (*problem.visits[20:], *reversed(problem.visits[20:])):
        assert visit.id in names
        due = inside.places(visit.id)
        assert board.places(visit, travel_of(problem, visit.place)) == due


@pytest.mark.parametrize(
    "day", [windowed(3, visits=40, kind="rc", vehicles=6), kinds(4, visits=40)]
)
def test_a_plain_problem_gives_the_same_answer_for_plain_and_other_new_visits(
    day: Problem,
) -> None:
    base = replace(day, visits=day.visits[:-4])
    plan = solve(base, iterations=300, seed=1, threads=1).solution
    board, last = OpenBoard(base, plan), day.visits[-1]
    two = replace(last, windows=(Window(0, 5_000), Window(6_000, 11_000)))
    late = replace(last, max_late_s=900, late_cost_per_hour=100, windows=(Window(1_000, 2_000),))
    collecting = replace(last, service_cost=70, collect=(1,) * len(day.dimensions))
    for visit in (last, two, last, late, collecting, last):
        whole = replace(base, visits=(*base.visits, visit))
        due = Board(whole, plan).places(visit.id)
        assert due
        assert board.places(visit, travel_of(day, visit.place)) == due


def test_a_new_visit_may_have_more_windows_than_the_board_has_space_for() -> None:
    problem = mixed(random.Random(2), visits=6, vehicles=2, features=["breaks"], unit=60)
    many = tuple(Window(40 * n, 40 * n + 20) for n in range(WINDOWS + 3))
    visit = replace(problem.visits[-1], windows=many, max_late_s=5)
    whole = replace(problem, visits=(*problem.visits[:-1], visit))
    base = without(problem, visit)
    plan = solve(base, iterations=20, seed=1, threads=1).solution
    board = OpenBoard(base, plan)
    few = replace(visit, windows=many[:1])
    for visit_with_windows in (few, visit, few):
        whole = replace(problem, visits=(*problem.visits[:-1], visit_with_windows))
        due = Board(whole, plan).places(visit.id)
        assert board.places(visit_with_windows, travel_of(problem, visit.place)) == due


def test_a_new_alternative_replaces_the_served_one_of_its_group() -> None:
    problem = mixed(random.Random(7), visits=8, vehicles=2, features=["demand"], unit=60)
    *rest, door, locker = problem.visits
    door, locker = replace(door, group="g"), replace(locker, group="g", service_cost=3)
    whole = replace(problem, visits=(*rest, door, locker))
    base = without(whole, locker)
    plan = solve(base, iterations=50, seed=1, threads=1, engine="rich").solution
    assert door.id in {s.visit for route in plan.routes for s in route.visits}
    result = OpenBoard(base, plan).places(locker, travel_of(whole, locker.place))
    assert result == Board(whole, plan).places(locker.id)
    assert result


def test_an_invalid_question_is_refused_and_changes_no_later_answer() -> None:
    problem = rich(3, visits=12, vehicles=3)
    last = problem.visits[-1]
    base = without(problem, last)
    plan = solve(base, iterations=50, seed=1, threads=1).solution
    board, ways = OpenBoard(base, plan), travel_of(problem, last.place)
    due = board.places(last, ways)
    duplicate: Any = replace(last, id=base.visits[0].id)
    for visit, travel, message in (
        (Pair("a", "b"), ways, "pair must be in the problem"),
        (duplicate, ways, "already has visit v0"),
        (replace(last, demand=(1,)), ways, "one value for each dimension"),
        (last, ways[:1], "each of the 2 profiles"),
        (last, [ways[0], replace(ways[1], to_s=[1, 2])], "14 whole numbers"),
        (last, [ways[0], replace(ways[1], from_m=-np.ones(14, int))], "between 0 and"),
        (last, [ways[0], replace(ways[1], hourly=((ways[0].to_s,) * 2,))], "each of the 0 slices"),
    ):
        with pytest.raises(Invalid) as refusal:
            board.places(visit, travel)
        assert message in str([e.detail for e in refusal.value.errors])
    assert board.places(last, ways) == due == Board(problem, plan).places(last.id)


def test_no_question_copies_a_matrix() -> None:
    problem = rich(4, visits=30, vehicles=4)
    last = problem.visits[-1]
    base = without(problem, last)
    plan = solve(base, iterations=20, seed=1, threads=1).solution
    board, ways = OpenBoard(base, plan), travel_of(problem, last.place)
    board.places(last, ways)
    context = board._boards[False].draft.context
    before = (
        [t.duration_s for t in context.problem.profiles],
        context.model.seconds,
        context.scanner,
    )
    board.places(last, ways)
    after = [t.duration_s for t in context.problem.profiles], context.model.seconds, context.scanner
    assert all(a is b for a, b in zip(before[0], after[0], strict=True))
    assert before[1] is after[1]
    assert before[2] is after[2]


def test_the_problem_asked_is_not_changed() -> None:
    problem = rich(6, visits=10, vehicles=2)
    last = problem.visits[-1]
    base = without(problem, last)
    tables: list[TravelTable] = [
        TravelTable(t.name, t.duration_s.copy(), t.distance_m.copy()) for t in base.profiles
    ]
    plan = solve(base, iterations=20, seed=1, threads=1).solution
    OpenBoard(base, plan).places(last, travel_of(problem, last.place))
    assert last.id not in base.visit_index
    for table, now in zip(tables, base.profiles, strict=True):
        assert (table.duration_s == now.duration_s).all()
        assert (table.distance_m == now.distance_m).all()
