"""The planned arrival is a range that claims no more than the plan knows."""

from __future__ import annotations

import datetime as dt

from dispatch.planning.arrival import LEAST_S, ArrivalRange, PlannedStop, range_of

NINE = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)


def at(minutes: int) -> dt.datetime:
    return NINE + dt.timedelta(minutes=minutes)


def planned(start: int, *, slack_s: int = 3600, opens: int = 60, closes: int = 240) -> ArrivalRange:
    stop = PlannedStop(leaves_at=NINE, starts_at=at(start), slack_s=slack_s)
    arrival = range_of(stop, opens_at=at(opens), closes_at=at(closes))
    assert arrival is not None
    return arrival


def test_the_range_reaches_a_quarter_of_an_hour_to_both_sides_in_whole_five_minutes() -> None:
    assert planned(93) == ArrivalRange(low_at=at(75), high_at=at(110))


def test_the_range_is_wider_for_stops_that_are_late_on_the_route() -> None:
    near, far = planned(100, closes=900), planned(600, closes=900)
    assert far.high_at - far.low_at > near.high_at - near.low_at
    assert far == ArrivalRange(low_at=at(510), high_at=at(690))


def test_nobody_comes_before_the_window_opens() -> None:
    assert planned(60).low_at == at(60)


def test_a_stop_before_the_window_gives_no_range_that_looks_like_the_window() -> None:
    stop = PlannedStop(leaves_at=NINE, starts_at=at(59), slack_s=3600)
    assert range_of(stop, opens_at=at(60), closes_at=at(240)) is None


def test_the_range_ends_with_the_window_while_the_plan_keeps_the_promise() -> None:
    assert planned(235).high_at == at(240)


def test_a_late_plan_is_shown_as_late_and_not_hidden_in_the_window() -> None:
    late = planned(250, slack_s=-600)
    assert late.is_late
    assert late.high_at > at(240)


def test_the_range_contains_the_planned_start_and_is_never_exact() -> None:
    for start in range(0, 900, 7):
        stop = PlannedStop(leaves_at=NINE, starts_at=at(start), slack_s=0)
        window = range_of(stop, opens_at=None, closes_at=None)
        assert window is not None
        assert window.low_at <= at(start) <= window.high_at
        assert (window.high_at - window.low_at).total_seconds() >= 2 * LEAST_S
        assert {window.low_at.minute % 5, window.high_at.minute % 5} == {0}
