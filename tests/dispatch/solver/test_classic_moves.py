"""Other moves of the classic engine: tail exchange, discount, polish by PyVRP."""

from __future__ import annotations

import random
import time
from typing import Any

import numpy as np
import pytest

from dispatch.solver.classic.arrays import BLINK, COUNT, FAR, KIND, MISSED, NEXT, PREV, SLOT
from dispatch.solver.classic.interface import Budget, Limit, SearchResult, Watch
from dispatch.solver.classic.model import Model, model_of
from dispatch.solver.classic.near import near_of
from dispatch.solver.classic.piece import Piece
from dispatch.solver.classic.place import best_gap_anywhere, best_gap_plain
from dispatch.solver.classic.search import Search
from dispatch.solver.classic.setup import Tours, cost_of
from dispatch.solver.classic.tails import exchange, exchange_cost
from dispatch.solver.classic.tuning import ROUNDS, STAGES
from dispatch.solver.engines.classic import _sequences
from dispatch.solver.engines.polish import polished
from dispatch.solver.model.problem import Problem, TravelTable, VehicleShift, Visit, Window
from dispatch.solver.placing.draft import Context
from dispatch.solver.solve import ENGINES, replay, solve
from tests.dispatch.solver.test_classic import scattered


def prepared(context: Context, iterations: int) -> tuple[Model, Search, Tours]:
    """Return a model, a search over it, and the plan that it finds."""
    model = model_of(context)
    assert model is not None
    search = Search(
        model,
        seed=4,
        threads=1,
        budget=Budget(iterations=iterations),
        watch=Watch(stopped=lambda: False, tell=lambda _done, _cost: None),
    )
    return model, search, search.run().plan


def piece_of(search: Search, plan: Tours) -> Piece:
    """Return a whole plan as one piece."""
    kinds = len(search.model.kinds)
    used = np.bincount(plan.kinds, minlength=kinds)
    free = np.array([len(k.vehicles) for k in search.model.kinds]) - used
    missed = np.setdiff1d(np.arange(1, search.model.size + 1), plan.visits)
    return search._piece(plan, np.arange(len(plan)), free, missed, 0, 0)


def arrays_of(piece: Piece) -> tuple[Any, ...]:
    """Return the arrays that each move takes."""
    terrain, state = piece.terrain, piece.state
    return (
        *(state.node, state.span, terrain.row, state.visit, state.tour),
        *(terrain.cost, terrain.time, terrain.metres),
    )


def true_cost(piece: Piece) -> int:
    """Return the cost of the piece's plan, computed again from its tours."""
    plan = piece.plan(best=False)
    local = {int(visit): at for at, visit in enumerate(piece.visits, start=1)}
    visits = np.array([local[int(v)] for v in plan.visits], np.int32)
    return cost_of(piece.terrain, piece.state, visits, plan.ends, plan.kinds)


def holds(context: Context, model: Model, plan: Tours) -> bool:
    """Return True if each tour of a plan is feasible by the module ``timing``."""
    for vehicle, visits in _sequences(model, plan).items():
        load = context.timer.load(visits)
        route = context.timer.schedule(vehicle, visits)
        if route is None or not context.fits(vehicle, load):
            return False
        it = context.problem.vehicles[vehicle]
        if it.max_distance_m is not None and route.distance_m > it.max_distance_m:
            return False
        if it.max_duration_s is not None and route.end_s - route.start_s > it.max_duration_s:
            return False
    return True


@pytest.mark.parametrize("hourly", [0, 1_800])
@pytest.mark.parametrize("seed", range(3))
def test_a_tail_exchange_is_feasible_and_costs_what_was_computed(seed: int, hourly: int) -> None:
    """A legal exchange gives a feasible plan; an illegal exchange breaks a rule."""
    context = Context(scattered(seed, visits=44, vehicles=18, hourly=hourly, room=(40, 30)))
    model, search, plan = prepared(context, 20)
    chances = {True: [], False: []}  # type: dict[bool, list[tuple[int, int]]]
    piece = piece_of(search, plan)
    node, tour, count = piece.state.node, piece.state.tour, model.size
    for name in range(1, count + 1):
        slot = node[name, SLOT]
        if slot < 0:
            continue
        others = [n for n in range(1, count + 1) if node[n, SLOT] not in (-1, slot)]
        empty = np.flatnonzero((tour[:, COUNT] == 0) & (tour[:, KIND] == tour[slot, KIND]))
        if node[name, NEXT] <= count and len(empty):  # the tour may be cut in two
            others.append(count + 1 + int(empty[0]))
        for other in others:
            if tour[node[other, SLOT], KIND] == tour[slot, KIND]:
                more = exchange_cost(*arrays_of(piece), name, other, FAR)
                chances[more < FAR].append((name, other))
    rng = random.Random(seed)
    assert min(len(pairs) for pairs in chances.values()) > 5
    for legal, pairs in chances.items():
        for name, other in rng.sample(pairs, min(40, len(pairs))):
            piece = piece_of(search, plan)
            state, before = piece.state, piece.now
            more = exchange_cost(*arrays_of(piece), name, other, FAR)
            exchange(*arrays_of(piece), state.free, state.num, name, other)
            assert holds(context, model, piece.plan(best=False)) == legal
            if legal:
                chain = state.node[:, [NEXT, PREV, SLOT]]
                assert all(
                    chain[chain[n, 0], 1] == n for n in range(1, len(chain)) if chain[n, 2] >= 0
                )
                assert true_cost(piece) == before + more


@pytest.mark.parametrize("alike", [True, False], ids=["one matrix", "cost and time"])
@pytest.mark.parametrize("slope", [0, 5], ids=["symmetric", "asymmetric"])
def test_the_fast_gap_search_finds_the_same_gap_as_the_full_search(alike: bool, slope: int) -> None:
    rng = np.random.default_rng(7)
    at = rng.integers(0, 9_000, (41, 2))
    seconds = np.hypot(*(at[:, None] - at[None, :]).T).astype(int) // 4
    seconds += slope * np.maximum(0, at[None, :, 1] - at[:, None, 1]) // 40
    way = seconds if alike else seconds * 3 + slope * 9 * (at[:, None, 0] > at[None, :, 0])
    problem = Problem(
        (TravelTable("van", seconds, way),),
        tuple(
            Visit(f"v{n}", n, 200, (1,), (Window(o := int(rng.integers(0, 9_000)), o + 7_200),))
            for n in range(1, 41)
        ),
        tuple(
            VehicleShift(f"van{n}", 0, 0, 0, 16_000, capacity=(9,), cost_per_km=1_000)
            for n in range(9)
        ),
        ("boxes",),
    )
    model, search, plan = prepared(Context(problem), 200)
    assert (model.full, model.alike) == (False, alike)
    lists = near_of(model, 1, lambda: False)
    assert lists is not None
    search.near = lists
    served = [plan.visits[a:z][::2] for a, z in zip(plan.starts, plan.ends, strict=True)]
    ends = np.cumsum([len(k) for k in served])
    piece = piece_of(search, Tours(np.concatenate(served), ends, plan.kinds))
    terrain, state = piece.terrain, piece.state
    assert len(terrain.cost) == len(terrain.time) == (1 if slope == 0 else 2)
    state.num[BLINK] = 1 << 40  # no gap is skipped
    limit, result = 1 << 30, []
    for name in state.missed[: state.num[MISSED]]:
        short = best_gap_plain(
            *(state.node, terrain.row, state.visit, state.tour, terrain.cost, terrain.time),
            *(terrain.before, terrain.after, 1.0, name, limit, state.num, state.word, state.tune),
        )
        whole = best_gap_anywhere(
            *(
                state.node,
                state.span,
                terrain.row,
                state.visit,
                state.tour,
                terrain.cost,
                terrain.time,
            ),
            *(terrain.metres, terrain.may, name, limit),
        )
        assert short[0] == whole[0]
        result.append(short[0] < limit)
    assert sum(result) > 10


def test_with_a_discount_the_best_plan_is_judged_by_its_true_cost() -> None:
    context = Context(scattered(5, visits=60, vehicles=16))
    model, search, plan = prepared(context, 0)
    result = near_of(model, 1, lambda: False)
    assert result is not None
    search.near = result
    piece = piece_of(search, plan)
    first = piece.best
    piece.set_discount(int(search.discount))
    assert search.discount > 0
    assert piece.best == piece.now == first
    for _ in range(20):
        search._iterate(piece, 50, first / model.size)
        piece.save_if_best()
    assert piece.best <= first
    piece.set_discount(0)
    assert piece.now == true_cost(piece) or piece.now > piece.best
    best = piece.plan(best=True)
    reported = piece.best
    whole = piece_of(search, best)
    assert whole.now == reported


@pytest.mark.parametrize("hourly", [0, 1_800])
def test_the_polish_improves_a_poor_plan_and_keeps_it_feasible(hourly: int) -> None:
    context = Context(scattered(7, visits=50, vehicles=14, hourly=hourly))
    model, search, plan = prepared(context, 0)
    piece = piece_of(search, plan)
    free = np.bincount(piece.kinds, minlength=len(model.kinds)) - np.bincount(
        plan.kinds, minlength=len(model.kinds)
    )
    limit = Limit(None, 150, lambda: False)
    better, count = polished(model, plan, free, seed=1, limit=limit)
    again, _ = polished(model, plan, free, seed=1, limit=limit)
    assert count == 150
    assert sorted(better.visits) == sorted(plan.visits)
    assert holds(context, model, better)
    assert piece_of(search, better).now < piece.now
    assert (better.visits.tolist(), better.ends.tolist()) == (
        again.visits.tolist(),
        again.ends.tolist(),
    )


@pytest.mark.parametrize("visits", [40, 620])
def test_the_cost_of_a_polished_plan_is_the_reported_cost(visits: int) -> None:
    """The reported cost of a search is that of its plan, polished or not."""
    context = Context(scattered(10, visits=visits, vehicles=visits // 4))
    model = model_of(context)
    assert model is not None
    bettered: list[int] = []

    def polisher(model: Model, plan: Tours, free: Any, *, seed: int, limit: Limit) -> Any:
        better, count = polished(model, plan, free, seed=seed, limit=limit)
        bettered.append(int(sorted(better.visits) == sorted(plan.visits)))
        return better, count

    search = Search(
        model,
        seed=1,
        threads=2,
        budget=Budget(until=time.perf_counter() + 0.5 + 0.008 * visits),
        watch=Watch(stopped=lambda: False, tell=lambda _done, _cost: None),
        polisher=polisher,
    )
    result = search.run()
    assert bettered
    assert all(bettered)
    assert piece_of(search, result.plan).now == result.cost


class _Hurried(Search):
    """A search with time for only three rounds and the polish, as on a busy machine."""

    def _slice_s(self, rounds: int) -> float:
        if rounds == ROUNDS - 2 and self.until is not None:
            self.until = 0.0
        return super()._slice_s(rounds)


def test_a_polished_search_without_time_for_all_rounds_can_be_repeated() -> None:
    model = model_of(Context(scattered(9, visits=620, vehicles=155)))
    assert model is not None

    def solve_within(budget: Budget) -> SearchResult:
        search = _Hurried(
            model,
            seed=2,
            threads=2,
            budget=budget,
            watch=Watch(stopped=lambda: False, tell=lambda _done, _cost: None),
        )
        search.polisher = _as_it_was
        return search.run()

    first = solve_within(Budget(until=time.perf_counter() + 3.0))
    parts = first.record[0]
    whole, three = 2 + STAGES * parts, 2 + 3 * parts * STAGES // ROUNDS
    assert all(first.record[2:three])
    assert not any(first.record[three:whole])
    assert any(first.record[whole:])
    again = solve_within(Budget(record=first.record))
    assert again.record == first.record
    assert again.cost == first.cost
    assert again.plan.visits.tolist() == first.plan.visits.tolist()


def _as_it_was(_model: Model, plan: Tours, _free: Any, **_: Any) -> tuple[Tours, int]:
    """Return the plan unchanged, as a polisher."""
    return plan, 1


@pytest.mark.parametrize("visits", [40, 620])
def test_a_polished_search_is_repeated_by_its_record(visits: int) -> None:
    problem = scattered(9, visits=visits, vehicles=visits // 4)
    ENGINES["core"]  # load the engine before the clock starts
    result = solve(problem, seconds=1.0 + 0.008 * visits, seed=2, threads=2)
    counts = result.work[0].counts
    assert len(counts) > 2 + 200 * counts[0], "no polisher took part"
    assert replay(problem, result.work).solution == result.solution
