"""The timeline of an order depends on when things happened, never on when they were recorded."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from typing import Any

import pytest

from dispatch.orders.states import OrderState
from portal.tracking.timeline import Happening, Timeline, timeline_of

START = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)


def event(kind: str, minute: int, **data: Any) -> Happening:
    return Happening(kind=kind, at=START + dt.timedelta(minutes=minute), data=data)


def attempted(minute: int, outcome: str, number: int = 1, reason: str = "") -> Happening:
    return event(
        "attempt.recorded", minute, attempt=f"att_{number}", outcome=outcome, reason=reason
    )


def codes(timeline: Timeline) -> list[str]:
    return [step.code for step in timeline.steps]


# A whole life: planned, left off the plan, planned again, failed, tried again, delivered.
LIFE = (
    event("order.placed", 0, state="ready"),
    event("order.promised", 5, opens_at="2026-11-23T10:00:00+00:00"),
    event("order.planned", 60, plan="pln_1"),
    event("order.ready", 70, plan="pln_1"),
    event("order.planned", 80, plan="pln_2"),
    event("order.out", 120),
    attempted(150, "failed", 1, "not_home"),
    event("order.failed", 151, attempt="att_1", reason="not_home"),
    event("order.ready", 200, service_date="2026-11-24"),
    event("order.planned", 210, plan="pln_3"),
    event("order.out", 240),
    attempted(260, "delivered", 2),
    event("order.delivered", 265, attempt="att_2", reason=""),
)
STEPS = ["ordered", "window", "planned", "out", "failed", "again", "planned", "out", "delivered"]


def test_s27_every_order_of_arrival_gives_the_same_timeline() -> None:
    first = timeline_of(LIFE)
    assert codes(first) == STEPS
    assert first.state == OrderState.DELIVERED
    rng = random.Random(7)
    for _round in range(300):
        assert timeline_of(rng.sample(LIFE, len(LIFE))) == first


def test_s27_all_permutations_of_a_short_life_are_equal() -> None:
    life = (LIFE[0], LIFE[5], LIFE[11], LIFE[12], event("order.cancelled", 300, cause="api"))
    first = timeline_of(life)
    assert codes(first) == ["ordered", "out", "delivered"]
    assert all(timeline_of(order) == first for order in itertools.permutations(life))


def test_s27_a_depots_late_scan_does_not_undo_a_delivery() -> None:
    delivered = [
        LIFE[0],
        attempted(100, "delivered"),
        event("order.delivered", 101, attempt="att_1"),
    ]
    with_scan = timeline_of([*delivered, event("order.out", 110)])
    assert codes(with_scan) == ["ordered", "delivered"]
    assert with_scan.state == OrderState.DELIVERED


@pytest.mark.parametrize("end", ["order.delivered", "order.returned", "order.cancelled"])
@pytest.mark.parametrize("late", ["order.out", "order.planned", "order.ready", "order.failed"])
def test_s27_a_final_state_is_left_only_by_an_event_that_may_leave_it(end: str, late: str) -> None:
    ended = timeline_of([LIFE[0], event(end, 100)])
    assert timeline_of([LIFE[0], event(end, 100), event(late, 120)]) == ended


def test_r11_a_corrected_outcome_follows_the_first_one() -> None:
    corrected = timeline_of(
        [
            LIFE[0],
            attempted(100, "delivered", 1),
            event("order.delivered", 101, attempt="att_1", reason=""),
            attempted(110, "failed", 2, "refused"),
            event("order.failed", 111, attempt="att_2", reason="refused"),
        ]
    )
    assert codes(corrected) == ["ordered", "delivered", "failed"]
    assert corrected.state == OrderState.FAILED


def test_a_report_from_a_phone_without_network_is_shown_when_it_happened() -> None:
    synced_three_hours_later = [
        event("order.placed", 0, state="ready"),
        event("order.planned", 10, plan="pln_1"),
        event("order.out", 240),
        attempted(60, "delivered"),
        event("order.delivered", 240, attempt="att_1"),
    ]
    timeline = timeline_of(synced_three_hours_later)
    assert codes(timeline) == ["ordered", "planned", "delivered"]
    step = timeline.last("delivered")
    assert step is not None
    assert step.at == START + dt.timedelta(minutes=60)


def test_an_event_that_comes_twice_is_shown_once() -> None:
    assert timeline_of([*LIFE, *LIFE]) == timeline_of(LIFE)
    again = timeline_of([*LIFE, event("order.delivered", 400, attempt="att_9")])
    assert codes(again) == STEPS


def test_an_order_that_left_its_plan_is_not_shown_as_planned() -> None:
    assert codes(timeline_of(LIFE[:4])) == ["ordered", "window"]


def test_a_return_is_picked_up_and_then_at_the_shop() -> None:
    life = [
        event("order.placed", 0, state="ready"),
        event("order.planned", 10, plan="pln_1"),
        event("order.out", 60),
        attempted(90, "picked_up"),
        event("order.loaded", 91, shift="sft_1"),
        event("order.returned", 200),
    ]
    assert codes(timeline_of(life, is_return=True))[-2:] == ["picked_up", "returned"]


def test_only_instructions_of_a_changed_order_are_shown() -> None:
    life = [LIFE[0], event("order.changed", 5, changed=["skills"])]
    assert codes(timeline_of(life)) == ["ordered"]
    life.append(event("order.changed", 6, changed=["access"]))
    assert codes(timeline_of(life)) == ["ordered", "instructions"]
