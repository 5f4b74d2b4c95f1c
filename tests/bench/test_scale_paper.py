"""The queueing formulas behind the table in operations.md, against values in closed form."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.scale_paper import Figures, day, enough, erlang_c, queue, table

OPERATIONS = Path(__file__).resolve().parents[2] / "lastmile" / "docs" / "operations.md"


@pytest.mark.parametrize(
    ("servers", "load", "chance"),
    [(1, 0.5, 0.5), (2, 1.0, 1 / 3), (3, 2.0, 4 / 9), (2, 2.0, 1.0), (1, 3.0, 1.0)],
)
def test_the_chance_to_wait(servers: int, load: float, chance: float) -> None:
    assert erlang_c(servers, load) == pytest.approx(chance)


def test_steady_service_halves_the_wait_of_one_server() -> None:
    assert queue(0.5, 1.0, 1.0, 1).mean_wait_s == pytest.approx(1.0)
    assert queue(0.5, 1.0, 0.0, 1).mean_wait_s == pytest.approx(0.5)
    assert math.isinf(queue(2.0, 1.0, 1.0, 2).mean_wait_s)


def test_enough_returns_the_smallest_sufficient_queue() -> None:
    result = enough(1.0, 10.0, 0.3, 5.0)
    assert result.p95_wait_s <= 5.0
    assert queue(1.0, 10.0, 0.3, result.servers - 1).p95_wait_s > 5.0


def test_twice_the_orders_are_twice_the_bytes_and_the_core_hours() -> None:
    one, two = day(Figures()), day(replace(Figures(), orders=2_000_000))
    for name in ("plans", "solve_core_hours", "rows", "disk_tb", "peak_log_mb_s", "cost_eur"):
        assert getattr(two, name) == pytest.approx(2 * getattr(one, name))
    assert two.solve.servers < 2 * one.solve.servers, "large queues share better"


def test_the_operations_guide_shows_the_calculated_table() -> None:
    assert table(Figures()) in OPERATIONS.read_text(encoding="utf-8")
