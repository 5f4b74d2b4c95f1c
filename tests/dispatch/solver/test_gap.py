"""What a gap is said to cost before anything is tried is never more than the scan finds.

The search asks the scan only where bounds leave hope. A bound that says too much would hide a
place for good; it would show nowhere else, for the plan found is sound all the same.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.solver.model.problem import Problem
from dispatch.solver.rich.gap import alone_in, first_gap, open_to, pair_in
from dispatch.solver.rich.layout import new_scratch
from dispatch.solver.rich.model import PARTNER, ROLE, lay_out
from dispatch.solver.rich.near import near
from dispatch.solver.rich.route import refresh
from dispatch.solver.rich.scan import INFINITE, scan
from dispatch.solver.rich.state import fresh, no_promises
from tests.dispatch.solver.features import FEATURES, mixed
from tests.dispatch.solver.strategies import whole_problems
from tests.dispatch.solver.trials import TRIALS

SLACK = 2.0  # of 1/UNIT: sums of floats


@dataclass
class Board:
    """One vehicle's route, ready for more visits."""

    problem: Problem
    vehicle: int
    codes: list[int]

    def __post_init__(self) -> None:
        self.model = lay_out(self.problem)
        self.room = new_scratch(self.model)
        self.state = fresh(self.model, near(self.model), 1, 0)
        self.promise = no_promises(self.model)

    def price(self, codes: list[int]) -> float:
        row = np.array(codes, dtype=np.int64)
        return float(scan(self.model, self.vehicle, row, len(row), self.room))

    def begin(self) -> bool:
        """Lay the route; False where not even what is committed can be driven."""
        self.state.codes[self.vehicle, : len(self.codes)] = self.codes
        self.state.count[self.vehicle] = len(self.codes)
        return bool(refresh(self.model, self.promise, self.state, self.room, self.vehicle))

    def bounded(self, visit: int, partner: int, gap: int, best: float) -> float:
        given = (self.model, self.promise, self.state, self.room, visit)
        if partner >= 0:
            return float(pair_in(*given, partner, self.vehicle, gap, best)[0])
        return float(alone_in(*given, self.vehicle, gap, best))

    def scanned(self, visit: int, partner: int, gap: int) -> float:
        """Return what the scan says of the gap; of a pair, of the best place of its delivery."""
        ways = [self.codes]
        if partner >= 0:
            ends = range(gap, len(self.codes) + 1)
            ways = [[*self.codes[:then], partner, *self.codes[then:]] for then in ends]
        least = min(self.price([*way[:gap], visit, *way[gap:]]) for way in ways)
        return least if least >= INFINITE else least - float(self.state.cost[self.vehicle])


def drawn(lots: random.Random, problem: Problem) -> Board:
    """Draw a route that holds: what is committed, some visits alone, some stops at facilities."""
    vehicle = lots.randrange(len(problem.vehicles))
    it = problem.vehicles[vehicle]
    codes = [problem.visit_index[name] for name in it.prefix]
    board = Board(problem, vehicle, codes)
    alone = [at for at in range(len(problem.visits)) if board.model.visit[at, PARTNER] < 0]
    more = [at for at in alone if at not in codes]
    lots.shuffle(more)
    more = more[: lots.randint(0, 5)]
    more += [-1 - at for at in range(len(it.reloads) + len(it.chargers)) if lots.random() < 0.5]
    for code in more:
        at = lots.randint(len(it.prefix), len(board.codes))
        longer = [*board.codes[:at], code, *board.codes[at:]]
        if board.price(longer) < INFINITE:
            board.codes = longer
    return board


def hold(lots: random.Random, problem: Problem) -> int:
    """Hold every gap of a route to the scan; return how many there were."""
    board = drawn(lots, problem)
    if not board.begin():
        return 0
    gaps = 0
    for visit in range(len(problem.visits)):
        partner = int(board.model.visit[visit, PARTNER])
        if visit in board.codes or (partner >= 0 and board.model.visit[visit, ROLE] != 1):
            continue
        if not all(board.model.may[v, board.vehicle] for v in (visit, partner) if v >= 0):
            continue
        if not open_to(board.model, board.state, board.vehicle, 2 if partner >= 0 else 1):
            continue
        for gap in range(int(first_gap(board.model, board.vehicle)), len(board.codes) + 1):
            due = board.scanned(visit, partner, gap)
            assert board.bounded(visit, partner, gap, INFINITE) == pytest.approx(due, abs=SLACK)
            if due < INFINITE:
                # So near to what it costs, only an exact price and no bound may decide.
                found = board.bounded(visit, partner, gap, due + SLACK)
                assert found == pytest.approx(due, abs=SLACK)
            gaps += 1
    return gaps


@pytest.mark.parametrize("feature", FEATURES)
def test_a_gap_costs_what_the_scan_says_with(feature: str) -> None:
    lots = random.Random(feature)
    loose = {"fleet", "demand", "windows", "breaks", "late", "release"}
    gaps = 0
    for trial in range(6 * TRIALS):
        others = lots.sample(sorted(loose - {feature}), trial % 4)
        problem = mixed(
            lots, visits=8, vehicles=2, features={feature, *others}, day=lots.choice([40, 80])
        )
        gaps += hold(lots, problem)
    assert gaps > 20


@settings(max_examples=60 * TRIALS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(whole_problems(max_visits=8, day=80), st.randoms(use_true_random=False))
def test_a_gap_costs_what_the_scan_says(
    drawn: tuple[Problem, frozenset[str]], lots: random.Random
) -> None:
    hold(lots, drawn[0])
