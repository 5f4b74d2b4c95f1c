"""The app sends where the phone is during the shift only, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.dispatch.driver.fake_server import FakeServer

pytestmark = pytest.mark.browser(maps=False)
# The page plays the phone's geolocation, the session and the server.
START = """async () => {
    const { Positions, PositionStore } = await import('/driver-scripts/positions.js');
    const { Fault } = await import('/driver-scripts/client.js');
    window.sent = [];
    window.fault = '';
    window.watching = 0;
    const client = { async post(url, body) {
        if (fault) throw new Fault(fault);
        sent.push({ url, ...body });
        return { results: [] };
    } };
    window.session = { who: { driver: 'drv_1' }, today: { run: { state: 'before' } },
        waiting: [], isSignedOut: false, isLeaving: false, client };
    const places = {
        watchPosition(found, failed) { watching += 1; Object.assign(window, { found, failed }); return 7; },
        clearWatch() { watching -= 1; },
    };
    window.positions = new Positions({ session, url: '/p/', places });
    window.state = (state) => { session.today.run.state = state; positions.follow(); };
    window.at = async (seconds, lat, more = {}) => {
        const coords = { latitude: lat, longitude: -9.14, accuracy: 5, speed: 8, heading: 90, ...more };
        await found({ coords, timestamp: 1_790_000_000_000 + seconds * 1000 });
    };
    window.kept = async () => (await new PositionStore('drv_1').first(9000)).map((row) => row.position);
    window.Store = PositionStore;
}"""  # noqa: E501


@pytest.fixture
def page(context: BrowserContext) -> Page:
    server = FakeServer(context)
    page = server.open()
    page.evaluate(START)
    return page


def kept(page: Page) -> list[dict[str, Any]]:
    rows = page.evaluate("() => kept()")
    assert isinstance(rows, list)
    return rows


def test_the_phone_measures_from_the_start_to_the_end_of_the_shift_only(page: Page) -> None:
    watching = "(state) => { window.state(state); return watching; }"
    states = ["before", "loading", "on_road", "back", "ended", "on_road"]
    assert [page.evaluate(watching, state) for state in states] == [0, 1, 1, 1, 0, 1]
    page.evaluate("() => { session.isLeaving = true; positions.follow(); }")
    assert page.evaluate("() => watching") == 0


def test_positions_are_thinned_and_unknown_values_are_null(page: Page) -> None:
    page.evaluate(
        """async () => {
            state('on_road');
            await at(0, 38.72, { speed: null, heading: NaN });
            await at(5, 38.73);      // too soon
            await at(12, 38.72001);  // not moved
            await at(13, 38.721);    // moved
            await at(40, 38.721);    // standing
            await at(75, 38.721, { speed: 0, heading: -1 });
        }"""
    )
    rows = kept(page)
    assert [row["lat"] for row in rows] == [38.72, 38.721, 38.721]
    values = [(row["speed_mps"], row["heading_deg"]) for row in rows]
    assert values == [(None, None), (8, 90), (0, None)]
    assert len({row["id"] for row in rows}) == 3


def test_positions_wait_without_a_network_and_behind_the_acts_and_are_sent_once(
    page: Page,
) -> None:
    page.evaluate(
        """async () => {
            state('on_road');
            for (let n = 0; n < 230; n += 1) await at(n * 20, 38.72 + n * 0.001);
            session.waiting = [{ kind: 'shift_started' }];
            await positions.send();
            session.waiting = [];
            for (fault of ['offline', 'failed', 'signed_out', 'other_driver'])
                await positions.send();
        }"""
    )
    assert page.evaluate("() => sent.length") == 0
    assert len(kept(page)) == 230
    page.evaluate(
        "async () => { fault = ''; await Promise.all([positions.send(), positions.send()]); }"
    )
    batches = page.evaluate("() => sent")
    assert [len(batch["positions"]) for batch in batches] == [100, 100, 30]
    assert {(batch["url"], batch["driver"]) for batch in batches} == {("/p/", "drv_1")}
    ids = [one["id"] for batch in batches for one in batch["positions"]]
    assert len(set(ids)) == 230
    assert kept(page) == []


def test_what_the_server_can_never_read_does_not_block_what_follows(page: Page) -> None:
    page.evaluate(
        """async () => {
            state('on_road');
            await at(0, 38.72);
            fault = 'refused';
            await positions.send();
            fault = '';
            await at(60, 38.73);
            await positions.send();
        }"""
    )
    batches = page.evaluate("() => sent")
    assert [[one["lat"] for one in batch["positions"]] for batch in batches] == [[38.73]]


def test_the_oldest_positions_are_given_up_when_there_are_too_many(page: Page) -> None:
    rows = page.evaluate(
        """async () => {
            const store = new Store('drv_2');
            for (let n = 0; n < 12; n += 1) await store.add({ n }, 10);
            return (await store.first(100)).map((row) => row.position.n);
        }"""
    )
    assert rows == list(range(2, 12))


def test_a_refused_permission_is_told_and_a_lost_signal_is_not(page: Page) -> None:
    denied = "(code) => { state('on_road'); failed({ code }); return positions.isDenied; }"
    assert page.evaluate(denied, 3) is False
    assert page.evaluate(denied, 1) is True
    assert page.evaluate("async () => { await at(0, 38.72); return positions.isDenied; }") is False


def test_a_second_driver_of_the_phone_sends_no_positions_of_the_first(page: Page) -> None:
    page.evaluate(
        """async () => {
            state('on_road');
            await at(0, 38.72);
            session.who = { driver: 'drv_9' };
            positions.follow();
            await positions.send();
        }"""
    )
    assert page.evaluate("() => sent.length") == 0
    assert len(kept(page)) == 1
