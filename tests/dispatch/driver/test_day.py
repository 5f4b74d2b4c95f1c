"""The day that a driver sees: the server's day with what the phone has kept on top of it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from tests.dispatch.driver.fake_server import HOST, FakeServer

pytestmark = pytest.mark.browser(maps=False)
_SEEN = """async ([day, acts]) => {
    const { merged, nextStop, loadingOrder } = await import('/driver-scripts/day.js');
    const before = JSON.stringify(day);
    const today = merged(day, acts);
    return {
        state: today.run.state,
        next: nextStop(today)?.order ?? null,
        loading: loadingOrder(today).map((stop) => stop.order),
        stops: today.stops.map((stop) => [stop.order, stop.outcome, stop.isUnsent]),
        changes: today.changes,
        isUnchanged: JSON.stringify(day) === before,
    };
}"""


@pytest.fixture
def seen(context: BrowserContext) -> Any:
    """Return a function that computes the day that the driver sees."""
    FakeServer(context)
    page = context.new_page()
    page.goto(f"{HOST}/")

    def compute(day: dict[str, Any], *acts: dict[str, Any]) -> Any:
        result = page.evaluate(_SEEN, [day, list(acts)])
        assert result["isUnchanged"], "the server's day was changed"
        return result

    return compute


def day(*states: str, run: str = "on_road", **more: Any) -> dict[str, Any]:
    stops = [
        {"order": f"ord_{n}", "state": state, "outcome": "", "arrived_at": None}
        for n, state in enumerate(states, 1)
    ]
    return {"run": {"state": run}, "stops": stops, "changes": None, **more}


def act(kind: str, order: int | None = None, state: str = "waiting", **data: Any) -> dict[str, Any]:
    ref = {} if order is None else {"order": f"ord_{order}"}
    return {"kind": kind, "at": "2026-11-30T09:00:00Z", "state": state, "data": data, **ref}


def test_what_is_kept_shows_at_once_and_says_that_it_is_not_sent(seen: Any) -> None:
    today = seen(day("out", "out"), act("arrived", 1, "sent"), act("delivered", 1))
    assert today["stops"] == [["ord_1", "delivered", True], ["ord_2", "", False]]
    assert today["next"] == "ord_2"


def test_an_answered_act_stays_in_sight_until_the_day_has_it(seen: Any) -> None:
    today = seen(day("out"), act("delivered", 1, "sent"))
    assert today["stops"] == [["ord_1", "delivered", False]]


def test_a_refused_act_counts_for_nothing(seen: Any) -> None:
    today = seen(day("out"), act("delivered", 1, "refused"))
    assert today["stops"] == [["ord_1", "", False]]


def test_x06_a_cancelled_stop_is_passed_over(seen: Any) -> None:
    assert seen(day("cancelled", "out"))["next"] == "ord_2"
    assert seen(day("cancelled"))["next"] is None


def test_the_stop_where_the_driver_is_comes_before_the_next_of_the_plan(seen: Any) -> None:
    assert seen(day("out", "out", "out"), act("arrived", 3))["next"] == "ord_3"


def test_r11_the_last_correction_counts(seen: Any) -> None:
    acts = [act("failed", 1, "sent", reason="not_home"), act("corrected", 1, outcome="delivered")]
    assert seen(day("out"), *acts)["stops"] == [["ord_1", "delivered", True]]


def test_an_act_at_a_stop_proves_that_the_vehicle_has_left(seen: Any) -> None:
    assert seen(day("planned", run="before"), act("arrived", 1))["state"] == "on_road"
    assert seen(day("planned", run="back"), act("shift_started"))["state"] == "back"


def test_what_is_delivered_last_is_loaded_first(seen: Any) -> None:
    assert seen(day("planned", "planned", "planned"))["loading"] == ["ord_3", "ord_2", "ord_1"]


def test_a_confirmed_change_is_not_shown_again_and_a_newer_one_is(seen: Any) -> None:
    changed = day("out", changes={"from": 1, "to": 2})
    assert seen(changed, act("plan_confirmed", number=2))["changes"] is None
    assert seen(changed, act("plan_confirmed", number=1))["changes"] == {"from": 1, "to": 2}
