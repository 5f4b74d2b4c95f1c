"""A slice of the campaign ``slots_joint``: random lives of a day, changed by two processes."""

from __future__ import annotations

from pathlib import Path

from lastmile.core.tenancy import retailer_context
from tests.bench.slots_joint import live, processes

SEEDS, KILL_SHARE = range(3), 0.2


def test_a_days_plan_is_right_after_every_step_of_random_lives(
    fresh_db: str, tmp_path: Path
) -> None:
    counts: dict[str, int] = {}
    clock = tmp_path / "clock"
    with retailer_context("t1"), processes(clock) as workers:
        for seed in SEEDS:
            for act, number in live(seed, workers, clock, KILL_SHARE).items():
                counts[act] = counts.get(act, 0) + number
    assert counts.keys() >= {"hold", "confirm", "change", "killed"}
