"""The bound of an insertion's cost is never above the cost that the scan finds.

The search scans only gaps whose bound is low enough. A bound that is too high would hide a place
for ever. No other test would show it, because the plan would still be feasible.
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
    """A vehicle's route, ready for insertions."""

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
        """Load the route; return False if not even the committed stops are feasible."""
        self.state.codes[self.vehicle, : len(self.codes)] = self.codes
        self.state.count[self.vehicle] = len(self.codes)
        return bool(refresh(self.model, self.promise, self.state, self.room, self.vehicle))

    def bounded(self, visit: int, partner: int, gap: int, best: float) -> float:
        arguments = (self.model, self.promise, self.state, self.room, visit)
        if partner >= 0:
            return float(pair_in(*arguments, partner, self.vehicle, gap, best)[0])
        return float(alone_in(*arguments, self.vehicle, gap, best))

    def scanned(self, visit: int, partner: int, gap: int) -> float:
        """Return the added cost by the scan; for a pair, of the best place of its delivery."""
        ways = [self.codes]
        if partner >= 0:
            ends = range(gap, len(self.codes) + 1)
            ways = [[*self.codes[:then], partner, *self.codes[then:]] for then in ends]
        least = min(self.price([*way[:gap], visit, *way[gap:]]) for way in ways)
        return least if least >= INFINITE else least - float(self.state.cost[self.vehicle])


def drawn(rng: random.Random, problem: Problem) -> Board:
    """Draw a feasible route: committed stops, some single visits, some facilities."""
    vehicle = rng.randrange(len(problem.vehicles))
    it = problem.vehicles[vehicle]
    codes = [problem.visit_index[name] for name in it.prefix]
    board = Board(problem, vehicle, codes)
    alone = [at for at in range(len(problem.visits)) if board.model.visit[at, PARTNER] < 0]
    more = [at for at in alone if at not in codes]
    rng.shuffle(more)
    more = more[: rng.randint(0, 5)]
    more += [-1 - at for at in range(len(it.reloads) + len(it.chargers)) if rng.random() < 0.5]
    for code in more:
        at = rng.randint(len(it.prefix), len(board.codes))
        longer = [*board.codes[:at], code, *board.codes[at:]]
        if board.price(longer) < INFINITE:
            board.codes = longer
    return board


def check_gaps(rng: random.Random, problem: Problem) -> int:
    """Compare the bound of every gap of a route with the scan; return the number of gaps."""
    board = drawn(rng, problem)
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
                # With so small a margin only an exact price passes: no bound may exclude the gap.
                bound = board.bounded(visit, partner, gap, due + SLACK)
                assert bound == pytest.approx(due, abs=SLACK)
            gaps += 1
    return gaps


@pytest.mark.parametrize("feature", FEATURES)
def test_a_gap_costs_what_the_scan_says_with(feature: str) -> None:
    rng = random.Random(feature)
    loose = {"fleet", "demand", "windows", "breaks", "late", "release"}
    gaps = 0
    for trial in range(6 * TRIALS):
        others = rng.sample(sorted(loose - {feature}), trial % 4)
        problem = mixed(
            rng, visits=8, vehicles=2, features={feature, *others}, day=rng.choice([40, 80])
        )
        gaps += check_gaps(rng, problem)
    assert gaps > 20


@settings(max_examples=60 * TRIALS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(whole_problems(max_visits=8, day=80), st.randoms(use_true_random=False))
def test_a_gap_costs_what_the_scan_says(
    example: tuple[Problem, frozenset[str]], rng: random.Random
) -> None:
    check_gaps(rng, example[0])
