"""The lateness of a run: the last act says it, time adds to it, waiting takes it up."""

from __future__ import annotations

import datetime as dt

from dispatch.live.driving import PlannedStop, Standing, VisitState, standing
from tests.factories.live import MINUTE, at

START = at(8)


def stops(count: int = 3, wait_min: int = 0, slack_min: int = 30) -> list[PlannedStop]:
    """Return stops that are 20 minutes apart and take five minutes each."""
    return [
        PlannedStop(
            order=f"o{n}",
            arrives_at=START + n * 20 * MINUTE,
            starts_at=START + n * 20 * MINUTE + wait_min * MINUTE,
            departs_at=START + n * 20 * MINUTE + (wait_min + 5) * MINUTE,
            slack_s=slack_min * 60,
        )
        for n in range(1, count + 1)
    ]


def look(
    now: dt.datetime,
    visits: dict[str, VisitState] | None = None,
    left_at: dt.datetime | None = START,
    route: list[PlannedStop] | None = None,
) -> Standing:
    return standing(
        stops() if route is None else route,
        visits or {},
        planned_start=START,
        left_at=left_at,
        now=now,
    )


def delivered(arrived: dt.datetime, departed: dt.datetime) -> VisitState:
    return VisitState(arrived_at=arrived, departed_at=departed, outcome="delivered")


def test_a_vehicle_that_left_late_is_late_at_its_next_stop() -> None:
    run = look(at(8, 15), left_at=at(8, 12))
    assert (run.behind_s, run.slack_s) == (12 * 60, 18 * 60)


def test_a_vehicle_that_has_not_left_is_later_with_every_minute() -> None:
    assert look(at(7, 50), left_at=None).behind_s == 0
    assert look(at(8, 10), left_at=None).behind_s == 10 * 60


def test_the_last_departure_counts_and_not_the_late_start() -> None:
    visits = {"o1": delivered(at(8, 20), at(8, 23))}
    run = look(at(8, 24), visits, left_at=at(8, 12))
    assert (run.behind_s, run.slack_s) == (-2 * 60, 30 * 60)
    assert (run.stops, run.done, run.failed) == (3, 1, 0)


def test_time_that_passes_without_an_act_makes_a_vehicle_late() -> None:
    visits = {"o1": delivered(at(8, 20), at(8, 25))}
    assert look(at(8, 39), visits).behind_s == 0
    run = look(at(9), visits)
    assert (run.behind_s, run.slack_s) == (20 * 60, 10 * 60)


def test_a_long_stay_at_a_door_counts() -> None:
    visits = {"o1": VisitState(arrived_at=at(8, 20))}
    assert look(at(8, 22), visits).behind_s == 0
    run = look(at(8, 40), visits)
    assert (run.behind_s, run.slack_s) == (15 * 60, 15 * 60)


def test_waiting_at_the_next_stop_takes_lateness_up() -> None:
    run = look(at(8, 15), left_at=at(8, 12), route=stops(wait_min=10))
    assert (run.behind_s, run.slack_s) == (12 * 60, 28 * 60)


def test_stops_out_of_sequence_leave_the_skipped_stop_as_the_next_one() -> None:
    visits = {
        "o2": VisitState(
            arrived_at=at(8, 10), departed_at=at(8, 15), outcome="failed", reason="not_home"
        )
    }
    run = look(at(8, 16), visits)
    assert (run.done, run.failed) == (0, 1)
    assert run.behind_s == -4 * 60, "it cannot be there before now"


def test_a_missed_promise_shows_as_negative_slack() -> None:
    assert look(at(8, 50), left_at=at(8, 45)).slack_s == -15 * 60


def test_a_route_whose_stops_are_all_done_has_no_next_stop() -> None:
    visits = {f"o{n}": delivered(at(9), at(9, 5)) for n in (1, 2, 3)}
    run = look(at(12), visits)
    assert (run.done, run.slack_s) == (3, None)
    assert look(at(9), route=[]).stops == 0
