"""The reasons of unserved visits are true; a visit that fits and is worth it is served."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from dispatch.solver.model.problem import Problem, VehicleShift, Visit, Window
from dispatch.solver.model.solution import Reason
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.explain import reasons
from dispatch.solver.placing.insertion import evaluate, places
from dispatch.solver.referee.check import check
from dispatch.solver.solve import solve
from tests.dispatch.solver import brute
from tests.dispatch.solver.problems import line
from tests.dispatch.solver.strategies import problems

LEFT = frozenset({Reason.NO_CAPACITY_LEFT, Reason.NOT_WORTH, Reason.LEFT_OUT})


def _truth(problem: Problem, at: int) -> Reason | None:
    """Return the first check that no vehicle passes, by brute force; None if one passes all."""
    visit = problem.visits[at]
    remaining = [v for v in problem.vehicles if visit.vehicles is None or v.id in visit.vehicles]
    if not remaining:
        return Reason.NO_SHIFT
    remaining = [v for v in remaining if visit.skills <= v.skills]
    if not remaining:
        return Reason.NO_SKILL
    remaining = [
        v for v in remaining if all(d <= c for d, c in zip(visit.demand, v.capacity, strict=True))
    ]
    if not remaining:
        return Reason.TOO_HEAVY

    def way(v: VehicleShift) -> int:
        metres = problem.profiles[v.profile].distance_m
        return int(metres[v.start, visit.place]) + int(metres[visit.place, v.end])

    remaining = [v for v in remaining if v.max_distance_m is None or way(v) <= v.max_distance_m]
    if not remaining:
        return Reason.OUT_OF_RANGE
    index = problem.vehicle_index
    if all(brute.shortest(problem, index[v.id], (at,)) is None for v in remaining):
        return Reason.WINDOW_IMPOSSIBLE
    return None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(max_visits=4))
def test_every_reason_is_what_brute_force_finds(problem: Problem) -> None:
    result = solve(problem, iterations=20)
    assert check(problem, result.solution) == []
    for unserved in result.solution.unserved:
        truth = _truth(problem, problem.visit_index[unserved.visit])
        if truth is not None:
            assert unserved.reason is truth
            continue
        fitting = places(problem, result.solution, unserved.visit)
        assert unserved.reason is not Reason.LEFT_OUT
        assert (unserved.reason is Reason.NO_CAPACITY_LEFT) == (not fitting)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(max_visits=3))
def test_small_plans_are_as_cheap_as_the_best_of_all_plans(problem: Problem) -> None:
    result = solve(problem, iterations=150, seed=1)
    least = brute.cheapest(problem)
    assert result.cost.exact >= least
    if not any(v.breaks for v in problem.vehicles):
        assert result.cost.exact == least


def _alone(**visit: object) -> Reason:
    problem = Problem(
        (line([0, 600]),),
        (Visit("a", 1, **visit),),  # type: ignore[arg-type]
        (
            VehicleShift("k", 0, 0, 0, 3_600, capacity=(10, 5), skills=frozenset({"lift"})),
            VehicleShift("m", 0, 0, 0, 3_600, capacity=(10, 5), skills=frozenset({"cold"})),
        ),
        ("weight_g", "parcels"),
    )
    (unserved,) = evaluate(problem, {}).unserved
    return unserved.reason


def test_each_cause_gives_its_reason() -> None:
    assert _alone(demand=(1, 1), vehicles=frozenset({"z"})) is Reason.NO_SHIFT
    assert _alone(demand=(1, 1), skills=frozenset({"cold", "lift"})) is Reason.NO_SKILL
    assert _alone(demand=(11, 1)) is Reason.TOO_HEAVY
    assert _alone(demand=(1, 1), windows=(Window(0, 600),)) is Reason.WINDOW_IMPOSSIBLE
    assert _alone(demand=(1, 1), windows=(Window(0, 601),)) is Reason.LEFT_OUT


def test_a_reason_names_the_dimension_and_the_skill() -> None:
    problem = Problem(
        (line([0, 600]),),
        (Visit("a", 1, demand=(11, 1)), Visit("b", 1, demand=(1, 1), skills=frozenset({"cold"}))),
        (VehicleShift("k", 0, 0, 0, 3_600, capacity=(10, 5), skills=frozenset({"lift"})),),
        ("weight_g", "parcels"),
    )
    heavy, cold = evaluate(problem, {}).unserved
    assert heavy.dimensions == ("weight_g",)
    assert cold.skills == ("cold",)


def test_without_time_only_reasons_that_need_no_trial_are_given() -> None:
    problem = Problem(
        (line([0, 600]),),
        (
            Visit("a", 1, demand=(11,)),
            Visit("b", 1, demand=(1,), skills=frozenset({"cold"})),
            Visit("c", 1, demand=(1,), windows=(Window(0, 600),)),
            Visit("d", 1, demand=(1,), windows=(Window(0, 600),)),
        ),
        (VehicleShift("k", 0, 0, 0, 3_600, capacity=(10,)),),
        ("parcels",),
    )
    answers = iter([False, True])
    draft = Draft(Context(problem))
    result = reasons(draft, draft.missing(), time_up=lambda: next(answers))
    assert [u.reason for u in result] == [
        Reason.TOO_HEAVY,
        Reason.NO_SKILL,
        Reason.WINDOW_IMPOSSIBLE,
        Reason.TIME_UP,
    ]


def test_no_capacity_left_and_not_worth_are_distinguished() -> None:
    problem = Problem(
        (line([0, 600]),),
        (
            Visit("a", 1, demand=(6,)),
            Visit("b", 1, demand=(5,)),
            Visit("c", 1, demand=(0,), unserved_cost=3),
        ),
        (VehicleShift("k", 0, 0, 0, 3_600, capacity=(10,), fixed_cost=0, cost_per_km=1_000),),
        ("weight_g",),
    )
    result = solve(problem, iterations=50).solution
    assert [(u.visit, u.reason) for u in result.unserved] in (
        [("a", Reason.NO_CAPACITY_LEFT)],
        [("b", Reason.NO_CAPACITY_LEFT)],
    )
    lonely = Problem(problem.profiles, problem.visits[2:], problem.vehicles, problem.dimensions)
    (remaining,) = solve(lonely, iterations=50).solution.unserved
    assert remaining.reason is Reason.NOT_WORTH


def test_an_edited_plan_that_breaks_rules_still_gets_times() -> None:
    problem = Problem(
        (line([0, 600]),),
        (
            Visit("a", 1, 60, windows=(Window(0, 700),)),
            Visit("b", 1, 60, windows=(Window(0, 700),)),
        ),
        (VehicleShift("k", 0, 0, 0, 3_600),),
    )
    plan = evaluate(problem, {"k": ["a", "b"]})
    assert [v.kind.value for v in check(problem, evaluate(problem, {"k": ["a", "a"]}))] == [
        "duplicate"
    ] or plan.routes[0].end_s == 600 + 120 + 600
    late = evaluate(
        Problem(
            problem.profiles,
            (problem.visits[0], Visit("b", 1, 60, windows=(Window(0, 660),))),
            problem.vehicles,
        ),
        {"k": ["a", "b"]},
    )
    assert [s.start_s for s in late.routes[0].visits] == [600, 660]


def test_the_places_of_a_visit_say_what_each_adds() -> None:
    problem = Problem(
        (line([0, 100, 200]),),
        (Visit("a", 1, 10), Visit("b", 2, 10)),
        (
            VehicleShift(
                "k", 0, 0, 0, 9_000, cost_per_km=1_000, cost_per_hour=3_600, co2_mg_per_m=500
            ),
            VehicleShift("m", 0, 0, 0, 9_000, cost_per_km=1_000, fixed_cost=7),
        ),
    )
    plan = evaluate(problem, {"k": ["a", "b"]})
    result = {(p.vehicle, p.position): p for p in places(problem, plan, "b")}
    assert set(result) == {("k", 0), ("k", 1), ("m", 0)}
    after = result["k", 1]
    assert (after.added_s, after.added_m, after.cost, after.co2_g) == (210, 2_000, 2_210, 1_000)
    assert result["m", 0].cost == 4_000 + 7
