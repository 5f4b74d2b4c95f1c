"""A plan that is being driven is changed as little as possible, and no visit gets lost."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.solver.model.problem import Break, Problem, VehicleShift, Visit, Window
from dispatch.solver.model.solution import Served, Solution, TakenBreak, Tour
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.insertion import places
from dispatch.solver.redispatch.carry_over import carry_over
from dispatch.solver.redispatch.change import Change, Disturbance, Redispatched
from dispatch.solver.redispatch.remaining import remaining_day
from dispatch.solver.redispatch.run import Improving, redispatch, replan
from dispatch.solver.referee.check import check
from dispatch.solver.solve import solve
from lastmile.core.errors import Invalid
from tests.dispatch.solver.problems import HOUR, line, rich

NOON = 3 * HOUR


def _day(seed: int, visits: int = 24, vehicles: int = 4) -> tuple[Problem, Solution]:
    """Return a random day and its plan; half the visits have no load and fit on any vehicle."""
    rng = random.Random(seed)
    problem = rich(seed, visits=visits, vehicles=vehicles)
    light = tuple(replace(v, demand=(0, 0)) if rng.random() < 0.5 else v for v in problem.visits)
    problem = replace(problem, visits=light)
    return problem, solve(problem, iterations=30, seed=seed).solution


def _change(problem: Problem, plan: Solution, seed: int) -> Change:
    """Return a change with new, moved and removed visits and a late vehicle."""
    rng = random.Random(seed)
    ahead = [s.visit for r in plan.routes for s in r.visits if s.start_s > NOON]
    some = rng.sample(ahead, min(4, len(ahead)))
    known = {v.id: v for v in problem.visits}
    new = tuple(
        replace(known[name], id=f"new-{name}", windows=(), skills=frozenset(), vehicles=None)
        for name in some[:2]
    )
    later = tuple(
        replace(known[name], windows=(Window(NOON + HOUR, NOON + 3 * HOUR),)) for name in some[2:3]
    )
    late = rng.choice([r.vehicle for r in plan.routes])
    return Change(
        visits=new + later,
        removed=frozenset(some[3:]),
        ready_s={late: NOON + rng.choice([0, 1_200])},
    )


def _check_commitments(result: Redispatched, plan: Solution) -> None:
    """Check that committed visits come first and goods on board stay with their vehicle."""
    sequences = result.solution.sequences
    for vehicle in result.problem.vehicles:
        sequence = sequences.get(vehicle.id, ())
        assert sequence[: len(vehicle.prefix)] == vehicle.prefix
        for visit in vehicle.loaded or ():
            elsewhere = [k for k, s in sequences.items() if visit in s and k != vehicle.id]
            assert elsewhere == []
    assert check(result.problem, result.solution) == []
    done = {s.visit for r in plan.routes for s in r.visits if s.start_s <= NOON}
    assert done.isdisjoint(v.id for v in result.problem.visits)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.integers(0, 2), st.integers(0, 2))
def test_committed_loaded_and_served_visits_stay(seed: int, committed: int, tries: int) -> None:
    problem, plan = _day(seed % 40)
    change = _change(problem, plan, seed)
    result = redispatch(
        problem,
        plan,
        change,
        now_s=NOON,
        committed=committed,
        improving=Improving(seconds=None, iterations=tries * 4),
    )
    _check_commitments(result, plan)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.integers(0, 3), st.sampled_from([0, 300, 1_800]))
def test_the_limits_of_disturbance_hold(seed: int, moves: int, shift: int) -> None:
    problem, plan = _day(seed % 40)
    rules = Disturbance(max_moves=moves, max_shift_s=shift)
    result = redispatch(
        problem,
        plan,
        _change(problem, plan, seed),
        now_s=NOON,
        disturbance=rules,
        improving=Improving(seconds=None, iterations=6),
    )
    _check_commitments(result, plan)
    assert len(result.moved) <= moves
    for one in result.retimed:
        assert abs(one.after_s - one.before_s) <= shift or one.visit in result.beyond


@pytest.mark.parametrize("seed", range(8))
def test_no_change_leaves_the_plan_as_it_is(seed: int) -> None:
    problem, plan = _day(seed)
    result = redispatch(
        problem, plan, Change(), now_s=NOON, improving=Improving(seconds=None, iterations=0)
    )
    assert result.moved == result.dropped == result.beyond == ()
    new = set(result.admitted)  # a visit that was left out may fit now
    sequences = {
        k: tuple(v for v in s if v not in new) for k, s in result.solution.sequences.items()
    }
    assert {k: s for k, s in sequences.items() if s} == {
        r.vehicle: ahead
        for r in plan.routes
        if (ahead := tuple(s.visit for s in r.visits if s.start_s > NOON))
    }


@pytest.mark.parametrize("seed", range(8))
def test_a_visit_that_fits_is_served_and_none_is_dropped(seed: int) -> None:
    problem, plan = _day(seed)
    day = remaining_day(problem, plan, Change(), now_s=NOON)
    spare = problem.visits[seed % len(problem.visits)]
    new = Visit("new", spare.place, 60, demand=(0, 0), unserved_cost=10**6)
    wide = replace(day.problem, visits=(*day.problem.visits, new))
    result = redispatch(
        problem,
        plan,
        Change(visits=(new,)),
        now_s=NOON,
        improving=Improving(seconds=None, iterations=5),
    )
    now = redispatch(
        problem, plan, Change(), now_s=NOON, improving=Improving(seconds=None, iterations=0)
    )
    assert result.dropped == ()
    if places(wide, now.solution, "new"):
        assert "new" in result.admitted
    served = {v for s in result.solution.sequences.values() for v in s} - {"new"}
    planned = {s.visit for r in plan.routes for s in r.visits}
    assert served >= {v for s in now.solution.sequences.values() for v in s if v in planned}


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_and_count_give_the_same_answer(seed: int) -> None:
    problem, plan = _day(seed)
    change = _change(problem, plan, seed)
    one, two = (
        redispatch(
            problem,
            plan,
            change,
            now_s=NOON,
            improving=Improving(seconds=None, iterations=12, seed=seed),
        )
        for _ in range(2)
    )
    assert one.solution == two.solution
    assert one.iterations == two.iterations == 12


@pytest.mark.parametrize("seed", range(4))
def test_improvement_never_costs_more(seed: int) -> None:
    problem, plan = _day(seed)
    change = _change(problem, plan, seed)
    before, after = (
        redispatch(
            problem, plan, change, now_s=NOON, improving=Improving(seconds=None, iterations=n)
        ).after.exact
        for n in (0, 30)
    )
    assert after <= before


def _two() -> tuple[Problem, Solution]:
    """Return two vehicles and four stops ten minutes apart; k has a and b, m has c and d."""
    problem = Problem(
        (line([0, 600, 1_200, 1_800, 2_400]),),
        tuple(Visit(name, at, 60, demand=(0,)) for at, name in enumerate("abcd", start=1)),
        tuple(
            VehicleShift(name, 0, 0, 0, 6 * HOUR, capacity=(5,), cost_per_hour=3_600)
            for name in "km"
        ),
        ("parcels",),
    )

    def route(vehicle: str, stops: list[tuple[str, int]], end_s: int, metres: int) -> Tour:
        served = tuple(Served(name, at, at, at + 60) for name, at in stops)
        return Tour(vehicle, 0, 0, served, end_s, metres, (0,))

    plan = Solution(
        (
            route("k", [("a", 600), ("b", 1_260)], 2_520, 24_000),
            route("m", [("c", 1_800), ("d", 2_460)], 4_920, 48_000),
        )
    )
    assert check(problem, plan) == []
    return problem, plan


def test_visits_of_a_lost_vehicle_go_to_another() -> None:
    problem, plan = _two()
    result = redispatch(
        problem,
        plan,
        Change(lost=frozenset({"m"})),
        now_s=700,
        improving=Improving(seconds=None, iterations=20),
    )
    assert sorted(result.solution.sequences["k"]) == ["b", "c", "d"]
    assert {(m.visit, m.before, m.after) for m in result.moved} == {
        ("c", "m", "k"),
        ("d", "m", "k"),
    }


def test_goods_on_a_lost_vehicle_are_fetched_where_it_is() -> None:
    problem, plan = _two()
    visits = tuple(replace(v, demand=(1,)) if v.id == "d" else v for v in problem.visits)
    problem = replace(problem, visits=visits)
    plan = replace(plan, routes=(plan.routes[0], replace(plan.routes[1], load=(1,))))
    assert check(problem, plan) == []
    result = redispatch(
        problem,
        plan,
        Change(lost=frozenset({"m"})),
        now_s=1_900,
        improving=Improving(seconds=None, iterations=20),
    )
    assert result.solution.sequences == {"k": ("fetch:d", "d")}
    fetch = result.problem.visits[result.problem.visit_index["fetch:d"]]
    assert fetch.place == problem.visits[2].place  # where m is: at c
    assert result.dropped == ()
    assert [(m.visit, m.after) for m in result.moved] == [("d", "k")]


def test_visits_of_a_lost_vehicle_are_not_counted_as_moved() -> None:
    problem, plan = _two()
    result = redispatch(
        problem,
        plan,
        Change(lost=frozenset({"m"})),
        now_s=700,
        disturbance=Disturbance(max_moves=0, max_shift_s=30),
        improving=Improving(seconds=None, iterations=5),
    )
    assert result.dropped == ()
    assert set(result.beyond) >= {"c", "d"}


def test_a_stranded_visit_does_not_displace_an_unaffected_one() -> None:
    """There is room for one of two visits, and the stranded one would be cheaper to serve."""
    visits = (
        Visit("stranded", 1, 60, demand=(1,), unserved_cost=10**6),
        Visit("far", 2, 60, demand=(1,), unserved_cost=10**6),
    )
    vehicles = tuple(
        VehicleShift(name, 0, 0, HOUR, 9 * HOUR, capacity=(1,), cost_per_km=100)
        for name in ("lost", "full")
    )
    problem = Problem((line([0, 60, 600]),), visits, vehicles, ("parcels",))
    plan = Draft(Context(problem), {0: [0], 1: [1]}).solution([])
    assert check(problem, plan) == []
    change = Change(lost=frozenset({"lost"}))
    result = redispatch(
        problem, plan, change, now_s=0, improving=Improving(seconds=None, iterations=500)
    )
    assert result.solution.sequences == {"full": ("far",)}
    assert [u.visit for u in result.dropped] == ["stranded"]


@pytest.mark.parametrize("threads", [1, 3])
def test_by_iterations_any_number_of_threads_gives_the_same_answer(threads: int) -> None:
    problem, plan = _day(2)
    result = redispatch(
        problem,
        plan,
        _change(problem, plan, 2),
        now_s=NOON,
        improving=Improving(seconds=None, iterations=40, threads=threads),
    )
    alone = redispatch(
        problem,
        plan,
        _change(problem, plan, 2),
        now_s=NOON,
        improving=Improving(seconds=None, iterations=40),
    )
    assert result.solution == alone.solution
    assert result.iterations == alone.iterations


def test_threads_search_in_parallel() -> None:
    problem, plan = _two()
    change = Change(ready_s={"m": 1_000})
    result = redispatch(
        problem, plan, change, now_s=700, improving=Improving(seconds=0.2, threads=2)
    )
    assert result.iterations > 0
    assert check(result.problem, result.solution) == []


def test_a_worker_that_has_loaded_the_engine_loads_nothing_more() -> None:
    """Run in a process of its own: the first change imports and links nothing."""
    script = """
import sys
from tests.dispatch.solver.test_redispatch import Change, Improving, _two, redispatch
from dispatch.solver.redispatch.engine import load

def linked():
    result = [v for m in list(sys.modules.values()) for v in vars(m).values()]
    made = {id(v): v for v in result if type(v).__name__ == "CPUDispatcher"}
    return {v.__name__: len(v.overloads) for v in made.values() if v.overloads}

assert "numba" not in sys.modules
assert load() is load()
before, names = linked(), set(sys.modules)
assert before
for change in (Change(lost=frozenset({"m"})), Change(ready_s={"m": 1_000})):
    redispatch(*_two(), change, now_s=700, improving=Improving(seconds=None, iterations=5))
assert linked() == before, linked()
later = set(sys.modules) - names
assert not {n for n in later if n.startswith(("dispatch", "numba", "llvmlite"))}, later
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_price_on_moving_keeps_a_visit_where_it_is() -> None:
    problem, plan = _two()
    change = Change(ready_s={"m": 3_600})
    free, dear = (
        redispatch(
            problem,
            plan,
            change,
            now_s=700,
            disturbance=Disturbance(per_move=price),
            committed=0,
            improving=Improving(seconds=None, iterations=40),
        )
        for price in (0, 10**6)
    )
    assert free.moved
    assert not dear.moved


def test_a_late_vehicle_retimes_its_stops() -> None:
    problem, plan = _two()
    result = redispatch(
        problem,
        plan,
        Change(ready_s={"m": 1_000}),
        now_s=700,
        improving=Improving(seconds=None, iterations=0),
    )
    assert {(r.visit, r.before_s, r.after_s) for r in result.retimed} == {
        ("c", 1_800, 2_800),
        ("d", 2_460, 3_460),
    }


def test_limits_are_reduced_by_what_is_done() -> None:
    problem, _ = _two()
    vehicle = replace(
        problem.vehicles[0],
        fixed_cost=90,
        max_distance_m=50_000,
        max_duration_s=9_000,
        max_stops=3,
        overtime_after_s=2_000,
        range_m=40_000,
        breaks=(Break(600, 900, 300), Break(3_000, 4_000, 60)),
    )
    visits = (replace(problem.visits[0], collect=(2,)), replace(problem.visits[1], demand=(1,)))
    problem = replace(problem, vehicles=(vehicle,), visits=visits)
    plan = Solution(
        (
            Tour(
                "k",
                0,
                0,
                (Served("a", 600, 600, 660), Served("b", 1_560, 1_560, 1_620)),
                2_880,
                24_000,
                (1,),
                (TakenBreak(0, 660, 960, 1),),
            ),
        )
    )
    assert check(problem, plan) == []
    day = remaining_day(problem, plan, Change(), now_s=700)
    (vehicle_now,) = day.problem.vehicles
    assert [v.id for v in day.problem.visits] == ["b"]
    assert (vehicle_now.start, vehicle_now.opens_s, vehicle_now.latest_start_s) == (1, 660, 660)
    assert (vehicle_now.fixed_cost, vehicle_now.max_distance_m, vehicle_now.max_duration_s) == (
        0,
        44_000,
        8_340,
    )
    assert (vehicle_now.max_stops, vehicle_now.overtime_after_s, vehicle_now.start_range_m) == (
        2,
        1_340,
        34_000,
    )
    assert vehicle_now.capacity == (3,)
    assert vehicle_now.breaks == (Break(660, 661, 300), vehicle.breaks[1])  # the break is under way
    late = remaining_day(problem, plan, Change(ready_s={"k": 2_000}), now_s=700).problem.vehicles[0]
    assert (late.opens_s, late.breaks) == (2_000, (vehicle.breaks[1],))
    assert (vehicle_now.prefix, vehicle_now.loaded) == (("b",), frozenset({"b"}))
    assert day.starts == {"b": 1_560}


def test_a_vehicle_still_at_the_hub_is_free_to_load_something_else() -> None:
    problem, plan = _two()
    later = replace(plan.routes[1], start_s=1_000)
    day = remaining_day(problem, replace(plan, routes=(plan.routes[0], later)), Change(), now_s=700)
    at_hub = day.problem.vehicles[1]
    assert (at_hub.opens_s, at_hub.prefix, at_hub.loaded) == (700, (), None)


def test_a_removed_stop_is_no_longer_committed() -> None:
    problem, plan = _two()
    day = remaining_day(problem, plan, Change(removed=frozenset({"b"})), now_s=700)
    assert day.problem.vehicles[0].prefix == ()
    assert day.problem.vehicles[0].opens_s == 700


def test_seconds_or_iterations_are_required() -> None:
    problem, plan = _two()
    with pytest.raises(Invalid):
        redispatch(problem, plan, Change(), now_s=0, improving=Improving(seconds=None))


def test_a_distant_visit_makes_room_for_a_stranded_one() -> None:
    """The only able vehicle is full; the visit it must hand over is far from the stranded one."""
    able, far = frozenset({"able"}), 59
    visits = (
        Visit("stranded", 1, 60, demand=(1,), unserved_cost=10**6, skills=able),
        Visit("far", far, 60, demand=(1,), unserved_cost=10**6),
        *(Visit(f"near {at}", 2 + at, 60, demand=(0,), unserved_cost=10**6) for at in range(40)),
    )
    nobody: frozenset[str] = frozenset()
    vehicles = tuple(
        VehicleShift(name, 0, 0, HOUR, 24 * HOUR, capacity=(1,), skills=skills, cost_per_km=100)
        for name, skills in (("lost", able), ("full", able), ("spare", nobody))
    )
    problem = Problem((line([60 * at for at in range(far + 1)]),), visits, vehicles, ("parcels",))
    plan = Draft(Context(problem), {0: [0], 1: [*range(2, len(visits)), 1]}).solution([])
    assert check(problem, plan) == []
    change = Change(lost=frozenset({"lost"}))
    result = redispatch(
        problem, plan, change, now_s=0, improving=Improving(seconds=None, iterations=3_000)
    )
    assert result.dropped == ()
    assert "stranded" in result.solution.sequences["full"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.booleans())
def test_a_plan_is_carried_over_to_a_day_read_again(seed: int, lose: bool) -> None:
    problem, plan = _day(seed % 40)
    rng = random.Random(seed)
    apart = {v for m in (*problem.together, *problem.apart) for v in m}
    free = [v.id for v in problem.visits if v.id not in apart and not v.group]
    free = [v for v in free if problem.visit_index[v] not in problem.partner]
    removed, new = set(free[:2]), replace(problem.visits[0], id="came", group="", windows=())
    lost = {rng.choice(plan.routes).vehicle} if lose else set[str]()
    now = replace(
        problem,
        visits=(
            *(
                replace(v, vehicles=None if v.vehicles is None else v.vehicles - lost or None)
                for v in problem.visits
                if v.id not in removed
            ),
            replace(new, vehicles=None),
        ),
        vehicles=tuple(v for v in problem.vehicles if v.id not in lost),
    )
    day = carry_over(now, plan, {"came"})
    home = {s.visit: r.vehicle for r in plan.routes for s in r.visits}
    assert day.drivers == {v: k for v, k in home.items() if v not in removed}
    assert day.stranded == {v for v, k in home.items() if k in lost} - removed
    beside = {v for v, k in home.items() if any(home.get(g) == k for g in removed)} - removed
    assert day.touched == {"came"} | beside | day.stranded
    result = replan(
        day, disturbance=Disturbance(max_moves=0), improving=Improving(seconds=None, iterations=4)
    )
    assert check(now, result.solution) == []
    assert result.moved == () or {m.before for m in result.moved} <= lost


def test_a_changed_visit_loses_its_old_time() -> None:
    problem, plan = _day(3)
    name = plan.routes[0].visits[0].visit
    assert name in carry_over(problem, plan).starts
    assert name not in carry_over(problem, plan, {name}).starts
    assert carry_over(problem, plan).touched == frozenset()
