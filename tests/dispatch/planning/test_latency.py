"""A slice of the campaign ``slots_latency``: it measures what it says, in processes of its own."""

from __future__ import annotations

import pytest

from tests.bench import slots_latency
from tests.bench.slots_latency import measured, missed, part, sentence


def test_a_small_day_is_measured_here_and_in_new_processes(
    fresh_db: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deadlines are those of the long campaign; here only the figures must be there."""
    monkeypatch.setattr(slots_latency, "HOLDS", 3)
    monkeypatch.setattr(slots_latency, "PROCESSES", 1)
    monkeypatch.setitem(slots_latency.MOST_MS, 12, 10**9)
    row = measured(12, 0.3, breaks=True, days=2, questions=10, streets=False)
    assert row["planned"] == 12
    assert 0 < row["raw_p95_ms"] < row["p95_ms"]
    assert row["ten_p95_ms"] > 0
    assert row["boards_mb"] > 0
    assert "12 orders a day, breaks" in sentence(row)


def test_a_figure_that_misses_its_must_is_named() -> None:
    fine = {"orders": 200, "p95_ms": 299.0, "restart_s": 2.9}
    assert missed(fine) == []
    assert len(missed(fine | {"p95_ms": 301.0})) == 1
    assert len(missed(fine | {"restart_s": 3.0, "p95_ms": 400.0})) == 2
    assert len(missed(fine | {"orders": 1_000, "p95_ms": 999.0})) == 0
    assert part([3.0, 1.0, 2.0], 0.5) == 2.0
