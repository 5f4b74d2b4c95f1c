"""Many visits and little time: vectorised gaps, and limits by the clock."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from dispatch.solver.classic import search as search_module
from dispatch.solver.classic import tuning
from dispatch.solver.classic.interface import Budget, SearchResult, Watch
from dispatch.solver.classic.model import Model, model_of
from dispatch.solver.classic.search import Search
from dispatch.solver.classic.setup import Tours
from dispatch.solver.model.cost import UNIT, driven_exact
from dispatch.solver.model.solution import Reason
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.gaps import cheapest, gaps
from dispatch.solver.placing.repair import settle
from dispatch.solver.solve import ENGINES, solve
from tests.dispatch.solver.test_classic import scattered


def _tried(context: Context, draft: Draft, visit: int) -> set[tuple[int, int, int, int, int]]:
    """Return all feasible gaps, each found by scheduling the whole tour."""
    result = set()
    for vehicle in context.may[visit]:
        it, before = context.problem.vehicles[vehicle], draft.tours[vehicle]
        for position in range(len(before.visits) + 1):
            sequence = [*before.visits[:position], visit, *before.visits[position:]]
            lasts = context.timer.shortest(vehicle, sequence)
            metres = context.timer.chain(vehicle, sequence).distance
            fits = context.fits(vehicle, context.timer.load(sequence))
            if lasts is None or metres > context.ranges[vehicle] or not fits:
                continue
            added_s, added_m = lasts - (before.duration or 0), metres - before.distance
            exact = driven_exact(it, added_m, added_s)
            exact += 0 if before.visits else it.fixed_cost * UNIT
            result.add((vehicle, position, added_s, added_m, exact))
    return result


@pytest.mark.parametrize("dear", [False, True], ids=["usual", "past int64"])
def test_vectorised_gaps_equal_those_tried_one_by_one(dear: bool) -> None:
    problem = scattered(3, visits=24, vehicles=6, hourly=2_000)
    if dear:
        fleet = [replace(v, cost_per_km=10**11, cost_per_hour=10**11) for v in problem.vehicles]
        problem = replace(problem, vehicles=tuple(fleet))
    context = Context(problem)
    draft, waiting = Draft(context), list(range(24))
    random.Random(3).shuffle(waiting)
    seen = 0
    for visit in waiting:
        result = gaps(draft, visit)
        served = {(g.vehicle, g.position, g.added_s, g.added_m, g.exact) for g in result}
        assert served == _tried(context, draft, visit)
        assert [g.exact for g in result] == sorted(g.exact for g in result)
        first = cheapest(draft, visit)
        assert first == (result[0] if result else None)
        if first is not None:
            draft.insert(first.vehicle, first.position, visit)
        seen += len(result)
    assert seen > 200


def test_visits_that_are_not_tried_in_time_stay_unserved_with_time_up() -> None:
    problem = scattered(4, visits=20, vehicles=8)
    counter = iter(range(100))
    draft = settle(Context(problem), {}, time_up=lambda: next(counter) >= 5)
    assert len(draft.missing()) == 15
    assert settle(Context(problem), {}).missing() == []


def test_a_budget_shorter_than_the_first_plan_makes_no_lists_and_still_returns_a_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("There was no time for this.")

    problem = scattered(5, visits=450, vehicles=60)
    ENGINES["core"]  # load the engine before
    with monkeypatch.context() as patch:
        patch.setattr(search_module, "near_of", refused)
        result = solve(problem, seconds=0, engine="core")
    assert result.solution.routes
    assert {u.reason for u in result.solution.unserved} <= {Reason.TIME_UP}


@pytest.mark.parametrize("visits", [30, 450])
def test_a_stop_from_the_start_leaves_the_first_plan_which_is_repeated_by_its_record(
    visits: int,
) -> None:
    model = model_of(Context(scattered(6, visits=visits, vehicles=60)))
    assert model is not None

    def run(budget: Budget, *, stopped: bool) -> SearchResult:
        it = Search(
            model,
            seed=2,
            threads=2,
            budget=budget,
            watch=Watch(stopped=lambda: stopped, tell=lambda _done, _cost: None),
        )
        return it.run()

    first = run(Budget(until=float("inf")), stopped=True)
    assert sum(first.record[2:]) == 0
    again = run(Budget(record=first.record), stopped=False)
    assert again.cost == first.cost
    assert again.plan.visits.tolist() == first.plan.visits.tolist()


@pytest.mark.parametrize(
    ("visits", "threads", "pieces"),
    [(1_230, 1, 3), (1_230, 2, 4), (1_230, 3, 3), (3_000, 1, 3), (3_000, 2, 4), (5_000, 2, 4)],
)
def test_by_the_clock_each_thread_gets_the_same_number_of_pieces(
    visits: int, threads: int, pieces: int
) -> None:
    model = model_of(Context(scattered(7, visits=visits, vehicles=9)))
    assert model is not None
    search = Search(
        model,
        seed=1,
        threads=threads,
        budget=Budget(until=0.0),
        watch=Watch(stopped=lambda: False, tell=lambda _done, _cost: None),
    )
    assert search.pieces == pieces


def test_the_initial_discount_depends_on_the_size_and_the_start_plan() -> None:
    few, many = (
        model_of(Context(scattered(8, visits=visits, vehicles=5)))
        for visits in (tuning.MANY - 1, tuning.MANY)
    )
    assert few is not None
    assert many is not None

    def begins(model: Model, start: Tours | None = None) -> tuple[float, float]:
        search = Search(
            model,
            seed=1,
            threads=1,
            budget=Budget(iterations=0),
            watch=Watch(stopped=lambda: False, tell=lambda _done, _cost: None),
            start=start,
        )
        return search.hot, search.discount / float(search.away[1:].mean())

    assert begins(few) == (tuning.HOT, pytest.approx(tuning.DISCOUNT))
    assert begins(many) == (tuning.HOT, pytest.approx(tuning.DISCOUNT_OF_MANY))
    nothing = Tours(np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int32))
    assert begins(many, nothing) == (tuning.WARM, 0)
