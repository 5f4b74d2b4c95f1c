"""Races for places in slots, by HTTP against a running installation with two web workers.

First 200 clients want one place, 100 times: time windows, which need a van, and curbside in turn.
Then 200 clients want 25 places, 40 times. Some cancel, some order, and the holds of the others
expire, because the clock of the installation moves on; then all try again. Meanwhile another
process watches the counts of all slots.
"""

from __future__ import annotations

import datetime as dt
import http.client
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.installation import ROOT, Installation, running_installation

CLIENTS = 200
SINGLE_ROUNDS, SINGLE_P95_S = 100, 6.0
MANY_ROUNDS, SEATS = 40, 25
MANY_TRIES = 2  # each client tries before and after the holds of others have expired
PAST_HOLDS = dt.timedelta(minutes=16)
SCHEMA = "t_race"
SEED = 4

# Opens the day: a hub with vans, one slot a round, and a tentative plan that is ready.
_SETUP = """
import datetime as dt, json
from dispatch.fleet import services as fleet
from dispatch.planning.services import reconcile_day
from dispatch.slots.models import Slot
from lastmile.core import clock
from lastmile.core.tenancy import retailer_context

def slot(hub, date, option, minute, capacity):
    row = Slot.objects.create(
        hub=hub, option=option, service_date=date, capacity_orders=capacity, base_minor=300,
        opens_at=clock.local_instant(date, minute, hub.zone),
        closes_at=clock.local_instant(date, minute + 120, hub.zone),
        book_until_at=clock.local_instant(date, minute, hub.zone),
    )
    return row.public_id

with retailer_context({schema!r}):
    hub = fleet.add_hub(name="Race", zone="Europe/Lisbon", lat=38.72, lon=-9.14)
    date = clock.local_date(clock.now(), hub.zone) + dt.timedelta(days=3)
    for n in range(4):
        van = fleet.add_vehicle(
            hub=hub, name=f"Van {{n}}", profile="van", energy="diesel", weight_g=1_000_000,
            volume_cm3=8_000_000, parcels=150, cost_per_km_minor=30, cost_per_hour_minor=1_800,
        )
        starts_at = clock.local_instant(date, 480, hub.zone)
        ends_at = starts_at + dt.timedelta(hours=12)
        fleet.add_shift(vehicle=van, starts_at=starts_at, ends_at=ends_at)
    reconcile_day(hub=hub, service_date=date)
    single = [
        slot(hub, date, "window" if n % 2 else "curbside", 540 + n, 1) for n in range({single})
    ]
    many = [
        slot(hub, date + dt.timedelta(days=n % 2), "window" if n % 4 == 0 else "curbside",
             720 + n, {seats})
        for n in range({many})
    ]
    print(json.dumps({{"date": date.isoformat(), "single": single, "many": many}}))
"""
# Watches the counts of all slots until a file appears; prints how often, and the worst excess.
_WATCH = """
import pathlib, time
from django.db.models import F, Max
from dispatch.slots.models import Slot
from lastmile.core.tenancy import retailer_context

stop, looks, excess = pathlib.Path({stop!r}), 0, -10**6
with retailer_context({schema!r}):
    while not stop.exists():
        worst = Slot.objects.aggregate(n=Max(F("taken_orders") - F("capacity_orders")))["n"]
        excess, looks = max(excess, worst), looks + 1
        time.sleep(0.02)  # so that looking does not take a core from the web workers
print(looks, excess)
"""
_COUNTS = """
import json
from django.db.models import Count, Sum
from dispatch.slots.models import Hold, Slot
from dispatch.slots.states import TAKING
from lastmile.core.tenancy import retailer_context
with retailer_context({schema!r}):
    print(json.dumps({{
        "taken": Slot.objects.aggregate(n=Sum("taken_orders"))["n"],
        "holds": Hold.objects.filter(state__in=TAKING).aggregate(n=Sum("orders"))["n"] or 0,
        "promised": Hold.objects.filter(state="promised").count(),
    }}))
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """The status and the body of an answer."""

    status: int
    body: dict[str, Any]


class Client:
    """A shopper's client with a delivery session of its own."""

    def __init__(self, port: int, domain: str, key: str, number: int) -> None:
        self.port = port
        self.headers = {
            "Host": domain, "Authorization": f"Bearer {key}", "Content-Type": "application/json",
        }  # fmt: skip
        self.number = number
        self.session = ""
        self.hold = ""

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a call and return its answer."""
        headers = self.headers | {"Idempotency-Key": uuid.uuid4().hex}
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            line.request(method, f"/api/v1{path}", json.dumps(body or {}), headers)
            answer = line.getresponse()
            content = answer.read()
        finally:
            line.close()
        return Answer(answer.status, json.loads(content) if content else {})

    @property
    def place(self) -> dict[str, Any]:
        """The address of the client."""
        return {"text": f"Rua {self.number}", "lat": 38.72 + self.number * 1e-5, "lon": -9.14}

    def ask(self, date: str) -> None:
        """Open the session of the client, for goods of 1 kg."""
        until = (dt.date.fromisoformat(date) + dt.timedelta(days=1)).isoformat()
        body = {"place": self.place, "since": date, "until": until, "weight_g": 1_000}
        answer = self.call("POST", "/delivery-options/", body)
        assert answer.status == 201, answer
        self.session = answer.body["id"]

    def try_hold(self, slot: str) -> Answer:
        """Hold a place in a slot; remember the hold."""
        answer = self.call("POST", "/holds/", {"session": self.session, "offer": slot})
        self.hold = answer.body["id"] if answer.status == 201 else ""
        return answer

    def release(self) -> Answer:
        """Give the held place back."""
        return self.call("DELETE", f"/holds/{self.hold}/")

    def order(self, tag: str) -> Answer:
        """Confirm the held place and send the order of the shop."""
        choice = self.call("POST", "/choices/", {"hold": self.hold})
        assert choice.status == 201, choice
        body = {
            "external_id": f"{tag}-{self.number}", "place": self.place, "weight_g": 1_000,
            "choice": choice.body["id"],
        }  # fmt: skip
        return self.call("POST", "/orders/", body)


def run(single_rounds: int = SINGLE_ROUNDS, many_rounds: int = MANY_ROUNDS) -> str:
    """Run both races. Raises when a slot is oversold, an answer is wrong or a round is too slow."""
    with (
        tempfile.TemporaryDirectory(prefix="lm") as folder,
        running_installation(
            Path(folder),
            ALLOW_TEST_CLOCK="1",
            TEST_CLOCK_FILE=f"{folder}/clock",
            WEB_WORKERS="2",
        ) as installation,
    ):
        api = installation.open(SCHEMA, "Europe/Lisbon")
        script = _SETUP.format(schema=SCHEMA, single=single_rounds, many=many_rounds, seats=SEATS)
        day = json.loads(installation.command("shell", script=script).strip().splitlines()[-1])
        domain, key = api.http.headers["Host"], api.http.headers["Authorization"].split()[1]
        clients = [Client(installation.port, domain, key, n) for n in range(CLIENTS)]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda client: client.ask(day["date"]), clients))
        watch = _Watch(installation)
        single = [_one_seat(clients, slot) for slot in day["single"]]
        advance = _Clock(Path(folder) / "clock")
        draw = random.Random(SEED)
        orders = sum(
            _many_seats(clients, slot, f"R{n}", draw, advance) for n, slot in enumerate(day["many"])
        )
        looks, excess = watch.end()
        counts = json.loads(
            installation.command("shell", script=_COUNTS.format(schema=SCHEMA)).splitlines()[-1]
        )
        installation.command("invariants", "--all")
    assert excess <= 0, f"a slot was {excess} above its capacity"
    assert counts["promised"] == orders, (counts, orders)
    assert counts["taken"] == counts["holds"], counts
    p95 = sorted(single)[max(0, round(len(single) * 0.95) - 1)]
    assert p95 < SINGLE_P95_S, f"a round took {p95:.1f} s at p95"
    return (
        f"{CLIENTS} clients for 1 seat x {single_rounds}: exactly {single_rounds} accepted, all "
        f"others 409 slot_full, a round {p95:.1f} s p95; {CLIENTS} x {SEATS} seats x {many_rounds} "
        f"with cancels, {orders} orders and expiring holds: never above capacity in {looks:,} "
        f"looks, counts equal to holds, invariants hold"
    )


def _one_seat(clients: Sequence[Client], slot: str) -> float:
    """Let all clients hold one place at once; return the seconds. The winner gives it back."""
    began = time.perf_counter()
    answers = _at_once(clients, lambda client: client.try_hold(slot))
    took = time.perf_counter() - began
    _only_full(answers, accepted=1)
    (winner,) = [client for client in clients if client.hold]
    released = winner.release()
    assert released.status in {200, 204}, released
    return took


def _many_seats(
    clients: Sequence[Client], slot: str, tag: str, draw: random.Random, advance: _Clock
) -> int:
    """Let all clients want the places of a slot; return the number of orders that got one."""
    ordered = 0
    for attempt in range(MANY_TRIES):
        answers = _at_once(clients, lambda client: client.try_hold(slot))
        _only_full(answers, accepted=SEATS - ordered)
        holders = [client for client in clients if client.hold]
        draw.shuffle(holders)
        third = max(1, len(holders) // 3)
        for client, answer in zip(
            holders[:third], _at_once(holders[:third], Client.release), strict=True
        ):
            assert answer.status in {200, 204}, (client.number, answer)
        buyers = holders[third : 2 * third]
        placed = _at_once(buyers, lambda client, n=attempt: client.order(f"{tag}-{n}"))  # type: ignore[misc]
        assert all(answer.status == 201 and answer.body["promise"] for answer in placed), placed
        ordered += len(placed)
        advance()
    return ordered


def _only_full(answers: Sequence[Answer], *, accepted: int) -> None:
    """Check that exactly ``accepted`` clients got a place and all others read slot_full."""
    results = Counter((answer.status, answer.body.get("code", "")) for answer in answers)
    expected = Counter({(201, ""): accepted, (409, "slot_full"): len(answers) - accepted})
    assert results == expected, results


def _at_once(clients: Sequence[Client], act: Callable[[Client], Answer]) -> list[Answer]:
    """Let clients act at the same moment; return their answers."""
    if not clients:
        return []
    gate = threading.Barrier(len(clients))

    def start(client: Client) -> Answer:
        gate.wait()
        return act(client)

    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(start, clients))


class _Clock:
    """The clock of the installation: each call moves it on past the end of all live holds."""

    def __init__(self, file: Path) -> None:
        self.file, self.ahead = file, dt.timedelta()

    def __call__(self) -> None:
        self.ahead += PAST_HOLDS
        self.file.unlink(missing_ok=True)
        self.file.write_text((dt.datetime.now(dt.UTC) + self.ahead).isoformat())


class _Watch:
    """A process that compares the counts of all slots with their capacities all the time."""

    def __init__(self, installation: Installation) -> None:
        self.stop = installation.var / "stop-watching"
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "shell"], env=installation.environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdin is not None
        self.process.stdin.write(_WATCH.format(stop=str(self.stop), schema=SCHEMA))
        self.process.stdin.close()

    def end(self) -> tuple[int, int]:
        """Stop watching; return the number of looks and the greatest excess over a capacity."""
        self.stop.touch()
        assert self.process.stdout is not None
        looks, excess = self.process.stdout.read().split()[-2:]
        self.process.wait(30)
        return int(looks), int(excess)
