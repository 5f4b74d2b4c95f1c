"""Feasible places for a visit with all rules, compared with plans that contain the visit."""

from __future__ import annotations

import random

import pytest

from dispatch.solver.model.cost import UNIT, cost, rounded, unserved_cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Charge, Reload, Solution, Tour
from dispatch.solver.placing.insertion import Board, evaluate, places
from dispatch.solver.referee.check import check
from dispatch.solver.solve import solve
from tests.dispatch.solver.features import FEATURES, mixed
from tests.dispatch.solver.trials import TRIALS

Stops = list[str | Reload | Charge]


def _drawn(seed: int) -> Problem:
    rng = random.Random(seed)
    # Committed stops (prefix) can be impossible to serve.
    features = [name for name in FEATURES if name != "prefix"]
    chosen = rng.sample(features, rng.randint(2, 12))
    return mixed(rng, visits=8, vehicles=3, features=chosen, unit=60)


def _stops(route: Tour, removed: set[str]) -> Stops:
    stops = [s if isinstance(s, Reload | Charge) else s.visit for s in route.stops]
    remaining: Stops = [s for s in stops if not isinstance(s, str) or s not in removed]
    return remaining if any(isinstance(s, str) for s in remaining) else []


def _ends(problem: Problem, visit: str) -> list[str]:
    """Return the visit, or both visits of its pair with the pickup first."""
    pair = next((p for p in problem.pairs if visit in (p.pickup, p.delivery)), None)
    return [visit] if pair is None else [pair.pickup, pair.delivery]


def _more_stops(plan: Solution, vehicle: str, stops: Stops) -> bool:
    """Return True if ``evaluate`` added reloads or charges, which ``places`` never does."""
    route = next(r for r in plan.routes if r.vehicle == vehicle)
    return len(route.stops) != len(stops)


def _by_hand(
    problem: Problem, base: dict[str, Stops], ends: list[str]
) -> dict[tuple[str, int, int | None], int]:
    """Return the exact added cost of each insertion that the referee accepts."""
    result: dict[tuple[str, int, int | None], int] = {}
    for vehicle in (v.id for v in problem.vehicles):
        stops = base.get(vehicle, [])
        for gap in range(len(stops) + 1):
            one: Stops = [*stops[:gap], ends[0], *stops[gap:]]
            candidates = [one] if len(ends) == 1 else []
            if len(ends) == 2:
                candidates = [[*one[:a], ends[1], *one[a:]] for a in range(gap + 1, len(one) + 1)]
            for trial in candidates:
                plan = evaluate(problem, {**base, vehicle: trial})
                wrong = [v for v in check(problem, plan) if v.vehicle == vehicle]
                broken = any(v.visit in ends for v in check(problem, plan))
                if wrong or broken or (stops and _more_stops(plan, vehicle, trial)):
                    continue
                named = unserved_cost(problem, (u.visit for u in plan.unserved))
                exact = cost(problem, plan).exact - named * UNIT
                order = [s for s in trial if isinstance(s, str)]
                second = order.index(ends[1]) if len(ends) == 2 else None
                key = (vehicle, order.index(ends[0]), second)
                result[key] = min(exact, result.get(key, exact))
    return result


@pytest.mark.parametrize("seed", range(25 * TRIALS))
def test_every_place_is_found_with_exactly_what_it_adds(seed: int) -> None:
    problem = _drawn(seed)
    plan = solve(problem, iterations=30, seed=seed, threads=1, engine="rich").solution
    board = Board(problem, plan)
    for visit in problem.visits[:3]:
        ends = _ends(problem, visit.id)
        removed = {*ends, *(problem.visits[at].id for at in problem.groups.get(visit.group, ()))}
        base = {r.vehicle: _stops(r, removed) for r in plan.routes}
        without = evaluate(problem, base)
        if any(v.vehicle for v in check(problem, without) if v.kind != "prefix"):
            continue  # its going breaks what is left: nothing to compare with
        named = unserved_cost(problem, (u.visit for u in without.unserved))
        before = cost(problem, without).exact - named * UNIT
        due = {key: rounded(exact - before) for key, exact in _by_hand(problem, base, ends).items()}
        got = {(p.vehicle, p.position, p.pair_position): p.cost for p in board.places(visit.id)}
        assert got == due, visit.id


def test_places_and_a_prepared_board_give_the_same_answer() -> None:
    problem = _drawn(3)
    plan = solve(problem, iterations=30, seed=1, threads=1, engine="rich").solution
    board = Board(problem, plan)
    for visit in problem.visits:
        assert board.places(visit.id) == places(problem, plan, visit.id) == board.places(visit.id)


def test_an_empty_plan_offers_every_vehicle_once() -> None:
    rng = random.Random(1)
    problem = mixed(rng, visits=3, vehicles=3, features=["breaks"], unit=60)
    result = places(problem, Solution(), "v0")
    assert sorted(p.vehicle for p in result) == [v.id for v in problem.vehicles]
    assert {p.position for p in result} == {0}
