"""Races for compartments, by HTTP against a running installation with two web workers.

200 clients want one compartment, 50 times; then 200 clients want ten, 50 times. The winners cancel
after each round. No compartment is given to two, and nobody is refused while one is free.
"""

from __future__ import annotations

import http.client
import json
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.bench.installation import running_installation

CLIENTS = 200
ROUNDS, P95_S = 50, 6.0
BOXES = 10
SCHEMA = "t_lockers"

_SETUP = """
import json
from dispatch.fleet import services as fleet
from lastmile.core.geo import Point
from lastmile.core.tenancy import retailer_context
from lockers import services
from lockers.fitting import Size

with retailer_context({schema!r}):
    hub = fleet.add_hub(name="Race", zone="Europe/Lisbon", lat=38.72, lon=-9.14)
    banks = []
    for boxes in (1, {boxes}):
        bank = services.add_bank(draft=services.BankDraft(
            name=f"Bank {{boxes}}", hub=hub, point=Point(lat=38.72, lon=-9.14),
            zone="Europe/Lisbon", country="PT"))
        inside = Size(width_mm=380, height_mm=80, depth_mm=640)
        services.add_compartments(bank=bank, drafts=[
            services.CompartmentDraft(number=str(n), inside=inside) for n in range(boxes)])
        banks.append(bank.public_id)
    print(json.dumps(banks))
"""


class Client:
    """A client that reserves at a bank."""

    def __init__(self, port: int, domain: str, key: str) -> None:
        self.port = port
        self.headers = {
            "Host": domain, "Authorization": f"Bearer {key}", "Content-Type": "application/json",
        }  # fmt: skip
        self.reservation = ""

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """Send a call and return the status and the body of its answer."""
        headers = self.headers | {"Idempotency-Key": uuid.uuid4().hex}
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            line.request(method, f"/api/v1{path}", json.dumps(body or {}), headers)
            answer = line.getresponse()
            content = answer.read()
        finally:
            line.close()
        return answer.status, json.loads(content) if content else {}

    def reserve(self, bank: str) -> tuple[int, str]:
        """Try to reserve; return the status, and the compartment or the code of the refusal."""
        body = {"bank": bank, "width_mm": 300, "height_mm": 60, "depth_mm": 200}
        status, answer = self.call("POST", "/locker-reservations/", body)
        self.reservation = answer.get("id", "") if status == 201 else ""
        return status, str(answer.get("compartment") or answer.get("code"))

    def cancel(self) -> int:
        """Give the compartment back; return the status."""
        return self.call("DELETE", f"/locker-reservations/{self.reservation}/")[0]


def run(rounds: int = ROUNDS) -> str:
    """Run both races. Raises when a compartment is given twice, or a round is too slow."""
    with (
        tempfile.TemporaryDirectory(prefix="lm") as folder,
        running_installation(Path(folder), WEB_WORKERS="2") as installation,
    ):
        api = installation.open(SCHEMA, "Europe/Lisbon")
        script = _SETUP.format(schema=SCHEMA, boxes=BOXES)
        banks = json.loads(installation.command("shell", script=script).strip().splitlines()[-1])
        domain, key = api.http.headers["Host"], api.http.headers["Authorization"].split()[1]
        clients = [Client(installation.port, domain, key) for _n in range(CLIENTS)]
        took = {
            boxes: [_round(clients, bank, boxes) for _n in range(rounds)]
            for bank, boxes in zip(banks, (1, BOXES), strict=True)
        }
        installation.command("invariants", "--all")
    slowest = {boxes: sorted(times)[max(0, round(len(times) * 0.95) - 1)] for boxes, times in
               took.items()}  # fmt: skip
    assert max(slowest.values()) <= P95_S, f"a round took {slowest} s at p95"
    figures = ", ".join(f"{boxes} free: {p95:.1f} s p95" for boxes, p95 in slowest.items())
    return (
        f"{CLIENTS} clients x {rounds} rounds for 1 and for {BOXES} compartments: exactly 1 and "
        f"{BOXES} held in each, all others 409 no_free_compartment, no deadlock; {figures}; "
        f"invariants hold"
    )


def _round(clients: Sequence[Client], bank: str, boxes: int) -> float:
    """Let all clients want a compartment at once; return the seconds. The winners cancel."""
    began = time.perf_counter()
    answers = _at_once(clients, lambda client: client.reserve(bank))
    took = time.perf_counter() - began
    held = [box for status, box in answers if status == 201]
    refused = Counter((status, code) for status, code in answers if status != 201)
    assert len(set(held)) == len(held) == boxes, (held, refused)
    assert refused == {(409, "no_free_compartment"): len(clients) - boxes}, refused
    winners = [client for client in clients if client.reservation]
    assert {client.cancel() for client in winners} == {200}
    return took


def _at_once(
    clients: Sequence[Client], act: Callable[[Client], tuple[int, str]]
) -> list[tuple[int, str]]:
    """Let clients act at the same moment; return their answers."""
    gate = threading.Barrier(len(clients))

    def start(client: Client) -> tuple[int, str]:
        gate.wait()
        return act(client)

    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(start, clients))
