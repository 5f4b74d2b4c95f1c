"""The queue of the driver's app in a real browser: each act once, in the order of the taps."""

from __future__ import annotations

import random
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.dispatch.driver.fake_server import FakeServer

pytestmark = pytest.mark.browser(maps=False)
#: Runs of R02 in one page: the number that the row names.
RUNS = 1_000
# Each run: acts are tapped while a timer, an "online" event and further taps start the queue, and
# the answers of the server come late, are lost or fail. The page plays the server.
RACES = """async (runs) => {
    const { driverStore } = await import('/driver-scripts/store.js');
    const { Queue } = await import('/driver-scripts/queue.js');
    const { Fault } = await import('/driver-scripts/client.js');
    const wait = (most) => new Promise((done) => setTimeout(done, Math.random() * most));
    const kept = [], tapped = [];
    let sending = 0, most = 0;
    async function send(acts) {
        most = Math.max(most, ++sending);
        try {
            await wait(3);
            const luck = Math.random();
            if (luck < 0.1) throw new Fault('offline');
            for (const { id } of acts) if (!kept.includes(id)) kept.push(id);
            await wait(2);
            if (luck < 0.2) throw new Fault('offline');
            return { results: acts.map(({ id }) => ({ id, status: 'stored' })) };
        } finally {
            sending -= 1;
        }
    }
    const store = driverStore('drv_races');
    const queue = new Queue({ store, send });
    addEventListener('online', () => queue.kick());
    for (let run = 0; run < runs; run += 1) {
        const taps = [];
        for (let n = 0; n < 4; n += 1) {
            const id = crypto.randomUUID();
            tapped.push(id);
            taps.push(queue.add({ id, kind: 'arrived', at: '' }));
            if (n === 1) dispatchEvent(new Event('online'));
            if (n === 2) setTimeout(() => queue.kick(), Math.random() * 4);
            if (Math.random() < 0.5) await wait(2);
        }
        await Promise.all(taps);
    }
    while ((await store.waiting()).length) await queue.kick();
    return { kept, tapped, most };
}"""


@pytest.fixture
def server(context: BrowserContext) -> FakeServer:
    return FakeServer(context)


def emptied(page: Page) -> None:
    """Wait until nothing waits on the phone; the page gets no event and no tap."""
    for _turn in range(400):
        if not waiting(page):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"These acts still wait: {waiting(page)}")


def waiting(page: Page) -> list[str]:
    kinds = page.evaluate("async () => (await store.waiting()).map((act) => act.kind)")
    assert isinstance(kinds, list)
    return kinds


def test_r02_triggers_at_the_same_time_send_each_act_once_in_the_order_of_the_taps(
    server: FakeServer,
) -> None:
    page = server.open()
    result: dict[str, Any] = page.evaluate(RACES, RUNS)
    assert result["kept"] == result["tapped"]
    assert len(result["kept"]) == 4 * RUNS
    assert result["most"] == 1, "two drains ran at once"


def test_r02_two_tabs_send_each_act_once_in_the_order_of_the_taps(server: FakeServer) -> None:
    first, second = server.open(), server.open()
    server.fault = lambda: "abort"
    for n in range(6):
        (first if n % 2 else second).evaluate("(kind) => tap(kind)", f"act_{n}")
    server.fault = lambda: 200
    for page in (first, second):
        page.evaluate("() => { queue.kick(); queue.kick(); }")
    emptied(first)
    assert server.kinds() == [f"act_{n}" for n in range(6)]


def test_r03_a_weak_line_empties_the_queue_by_itself(server: FakeServer) -> None:
    page = server.context.new_page()
    page.clock.install()
    server.start(page)
    luck = random.Random(3)
    server.fault = lambda: luck.choice(["abort", 503, "garbage"]) if luck.random() < 0.3 else 200
    tapped = []
    for n in range(60):  # ten minutes with an act each ten seconds
        tapped.append(f"act_{n}")
        page.evaluate("(kind) => tap(kind)", f"act_{n}")
        page.clock.fast_forward(10_000)
    server.fault = lambda: 200
    for _turn in range(2):
        page.clock.fast_forward(30_000)
    emptied(page)
    assert server.kinds() == tapped


def test_r03_a_server_that_is_away_for_long_is_tried_at_most_every_half_minute(
    server: FakeServer,
) -> None:
    page = server.context.new_page()
    page.clock.install()
    server.start(page)
    server.fault = lambda: "abort"
    page.evaluate("() => tap('arrived')")
    for _half_minute in range(20):
        page.clock.fast_forward(30_000)
        page.wait_for_timeout(30)
    assert 10 <= server.requests <= 21
    server.fault = lambda: 200
    page.clock.fast_forward(40_000)
    emptied(page)
    assert server.kinds() == ["arrived"]


def test_a_lost_answer_sends_the_act_again_and_it_counts_once(server: FakeServer) -> None:
    page = server.open()
    server.fault = lambda: "lost" if server.requests < 3 else 200
    page.evaluate("() => Promise.all([tap('arrived'), tap('delivered')])")
    emptied(page)
    assert server.kinds() == ["arrived", "delivered"]
    assert server.requests >= 3


def test_acts_survive_a_killed_page_and_are_sent_by_the_next_start(server: FakeServer) -> None:
    page = server.open()
    server.fault = lambda: "abort"
    page.evaluate("() => Promise.all(['arrived', 'delivered', 'arrived'].map(tap))")
    page.close(run_before_unload=False)
    again = server.open()
    assert waiting(again) == ["arrived", "delivered", "arrived"]
    server.fault = lambda: 200
    again.evaluate("() => queue.kick()")
    emptied(again)
    assert server.kinds() == ["arrived", "delivered", "arrived"]


def test_more_acts_than_one_request_may_have_are_sent_in_parts(server: FakeServer) -> None:
    page = server.open()
    server.fault = lambda: "abort"
    page.evaluate("async () => { for (let n = 0; n < 120; n += 1) await tap(`act_${n}`); }")
    server.fault = lambda: 200
    before = server.requests
    page.evaluate("() => queue.kick()")
    emptied(page)
    assert server.kinds() == [f"act_{n}" for n in range(120)]
    assert server.requests - before <= 4


def test_r04_an_ended_log_in_deletes_nothing_and_stops_the_sending(server: FakeServer) -> None:
    page = server.open()
    server.fault = lambda: 401
    page.evaluate("() => Promise.all([tap('arrived'), tap('delivered')])")
    page.wait_for_function("() => states.includes('signed_out')")
    assert waiting(page) == ["arrived", "delivered"]
    count = server.requests
    page.wait_for_timeout(1_500)
    assert server.requests == count, "the app repeats what only a person can repair"
    server.fault = lambda: 200
    page.evaluate("() => queue.kick()")  # the same driver has logged in again
    emptied(page)
    assert server.kinds() == ["arrived", "delivered"]


def test_r04_another_driver_on_the_phone_neither_sees_nor_sends_the_acts(
    server: FakeServer,
) -> None:
    first = server.open("drv_1")
    server.fault = lambda: "abort"
    first.evaluate("() => tap('delivered')")
    server.fault = lambda: 200
    server.logged_in = "drv_2"
    second = server.open("drv_2")
    assert waiting(second) == []
    second.evaluate("() => tap('arrived')")
    emptied(second)
    first.evaluate("() => queue.kick()")  # a page that still believes in the first driver
    first.wait_for_function("() => states.includes('other_driver')")
    assert (server.kinds(), server.drivers) == (["arrived"], ["drv_2"])
    server.logged_in = "drv_1"
    third = server.open("drv_1")
    third.evaluate("() => queue.kick()")
    emptied(third)
    assert (server.kinds(), server.drivers) == (["arrived", "delivered"], ["drv_2", "drv_1"])


def test_r05_a_full_storage_is_told_and_the_acts_before_it_still_go(server: FakeServer) -> None:
    page = server.open()
    server.fault = lambda: "abort"
    page.evaluate("() => tap('arrived')")
    answer = page.evaluate(
        """async () => {
        const add = IDBObjectStore.prototype.add;
        IDBObjectStore.prototype.add = () => {
            throw new DOMException('The storage is full.', 'QuotaExceededError');
        };
        try {
            await tap('delivered');
            return 'kept';
        } catch (fault) {
            return `${fault.name} ${fault.isFull}`;
        } finally {
            IDBObjectStore.prototype.add = add;
        }
    }"""
    )
    assert answer == "NotKept true"
    assert waiting(page) == ["arrived"]
    server.fault = lambda: 200
    page.evaluate("() => tap('note')")  # the storage takes small things again
    emptied(page)
    assert server.kinds() == ["arrived", "note"]


def test_a_write_that_the_browser_ends_late_is_not_called_kept(server: FakeServer) -> None:
    page = server.open()
    answer = page.evaluate(
        """async () => {
        const begin = IDBDatabase.prototype.transaction;
        IDBDatabase.prototype.transaction = function (...given) {
            const tx = begin.apply(this, given);
            if (given[1] === 'readwrite') setTimeout(() => { try { tx.abort(); } catch { } });
            return tx;
        };
        const add = IDBObjectStore.prototype.add;
        IDBObjectStore.prototype.add = function (value) {
            const request = add.call(this, value);
            request.addEventListener('success', () => request.transaction.abort());
            return request;
        };
        try {
            await tap('delivered');
            return 'kept';
        } catch (fault) {
            return fault.name;
        } finally {
            IDBDatabase.prototype.transaction = begin;
            IDBObjectStore.prototype.add = add;
        }
    }"""
    )
    assert answer == "NotKept"
    assert waiting(page) == []
    assert server.kept == []


def test_an_act_that_the_server_refuses_stops_no_other_and_stays_visible(
    server: FakeServer,
) -> None:
    page = server.open()
    server.rejected = {"broken"}
    page.evaluate("() => Promise.all(['arrived', 'broken', 'delivered'].map(tap))")
    emptied(page)
    assert server.kinds() == ["arrived", "delivered"]
    refused = page.evaluate(
        "async () => (await store.acts()).filter((act) => act.state === 'refused')"
    )
    assert [(act["kind"], act["problem"]["detail"]) for act in refused] == [
        ("broken", "It cannot be read.")
    ]


def test_a_request_that_cannot_be_read_is_narrowed_down_to_its_act(server: FakeServer) -> None:
    page = server.open()

    def refuse_broken() -> int:
        return 400 if "broken" in body() else 200

    def body() -> str:
        return str(seen[-1]) if seen else ""

    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.post_data or ""))
    server.fault = lambda: "abort"
    page.evaluate("() => Promise.all(['a', 'b', 'broken', 'c', 'd'].map(tap))")
    server.fault = refuse_broken
    page.evaluate("() => queue.kick()")
    emptied(page)
    assert server.kinds() == ["a", "b", "c", "d"]


def test_a_connection_that_the_system_closed_is_opened_again(server: FakeServer) -> None:
    page = server.open()
    server.fault = lambda: "abort"
    page.evaluate("() => tap('arrived')")
    page.evaluate("async () => (await store.db).close()")
    page.evaluate("() => tap('delivered')")
    assert waiting(page) == ["arrived", "delivered"]
