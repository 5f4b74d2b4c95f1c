"""The compiled scan under every constraint and every pair of them, compared with the oracle."""

from __future__ import annotations

import random
from collections.abc import Collection
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.solver.model.cost import UNIT, route_cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution
from dispatch.solver.referee.check import check
from dispatch.solver.rich.layout import new_scratch
from dispatch.solver.rich.model import lay_out
from dispatch.solver.rich.scan import INFINITE, scan
from dispatch.solver.rich.write import Writer
from tests.dispatch.solver.features import FEATURES, mixed
from tests.dispatch.solver.oracle import course
from tests.dispatch.solver.strategies import whole_problems
from tests.dispatch.solver.trials import TRIALS

RESTS = frozenset({"breaks", "unpaid"})


def chosen_by_rule(features: Collection[str]) -> bool:
    """Return True if the scan makes a choice by rule instead of trying all.

    It uses lateness either for the whole route or not at all. With breaks, it does not try every
    second of a break where travel differs by the hour.
    """
    names = set(features)
    return "late" in names or bool(names & RESTS and "hourly" in names)


def sequence(rng: random.Random, problem: Problem, vehicle: int) -> list[int]:
    """Draw some stops of a vehicle: one of a group at most, mostly committed stops first."""
    it, groups = problem.vehicles[vehicle], set()
    order = []
    for at in rng.sample(range(len(problem.visits)), rng.randint(1, len(problem.visits))):
        group = problem.visits[at].group
        if not group or group not in groups:
            order.append(at)
            groups.add(group)
    if rng.random() < 0.8:
        committed = [problem.visit_index[name] for name in it.prefix]
        groups_done = {problem.visits[at].group for at in committed} - {""}
        free = [at for at in order if at not in committed]
        order = committed + [at for at in free if problem.visits[at].group not in groups_done]
    for facility in range(len(it.reloads) + len(it.chargers)):
        if rng.random() < 0.5:
            order.insert(rng.randint(0, len(order)), -1 - facility)
    return order


def compare_seeded(seed: int, features: Collection[str], *, tries: int) -> None:
    """Compare the scan with the oracle on a seeded problem."""
    rng = random.Random(f"{seed} {sorted(features)}")
    problem = mixed(rng, visits=rng.randint(1, 4), vehicles=2, features=features)
    compare(rng, problem, tries=tries, by_rule=chosen_by_rule(features))


def compare(rng: random.Random, problem: Problem, *, tries: int, by_rule: bool) -> None:
    """Compare the scan's prices and routes of random sequences with the oracle's."""
    model = lay_out(problem)
    scratch = new_scratch(model)
    writer = Writer(problem, model, scratch)
    slack = 1 + (UNIT if problem.fairness_cost else 0)  # each route's fairness is rounded
    for _ in range(tries):
        vehicle = rng.randrange(len(problem.vehicles))
        codes = sequence(rng, problem, vehicle)
        groups = [problem.visits[c].group for c in codes if c >= 0 and problem.visits[c].group]
        if len(groups) > 1:
            continue  # committed to two alternatives: a fault of the problem, not of the sequence
        due = course(problem, vehicle, codes)
        price = scan(model, vehicle, np.array(codes), len(codes), scratch)
        route = writer.route(vehicle, codes)
        assert (route is None) == (price >= INFINITE)
        if due is None or route is None:
            assert route is None
            assert due is None or by_rule
            continue
        assert price >= due - slack
        assert price <= due + slack or by_rule
        cost_of_route = route_cost(problem, route).exact
        assert abs(cost_of_route - price) <= slack
        name = problem.vehicles[vehicle].id
        faults = check(problem, Solution((route,)))
        # One route cannot show where the other visits of a pair, group or set are.
        assert [f for f in faults if f.vehicle == name and f.kind not in {"pair", "prefix"}] == []


@pytest.mark.parametrize("seed", range(3 * TRIALS))
@pytest.mark.parametrize("feature", FEATURES)
def test_a_sequence_costs_the_least_it_can_with(feature: str, seed: int) -> None:
    compare_seeded(seed, {feature}, tries=6)


@pytest.mark.parametrize("pair", list(combinations(FEATURES, 2)), ids="-".join)
def test_a_sequence_costs_the_least_it_can_with_both(pair: tuple[str, str]) -> None:
    for seed in range(TRIALS):
        compare_seeded(seed, pair, tries=5)


@pytest.mark.parametrize("seed", range(60 * TRIALS))
def test_a_sequence_costs_the_least_it_can_with_many(seed: int) -> None:
    rng = random.Random(seed)
    compare_seeded(seed, rng.sample(list(FEATURES), rng.randint(3, 12)), tries=5)


@settings(max_examples=100 * TRIALS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(whole_problems(), st.randoms(use_true_random=False))
def test_a_sequence_costs_the_least_it_can(
    example: tuple[Problem, frozenset[str]], rng: random.Random
) -> None:
    problem, features = example
    compare(rng, problem, tries=3, by_rule=chosen_by_rule(features))
