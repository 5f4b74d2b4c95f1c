"""A server for the app's scripts in a real browser: it keeps acts, and fails when it is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from csp.utils import build_policy
from playwright.sync_api import BrowserContext, Page, Route

HOST = "http://queue.localhost:8000"
SCRIPTS = Path("dispatch/driver/static/driver").resolve()
PAGE = "<!doctype html><html lang=en><title>Queue</title><p>Queue</p></html>"
START = """async (driver) => {
    const { driverStore } = await import('/driver-scripts/store.js');
    const { Queue } = await import('/driver-scripts/queue.js');
    const { Client } = await import('/driver-scripts/client.js');
    const client = new Client({ day: '/driver/day/', acts: '/driver/acts/' });
    const store = driverStore(driver);
    window.states = [];
    window.queue = new Queue({
        store,
        send: (acts) => client.acts(driver, acts.map(({ id, kind, at }) => ({ id, kind, at }))),
        onState: (state) => states.push(state),
    });
    window.store = store;
    window.tap = (kind) =>
        queue.add({ id: crypto.randomUUID(), kind, at: new Date().toISOString() });
}"""
Fault = Callable[[], int | str]


class FakeServer:
    """Answers the browser. ``fault()`` returns 200, a status, "abort", "lost" or "garbage".

    With "lost" the acts are kept and the answer never arrives.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.kept: list[dict[str, Any]] = []
        self.drivers: list[str] = []
        self.logged_in = ""
        self.requests = 0
        self.fault: Fault = lambda: 200
        self.rejected: set[str] = set()
        context.route("**/*", self._answer)

    def open(self, driver: str = "drv_1") -> Page:
        """Open a page that has the queue of a driver."""
        page = self.context.new_page()
        self.start(page, driver)
        return page

    def start(self, page: Page, driver: str = "drv_1") -> None:
        """Load a page and start the queue in it, as the app does."""
        page.goto(f"{HOST}/")
        page.evaluate(START, driver)

    def kinds(self) -> list[str]:
        """Return the kinds of the acts in the order in which they were kept."""
        return [act["kind"] for act in self.kept]

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(HOST).partition("?")[0]
        if path.startswith("/driver-scripts/"):
            script = SCRIPTS / path.removeprefix("/driver-scripts/")
            route.fulfill(body=script.read_bytes(), content_type="text/javascript")
        elif path == "/driver/acts/":
            self._take(route)
        elif path == "/driver/day/":
            self._json(route, 200, {"driver": {"id": self.logged_in or "drv_1"}, "csrf": "token"})
        else:
            policy = {"Content-Security-Policy": build_policy()}
            route.fulfill(body=PAGE, content_type="text/html", headers=policy)

    def _take(self, route: Route) -> None:
        self.requests += 1
        fault = self.fault()
        if fault == "abort":
            route.abort()
            return
        body = route.request.post_data_json
        if fault == 200 and self.logged_in not in {"", body["driver"]}:
            fault = 409
        if isinstance(fault, int) and fault >= 400:
            code = {401: "device_ended", 409: "other_driver"}.get(fault, "unavailable")
            self._json(route, fault, {"code": code, "detail": code})
            return
        results = [self._keep(act, body["driver"]) for act in body["acts"]]
        if fault == "lost":
            route.abort()
        elif fault == "garbage":
            route.fulfill(body="<html>Welcome to the hotel</html>", content_type="text/html")
        else:
            self._json(route, 200, {"results": results})

    def _keep(self, act: dict[str, Any], driver: str) -> dict[str, Any]:
        if act["kind"] in self.rejected:
            problem = {"code": "malformed", "detail": "It cannot be read."}
            return {"id": act["id"], "status": "rejected", "problem": problem, "incident": "inc_1"}
        if any(act["id"] == one["id"] for one in self.kept):
            return {"id": act["id"], "status": "duplicate", "problem": None, "incident": None}
        self.kept.append(act)
        self.drivers.append(driver)
        return {"id": act["id"], "status": "stored", "problem": None, "incident": None}

    def _json(self, route: Route, status: int, body: dict[str, Any]) -> None:
        kind = "application/json" if status < 400 else "application/problem+json"
        route.fulfill(status=status, body=json.dumps(body), content_type=kind)
