"""The referee finds each fault that a test puts into a feasible plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dispatch.solver.model.problem import Break, Problem, VehicleShift, Visit, Window
from dispatch.solver.model.solution import NotServed, Reason, Solution, TakenBreak, Tour
from dispatch.solver.placing.insertion import evaluate
from dispatch.solver.referee.check import Kind, check
from tests.dispatch.solver.problems import line
from tests.dispatch.solver.test_check_whole import WHOLE

PROBLEM = Problem(
    (line([0, 600, 1_200]),),
    (
        Visit("a", 1, 100, (3,), (Window(2_000, 3_000), Window(6_000, 7_000))),
        Visit("b", 2, 100, (4,), (Window(6_000, 8_000),), skills=frozenset({"cold"})),
        Visit("c", 2, 100, (1,), vehicles=frozenset({"k"})),
    ),
    (
        VehicleShift(
            "k",
            start=0,
            end=0,
            opens_s=0,
            closes_s=20_000,
            latest_start_s=2_000,
            capacity=(8,),
            skills=frozenset({"cold"}),
            max_distance_m=24_000,
            max_duration_s=9_000,
            breaks=(Break(4_000, 5_000, 900),),
            loading_s=300,
        ),
        VehicleShift("other", 0, 0, 0, 20_000, capacity=(3,)),
    ),
    ("parcels",),
)
GOOD = evaluate(PROBLEM, {"k": ["a", "b", "c"]})
ROUTE = GOOD.routes[0]
Change = Callable[[], tuple[Problem, Solution]]


def _plan(**changes: object) -> tuple[Problem, Solution]:
    return PROBLEM, Solution((replace(ROUTE, **changes),))  # type: ignore[arg-type]


def _served(at: int, **changes: int) -> tuple[Problem, Solution]:
    visits = list(ROUTE.visits)
    visits[at] = replace(visits[at], **changes)
    return _plan(visits=tuple(visits))


def _vehicle(**changes: object) -> tuple[Problem, Solution]:
    it = replace(PROBLEM.vehicles[0], **changes)  # type: ignore[arg-type]
    return replace_vehicle(it), GOOD


def replace_vehicle(vehicle: VehicleShift) -> Problem:
    return Problem(
        PROBLEM.profiles, PROBLEM.visits, (vehicle, PROBLEM.vehicles[1]), PROBLEM.dimensions
    )


def _moved_break(start: int, end: int) -> tuple[Problem, Solution]:
    return _plan(breaks=(TakenBreak(0, start, end, 1),))


def _by_other() -> tuple[Problem, Solution]:
    plan = evaluate(PROBLEM, {"other": ["b", "c"], "k": ["a"]})
    return PROBLEM, plan


A, _, C = ROUTE.visits
CASES: dict[str, tuple[Kind, Change]] = {
    "begins before its window": (Kind.WINDOW, lambda: _served(0, start_s=1_999)),
    "begins as its window closes": (
        Kind.WINDOW,
        lambda: _served(0, start_s=3_000, depart_s=3_100),
    ),
    "too much on board": (Kind.CAPACITY, lambda: _vehicle(capacity=(7,))),
    "no skill": (Kind.SKILL, lambda: _vehicle(skills=frozenset())),
    "the wrong vehicle": (Kind.VEHICLE, _by_other),
    "starts before the shift": (Kind.SHIFT, lambda: _vehicle(opens_s=ROUTE.start_s + 1)),
    "starts too late": (Kind.SHIFT, lambda: _vehicle(latest_start_s=ROUTE.start_s - 1)),
    "ends after the shift": (Kind.SHIFT, lambda: _vehicle(closes_s=ROUTE.end_s - 1)),
    "works too long": (
        Kind.DURATION,
        lambda: _vehicle(max_duration_s=ROUTE.end_s - ROUTE.start_s - 1),
    ),
    "out of range": (Kind.RANGE, lambda: _vehicle(max_distance_m=23_999)),
    "no break": (Kind.BREAK, lambda: _plan(breaks=())),
    "a short break": (Kind.BREAK, lambda: _moved_break(4_000, 4_899)),
    "a break too early": (Kind.BREAK, lambda: _moved_break(3_999, 4_899)),
    "a break too late": (Kind.BREAK, lambda: _moved_break(5_000, 5_900)),
    "a break during service": (
        Kind.BREAK,
        lambda: _moved_break(ROUTE.visits[1].start_s - 10, ROUTE.visits[1].start_s + 890),
    ),
    "a break twice": (Kind.BREAK, lambda: _plan(breaks=ROUTE.breaks * 2)),
    "drives too fast": (Kind.TRAVEL, lambda: _served(0, arrive_s=A.arrive_s - 1)),
    "serves before it is there": (Kind.TRAVEL, lambda: _served(0, arrive_s=A.start_s + 1)),
    "leaves before it is done": (Kind.TRAVEL, lambda: _served(0, depart_s=A.depart_s - 1)),
    "leaves before it is loaded": (Kind.TRAVEL, lambda: _plan(depart_s=ROUTE.depart_s - 1)),
    "is back too early": (Kind.TRAVEL, lambda: _plan(end_s=ROUTE.end_s - 1)),
    "drives through its break": (
        Kind.TRAVEL,
        lambda: _moved_break(C.depart_s + 10, C.depart_s + 910),
    ),
    "states less way": (Kind.STATED, lambda: _plan(distance_m=ROUTE.distance_m - 1)),
    "states less load": (Kind.STATED, lambda: _plan(load=(7,))),
    "serves one twice": (
        Kind.DUPLICATE,
        lambda: (PROBLEM, replace(GOOD, unserved=(NotServed("a", Reason.NO_SKILL),))),
    ),
    "drives one vehicle twice": (Kind.DUPLICATE, lambda: (PROBLEM, Solution((ROUTE, ROUTE)))),
    "forgets one": (Kind.MISSING, lambda: _plan(visits=ROUTE.visits[:2])),
    "an unknown visit": (
        Kind.UNKNOWN,
        lambda: (PROBLEM, replace(GOOD, unserved=(NotServed("z", Reason.NO_SKILL),))),
    ),
    "an unknown vehicle": (Kind.UNKNOWN, lambda: _plan(vehicle="z")),
}


def test_the_plan_without_faults_has_no_violation() -> None:
    assert check(PROBLEM, GOOD) == []
    assert len(ROUTE.breaks) == 1


@pytest.mark.parametrize("name", CASES)
def test_the_referee_finds(name: str) -> None:
    kind, change = CASES[name]
    problem, plan = change()
    assert kind in {v.kind for v in check(problem, plan)}


def test_every_kind_of_violation_is_among_the_faults() -> None:
    assert {kind for kind, _ in (*CASES.values(), *WHOLE.values())} == set(Kind)


def test_a_violation_says_by_how_much_and_in_which_dimension() -> None:
    problem, plan = _vehicle(capacity=(5,))
    (fault,) = check(problem, plan)
    assert (fault.kind, fault.by, fault.dimension, fault.vehicle) == (
        Kind.CAPACITY,
        3,
        "parcels",
        "k",
    )


ANY_TIME = replace_vehicle(replace(PROBLEM.vehicles[0], latest_start_s=None))


def test_a_break_is_due_unless_it_fits_before_or_after_work() -> None:
    def faults(start: int, end: int) -> set[Kind]:
        plan = Solution((Tour("k", start, start + 300, (), end, 0, (0,)),))
        return {v.kind for v in check(ANY_TIME, plan)} - {Kind.MISSING, Kind.TRAVEL}

    assert faults(0, 4_999) == set()
    assert faults(4_900, 8_000) == set()
    assert faults(4_899, 5_000) == {Kind.BREAK}
