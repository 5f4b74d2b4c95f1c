"""Large problems in parts: nothing is lost, no bundle is divided, and the whole is refereed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from dispatch.solver.decompose.join import PartRefused, join
from dispatch.solver.decompose.part import Part, extract
from dispatch.solver.decompose.rounds import Task, resplit, solve_in_parts
from dispatch.solver.decompose.split import split
from dispatch.solver.decompose.travel_map import cut_areas, map_places
from dispatch.solver.model.cost import cost
from dispatch.solver.model.problem import Problem, TravelTable, VehicleShift, Visit
from dispatch.solver.model.solution import Reason, Reload, Served, Solution, Tour
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.explain import reasons
from dispatch.solver.placing.insertion import evaluate
from dispatch.solver.placing.repair import settle
from dispatch.solver.referee.check import check
from tests.dispatch.solver.problems import line
from tests.dispatch.solver.towns import HOUR, towns

SEEDS = range(6)


def greedy(problem: Problem) -> Solution:
    """Return the plan that insertion alone makes."""
    draft: Draft = settle(Context(problem), {})
    return draft.solution(reasons(draft, draft.missing()))


def served(solution: Solution) -> set[str]:
    return {s.visit for r in solution.routes for s in r.visits}


def check_everything_once(problem: Problem, parts: list[Part]) -> None:
    visits = Counter(v.id for part in parts for v in part.problem.visits)
    vehicles = Counter(v.id for part in parts for v in part.problem.vehicles)
    assert visits == Counter(v.id for v in problem.visits)
    assert vehicles == Counter(v.id for v in problem.vehicles)


# --- the map -----------------------------------------------------------------------------------
def test_a_map_is_made_from_travel_times_alone() -> None:
    rng = np.random.default_rng(1)
    true = rng.uniform(0, 10_000, (200, 2))
    seconds = np.sqrt(((true[:, None] - true[None, :]) ** 2).sum(axis=2)).astype(np.int32)
    points = map_places(seconds)
    distances = np.sqrt(((points[:, None] - points[None, :]) ** 2).sum(axis=2))
    assert abs(distances - seconds).max() < 20, "distances on it are the travel times"


def test_identical_places_can_be_mapped_and_cut() -> None:
    assert not map_places(np.zeros((5, 5), dtype=np.int32)).any()
    assert sorted(map(len, cut_areas(np.zeros((5, 3)), [1.0] * 5, 2))) == [2, 3]


def test_areas_have_about_equal_weight_and_other_turns_give_other_borders() -> None:
    points = np.random.default_rng(2).uniform(0, 100, (300, 3))
    weights = [1.0 + n % 3 for n in range(300)]
    areas = cut_areas(points, weights, 7)
    assert sorted(row for area in areas for row in area) == list(range(300))
    loads = [sum(weights[row] for row in area) for area in areas]
    assert max(loads) / min(loads) < 1.2
    assert cut_areas(points, weights, 7, turn=1) != areas
    assert cut_areas(points, weights, 7) == areas


# --- splitting ---------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", SEEDS)
def test_towns_are_split_by_hub(seed: int) -> None:
    problem = towns(seed, hubs=4, visits=30, vehicles=3)
    parts = split(problem, parts=4)
    check_everything_once(problem, parts)
    assert len(parts) == 4
    for part in parts:
        towns_of = {int(v.id[1:]) % 4 for v in part.problem.visits}
        assert towns_of == {int(v.id[1:]) % 4 for v in part.problem.vehicles}
        assert len(towns_of) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_large_hub_is_cut_and_small_ones_are_joined(seed: int) -> None:
    one = towns(seed, hubs=1, visits=120, vehicles=12)
    parts = split(one, size=30)
    check_everything_once(one, parts)
    assert len(parts) == 4
    assert all(20 <= len(p.problem.visits) <= 40 for p in parts)
    assert {len(p.problem.vehicles) for p in parts} == {3}
    many = towns(seed, hubs=9, visits=10, vehicles=2)
    parts = split(many, size=30)
    check_everything_once(many, parts)
    assert len(parts) == 3


@pytest.mark.parametrize("seed", SEEDS)
def test_bundles_are_not_divided(seed: int) -> None:
    problem = towns(seed, hubs=3, visits=40, vehicles=4, tied=True)
    for parts in (split(problem, size=20), split(problem, parts=9)):
        check_everything_once(problem, parts)
        assert len(parts) > 3
        assert sorted(p.pickup for part in parts for p in part.problem.pairs) == sorted(
            p.pickup for p in problem.pairs
        )
        groups = Counter(g for part in parts for g in part.problem.groups)
        assert groups == Counter(list(problem.groups))
        assert {m for part in parts for m in part.problem.together} == set(problem.together)
        for part in parts:
            names = {v.id for v in part.problem.visits}
            for vehicle in part.problem.vehicles:
                assert names.issuperset({*vehicle.prefix, *(vehicle.loaded or ())})
            assert all(len(members) > 1 for members in part.problem.apart)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_visit_is_in_a_part_that_may_serve_it(seed: int) -> None:
    problem = towns(seed, hubs=3, visits=40, vehicles=4, tied=True)
    for part in split(problem, size=20):
        context = Context(part.problem)
        assert all(context.may), "a skill or a permission has its vehicle in the part"


def test_a_part_has_only_its_own_matrix_entries() -> None:
    problem = towns(1, hubs=1, visits=200, vehicles=10)
    for part in split(problem, size=40):
        assert part.problem.places <= len(part.problem.visits) + 1
        rows = np.array(part.places)
        whole = problem.profiles[0]
        assert (part.problem.profiles[0].duration_s == whole.duration_s[np.ix_(rows, rows)]).all()
        assert (part.problem.profiles[0].distance_m == whole.distance_m[np.ix_(rows, rows)]).all()


def test_a_part_has_only_the_profiles_it_drives() -> None:
    bike, van = line([0, 60, 120], "bike"), line([0, 30, 60], "van")
    visits = (Visit("a", 1, (10, 20)), Visit("b", 2, (30, 40)))
    vehicles = (VehicleShift("k", 0, 0, 0, HOUR), VehicleShift("l", 0, 0, 0, HOUR, profile=1))
    problem = Problem((bike, van), visits, vehicles)
    part = extract(problem, [1], [1])
    assert [p.name for p in part.problem.profiles] == ["van"]
    assert part.problem.vehicles[0].profile == 0
    assert part.problem.visits[0].service_s == (40,)
    assert part.places == (0, 2)


def test_the_same_problem_is_cut_the_same_way() -> None:
    problem = towns(5, hubs=2, visits=60, vehicles=6, tied=True)
    first, again = split(problem, size=25), split(problem, size=25)
    assert [p.places for p in first] == [p.places for p in again]


def test_a_single_vehicle_gives_one_part_with_the_whole_problem() -> None:
    problem = towns(1, hubs=1, visits=20, vehicles=1)
    (part,) = split(problem, parts=5)
    assert part.problem.visits == problem.visits
    assert part.problem.vehicles == problem.vehicles


def test_vehicles_with_different_homes_are_hubs_of_their_own() -> None:
    problem = towns(1, hubs=1, visits=150, vehicles=130)
    homes = tuple(replace(v, start=1 + at, end=1 + at) for at, v in enumerate(problem.vehicles))
    scattered = replace(problem, vehicles=homes)
    parts = split(scattered, size=30)
    check_everything_once(scattered, parts)
    assert 4 <= len(parts) <= 6
    assert all(p.problem.vehicles and p.problem.visits for p in parts)


# --- joining -----------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", SEEDS)
def test_solved_parts_make_a_plan_that_passes_the_referee(seed: int) -> None:
    problem = towns(seed, hubs=3, visits=30, vehicles=3)
    parts = split(problem, size=25)
    solutions = [greedy(part.problem) for part in parts]
    whole = join(problem, parts, solutions)
    assert check(problem, whole) == []
    alone = sum(cost(p.problem, s).exact for p, s in zip(parts, solutions, strict=True))
    assert cost(problem, whole).exact <= alone


def test_a_visit_left_out_by_one_part_is_offered_to_the_others() -> None:
    profile = line([0, 600, 1_200, 1_800])
    visits = tuple(Visit(f"v{n}", n, 60, (5,)) for n in (1, 2, 3))
    vehicles = (
        VehicleShift("small", 0, 0, 0, 8 * HOUR, capacity=(5,)),
        VehicleShift("large", 0, 0, 0, 8 * HOUR, capacity=(20,)),
    )
    problem = Problem((profile,), visits, vehicles, ("kg",))
    parts = [extract(problem, [0, 1], [0]), extract(problem, [2], [1])]
    solutions = [greedy(part.problem) for part in parts]
    assert [u.reason for u in solutions[0].unserved] == [Reason.NO_CAPACITY_LEFT]
    whole = join(problem, parts, solutions)
    assert whole.unserved == ()
    assert served(whole) == {"v1", "v2", "v3"}
    assert check(problem, whole) == []


def test_reasons_are_proven_against_the_whole_fleet() -> None:
    profile = line([0, 600, 1_200])
    visits = (Visit("v1", 1, 60, (9,)), Visit("v2", 2, 60, (9,)))
    vehicles = (
        VehicleShift("small", 0, 0, 0, 8 * HOUR, capacity=(5,)),
        VehicleShift("large", 0, 0, 0, 8 * HOUR, capacity=(10,)),
    )
    problem = Problem((profile,), visits, vehicles, ("kg",))
    parts = [extract(problem, [0], [0]), extract(problem, [1], [1])]
    solutions = [greedy(part.problem) for part in parts]
    assert [u.reason for u in solutions[0].unserved] == [Reason.TOO_HEAVY]
    whole = join(problem, parts, solutions)
    assert [(u.visit, u.reason) for u in whole.unserved] == [("v1", Reason.NO_CAPACITY_LEFT)]


def test_a_reload_comes_back_to_its_place_in_the_whole() -> None:
    profile = TravelTable("van", *[line([0, 100, 200, 300]).duration_s] * 2)
    visits = (Visit("a", 2, 0, (5,)), Visit("b", 3, 0, (5,)), Visit("far", 1, 0, (1,)))
    vehicles = (
        VehicleShift("other", 1, 1, 0, HOUR, capacity=(9,)),
        VehicleShift("k", 2, 2, 0, HOUR, capacity=(5,), reloads=(2,), max_trips=2),
    )
    problem = Problem((profile,), visits, vehicles, ("kg",))
    part = extract(problem, [0, 1], [1])
    assert part.places == (2, 3)
    route = Tour(
        "k", 0, 0, (Served("a", 0, 0, 0), Served("b", 100, 100, 100)), 200, 200, (5,),
        reloads=(Reload(0, 0, 0, 0, 1, (5,)),),
    )  # fmt: skip
    other = extract(problem, [2], [0])
    rest = Solution((Tour("other", 0, 0, (Served("far", 0, 0, 0),), 0, 0, (1,)),))
    whole = join(problem, [part, other], [Solution((route,)), rest])
    assert whole.routes[1].reloads[0].place == 2
    assert check(problem, whole) == []
    again = extract(problem, [0, 1], [1], whole)
    assert again.present == Solution((route,))


def test_a_part_that_breaks_its_rules_is_refused() -> None:
    problem = towns(1, hubs=2, visits=10, vehicles=2)
    parts = split(problem, parts=2)
    solutions = [greedy(part.problem) for part in parts]
    late = replace(solutions[0].routes[0], end_s=solutions[0].routes[0].end_s - 60)
    broken = replace(solutions[0], routes=(late, *solutions[0].routes[1:]))
    with pytest.raises(PartRefused):
        join(problem, parts, [broken, solutions[1]])


# --- rounds ------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", SEEDS)
def test_a_round_keeps_whole_routes_and_starts_from_them(seed: int) -> None:
    town = towns(seed, hubs=1, visits=90, vehicles=12)
    small = tuple(replace(v, capacity=(20,)) for v in town.vehicles)
    problem = replace(town, vehicles=small)
    plan = greedy(problem)
    assert len(plan.routes) > 6
    borders = set()
    for turn in (1, 2, 3):
        parts = resplit(problem, plan, size=20, turn=turn)
        check_everything_once(problem, parts)
        borders.add(tuple(sorted(p.places for p in parts)))
        for part in parts:
            assert part.present is not None
            assert check(part.problem, part.present) == []
        total = sum(cost(p.problem, p.present or Solution()).exact for p in parts)
        assert total == cost(problem, plan).exact, "costs of parts add up to the whole's"
    assert len(borders) > 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_round_divides_no_bundle(seed: int) -> None:
    problem = towns(seed, hubs=3, visits=40, vehicles=4, tied=True)
    bare = replace(
        problem, pairs=(), together=(), apart=(),
        visits=tuple(replace(v, group="") for v in problem.visits),
        vehicles=tuple(replace(v, prefix=(), loaded=None, reloads=()) for v in problem.vehicles),
    )  # fmt: skip
    loose = evaluate(bare, greedy(bare).sequences)
    sequences = {r.vehicle: [s.visit for s in r.visits] for r in loose.routes}
    plan = evaluate(bare, {k: v for k, v in sequences.items() if k not in {"k1", "k2"}})
    assert plan.unserved
    for turn in (1, 2):
        parts = resplit(problem, plan, size=20, turn=turn)
        check_everything_once(problem, parts)
        for part in parts:
            names = {v.id for v in part.problem.visits}
            for vehicle in part.problem.vehicles:
                assert names.issuperset({*vehicle.prefix, *(vehicle.loaded or ())})
        assert {m for part in parts for m in part.problem.together} == set(problem.together)
        assert sum(len(part.problem.pairs) for part in parts) == len(problem.pairs)


def test_rounds_never_cost_more_and_end_on_request() -> None:
    problem = towns(3, hubs=2, visits=30, vehicles=4)
    costs: list[int] = []
    tasks: list[Task] = []

    def solve_part(task: Task) -> Solution:
        tasks.append(task)
        if task.part.present is None:
            return greedy(task.part.problem)
        return evaluate(task.part.problem, {})  # an engine that ignores the present plan

    def enough() -> bool:
        costs.append(len(tasks))
        return len(costs) > 2

    with pytest.raises(PartRefused):
        solve_in_parts(problem, lambda _task: Solution(), seconds=60, size=20)
    plan = solve_in_parts(problem, solve_part, seconds=600, size=20, should_stop=enough)
    assert check(problem, plan) == []
    assert {t.part.present is None for t in tasks} == {True, False}
    assert len({t.seed for t in tasks}) == len(tasks)
