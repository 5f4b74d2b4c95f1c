"""The referee on a route with all rules: trips, a pair, alternatives, a battery, lateness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dispatch.solver.model.cost import cost
from dispatch.solver.model.problem import (
    Break,
    Charger,
    Pair,
    Problem,
    Slice,
    TravelTable,
    VehicleShift,
    Visit,
    Window,
)
from dispatch.solver.model.solution import (
    Charge,
    NotServed,
    Reason,
    Reload,
    Served,
    Solution,
    TakenBreak,
    Tour,
)
from dispatch.solver.referee.check import Kind, check

APART = 1 - np.eye(4, dtype=np.int32)  # every place is ten minutes and 6 km from every other
VAN = TravelTable("van", APART * 600, APART * 6_000)
K = VehicleShift(
    "k",
    0,
    0,
    0,
    8_000,
    capacity=(6,),
    fixed_cost=1_000,
    cost_per_km=100,
    cost_per_hour=3_600,
    loading_s=300,
    co2_mg_per_m=200,
    max_stops=6,
    overtime_after_s=6_000,
    overtime_cost_per_hour=7_200,
    reloads=(0,),
    max_trips=2,
    range_m=30_000,
    chargers=(Charger(2, 12_000),),
    prefix=("p",),
    breaks=(Break(4_900, 5_200, 60, paid=False),),
)
VISITS = (
    Visit("p", 1, 100, (0,)),
    Visit("d", 2, 100, (2,)),
    Visit(
        "a",
        3,
        100,
        (3,),
        (Window(0, 3_000),),
        release_s=1_000,
        max_late_s=301,
        late_cost_per_hour=3_600,
    ),
    Visit("g1", 2, 100, (1,), group="g", service_cost=50),
    Visit("g2", 2, 100, (1,), group="g"),
    Visit("b", 3, 100, (4,)),
    Visit("r", 1, 100, (0,), collect=(2,)),
)
PROBLEM = Problem(
    (VAN,),
    VISITS,
    (K, VehicleShift("other", 0, 0, 0, 20_000, capacity=(9,))),
    ("parcels",),
    pairs=(Pair("p", "d"),),
    together=(frozenset({"a", "b"}),),
    apart=(frozenset({"a", "b"}),),
    co2_cost_per_kg=10,
    fairness_cost=36,
)
ROUTE = Tour(
    "k",
    start_s=1_000,
    depart_s=1_300,
    visits=(
        Served("p", 1_900, 1_900, 2_000),
        Served("d", 2_600, 2_600, 2_700),
        Served("a", 3_300, 3_300, 3_400),
        Served("g1", 4_000, 4_000, 4_100),
        Served("b", 5_780, 5_780, 5_880),
        Served("r", 6_480, 6_480, 6_580),
    ),
    end_s=7_180,
    distance_m=48_000,
    load=(4,),
    reloads=(Reload(0, 4_820, 4_820, 5_120, 4, (4,)),),
    charges=(Charge(0, 4_100, 4_100, 4_220, 4),),
    breaks=(TakenBreak(0, 5_120, 5_180, 4),),
)
GOOD = Solution((ROUTE,))
Change = Callable[[], tuple[Problem, Solution]]


def _ask(**changes: object) -> tuple[Problem, Solution]:
    return _problem(vehicles=(replace(K, **changes), PROBLEM.vehicles[1])), GOOD  # type: ignore[arg-type]


def _problem(**changes: object) -> Problem:
    return replace(PROBLEM, **changes)  # type: ignore[arg-type]


def _visit(name: str, **changes: object) -> tuple[Problem, Solution]:
    visits = tuple(replace(v, **changes) if v.id == name else v for v in VISITS)  # type: ignore[arg-type]
    return _problem(visits=visits), GOOD


def _plan(**changes: object) -> tuple[Problem, Solution]:
    return PROBLEM, Solution((replace(ROUTE, **changes),))  # type: ignore[arg-type]


def _named(*names: str) -> tuple[Problem, Solution]:
    return PROBLEM, replace(GOOD, unserved=tuple(NotServed(n, Reason.NOT_WORTH) for n in names))


def _elsewhere() -> tuple[Problem, Solution]:
    """Serve b with another vehicle than a."""
    remaining = tuple(s for s in ROUTE.visits if s.visit != "b")
    alone = Tour("other", 0, 0, (Served("b", 600, 600, 700),), 1_300, 12_000, (4,))
    return PROBLEM, Solution((replace(ROUTE, visits=remaining), alone))


WHOLE: dict[str, tuple[Kind, Change]] = {
    "too late, even softly": (Kind.WINDOW, lambda: _visit("a", max_late_s=300)),
    "goods not released": (Kind.RELEASE, lambda: _visit("a", release_s=1_001)),
    "goods not released for the second trip": (Kind.RELEASE, lambda: _visit("b", release_s=4_821)),
    "goods not on board": (Kind.LOADED, lambda: _ask(loaded=frozenset({"a"}))),
    "goods on board come too late": (
        Kind.LOADED,
        lambda: _ask(loaded=frozenset({"a", "g1", "b"})),
    ),
    "not what is committed": (Kind.PREFIX, lambda: _ask(prefix=("d",))),
    "loads before what is committed": (
        Kind.PREFIX,
        lambda: _ask(prefix=("p", "d", "a", "g1", "b")),
    ),
    "fetched, then reloaded": (
        Kind.PAIR,
        lambda: _plan(reloads=(Reload(0, 2_000, 2_000, 2_300, 1, (8,)),)),
    ),
    "not together": (Kind.TOGETHER, _elsewhere),
    "not apart": (Kind.APART, lambda: (_problem(apart=(frozenset({"a", "g1"}),)), GOOD)),
    "an alternative named beside the one served": (Kind.GROUP, lambda: _named("g2")),
    "no alternative, none named": (
        Kind.MISSING,
        lambda: _plan(visits=tuple(s for s in ROUTE.visits if s.visit != "g1")),
    ),
    "too many stops": (Kind.STOPS, lambda: _ask(max_stops=5)),
    "too much on board behind the pickup": (Kind.CAPACITY, lambda: _ask(capacity=(5,))),
    "reloads elsewhere": (Kind.RELOAD, lambda: _ask(reloads=(1,))),
    "reloads too fast": (Kind.RELOAD, lambda: _ask(reload_s=301)),
    "a trip too many": (Kind.TRIPS, lambda: _ask(max_trips=1)),
    "states less load for the second trip": (
        Kind.STATED,
        lambda: _plan(reloads=(replace(ROUTE.reloads[0], load=(3,)),)),
    ),
    "charges too short": (Kind.CHARGE, lambda: _ask(chargers=(Charger(2, 11_999),))),
    "an empty battery": (Kind.CHARGE, lambda: _ask(range_m=23_999, start_range_m=23_999)),
    "no charge": (Kind.CHARGE, lambda: _plan(charges=())),
    "rests while loading": (
        Kind.BREAK,
        lambda: _plan(breaks=(TakenBreak(0, 5_119, 5_179, 4),)),
    ),
    "waits at nobody's expense": (
        Kind.BREAK,
        lambda: _plan(breaks=(TakenBreak(0, 5_120, 5_181, 4),)),
    ),
}


def test_the_plan_without_faults_has_no_violation() -> None:
    assert check(PROBLEM, GOOD) == []


@pytest.mark.parametrize("name", WHOLE)
def test_the_referee_finds(name: str) -> None:
    kind, change = WHOLE[name]
    problem, plan = change()
    assert kind in {v.kind for v in check(problem, plan)}


def test_an_unserved_group_is_named_once_and_paid_once() -> None:
    visits = tuple(s for s in ROUTE.visits if s.visit != "g1")
    route = replace(ROUTE, visits=visits, load=(3,))
    plan = Solution((route,), (NotServed("g1", Reason.NOT_WORTH),))
    faults = {v.kind for v in check(PROBLEM, plan)}
    assert not faults & {Kind.MISSING, Kind.GROUP, Kind.DUPLICATE}
    assert cost(PROBLEM, plan).unserved == 10**9


def test_the_parts_of_the_cost_add_up() -> None:
    result = cost(PROBLEM, GOOD)
    paid_s = 7_180 - 1_000 - 60
    assert result.fixed == 1_000
    assert result.distance == 4_800
    assert result.overtime == 240  # 120 s beyond 6,000 at two an hour's second
    assert result.late == 301  # the last second in time was 2,999
    assert result.service == 50
    assert result.co2 == 96  # 48 km at 0.2 g a metre: 9,600 g at 10 a kilogram
    assert result.fairness == round(36 * (paid_s / 3_600) ** 2)
    assert result.time == paid_s
    parts = result.fixed + result.distance + result.overtime + result.late + result.service
    assert result.total == parts + result.co2 + result.fairness + result.time + result.unserved


@pytest.mark.parametrize(("arrive", "holds"), [(2_301, True), (2_300, False)])
def test_a_drive_into_a_slower_hour_continues_at_the_speed_of_that_hour(
    arrive: int, holds: bool
) -> None:
    # Left at 1,300; 200 of 600 s are driven by 1,500, the last two thirds at 1,200 s the whole.
    slow = TravelTable("van", APART * 600, APART * 6_000, (Slice(1_500, APART * 1_200),))
    problem = Problem((slow,), (Visit("a", 1),), (VehicleShift("k", 0, 0, 0, 9_000),))
    route = Tour("k", 1_300, 1_300, (Served("a", arrive, arrive, arrive),), arrive + 1_200, 12_000)
    assert (check(problem, Solution((route,))) == []) is holds
