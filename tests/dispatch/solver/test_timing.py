"""Timing is exact: equal to trying all seconds, and its schedules are feasible."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.solver.model.problem import Break, Problem, VehicleShift, Visit, Window
from dispatch.solver.model.solution import Solution
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.gaps import gaps
from dispatch.solver.referee.check import Kind, check
from dispatch.solver.timing.lenient import lenient_route
from dispatch.solver.timing.timer import Timer
from tests.dispatch.solver import brute
from tests.dispatch.solver.problems import line
from tests.dispatch.solver.strategies import problems

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(problems(max_vehicles=1), st.randoms(use_true_random=False))
def test_the_least_working_time_is_what_trying_every_second_finds(problem: Problem, rng) -> None:
    order = list(range(len(problem.visits)))
    rng.shuffle(order)
    timer = Timer(problem)
    result = timer.shortest(0, order)
    assert result == brute.shortest(problem, 0, tuple(order))


@QUICK
@given(problems(max_vehicles=1))
def test_a_schedule_breaks_no_rule_of_time(problem: Problem) -> None:
    timer, order = Timer(problem), list(range(len(problem.visits)))
    route = timer.schedule(0, order)
    untimely = {Kind.CAPACITY, Kind.SKILL, Kind.VEHICLE, Kind.RANGE}
    if route is not None:
        assert route.end_s - route.start_s == timer.shortest(0, order)
        faults = check(problem, Solution((route,)))
        assert [f for f in faults if f.kind not in untimely] == []


@QUICK
@given(problems(max_vehicles=1))
def test_a_sequence_that_cannot_be_driven_is_timed_and_the_referee_says_why(
    problem: Problem,
) -> None:
    timer, order = Timer(problem), list(range(len(problem.visits)))
    late = lenient_route(timer, 0, order)
    assert [s.visit for s in late.visits] == [v.id for v in problem.visits]
    faults = {f.kind for f in check(problem, Solution((late,)))}
    assert not faults & {Kind.TRAVEL, Kind.STATED, Kind.DUPLICATE, Kind.UNKNOWN}
    if timer.schedule(0, order) is None:
        assert faults & {Kind.WINDOW, Kind.SHIFT, Kind.BREAK, Kind.DURATION}


@QUICK
@given(problems(max_visits=5, max_vehicles=2))
def test_gaps_are_exactly_the_places_where_the_tour_stays_feasible(problem: Problem) -> None:
    context = Context(problem)
    draft = Draft(
        context, {0: [v for v in range(1, len(problem.visits)) if 0 in context.may[v]][:3]}
    )
    tour = draft.tours[0]
    if not _holds(context, 0, tour.visits):
        return
    served = {(g.vehicle, g.position): g for g in gaps(draft, 0)} if 0 not in tour.visits else {}
    for position in range(len(tour.visits) + 1):
        visits = [*tour.visits[:position], 0, *tour.visits[position:]]
        holds = _holds(context, 0, visits)
        assert ((0, position) in served) == holds
        if holds:
            gap = served[0, position]
            before, after = (_measured(context, stops) for stops in (tour.visits, visits))
            assert (gap.added_s, gap.added_m) == (after[0] - before[0], after[1] - before[1])


def _measured(context: Context, visits: list[int]) -> tuple[int, int]:
    """Return the seconds and metres of a feasible tour of the first vehicle."""
    if not visits:
        return 0, 0
    seconds = context.timer.shortest(0, visits)
    assert seconds is not None
    return seconds, context.timer.chain(0, visits).distance


def _holds(context: Context, vehicle: int, visits: list[int]) -> bool:
    """Check the four rules of a tour: by the referee, and by brute force for the time."""
    problem = context.problem
    if not visits:
        return True
    if brute.shortest(problem, vehicle, tuple(visits)) is None:
        return False
    route = context.timer.schedule(vehicle, visits)
    return route is not None and not [
        f for f in check(problem, Solution((route,))) if f.kind is not Kind.MISSING
    ]


def test_work_begins_as_late_as_the_windows_allow() -> None:
    problem = Problem(
        (line([0, 600]),),
        (Visit("a", 1, 60, windows=(Window(7_200, 7_300),)),),
        (VehicleShift("k", 0, 0, 0, 30_000, loading_s=300),),
    )
    route = Timer(problem).schedule(0, [0])
    assert route is not None
    assert (route.start_s, route.depart_s) == (7_200 - 900, 7_200 - 600)
    assert route.end_s == 7_200 + 60 + 600


def test_a_break_while_waiting_costs_no_time() -> None:
    problem = Problem(
        (line([0, 600]),),
        (
            Visit("a", 1, 60, windows=(Window(1_000, 1_100),)),
            Visit("b", 1, 60, windows=(Window(5_000, 5_100),)),
        ),
        (VehicleShift("k", 0, 0, 0, 30_000, breaks=(Break(2_000, 3_000, 900),)),),
    )
    route = Timer(problem).schedule(0, [0, 1])
    assert route is not None
    (rest,) = route.breaks
    assert rest.before == 1
    assert 2_000 <= rest.start_s < 3_000
    assert route.end_s == 5_000 + 60 + 600


def test_a_break_outside_the_route_needs_no_place_in_it() -> None:
    def route(window: Window) -> int:
        problem = Problem(
            (line([0, 600]),),
            (Visit("a", 1, 60, windows=(window,)),),
            (VehicleShift("k", 0, 0, 0, 30_000, breaks=(Break(10_000, 11_000, 900),)),),
        )
        result = Timer(problem).schedule(0, [0])
        assert result is not None
        return len(result.breaks)

    assert route(Window(2_000, 2_001)) == 0  # done before it opens
    assert route(Window(20_000, 20_001)) == 0  # taken before work
    assert route(Window(10_000, 10_001)) == 0  # back at 10,660, rested from then on
    assert route(Window(10_950, 10_951)) == 1  # leaves at 10,350 and is back at 11,610
