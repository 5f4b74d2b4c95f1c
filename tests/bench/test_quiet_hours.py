"""A fixed part of `make proof quiet_hours`: two zones, and a race for each kind of budget."""

from __future__ import annotations

from tests.bench.quiet_hours import all_nights, exact_budgets
from tests.notifications.wall_clock import ZONES


def test_nothing_is_sent_in_the_night_in_two_zones_with_odd_changes() -> None:
    zones = [zone for zone in ZONES if zone[0] in {"Australia/Lord_Howe", "Asia/Beirut"}]
    figures = all_nights(zones, step=97)
    assert figures.sent > figures.ended > 0
    assert figures.put_off > 0


def test_budgets_are_exact_with_senders_at_once(fresh_db: str) -> None:
    assert exact_budgets(rounds=1, senders=8, cap=24) == 4
