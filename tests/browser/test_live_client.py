"""The live client in a real browser, with a server that makes errors on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from csp.utils import build_policy
from playwright.sync_api import Page, Route, WebSocketRoute, expect

pytestmark = pytest.mark.browser
HOST = "http://live.localhost:8000"
SCRIPT = Path("lastmile/core/static/js/live.js").resolve()
PAGE = "<!doctype html><html lang=en><title>Live</title><p id=state></p>"
START = """async () => {
    const { live } = await import('/live.js');
    window.seen = [];
    window.stop = live('/ws/v1/test/', {
        seq: 4,
        onSnapshot: (data, { seq, before }) => seen.push(['snapshot', before, seq, data.n]),
        onDelta: (type, data, { seq }) => seen.push([type, seq, data.n]),
        onState: (state, { code }) => {
            seen.push([state, code]);
            document.getElementById('state').textContent = state;
        },
    });
}"""


class Server:
    """A websocket server that records the client's messages; ``begin`` opens each connection."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.connections: list[WebSocketRoute] = []
        self.heard: list[dict[str, Any]] = []
        self.begin: Callable[[WebSocketRoute], None] = lambda line: self.send("snapshot", 4)
        page.route_web_socket("**/ws/v1/test/", self.accept)

    def accept(self, line: WebSocketRoute) -> None:
        """Accept a connection."""
        line.on_message(lambda text: self.heard.append(json.loads(text)))
        self.connections.append(line)
        self.begin(line)

    def send(self, kind: str, seq: int | None, n: int = 0) -> None:
        """Send a message on the newest connection."""
        text = json.dumps({"type": kind, "seq": seq, "retailer": "ret_1", "data": {"n": n}})
        self.connections[-1].send(text)

    def seen(self, *, kind: str = "") -> list[Any]:
        """Return the events that the client passed on, only those of ``kind`` if given."""
        events: list[Any] = self.page.evaluate("() => window.seen")
        return [one for one in events if not kind or one[0] == kind]


@pytest.fixture
def server(page: Page) -> Server:
    """Open a page with the client's script, and return its server."""
    policy = {"Content-Security-Policy": build_policy()}

    def answer(route: Route) -> None:
        if route.request.url.endswith("/live.js"):
            route.fulfill(body=SCRIPT.read_bytes(), content_type="text/javascript")
        else:
            route.fulfill(body=PAGE, content_type="text/html", headers=policy)

    page.route("**/*", answer)
    page.clock.install()
    server = Server(page)
    page.goto(f"{HOST}/")
    return server


def started(server: Server) -> Server:
    """Start the client and wait until it has connected."""
    server.page.evaluate(START)
    server.page.wait_for_function("() => seen.length > 0")
    return server


def shows(server: Server, count: int) -> None:
    """Wait until the client has passed on ``count`` events."""
    server.page.wait_for_function("n => seen.length >= n", arg=count)


def test_a_snapshot_then_deltas_in_order(server: Server) -> None:
    started(server)
    server.send("plan", 5, n=1)
    server.send("job", None, n=2)
    server.send("plan", 5, n=9)  # a duplicate
    server.send("plan", 4, n=9)  # older than the snapshot
    server.send("plan", 6, n=3)
    shows(server, 5)
    assert server.seen() == [
        ["live", 0], ["snapshot", 4, 4, 0], ["plan", 5, 1], ["job", None, 2], ["plan", 6, 3],
    ]  # fmt: skip
    assert server.heard == []


def test_a_gap_asks_once_for_a_snapshot_and_loses_nothing(server: Server) -> None:
    started(server)
    server.send("plan", 7, n=1)  # 5 and 6 are lost
    server.send("plan", 8, n=2)
    server.page.wait_for_timeout(50)
    assert server.heard == [{"type": "snapshot"}]
    assert server.seen(kind="plan") == []
    server.send("snapshot", 7)
    shows(server, 4)
    assert server.seen(kind="snapshot") == [["snapshot", 4, 4, 0], ["snapshot", 4, 7, 0]]
    assert server.seen(kind="plan") == [["plan", 8, 2]]  # 7 is in the snapshot
    assert server.heard == [{"type": "snapshot"}]


def test_a_lost_connection_is_retried_with_growing_waits(server: Server) -> None:
    started(server)
    server.begin = lambda line: line.close(code=1012)  # restarting
    server.connections[0].close(code=1012)
    expect(server.page.locator("#state")).to_have_text("lost")
    server.page.clock.fast_forward(700)
    server.page.wait_for_timeout(50)
    assert len(server.connections) == 2
    server.page.clock.fast_forward(700)  # the second wait is twice as long
    server.page.wait_for_timeout(50)
    assert len(server.connections) == 2
    server.begin = lambda line: server.send("snapshot", 9)
    server.page.clock.fast_forward(700)
    expect(server.page.locator("#state")).to_have_text("live")
    assert server.seen() == [
        ["live", 0], ["snapshot", 4, 4, 0], ["lost", 1012], ["live", 0], ["snapshot", 4, 9, 0],
    ]  # fmt: skip


def test_a_silent_connection_is_closed(server: Server) -> None:
    started(server)
    server.page.clock.fast_forward(26_000)
    server.page.wait_for_timeout(50)
    assert server.heard == [{"type": "ping"}]
    server.send("pong", None)
    server.page.wait_for_timeout(50)
    server.page.clock.fast_forward(11_000)
    expect(server.page.locator("#state")).to_have_text("live")  # the server answered
    server.page.clock.fast_forward(26_000)
    server.page.clock.fast_forward(11_000)
    expect(server.page.locator("#state")).to_have_text("lost")
    server.page.clock.fast_forward(700)
    expect(server.page.locator("#state")).to_have_text("live")
    assert len(server.connections) == 2


@pytest.mark.parametrize("code", [4401, 4403, 4404, 4409])
def test_a_refused_client_never_connects_again(server: Server, code: int) -> None:
    started(server)
    server.connections[0].close(code=code)
    expect(server.page.locator("#state")).to_have_text("closed")
    server.page.clock.fast_forward(120_000)
    server.page.evaluate("() => dispatchEvent(new Event('online'))")
    server.page.wait_for_timeout(50)
    assert len(server.connections) == 1
    assert server.seen()[-1] == ["closed", code]


def test_a_throttled_client_waits_longest(server: Server) -> None:
    started(server)
    server.connections[0].close(code=4429)
    expect(server.page.locator("#state")).to_have_text("lost")
    server.page.evaluate("() => dispatchEvent(new Event('online'))")
    server.page.clock.fast_forward(29_000)
    server.page.wait_for_timeout(50)
    assert len(server.connections) == 1
    server.page.clock.fast_forward(12_000)
    expect(server.page.locator("#state")).to_have_text("live")


def test_a_restored_network_is_used_at_once(server: Server) -> None:
    started(server)
    server.begin = lambda line: line.close(code=1012)
    server.connections[0].close(code=1012)
    for _turn in range(5):
        server.page.clock.fast_forward(11_000)
        server.page.wait_for_timeout(20)
    lines = len(server.connections)
    server.begin = lambda line: server.send("snapshot", 4)
    server.page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(server.page.locator("#state")).to_have_text("live")
    assert len(server.connections) == lines + 1


def test_a_stopped_client_stays_stopped(server: Server) -> None:
    started(server)
    server.page.evaluate("() => stop()")
    server.page.clock.fast_forward(120_000)
    server.page.wait_for_timeout(50)
    assert len(server.connections) == 1
    assert server.seen()[-1][0] == "snapshot"
