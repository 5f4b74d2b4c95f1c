"""The pure computation of arrivals: waits, breaks, bounds, and what is news."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.live.eta import (
    FAR_TOLD_S,
    NEAR_STOPS,
    TOLD_S,
    OpenStop,
    Start,
    expect,
    has_moved,
    is_news,
    pace,
)
from tests.factories.live import MINUTE, at

NOW = at(10)


def stop(key: str = "a", **fields: object) -> OpenStop:
    return OpenStop(**({"key": key, "leg_s": 600, "service_s": 300} | fields))  # type: ignore[arg-type]


def times(*stops: OpenStop, start: dt.datetime = NOW, **fields: object) -> list[dt.datetime]:
    begin = Start(at=start, seen_at=start)
    return [one.expected_at for one in expect(stops, start=begin, now=NOW, **fields)]  # type: ignore[arg-type]


def test_each_stop_adds_its_way_and_its_service() -> None:
    assert times(stop(), stop("b")) == [NOW + 10 * MINUTE, NOW + 25 * MINUTE]


def test_r24_an_early_vehicle_waits_for_the_window_and_all_later_stops_wait_with_it() -> None:
    """R24: a forecast that ignored the wait promised all later stops too early."""
    opens_at = NOW + 60 * MINUTE
    waiting = stop("b", opens_at=opens_at)
    assert times(stop(), waiting, stop("c")) == [
        NOW + 10 * MINUTE, opens_at, opens_at + 15 * MINUTE
    ]  # fmt: skip
    assert times(stop(), waiting, stop("c"), early=True) == [
        NOW + 10 * MINUTE, NOW + 25 * MINUTE, NOW + 40 * MINUTE
    ]  # fmt: skip
    low = expect([waiting], start=Start(at=NOW, seen_at=NOW), now=NOW)[0].low_at
    assert low == opens_at


def test_r24_every_break_that_is_not_taken_delays_the_stops_behind_it() -> None:
    """R24: all ETAs behind a stop contain every break not yet taken."""
    paused = stop("b", break_s=1800)
    assert times(stop(), paused, stop("c")) == [
        NOW + 10 * MINUTE, NOW + 55 * MINUTE, NOW + 70 * MINUTE
    ]  # fmt: skip


def test_a_break_is_taken_while_the_vehicle_waits_for_a_window() -> None:
    waiting = stop(opens_at=NOW + 60 * MINUTE, break_s=1800)
    assert times(waiting) == [NOW + 60 * MINUTE]


def test_a_silent_vehicle_is_never_expected_in_the_past_and_its_bounds_widen() -> None:
    long_ago = NOW - 60 * MINUTE
    silent = expect([stop()], start=Start(at=long_ago, seen_at=long_ago), now=NOW)[0]
    assert silent.expected_at == NOW
    heard = expect([stop(leg_s=0)], start=Start(at=NOW, seen_at=NOW), now=NOW)[0]
    assert silent.high_at > heard.high_at


def test_the_stop_where_the_vehicle_is_has_its_arrival_and_delays_the_next() -> None:
    here = stop(arrived_at=NOW - 20 * MINUTE)
    first, second = expect([here, stop("b")], start=Start(at=NOW, seen_at=NOW), now=NOW)
    assert (first.expected_at, first.low_at, first.high_at) == (NOW - 20 * MINUTE,) * 3
    assert second.expected_at == NOW + 10 * MINUTE


def test_the_bounds_widen_with_the_distance() -> None:
    stops = [stop(str(n)) for n in range(6)]
    rows = expect(stops, start=Start(at=NOW, seen_at=NOW), now=NOW)
    spans = [row.high_at - row.low_at for row in rows]
    assert spans == sorted(spans)
    assert spans[0] < spans[-1]


STOPS = st.lists(
    st.builds(
        OpenStop,
        key=st.just("x"),
        leg_s=st.integers(0, 7200),
        service_s=st.integers(0, 3600),
        opens_at=st.none() | st.integers(-600, 600).map(lambda m: NOW + m * MINUTE),
        break_s=st.sampled_from([0, 0, 0, 900, 2700]),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(STOPS, st.integers(-300, 300), st.integers(0, 300), st.booleans(), st.booleans())
def test_r25_times_never_fall_along_a_route_and_bounds_hold(
    stops: list[OpenStop], start_min: int, age_min: int, early: bool, is_there: bool
) -> None:
    """R25: low <= ETA <= high, and times never fall along the route."""
    begin = NOW + start_min * MINUTE
    if is_there and stops:
        first = stops[0]
        arrived_at = NOW - age_min * MINUTE
        stops[0] = stop("here", service_s=first.service_s, arrived_at=arrived_at,
                        opens_at=first.opens_at)  # fmt: skip
    start = Start(at=begin, seen_at=min(begin, NOW - age_min * MINUTE))
    rows = expect(stops, start=start, now=NOW, early=early)
    for row in rows:
        assert row.low_at <= row.expected_at <= row.high_at
    for before, after in pairwise(rows):
        assert before.expected_at <= before.departs_at <= after.expected_at
        assert before.low_at <= after.low_at
        assert before.high_at <= after.high_at
    for one, row in zip(stops, rows, strict=True):
        assert early or one.opens_at is None or row.expected_at >= one.opens_at


def test_news_is_a_move_of_more_than_a_minute_or_another_number_of_stops() -> None:
    before = {"told_at": NOW, "told_before": 2}
    later = NOW + dt.timedelta(seconds=TOLD_S)
    assert not is_news(expected_at=later, stops_before=2, **before)  # type: ignore[arg-type]
    assert is_news(expected_at=later + dt.timedelta(seconds=1), stops_before=2, **before)  # type: ignore[arg-type]
    assert is_news(expected_at=NOW, stops_before=1, **before)  # type: ignore[arg-type]
    assert is_news(expected_at=NOW, stops_before=2, told_at=None, told_before=None)


def test_a_stop_that_is_far_away_is_told_of_large_moves_only() -> None:
    before = {"told_at": NOW, "told_before": NEAR_STOPS + 3}
    later = NOW + dt.timedelta(seconds=FAR_TOLD_S)
    assert not is_news(expected_at=later, stops_before=NEAR_STOPS + 2, **before)  # type: ignore[arg-type]
    assert is_news(expected_at=later + MINUTE, stops_before=NEAR_STOPS + 2, **before)  # type: ignore[arg-type]
    assert is_news(expected_at=NOW, stops_before=NEAR_STOPS, **before)  # type: ignore[arg-type]


def test_a_new_position_moves_the_next_arrival_only_by_more_than_a_minute() -> None:
    speed = pace(600, 5000)
    known = {"expected_at": NOW + 10 * MINUTE, "opens_at": None, "pace_s_per_m": speed}
    assert not has_moved(position_at=NOW, distance_m=5000, **known)  # type: ignore[arg-type]
    assert not has_moved(position_at=NOW + 5 * MINUTE, distance_m=2500, **known)  # type: ignore[arg-type]
    assert has_moved(position_at=NOW + 2 * MINUTE, distance_m=5000, **known)  # type: ignore[arg-type]
    assert has_moved(position_at=NOW, distance_m=4000, **known)  # type: ignore[arg-type]
    waiting = known | {"opens_at": NOW + 10 * MINUTE}
    assert not has_moved(position_at=NOW, distance_m=4000, **waiting)  # type: ignore[arg-type]
