"""Explanations: what prevents a visit does prevent it, and the stated relaxations do admit it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dispatch.solver.formats.json import dumps
from dispatch.solver.model.cost import cost, missed_cost
from dispatch.solver.model.problem import Break, Pair, Problem, VehicleShift, Visit, Window
from dispatch.solver.model.solution import Solution
from dispatch.solver.placing.insertion import evaluate, places
from dispatch.solver.referee.check import check
from dispatch.solver.solve import solve
from dispatch.solver.why.answer import Relax, Relaxation, Way
from dispatch.solver.why.explainer import Explainer
from dispatch.solver.why.relax import relaxed, twin_name
from lastmile.core.errors import Invalid
from tests.dispatch.solver import brute
from tests.dispatch.solver.problems import line, rich
from tests.dispatch.solver.strategies import problems

MOST = 120  # seconds; more than a day of forty seconds needs


def _home(problem: Problem, way: Way) -> str:
    """Return the vehicle of a way, by its id in the relaxed problem."""
    if any(r.kind is Relax.ANOTHER_VEHICLE for r in way.relaxations):
        return twin_name(problem, way.place.vehicle)
    return way.place.vehicle


def _admits(problem: Problem, plan: Solution, visit: str, vehicle: str = "") -> bool:
    """Return True if some place for the visit gives a plan that passes the referee."""
    for place in places(problem, plan, visit):
        sequences = {k: list(v) for k, v in plan.sequences.items()}
        sequences.setdefault(place.vehicle, []).insert(place.position, visit)
        here = place.vehicle == vehicle or not vehicle
        if here and not check(problem, evaluate(problem, sequences)):
            return True
    return False


def _check_way(problem: Problem, plan: Solution, way: Way) -> None:
    """Check that the whole way admits the visit, and no part of it does."""
    whole = relaxed(problem, way.relaxations)
    home = _home(problem, way)
    assert _admits(whole, plan, way.place.visit, home)
    sequences = {k: list(v) for k, v in plan.sequences.items()}
    sequences.setdefault(home, []).insert(way.place.position, way.place.visit)
    result = evaluate(whole, sequences)
    assert check(whole, result) == []
    for at, one in enumerate(way.relaxations):
        fewer = [*way.relaxations[:at], *way.relaxations[at + 1 :]]
        if one.kind is not Relax.PRICE:
            assert not _admits(relaxed(problem, fewer), plan, way.place.visit)
        if one.amount > 1 and one.kind is not Relax.PRICE:
            less = [*way.relaxations[:at], replace(one, amount=one.amount - 1), *fewer[at:]]
            assert not _admits(relaxed(problem, less), plan, way.place.visit, home)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(max_visits=4))
def test_every_way_admits_the_visit_and_needs_all_its_relaxations(problem: Problem) -> None:
    plan = solve(problem, iterations=20).solution
    explainer = Explainer(problem, plan.sequences)
    for unserved in plan.unserved:
        result = explainer.explain(unserved.visit)
        assert result.complete
        assert result.place is None
        for way in result.ways:
            _check_way(problem, plan, way)
        for refusal in result.refusals:
            assert not _admits(problem, plan, unserved.visit, refusal.vehicle)
            for way in refusal.ways:
                assert _admits(
                    relaxed(problem, way.relaxations), plan, unserved.visit, refusal.vehicle
                )


def _candidates(problem: Problem, visit: Visit, vehicle: VehicleShift) -> Iterator[Relaxation]:
    """Yield all relaxations on a vehicle, each by more than any visit needs."""
    for kind in (Relax.WINDOW_LATER, Relax.WINDOW_EARLIER):
        yield Relaxation(kind, MOST, visit=visit.id)
    for kind in (Relax.SHIFT_LATER, Relax.SHIFT_EARLIER, Relax.START_LATER, Relax.DURATION,
                 Relax.BREAK_LATER, Relax.BREAK_EARLIER):  # fmt: skip
        yield Relaxation(kind, MOST, vehicle=vehicle.id)
    yield Relaxation(Relax.DISTANCE, 10_000, vehicle=vehicle.id)
    for dimension in problem.dimensions:
        yield Relaxation(Relax.CAPACITY, 100, vehicle=vehicle.id, what=dimension)
    yield Relaxation(Relax.VEHICLE, vehicle=vehicle.id, visit=visit.id)
    for skill in visit.skills:
        yield Relaxation(Relax.SKILL, vehicle=vehicle.id, what=skill)


def _by_brute_force(problem: Problem, tour: list[int], at: int, vehicle: int) -> bool:
    """Return True if the visit fits anywhere in the tour, by simulating each second."""
    return any(
        brute._may(problem, vehicle, order)
        and _near(problem, vehicle, order)
        and brute.shortest(problem, vehicle, order) is not None
        for order in ((*tour[:behind], at, *tour[behind:]) for behind in range(len(tour) + 1))
    )


def _near(problem: Problem, vehicle: int, order: tuple[int, ...]) -> bool:
    it = problem.vehicles[vehicle]
    where = [it.start, *(problem.visits[v].place for v in order), it.end]
    metres = problem.profiles[it.profile].distance_m
    driven = sum(int(metres[a, b]) for a, b in pairwise(where))
    return it.max_distance_m is None or driven <= it.max_distance_m


def _fewest(problem: Problem, tours: dict[str, list[int]], at: int, max_size: int) -> int | None:
    """Return the size of the smallest set that admits the visit, by trying every set."""
    visit = problem.visits[at]
    for size in range(max_size + 1):
        for number, vehicle in enumerate(problem.vehicles):
            tour = tours.get(vehicle.id, [])
            loose = list(_candidates(problem, visit, vehicle))
            if size == 1:
                names = [problem.visits[v].id for v in tour]
                loose += [Relaxation(Relax.WINDOW_LATER, MOST, visit=name) for name in names]
            for chosen in combinations(loose, size):
                if _by_brute_force(relaxed(problem, chosen), tour, at, number):
                    return size
    return None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(max_visits=3, max_vehicles=2), st.data())
def test_no_smaller_set_is_enough(problem: Problem, data: st.DataObject) -> None:
    plan = solve(problem, iterations=10).solution
    assume(plan.unserved)
    name = data.draw(st.sampled_from(plan.unserved)).visit
    result = Explainer(problem, plan.sequences).explain(name)
    tours = {k: [problem.visit_index[v] for v in visits] for k, visits in plan.sequences.items()}
    fewest = _fewest(problem, tours, problem.visit_index[name], 2)
    sizes = [len(way.relaxations) for refusal in result.refusals for way in refusal.ways]
    if result.alternatives:
        assert fewest == 0
    elif fewest is None:
        assert min(sizes, default=3) > 2
    else:
        assert min(sizes) == fewest


@pytest.mark.parametrize("seed", range(6))
def test_an_unserved_visit_is_admitted_by_its_ways(seed: int) -> None:
    problem = rich(seed, visits=40, vehicles=3)
    plan = solve(problem, iterations=10, seed=seed).solution
    explainer = Explainer(problem, plan.sequences)
    assert plan.unserved
    for unserved in plan.unserved:
        result = explainer.explain(unserved.visit)
        assert result.ways, unserved
        for way in result.ways[:2]:
            _check_way(problem, plan, way)


@pytest.mark.parametrize("seed", range(4))
def test_an_alternative_costs_exactly_its_stated_cost(seed: int) -> None:
    problem = rich(seed, visits=18, vehicles=3)
    plan = solve(problem, iterations=40, seed=seed).solution
    explainer, before = Explainer(problem, plan.sequences), cost(problem, plan)
    for route in plan.routes:
        for served in route.visits:
            result = explainer.explain(served.visit)
            assert result.place is not None
            assert result.place.vehicle == route.vehicle
            for other in result.alternatives:
                moved = {
                    k: [v for v in visits if v != served.visit]
                    for k, visits in plan.sequences.items()
                }
                moved.setdefault(other.vehicle, []).insert(other.position, served.visit)
                after = evaluate(problem, {k: v for k, v in moved.items() if v})
                assert check(problem, after) == []
                assert abs(cost(problem, after).total - before.total - other.cost) <= 2
            feasible = {a.vehicle for a in result.alternatives} | {route.vehicle}
            for refusal in result.refusals:
                assert refusal.vehicle not in feasible
                assert not _admits(problem, plan, served.visit, refusal.vehicle)


def _day(visit: Visit, **vehicle: object) -> Problem:
    """Return a problem: one vehicle serves a, 600 s away; the visit is 600 s farther."""
    fields: dict[str, object] = {"capacity": (10,), "closes_s": 3_600, "cost_per_hour": 3_600}
    return Problem(
        (line([0, 600, 1_200]),),
        (Visit("a", 1, 60, demand=(6,)), visit),
        (VehicleShift("k", 0, 0, 0, **(fields | vehicle)),),  # type: ignore[arg-type]
        ("weight_g",),
    )


def _ways_for_b(problem: Problem) -> list[tuple[Relaxation, ...]]:
    plan = evaluate(problem, {"k": ["a"]})
    result = Explainer(problem, plan.sequences).explain("b")
    for way in result.ways:
        _check_way(problem, plan, way)
    return [way.relaxations for way in result.ways]


def test_a_missed_window_is_counted_to_the_second() -> None:
    problem = _day(Visit("b", 2, demand=(1,), windows=(Window(0, 1_200),)))
    assert (Relaxation(Relax.WINDOW_LATER, 1, visit="b"),) in _ways_for_b(problem)


def test_overtime_is_counted_to_the_second() -> None:
    problem = _day(Visit("b", 2, demand=(1,)), closes_s=2_400)
    assert (Relaxation(Relax.SHIFT_LATER, 60, vehicle="k"),) in _ways_for_b(problem)


def test_capacity_is_counted_in_its_dimension() -> None:
    problem = _day(Visit("b", 2, demand=(7,)))
    ways = _ways_for_b(problem)
    assert (Relaxation(Relax.CAPACITY, 3, vehicle="k", what="weight_g"),) in ways
    assert (Relaxation(Relax.ANOTHER_VEHICLE, vehicle="k"),) in ways


def test_a_skill_and_a_window_are_needed_together() -> None:
    problem = _day(Visit("b", 2, demand=(1,), windows=(Window(0, 900),), skills=frozenset({"x"})))
    assert _ways_for_b(problem) == [
        (
            Relaxation(Relax.WINDOW_LATER, 301, visit="b"),
            Relaxation(Relax.SKILL, vehicle="k", what="x"),
        )
    ]


def test_a_break_that_prevents_a_visit_is_named() -> None:
    problem = _day(
        Visit("b", 2, 600, demand=(1,), windows=(Window(1_201, 1_202),)),
        breaks=(Break(1_300, 1_700, 600),),
        closes_s=9_000,
    )
    assert (Relaxation(Relax.BREAK_LATER, 102, vehicle="k"),) in _ways_for_b(problem)


def test_the_range_is_short_by_metres() -> None:
    problem = _day(Visit("b", 2, demand=(1,)), max_distance_m=20_000)
    assert (Relaxation(Relax.DISTANCE, 4_000, vehicle="k"),) in _ways_for_b(problem)


def test_stops_and_committed_stops_are_counted() -> None:
    problem = _day(Visit("b", 1, demand=(1,), windows=(Window(0, 640),)), max_stops=1)
    stops = Relaxation(Relax.STOPS, vehicle="k")
    assert (stops,) in _ways_for_b(
        replace(problem, visits=(problem.visits[0], Visit("b", 1, demand=(1,))))
    )
    early = replace(
        problem, vehicles=(replace(problem.vehicles[0], max_stops=None, prefix=("a",)),)
    )
    assert (Relaxation(Relax.PREFIX, vehicle="k"),) in _ways_for_b(early)


def _ways_in(problem: Problem, sequences: dict[str, list[str]]) -> list[tuple[Relaxation, ...]]:
    """Return the ways that admit b on any vehicle, each checked."""
    plan = evaluate(problem, sequences)
    result = Explainer(problem, plan.sequences).explain("b")
    for way in result.ways:
        _check_way(problem, plan, way)
    return [way.relaxations for way in result.ways]


def test_visits_that_must_be_apart_or_together() -> None:
    problem = _day(Visit("b", 2, demand=(1,)))
    apart = replace(problem, apart=(frozenset("ab"),))
    assert (Relaxation(Relax.APART, visit="b", what="a"),) in _ways_in(apart, {"k": ["a"]})
    other = replace(problem.vehicles[0], id="m", capacity=(0,))
    both = replace(
        problem, vehicles=(replace(problem.vehicles[0], capacity=(6,)), replace(other, id="m"))
    )
    tied = replace(
        both,
        together=(frozenset("ab"),),
        vehicles=(both.vehicles[0], replace(other, capacity=(3,))),
    )
    ways = _ways_in(tied, {"k": ["a"]})
    assert (Relaxation(Relax.TOGETHER, visit="b", what="a"),) in ways
    assert (Relaxation(Relax.CAPACITY, 1, vehicle="k", what="weight_g"),) in ways


def test_goods_not_on_board_are_named() -> None:
    problem = _day(Visit("b", 2, demand=(1,)), loaded=frozenset("a"))
    assert (Relaxation(Relax.LOADED, vehicle="k", visit="b"),) in _ways_in(problem, {"k": ["a"]})


def test_goods_released_too_late_for_the_trip_are_named() -> None:
    late = Visit("b", 2, demand=(1,), release_s=700)
    problem = replace(_day(late), visits=(Visit("a", 1, 60, (6,), (Window(0, 1_000),)), late))
    assert (Relaxation(Relax.RELEASE, visit="b", amount=301),) in _ways_in(problem, {"k": ["a"]})


def test_the_battery_is_short_by_metres() -> None:
    problem = _day(Visit("b", 2, demand=(1,)), range_m=20_000)
    assert (Relaxation(Relax.BATTERY, 4_000, vehicle="k"),) in _ways_in(problem, {"k": ["a"]})


def test_a_pair_is_admitted_as_one() -> None:
    problem = Problem(
        (line([0, 600, 1_200]),),
        (
            Visit("a", 1, 60, demand=(6,)),
            Visit("p", 1, 60, demand=(0,)),
            Visit("b", 2, 60, demand=(7,)),
        ),
        (VehicleShift("k", 0, 0, 0, 9_000, capacity=(6,)),),
        ("weight_g",),
        pairs=(Pair("p", "b"),),
    )
    way = Explainer(problem, {"k": ["a"]}).explain("b").ways[0]
    assert way.relaxations == (Relaxation(Relax.CAPACITY, 1, vehicle="k", what="weight_g"),)
    whole = relaxed(problem, way.relaxations)
    assert check(whole, evaluate(whole, {"k": ["a", "p", "b"]})) == []
    assert places(problem, evaluate(problem, {"k": ["a"]}), "b") == []


def test_an_alternative_may_be_another_of_its_group() -> None:
    problem = Problem(
        (line([0, 600, 1_200]),),
        (Visit("door", 2, 60, group="g"), Visit("locker", 1, 30, service_cost=40, group="g")),
        (VehicleShift("k", 0, 0, 0, 9_000, cost_per_hour=3_600),),
    )
    result = Explainer(problem, {"k": ["door"]}).explain("door")
    assert result.place is not None
    (other,) = result.alternatives
    assert (other.visit, other.vehicle, other.cost) == ("locker", "k", 40 - 1_230)


def test_another_stop_that_would_be_late_is_named_with_its_seconds() -> None:
    problem = Problem(
        (line([0, 600, 1_200]),),
        (
            Visit("a", 1, 60, windows=(Window(0, 700),)),
            Visit("b", 1, 120, windows=(Window(0, 601),)),
        ),
        (VehicleShift("k", 0, 0, 0, 9_000),),
    )
    assert (Relaxation(Relax.WINDOW_LATER, 21, visit="a"),) in _ways_for_b(problem)


def test_a_visit_not_worth_its_way_states_the_missing_price() -> None:
    problem = _day(Visit("b", 2, demand=(1,), unserved_cost=700, priority=1))
    plan = evaluate(problem, {"k": ["a"]})
    result = Explainer(problem, plan.sequences).explain("b")
    assert result.alternatives[0].cost == 1_200
    assert not result.ways  # 1,400 for missing it are more than 1,200
    poor = _day(Visit("b", 2, demand=(1,), unserved_cost=500, priority=1))
    (way,) = Explainer(poor, plan.sequences).explain("b").ways
    (one,) = way.relaxations
    assert (one.kind, one.amount) == (Relax.PRICE, 200)
    assert missed_cost(relaxed(poor, way.relaxations).visits[1]) == 1_200


def test_unused_vehicles_of_one_kind_are_tried_once() -> None:
    problem = _day(Visit("b", 2, demand=(11,)))
    spare = tuple(replace(problem.vehicles[0], id=f"s{at}") for at in range(5))
    more = replace(problem, vehicles=(*problem.vehicles, *spare))
    result = Explainer(more, {"k": ["a"]}).explain("b")
    assert [r.vehicle for r in result.refusals] == ["k", "s0"]


def test_an_answer_that_ran_out_of_time_says_so() -> None:
    problem = rich(1, visits=60, vehicles=4)
    plan = solve(problem, iterations=5).solution
    result = Explainer(problem, plan.sequences).explain(plan.routes[0].visits[0].visit, seconds=0)
    assert result.complete is False
    assert result.place is not None


def test_an_answer_is_plain_data() -> None:
    problem = _day(Visit("b", 2, demand=(7,)))
    data = Explainer(problem, {"k": ["a"]}).explain("b").to_json()
    assert '"kind":"capacity","amount":3' in dumps(data)


def test_unknown_ids_are_refused() -> None:
    problem = _day(Visit("b", 2, demand=(7,)))
    plan = evaluate(problem, {"k": ["a"]})
    with pytest.raises(Invalid):
        Explainer(problem, plan.sequences).explain("z")
    with pytest.raises(Invalid):
        Explainer(
            replace(problem, vehicles=(replace(problem.vehicles[0], id="m"),)), plan.sequences
        )
