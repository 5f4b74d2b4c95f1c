"""The one live client, in a real browser against a server that misbehaves on purpose."""

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
    """Accepts websockets and notes what the client says; ``begin`` is what it sends first."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.lines: list[WebSocketRoute] = []
        self.heard: list[dict[str, Any]] = []
        self.begin: Callable[[WebSocketRoute], None] = lambda line: self.send("snapshot", 4)
        page.route_web_socket("**/ws/v1/test/", self.accept)

    def accept(self, line: WebSocketRoute) -> None:
        """Take a connection."""
        line.on_message(lambda text: self.heard.append(json.loads(text)))
        self.lines.append(line)
        self.begin(line)

    def send(self, kind: str, seq: int | None, n: int = 0) -> None:
        """Send a frame on the newest line."""
        text = json.dumps({"type": kind, "seq": seq, "retailer": "ret_1", "data": {"n": n}})
        self.lines[-1].send(text)

    def seen(self, *, of: str = "") -> list[Any]:
        """Return what the client handed on."""
        found: list[Any] = self.page.evaluate("() => window.seen")
        return [one for one in found if not of or one[0] == of]


@pytest.fixture
def server(page: Page) -> Server:
    """A page with the client's script, and the server that it talks to."""
    policy = {"Content-Security-Policy": build_policy()}

    def answer(route: Route) -> None:
        if route.request.url.endswith("/live.js"):
            route.fulfill(body=SCRIPT.read_bytes(), content_type="text/javascript")
        else:
            route.fulfill(body=PAGE, content_type="text/html", headers=policy)

    page.route("**/*", answer)
    page.clock.install()
    made = Server(page)
    page.goto(f"{HOST}/")
    return made


def started(server: Server) -> Server:
    """Start the client and wait until it has connected."""
    server.page.evaluate(START)
    server.page.wait_for_function("() => seen.length > 0")
    return server


def shows(server: Server, count: int) -> None:
    """Wait until the client has handed on so many things."""
    server.page.wait_for_function("n => seen.length >= n", arg=count)


def test_a_snapshot_then_deltas_in_order(server: Server) -> None:
    started(server)
    server.send("plan", 5, n=1)
    server.send("job", None, n=2)
    server.send("plan", 5, n=9)  # the same again
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
    assert server.seen(of="plan") == []
    server.send("snapshot", 7)
    shows(server, 4)
    assert server.seen(of="snapshot") == [["snapshot", 4, 4, 0], ["snapshot", 4, 7, 0]]
    assert server.seen(of="plan") == [["plan", 8, 2]]  # 7 is in the snapshot
    assert server.heard == [{"type": "snapshot"}]


def test_a_dropped_connection_comes_back_by_itself_with_growing_waits(server: Server) -> None:
    started(server)
    server.begin = lambda line: line.close(code=1012)  # restarting
    server.lines[0].close(code=1012)
    expect(server.page.locator("#state")).to_have_text("lost")
    server.page.clock.fast_forward(700)
    server.page.wait_for_timeout(50)
    assert len(server.lines) == 2
    server.page.clock.fast_forward(700)  # the second wait is twice as long
    server.page.wait_for_timeout(50)
    assert len(server.lines) == 2
    server.begin = lambda line: server.send("snapshot", 9)
    server.page.clock.fast_forward(700)
    expect(server.page.locator("#state")).to_have_text("live")
    assert server.seen() == [
        ["live", 0], ["snapshot", 4, 4, 0], ["lost", 1012], ["live", 0], ["snapshot", 4, 9, 0],
    ]  # fmt: skip


def test_a_line_that_has_gone_silent_is_given_up(server: Server) -> None:
    started(server)
    server.page.clock.fast_forward(26_000)
    server.page.wait_for_timeout(50)
    assert server.heard == [{"type": "ping"}]
    server.send("pong", None)
    server.page.wait_for_timeout(50)
    server.page.clock.fast_forward(11_000)
    expect(server.page.locator("#state")).to_have_text("live")  # it had answered
    server.page.clock.fast_forward(26_000)
    server.page.clock.fast_forward(11_000)
    expect(server.page.locator("#state")).to_have_text("lost")
    server.page.clock.fast_forward(700)
    expect(server.page.locator("#state")).to_have_text("live")
    assert len(server.lines) == 2


@pytest.mark.parametrize("code", [4401, 4403, 4404, 4409])
def test_who_may_not_is_told_and_never_asks_again(server: Server, code: int) -> None:
    started(server)
    server.lines[0].close(code=code)
    expect(server.page.locator("#state")).to_have_text("closed")
    server.page.clock.fast_forward(120_000)
    server.page.evaluate("() => dispatchEvent(new Event('online'))")
    server.page.wait_for_timeout(50)
    assert len(server.lines) == 1
    assert server.seen()[-1] == ["closed", code]


def test_too_many_waits_longest_and_is_not_hurried(server: Server) -> None:
    started(server)
    server.lines[0].close(code=4429)
    expect(server.page.locator("#state")).to_have_text("lost")
    server.page.evaluate("() => dispatchEvent(new Event('online'))")
    server.page.clock.fast_forward(29_000)
    server.page.wait_for_timeout(50)
    assert len(server.lines) == 1
    server.page.clock.fast_forward(12_000)
    expect(server.page.locator("#state")).to_have_text("live")


def test_a_network_that_is_back_is_used_at_once(server: Server) -> None:
    started(server)
    server.begin = lambda line: line.close(code=1012)
    server.lines[0].close(code=1012)
    for _turn in range(5):
        server.page.clock.fast_forward(11_000)
        server.page.wait_for_timeout(20)
    lines = len(server.lines)
    server.begin = lambda line: server.send("snapshot", 4)
    server.page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(server.page.locator("#state")).to_have_text("live")
    assert len(server.lines) == lines + 1


def test_once_stopped_it_stays_stopped(server: Server) -> None:
    started(server)
    server.page.evaluate("() => stop()")
    server.page.clock.fast_forward(120_000)
    server.page.wait_for_timeout(50)
    assert len(server.lines) == 1
    assert server.seen()[-1][0] == "snapshot"
