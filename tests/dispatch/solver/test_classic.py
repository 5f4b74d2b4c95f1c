"""The classic engine: feasible and good plans, repeatable, stopped on request."""

from __future__ import annotations

import csv
import random
import time
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from dispatch.solver.classic import near
from dispatch.solver.classic.covers import covers, uncovered
from dispatch.solver.classic.interface import Budget, Watch
from dispatch.solver.classic.model import model_of
from dispatch.solver.classic.search import Search
from dispatch.solver.engines.base import SearchControl
from dispatch.solver.engines.classic import Classic
from dispatch.solver.formats.text import parse
from dispatch.solver.model.cost import UNIT, cost
from dispatch.solver.model.problem import Break, Problem, TravelTable, VehicleShift, Visit, Window
from dispatch.solver.placing.draft import Context
from dispatch.solver.referee.check import check
from dispatch.solver.solve import Steering, default_engines, replay, solve
from tests.shared import shared_data

HOUR = 3600


def scattered(
    seed: int,
    *,
    visits: int,
    vehicles: int,
    room: tuple[int, int] = (60, 40),
    price: int = 10**9,
    hourly: int = 0,
) -> Problem:
    """Return a random problem with asymmetric travel, two loads, windows, two kinds of vehicles."""
    rng = random.Random(seed)
    at = np.array([(rng.randint(0, 9_000), rng.randint(0, 9_000)) for _ in range(visits + 2)])
    way = np.abs(at[:, None] - at[None, :]).sum(axis=2)
    uphill = np.maximum(0, at[None, :, 1] - at[:, None, 1]) // 5
    seconds = (way + uphill) // 8
    np.fill_diagonal(seconds, 0)
    profiles = (
        TravelTable("van", seconds, way),
        TravelTable("bike", seconds * 3 // 2, way * 9 // 10),
    )
    stops = []
    for nth in range(visits):
        opens = rng.randint(0, 6) * HOUR
        stops.append(
            Visit(
                f"v{nth}",
                nth + 2,
                service_s=rng.choice([120, (300, 100)]),
                demand=(rng.randint(1, 10), rng.randint(1, 5)),
                windows=(Window(opens, opens + 3 * HOUR),) if rng.random() < 0.6 else (),
                unserved_cost=price,
                skills=frozenset({"cold"}) if rng.random() < 0.15 else frozenset(),
            )
        )
    fleet = [
        VehicleShift(
            f"k{nth}",
            start=nth % 2,
            end=nth % 2,
            opens_s=0,
            closes_s=10 * HOUR,
            profile=nth % 2,
            capacity=room,
            skills=frozenset({"cold"}) if nth % 2 == 0 else frozenset(),
            fixed_cost=2_000 * (1 + nth % 2),
            cost_per_km=45,
            cost_per_hour=hourly,
            loading_s=600 if nth % 2 else 0,
            max_distance_m=80_000 if nth % 2 else None,
            max_duration_s=9 * HOUR if nth % 3 == 0 else None,
        )
        for nth in range(vehicles)
    ]
    return Problem(profiles, tuple(stops), tuple(fleet), ("weight_g", "parcels"))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("hourly", [0, 1_800])
def test_plans_are_feasible(seed: int, hourly: int) -> None:
    problem = scattered(seed, visits=40, vehicles=9, hourly=hourly)
    assert default_engines(problem) == ("core",)
    result = solve(problem, iterations=3_000, seed=seed)
    assert check(problem, result.solution) == []
    assert not result.solution.unserved


def least(problem: Problem) -> int:
    """Return the least exact cost of a problem for one or two vehicles, by exhaustive search."""
    context = Context(problem)
    draft_cost: list[int] = []
    names = range(len(problem.visits))
    for order in permutations([*names, -1]):
        at = order.index(-1)
        rows = (order[:at], order[at + 1 :])
        routes = [context.timer.schedule(v, row) for v, row in enumerate(rows) if row]
        if any(r is None for r in routes):
            continue
        if any(not context.fits(v, context.timer.load(row)) for v, row in enumerate(rows) if row):
            continue
        if any(v not in context.may[n] for v, row in enumerate(rows) for n in row):
            continue
        exact = 0
        for v, row in enumerate(rows):
            if row:
                it, route = problem.vehicles[v], context.timer.schedule(v, row)
                assert route is not None
                if route.distance_m > (it.max_distance_m or 10**9):
                    break
                seconds = route.end_s - route.start_s
                if seconds > (it.max_duration_s or 10**9):
                    break
                exact += it.fixed_cost * UNIT
                exact += UNIT * route.distance_m * it.cost_per_km // 1000
                exact += UNIT * seconds * it.cost_per_hour // 3600
        else:
            draft_cost.append(exact)
    return min(draft_cost)


@pytest.mark.parametrize("seed", range(8))
def test_it_finds_the_best_plan_of_small_problems(seed: int) -> None:
    problem = scattered(seed, visits=6, vehicles=2, hourly=1_500 * (seed % 2))
    result = solve(problem, iterations=4_000, seed=1, engine="core")
    assert result.cost.exact == least(problem)


def test_a_visit_stays_unserved_if_serving_it_costs_more() -> None:
    seconds = np.array([[0, 100, 5_000], [100, 0, 5_000], [5_000, 5_000, 0]])
    problem = Problem(
        (TravelTable("van", seconds, seconds * 10),),
        (Visit("near", 1, unserved_cost=500), Visit("far", 2, unserved_cost=500)),
        (VehicleShift("k", 0, 0, 0, 10 * HOUR, cost_per_km=100),),
    )
    result = solve(problem, iterations=200, engine="core")
    assert [u.visit for u in result.solution.unserved] == ["far"]


@pytest.mark.parametrize("seed", range(4))
def test_a_small_fleet_leaves_the_visits_with_the_lowest_cost_unserved(seed: int) -> None:
    problem = scattered(seed, visits=40, vehicles=3, room=(50, 30))
    dear = replace(
        problem,
        visits=tuple(
            replace(v, unserved_cost=10**6 if n % 4 else 10**3, skills=frozenset())
            for n, v in enumerate(problem.visits)
        ),
    )
    result = solve(dear, iterations=20_000, seed=seed)
    assert check(dear, result.solution) == []
    out = [int(u.visit[1:]) for u in result.solution.unserved]
    cheap = sum(1 for n in out if n % 4 == 0)
    assert cheap >= 6, "of ten cheap ones"
    assert len(out) - cheap <= 2, "of thirty dear ones"


def test_breaks_are_supported_only_at_a_common_time() -> None:
    problem = scattered(3, visits=20, vehicles=4)
    lunch = Break(3 * HOUR, 5 * HOUR, 1_800)
    resting = replace(
        problem, vehicles=tuple(replace(v, breaks=(lunch,)) for v in problem.vehicles)
    )
    assert covers(resting)
    result = solve(resting, iterations=2_000)
    assert check(resting, result.solution) == []
    apart = replace(problem, apart=(frozenset({"v1", "v2"}),))
    assert uncovered(apart) == ["apart"]
    assert default_engines(apart) != ("core",)


@pytest.mark.parametrize("visits", [60, 610])
def test_a_search_by_iterations_gives_the_same_plan_with_any_number_of_threads(visits: int) -> None:
    problem = scattered(5, visits=visits, vehicles=visits // 5)
    plans = [
        solve(problem, iterations=2_000, seed=3, threads=threads).solution for threads in (1, 2, 2)
    ]
    assert plans[0] == plans[1] == plans[2]


@pytest.mark.parametrize("visits", [60, 610])
def test_a_search_by_the_clock_is_repeated_by_its_record(visits: int) -> None:
    problem = scattered(6, visits=visits, vehicles=visits // 5)
    result = solve(problem, seconds=0.6, seed=9, threads=2)
    assert replay(problem, result.work).solution == result.solution


def test_it_stops_on_request_and_returns_its_best_plan() -> None:
    problem = scattered(7, visits=100, vehicles=20)
    answers = iter([False, False])
    began = time.perf_counter()
    result = solve(problem, seconds=60, steering=Steering(should_stop=lambda: next(answers, True)))
    assert time.perf_counter() - began < 30
    assert result.stopped
    assert check(problem, result.solution) == []


def test_visits_that_no_vehicle_can_serve_are_left_out() -> None:
    problem = scattered(8, visits=10, vehicles=3)
    heavy = replace(problem.visits[0], demand=(1_000, 1))
    problem_with_heavy_visit = replace(problem, visits=(heavy, *problem.visits[1:]))
    proposal = Classic().search(
        Context(problem_with_heavy_visit), seed=0, control=SearchControl(0.0, counts=(500,))
    )
    assert 0 not in {v for row in proposal.sequences.values() for v in row}
    assert {v for row in proposal.sequences.values() for v in row} == set(range(1, 10))


@pytest.mark.parametrize(
    ("name", "iterations", "gap"), [("C104", 60_000, 0.5), ("R1_2_5", 150_000, 2.5)]
)
def test_plans_are_near_the_best_known(name: str, iterations: int, gap: float) -> None:
    folder = shared_data("vrptw")
    instance = parse((folder / f"{name}.txt").read_text())
    with (folder / "bks.csv").open() as rows:
        best_known = {r["instance"]: float(r["bks_dimacs"]) for r in csv.DictReader(rows)}
    result = solve(instance.problem, iterations=iterations, seed=1)
    price = cost(instance.problem, result.solution).exact / UNIT / instance.scale
    assert price <= best_known[name] * (1 + gap / 100)


@pytest.mark.parametrize("hourly", [0, 1_800])
def test_the_reported_cost_is_the_cost_of_the_plan(hourly: int) -> None:
    problem = scattered(11, visits=50, vehicles=14, hourly=hourly)
    model = model_of(Context(problem))
    assert model is not None
    result = Search(
        model,
        seed=1,
        threads=1,
        budget=Budget(iterations=2_000),
        watch=Watch(stopped=lambda: False, tell=lambda _done, _cost: None),
    ).run()
    settled = solve(problem, iterations=2_000, seed=1, threads=1)
    assert result.cost * model.divisor == settled.cost.exact


def test_a_whole_tour_moves_to_the_cheaper_of_two_vehicles() -> None:
    ways = np.array([[0, 50, 60], [50, 0, 10], [60, 10, 0]])
    problem = Problem(
        (TravelTable("van", ways, ways * 10),),
        (Visit("a", 1, demand=(3,)), Visit("b", 2, demand=(3,))),
        (
            VehicleShift(
                "large", 0, 0, 0, 9 * HOUR, capacity=(9,), fixed_cost=900, cost_per_km=100
            ),
            VehicleShift(
                "small", 0, 0, 0, 9 * HOUR, capacity=(6,), fixed_cost=300, cost_per_km=100
            ),
        ),
        ("boxes",),
    )
    result = solve(problem, iterations=200, engine="core")
    assert [r.vehicle for r in result.solution.routes] == ["small"]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_lists_of_neighbours_hold_the_nearest_by_cost_and_waiting(threads: int) -> None:
    model = model_of(Context(scattered(5, visits=3 * near.BLOCK, vehicles=8)))
    assert model is not None
    result = near.near_of(model, threads, lambda: False)
    assert result is not None
    metre, second = model.blend
    legs = np.ix_(model.places, model.places)
    drive = model.seconds[0][legs].astype(float)
    cost = metre * model.metres[model.cost_layers[0][0]][legs] + second * drive
    sample = slice(1, None, max(1, model.size // near.SAMPLE))
    pace = cost[sample, sample].mean() / drive[sample, sample].mean()
    leave = model.opens[:, None] + model.service[0][:, None] + drive
    late = model.closes[:, None] + model.service[0][:, None] + drive
    key = cost + near.WAITING * pace * np.maximum(0, model.opens[None, :] - late)
    key[leave > model.closes[None, :]] = np.inf
    for keys, lists in ((cost, result.around), (key, result.after), (key.T, result.before)):
        keys = keys.copy()
        np.fill_diagonal(keys, np.inf)
        keys[:, 0] = np.inf
        for visit in range(1, model.size + 1):
            names = lists[visit][lists[visit] > 0]
            nearest = np.sort(keys[visit])[: lists.shape[1]]
            assert np.allclose(keys[visit][names], nearest[np.isfinite(nearest)])
            assert len(set(names.tolist())) == len(names)


@pytest.mark.parametrize("threads", [1, 3])
def test_neighbour_lists_are_given_up_when_the_time_is_up(threads: int) -> None:
    model = model_of(Context(scattered(5, visits=6 * near.BLOCK, vehicles=8)))
    assert model is not None
    answers = iter([False] * 2 + [True] * 4)
    assert near.near_of(model, threads, lambda: next(answers)) is None
    assert len(list(answers)) == 3
