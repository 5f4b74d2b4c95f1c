"""Waves of picking: as cheap as the best of all plans, correct, repeatable and never refused."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.solver.side.waves import plan_waves
from dispatch.solver.side.waves_problem import Floor, Goods, Wave, judge, price_of
from lastmile.core.errors import Invalid

HOUR = 3600


@st.composite
def floors(draw: st.DrawFn, most: int = 3) -> Floor:
    """Draw a floor so small that every plan of it can be tried."""
    goods = []
    for n in range(draw(st.integers(1, most))):
        due = draw(st.integers(0, 6))
        leaves = due + draw(st.integers(0, 3))
        goods.append(Goods(f"g{n}", draw(st.integers(0, 5)), due, leaves))
    return Floor(
        tuple(goods),
        opens_s=draw(st.integers(0, 2)),
        pickers=draw(st.integers(1, 2)),
        setup_s=draw(st.integers(0, 2)),
        lanes=draw(st.sampled_from([None, 1, 2])),
        most=draw(st.sampled_from([None, 1, 2])),
        wave_cost=draw(st.integers(0, 2)),
        late_cost_per_hour=draw(st.sampled_from([0, 900, 7_200])),
        staged_cost_per_hour=draw(st.sampled_from([0, 60, 3_600])),
    )


def groupings(names: Sequence[str]) -> Iterator[list[tuple[str, ...]]]:
    """Yield every way to put names into groups that follow one another."""
    if not names:
        yield []
        return
    head, rest = names[0], names[1:]
    for groups in groupings(rest):
        for at in range(len(groups) + 1):
            yield [*groups[:at], (head,), *groups[at:]]
        for at, group in enumerate(groups):
            yield [*groups[:at], (head, *group), *groups[at + 1 :]]


def cheapest_price(floor: Floor) -> int:
    """Return the price of the best plan, by trying every grouping at every second."""
    work = {it.id: it.work_s for it in floor.goods}
    horizon = 12 + sum(work.values()) + len(work) * (floor.setup_s + 3)
    best: int | None = None

    def place(groups: list[tuple[str, ...]], waves: list[Wave]) -> None:
        nonlocal best
        if not groups:
            if not judge(floor, waves):
                price = price_of(floor, waves).exact
                best = price if best is None else min(best, price)
            return
        lasts = floor.setup_s + -(-sum(work[n] for n in groups[0]) // floor.pickers)
        for start in range(waves[-1].end_s if waves else floor.opens_s, horizon):
            place(groups[1:], [*waves, Wave(start, start + lasts, groups[0])])

    for groups in groupings(sorted(work)):
        place(groups, [])
    assert best is not None
    return best


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(floors(most=2))
def test_two_routes_cost_what_trying_everything_says(floor: Floor) -> None:
    result = plan_waves(floor, work=5.0)
    assert result.proven
    assert judge(floor, result.waves) == []
    assert result.price.exact == cheapest_price(floor)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(floors(most=3))
def test_three_routes_cost_what_trying_everything_says(floor: Floor) -> None:
    result = plan_waves(floor, work=5.0)
    assert result.proven
    assert result.price.exact == cheapest_price(floor)


def morning(routes: int = 40, **fields: Any) -> Floor:
    """Return a hub's morning: routes leave from eight to eleven, each with some forty parcels."""
    goods = tuple(
        Goods(f"r{n}", 600 + 137 * n % 900, due := 2 * HOUR + 270 * n, due + 900)
        for n in range(routes)
    )
    defaults: dict[str, Any] = {
        "pickers": 6, "setup_s": 300, "lanes": 12, "wave_cost": 200, "most": 8,
    }  # fmt: skip
    return Floor(goods, **(defaults | fields))


def scarce_morning(seed: int, routes: int) -> Floor:
    """Return a morning with two bursts of departures and sometimes few pickers or lanes."""
    rng = random.Random(seed)
    goods = []
    for n in range(routes):
        due = rng.choice([7200, 7200, 7500, 9000, 12600, 12600, 13500]) + rng.randrange(900)
        work = rng.randrange(300, 4000)
        goods.append(Goods(f"r{n}", work, due, due + rng.choice([600, 900, 1500])))
    return Floor(
        tuple(goods), pickers=rng.choice([2, 4, 6]), setup_s=300, wave_cost=200,
        lanes=rng.choice([4, 6, 12, None]), most=rng.choice([None, 5, 8]),
    )  # fmt: skip


def test_the_search_beats_groups_by_due_time_and_is_repeatable() -> None:
    floor = scarce_morning(4, 8)
    plain, result = plan_waves(floor, work=0), plan_waves(floor, work=2.0, seed=1)
    assert judge(floor, result.waves) == []
    assert result.proven
    assert result.price.exact < 0.95 * plain.price.exact
    larger = scarce_morning(11, 20)
    result = plan_waves(larger, work=0.05, seed=1)
    assert judge(larger, result.waves) == []
    assert result == plan_waves(larger, work=0.05, seed=1)


def test_bounds_between_groups_are_moved_to_where_they_are_best() -> None:
    floor = scarce_morning(6, 40)
    result = plan_waves(floor, work=0)
    order = sorted(floor.goods, key=lambda it: (it.due_s, it.leaves_s, it.id))
    place = {it.id: at for at, it in enumerate(order)}
    assert [place[n] for w in result.waves for n in w.goods] == list(range(40))
    sizes = {len(wave.goods) for wave in result.waves}
    assert len(sizes) > 2, "groups of equal size would have two sizes at most"


@settings(max_examples=25, deadline=None)
@given(floors(most=3), st.integers(0, 3))
def test_more_work_never_costs_more(floor: Floor, seed: int) -> None:
    plain, result = plan_waves(floor, work=0), plan_waves(floor, work=0.05, seed=seed)
    assert judge(floor, plain.waves) == judge(floor, result.waves) == []
    assert result.price.exact <= plain.price.exact


def test_one_lane_makes_waves_late_but_never_infeasible() -> None:
    floor = morning(6, lanes=1, opens_s=2 * HOUR, most=None)
    result = plan_waves(floor, work=0.1)
    assert [len(wave.goods) for wave in result.waves] == [1] * 6
    assert result.price.late > 0
    assert plan_waves(Floor(())).waves == ()


def broken(floor: Floor, waves: Sequence[Wave]) -> Iterator[tuple[str, list[Wave]]]:
    """Yield plans that break one rule each."""
    first, *rest = waves
    yield "a route forgotten", [replace(first, goods=first.goods[1:]), *rest]
    yield "a route twice", [*waves, first]
    yield "a stranger", [replace(first, goods=("who", *first.goods)), *rest]
    yield "too quick", [replace(first, end_s=first.end_s - 1), *rest]
    early = floor.opens_s - 1 - first.start_s
    yield "too early", [Wave(first.start_s + early, first.end_s + early, first.goods), *rest]
    last, shift = waves[-1], waves[-1].start_s - waves[-2].end_s + 1
    yield "side by side", [*waves[:-1], Wave(last.start_s - shift, last.end_s - shift, last.goods)]
    yield "empty", [*waves, Wave(last.end_s, last.end_s + floor.setup_s, ())]


@pytest.mark.parametrize("at", range(7))
def test_the_referee_sees_each_broken_rule(at: int) -> None:
    floor = morning(12)
    waves = plan_waves(floor, work=0.2).waves
    name, wrong = list(broken(floor, waves))[at]
    assert judge(floor, waves) == []
    assert judge(floor, wrong), name


def test_the_referee_counts_lanes_and_routes_of_a_wave() -> None:
    floor = morning(12, lanes=None, most=None)
    waves = plan_waves(floor, work=0.2).waves
    assert judge(replace(floor, lanes=1), waves)
    assert judge(replace(floor, most=1), waves)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"pickers": 0}, "/pickers"),
        ({"lanes": 0}, "/lanes"),
        ({"most": -1}, "/most"),
        ({"setup_s": 1.5}, "/setup_s"),
        ({"opens_s": -1}, "/opens_s"),
        ({"wave_cost": 10**12}, "/wave_cost"),
        ({"late_cost_per_hour": True}, "/late_cost_per_hour"),
        ({"goods": (Goods("a", 1, 2, 1),)}, "/goods/0/leaves_s"),
        ({"goods": (Goods("a", 1, 2, 3), Goods("a", 1, 2, 3))}, "/goods/1/id"),
        ({"goods": (Goods("a", -1, 2, 3),)}, "/goods/0/work_s"),
    ],
)
def test_invalid_values_are_refused_by_name(fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Floor(**({"goods": ()} | fields))
    assert pointer in [fault.pointer for fault in refusal.value.errors]


def test_ortools_is_not_loaded_on_import() -> None:
    code = "import sys, dispatch.solver.side.waves; print('ortools' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_work_must_not_be_negative() -> None:
    for work in (-1.0, float("nan")):
        with pytest.raises(Invalid):
            plan_waves(morning(2), work=work)
