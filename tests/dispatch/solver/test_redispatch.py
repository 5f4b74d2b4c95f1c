"""A plan that is being driven is changed as little as it takes, and nobody is lost on the way."""

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
    """A random day and its plan; half the visits bring nothing, so that anybody can take them."""
    lots = random.Random(seed)
    problem = rich(seed, visits=visits, vehicles=vehicles)
    light = tuple(replace(v, demand=(0, 0)) if lots.random() < 0.5 else v for v in problem.visits)
    problem = replace(problem, visits=light)
    return problem, solve(problem, iterations=30, seed=seed).solution


def _change(problem: Problem, plan: Solution, seed: int) -> Change:
    """Something of everything that can happen to a day."""
    lots = random.Random(seed)
    ahead = [s.visit for r in plan.routes for s in r.visits if s.start_s > NOON]
    some = lots.sample(ahead, min(4, len(ahead)))
    known = {v.id: v for v in problem.visits}
    new = tuple(
        replace(known[name], id=f"new-{name}", windows=(), skills=frozenset(), vehicles=None)
        for name in some[:2]
    )
    later = tuple(
        replace(known[name], windows=(Window(NOON + HOUR, NOON + 3 * HOUR),)) for name in some[2:3]
    )
    late = lots.choice([r.vehicle for r in plan.routes])
    return Change(
        visits=new + later,
        removed=frozenset(some[3:]),
        ready_s={late: NOON + lots.choice([0, 1_200])},
    )


def _kept(found: Redispatched, plan: Solution) -> None:
    """What is committed comes first, what is on board stays with its vehicle."""
    sequences = found.solution.sequences
    for vehicle in found.problem.vehicles:
        made = sequences.get(vehicle.id, ())
        assert made[: len(vehicle.prefix)] == vehicle.prefix
        for visit in vehicle.loaded or ():
            elsewhere = [k for k, s in sequences.items() if visit in s and k != vehicle.id]
            assert elsewhere == []
    assert check(found.problem, found.solution) == []
    done = {s.visit for r in plan.routes for s in r.visits if s.start_s <= NOON}
    assert done.isdisjoint(v.id for v in found.problem.visits)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.integers(0, 2), st.integers(0, 2))
def test_what_is_committed_loaded_or_done_stays(seed: int, committed: int, tries: int) -> None:
    problem, plan = _day(seed % 40)
    change = _change(problem, plan, seed)
    found = redispatch(
        problem,
        plan,
        change,
        now_s=NOON,
        committed=committed,
        improving=Improving(seconds=None, iterations=tries * 4),
    )
    _kept(found, plan)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.integers(0, 3), st.sampled_from([0, 300, 1_800]))
def test_the_bounds_on_what_is_disturbed_are_kept(seed: int, moves: int, shift: int) -> None:
    problem, plan = _day(seed % 40)
    rules = Disturbance(max_moves=moves, max_shift_s=shift)
    found = redispatch(
        problem,
        plan,
        _change(problem, plan, seed),
        now_s=NOON,
        disturbance=rules,
        improving=Improving(seconds=None, iterations=6),
    )
    _kept(found, plan)
    assert len(found.moved) <= moves
    for one in found.retimed:
        assert abs(one.after_s - one.before_s) <= shift or one.visit in found.beyond


@pytest.mark.parametrize("seed", range(8))
def test_nothing_happened_and_nothing_is_changed(seed: int) -> None:
    problem, plan = _day(seed)
    found = redispatch(
        problem, plan, Change(), now_s=NOON, improving=Improving(seconds=None, iterations=0)
    )
    assert found.moved == found.dropped == found.beyond == ()
    new = set(found.admitted)  # one that was left out may fit by now
    kept = {k: tuple(v for v in s if v not in new) for k, s in found.solution.sequences.items()}
    assert {k: s for k, s in kept.items() if s} == {
        r.vehicle: left
        for r in plan.routes
        if (left := tuple(s.visit for s in r.visits if s.start_s > NOON))
    }


@pytest.mark.parametrize("seed", range(8))
def test_a_visit_that_fits_gets_in_and_nobody_falls_out(seed: int) -> None:
    problem, plan = _day(seed)
    rest = remaining_day(problem, plan, Change(), now_s=NOON)
    spare = problem.visits[seed % len(problem.visits)]
    new = Visit("new", spare.place, 60, demand=(0, 0), unserved_cost=10**6)
    wide = replace(rest.problem, visits=(*rest.problem.visits, new))
    found = redispatch(
        problem,
        plan,
        Change(visits=(new,)),
        now_s=NOON,
        improving=Improving(seconds=None, iterations=5),
    )
    now = redispatch(
        problem, plan, Change(), now_s=NOON, improving=Improving(seconds=None, iterations=0)
    )
    assert found.dropped == ()
    if places(wide, now.solution, "new"):
        assert "new" in found.admitted
    kept = {v for s in found.solution.sequences.values() for v in s} - {"new"}
    planned = {s.visit for r in plan.routes for s in r.visits}
    assert kept >= {v for s in now.solution.sequences.values() for v in s if v in planned}


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
def test_improvement_never_makes_it_dearer(seed: int) -> None:
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
    """Two vehicles and four stops on a line, a minute apart; k has a and b, m has c and d."""
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
        made = tuple(Served(name, at, at, at + 60) for name, at in stops)
        return Tour(vehicle, 0, 0, made, end_s, metres, (0,))

    plan = Solution(
        (
            route("k", [("a", 600), ("b", 1_260)], 2_520, 24_000),
            route("m", [("c", 1_800), ("d", 2_460)], 4_920, 48_000),
        )
    )
    assert check(problem, plan) == []
    return problem, plan


def test_a_vehicle_that_falls_out_leaves_its_visits_to_another() -> None:
    problem, plan = _two()
    found = redispatch(
        problem,
        plan,
        Change(lost=frozenset({"m"})),
        now_s=700,
        improving=Improving(seconds=None, iterations=20),
    )
    assert sorted(found.solution.sequences["k"]) == ["b", "c", "d"]
    assert {(m.visit, m.before, m.after) for m in found.moved} == {("c", "m", "k"), ("d", "m", "k")}


def test_goods_on_a_vehicle_that_fell_out_are_fetched_where_it_stands() -> None:
    problem, plan = _two()
    visits = tuple(replace(v, demand=(1,)) if v.id == "d" else v for v in problem.visits)
    problem = replace(problem, visits=visits)
    plan = replace(plan, routes=(plan.routes[0], replace(plan.routes[1], load=(1,))))
    assert check(problem, plan) == []
    found = redispatch(
        problem,
        plan,
        Change(lost=frozenset({"m"})),
        now_s=1_900,
        improving=Improving(seconds=None, iterations=20),
    )
    assert found.solution.sequences == {"k": ("fetch:d", "d")}
    fetch = found.problem.visits[found.problem.visit_index["fetch:d"]]
    assert fetch.place == problem.visits[2].place  # where m stands: at c
    assert found.dropped == ()
    assert [(m.visit, m.after) for m in found.moved] == [("d", "k")]


def test_visits_without_a_choice_are_not_counted_as_moved() -> None:
    problem, plan = _two()
    found = redispatch(
        problem,
        plan,
        Change(lost=frozenset({"m"})),
        now_s=700,
        disturbance=Disturbance(max_moves=0, max_shift_s=30),
        improving=Improving(seconds=None, iterations=5),
    )
    assert found.dropped == ()
    assert set(found.beyond) >= {"c", "d"}


def test_a_stranded_visit_does_not_take_the_place_of_one_that_nothing_happened_to() -> None:
    """Room for one of two, and the one whose vehicle stands still would be the cheaper one."""
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
    found = redispatch(
        problem, plan, change, now_s=0, improving=Improving(seconds=None, iterations=500)
    )
    assert found.solution.sequences == {"full": ("far",)}
    assert [u.visit for u in found.dropped] == ["stranded"]


@pytest.mark.parametrize("threads", [1, 3])
def test_by_iterations_any_number_of_threads_gives_the_same_answer(threads: int) -> None:
    problem, plan = _day(2)
    found = redispatch(
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
    assert found.solution == alone.solution
    assert found.iterations == alone.iterations


def test_more_threads_search_beside_one_another() -> None:
    problem, plan = _two()
    change = Change(ready_s={"m": 1_000})
    found = redispatch(
        problem, plan, change, now_s=700, improving=Improving(seconds=0.2, threads=2)
    )
    assert found.iterations > 0
    assert check(found.problem, found.solution) == []


def test_a_worker_that_has_loaded_the_engine_waits_for_nothing_more() -> None:
    """In a process of its own: nothing is imported or linked by the first change."""
    asked = """
import sys
from tests.dispatch.solver.test_redispatch import Change, Improving, _two, redispatch
from dispatch.solver.redispatch.engine import load

def linked():
    found = [v for m in list(sys.modules.values()) for v in vars(m).values()]
    made = {id(v): v for v in found if type(v).__name__ == "CPUDispatcher"}
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
    subprocess.run([sys.executable, "-c", asked], check=True)


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
    found = redispatch(
        problem,
        plan,
        Change(ready_s={"m": 1_000}),
        now_s=700,
        improving=Improving(seconds=None, iterations=0),
    )
    assert {(r.visit, r.before_s, r.after_s) for r in found.retimed} == {
        ("c", 1_800, 2_800),
        ("d", 2_460, 3_460),
    }


def test_what_is_done_is_used_up() -> None:
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
    rest = remaining_day(problem, plan, Change(), now_s=700)
    (left,) = rest.problem.vehicles
    assert [v.id for v in rest.problem.visits] == ["b"]
    assert (left.start, left.opens_s, left.latest_start_s) == (1, 660, 660)
    assert (left.fixed_cost, left.max_distance_m, left.max_duration_s) == (0, 44_000, 8_340)
    assert (left.max_stops, left.overtime_after_s, left.start_range_m) == (2, 1_340, 34_000)
    assert left.capacity == (3,)
    assert left.breaks == (Break(660, 661, 300), vehicle.breaks[1])  # it is in it
    late = remaining_day(problem, plan, Change(ready_s={"k": 2_000}), now_s=700).problem.vehicles[0]
    assert (late.opens_s, late.breaks) == (2_000, (vehicle.breaks[1],))
    assert (left.prefix, left.loaded) == (("b",), frozenset({"b"}))
    assert rest.starts == {"b": 1_560}


def test_a_vehicle_still_at_the_hub_is_free_to_load_something_else() -> None:
    problem, plan = _two()
    later = replace(plan.routes[1], start_s=1_000)
    rest = remaining_day(
        problem, replace(plan, routes=(plan.routes[0], later)), Change(), now_s=700
    )
    at_hub = rest.problem.vehicles[1]
    assert (at_hub.opens_s, at_hub.prefix, at_hub.loaded) == (700, (), None)


def test_a_removed_stop_commits_nobody() -> None:
    problem, plan = _two()
    rest = remaining_day(problem, plan, Change(removed=frozenset({"b"})), now_s=700)
    assert rest.problem.vehicles[0].prefix == ()
    assert rest.problem.vehicles[0].opens_s == 700


def test_it_must_be_told_when_to_stop() -> None:
    problem, plan = _two()
    with pytest.raises(Invalid):
        redispatch(problem, plan, Change(), now_s=0, improving=Improving(seconds=None))


def test_a_lost_vehicle_s_visit_is_served_where_one_far_off_makes_room() -> None:
    """Only one vehicle may come, it is full, and whom it has to hand over is nobody's neighbour."""
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
    found = redispatch(
        problem, plan, change, now_s=0, improving=Improving(seconds=None, iterations=3_000)
    )
    assert found.dropped == ()
    assert "stranded" in found.solution.sequences["full"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.booleans())
def test_a_day_read_anew_takes_the_plan_over(seed: int, lose: bool) -> None:
    problem, plan = _day(seed % 40)
    lots = random.Random(seed)
    apart = {v for m in (*problem.together, *problem.apart) for v in m}
    free = [v.id for v in problem.visits if v.id not in apart and not v.group]
    free = [v for v in free if problem.visit_index[v] not in problem.partner]
    gone, came = set(free[:2]), replace(problem.visits[0], id="came", group="", windows=())
    lost = {lots.choice(plan.routes).vehicle} if lose else set[str]()
    now = replace(
        problem,
        visits=(
            *(
                replace(v, vehicles=None if v.vehicles is None else v.vehicles - lost or None)
                for v in problem.visits
                if v.id not in gone
            ),
            replace(came, vehicles=None),
        ),
        vehicles=tuple(v for v in problem.vehicles if v.id not in lost),
    )
    rest = carry_over(now, plan, {"came"})
    home = {s.visit: r.vehicle for r in plan.routes for s in r.visits}
    assert rest.drivers == {v: k for v, k in home.items() if v not in gone}
    assert rest.stranded == {v for v, k in home.items() if k in lost} - gone
    beside = {v for v, k in home.items() if any(home.get(g) == k for g in gone)} - gone
    assert rest.touched == {"came"} | beside | rest.stranded
    found = replan(
        rest, disturbance=Disturbance(max_moves=0), improving=Improving(seconds=None, iterations=4)
    )
    assert check(now, found.solution) == []
    assert found.moved == () or {m.before for m in found.moved} <= lost


def test_who_was_promised_another_hour_is_not_held_to_the_old_one() -> None:
    problem, plan = _day(3)
    name = plan.routes[0].visits[0].visit
    assert name in carry_over(problem, plan).starts
    assert name not in carry_over(problem, plan, {name}).starts
    assert carry_over(problem, plan).touched == frozenset()
