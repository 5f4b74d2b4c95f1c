"""Latency of messages: seconds from the commit of an event to the arrival of its call.

Orders go out one by one, each in its own transaction, at an even rate. The fake Twilio notes when
each call arrives. Both clocks are the monotonic clock of this machine. First 50 messages a second
alone, then 15 a second beside an import of 20,000 rows and plans that run one after the other. The
workers for imports and for plans give way (nice 10), as those of an installation should.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx

from tests.bench.imports import HEADINGS, as_csv
from tests.bench.installation import Installation, RetailerApi
from tests.bench.messages_stage import SCHEMA, start, tell, told_installation
from tests.bench.processor import processor_times
from tests.fake_twilio import Behaviour, FakeTwilio

ALONE_PER_S, ALONE_S = 50, 120
BESIDE_PER_S, BESIDE_S = 15, 120
IMPORT_ROWS, PLANNED_ORDERS = 20_000, 200
P95_S = 1.0
LEAST_RATE = 0.9  # of the rate that was asked for must be reached, else the figures say little
ACCOUNT_PER_S = 200
IDLE_S, IDLE_CORES, IDLE_WITHIN_S = 5, 0.1, 300
NICE = 10  # of the workers for imports and for plans

# The orders were placed long ago: the handlers of their placing are not part of the figures.
SETUP = """
from lastmile.core.models import Delivery, Event
from lastmile.core.relay import relay_batch
open_ = {{"state__in": ["waiting", "leased"]}}
hub = make_hub()
pks = []
for first in range({first}, {last}, 500):
    pks += place(range(first, min(first + 500, {last})), hub, 600)
while Event.objects.filter(position=None).exists() or Delivery.objects.filter(**open_).exists():
    relay_batch()
    Delivery.objects.filter(state="waiting").update(state="done")
    time.sleep(0.1)
day = clock.local_date(clock.now(), "UTC") + dt.timedelta(days=3)
hub_row = fleet_hub(hub)
for n in range(8):
    van = fleet.add_vehicle(
        hub=hub_row, name=f"Van {{n}}", profile="van", energy="diesel", weight_g=1_000_000,
        volume_cm3=8_000_000, parcels=150, cost_per_km_minor=30, cost_per_hour_minor=1_800)
    starts_at = clock.local_instant(day, 480, "UTC")
    fleet.add_shift(vehicle=van, starts_at=starts_at, ends_at=starts_at + dt.timedelta(hours=10))
place_on(day, {planned}, hub)
switch_on({per_s})
print(json.dumps({{"hub": hub, "pks": pks}}))
"""
IMPORTED = """
rows = Order.objects.filter(external_id__startswith="I-").count()
print(json.dumps({"rows": rows}))
"""
GO_OUT = """
pks = {pks!r}
phones = dict(Order.objects.filter(pk__in=pks).values_list("pk", "shopper__phone"))
began = time.monotonic()
for place_, pk in enumerate(pks):
    time.sleep(max(0.0, began + place_ / {per_s} - time.monotonic()))
    orders.mark_out(orders=[pk])
    print(json.dumps([phones[pk], time.monotonic()]), flush=True)
"""


class Slow(AssertionError):
    """A message took too long."""


def run(alone_s: int = ALONE_S, beside_s: int = BESIDE_S, rows: int = IMPORT_ROWS) -> str:
    """Measure both parts; return the figures. Raises Slow."""
    with FakeTwilio(Behaviour(report_after_s=0.05)) as fake, told_installation(fake) as house:
        api = _api(house)
        alone, beside = ALONE_PER_S * alone_s, BESIDE_PER_S * beside_s
        setup = SETUP.format(
            first=0, last=alone + beside, planned=PLANNED_ORDERS, per_s=ACCOUNT_PER_S
        )
        ready = tell(house, setup)
        _wait_until_idle(house)
        first = _measure(house, fake, ready["pks"][:alone], ALONE_PER_S)
        load = _Load(api, house, ready["hub"], rows)
        load.start()
        second = _measure(house, fake, ready["pks"][alone:], BESIDE_PER_S)
        load.stop()
        imported = tell(house, IMPORTED)["rows"]
    parts = {
        f"alone, {ALONE_PER_S}/s asked for {alone_s} s": (first, ALONE_PER_S),
        f"beside {imported:,} of {rows:,} imported rows and {load.plans} plans, "
        f"{BESIDE_PER_S}/s asked for {beside_s} s": (second, BESIDE_PER_S),
    }
    line = "; ".join(f"{name}: {_sentence(figures)}" for name, (figures, _per_s) in parts.items())
    for name, (figures, per_s) in parts.items():
        if figures["p95_s"] >= P95_S or figures["lost"] or figures["rate"] < LEAST_RATE * per_s:
            raise Slow(f"{name} misses p95 {P95_S:.0f} s, the rate or a message. {line}")
    return line


def _wait_until_idle(house: Installation) -> None:
    """Wait until the work that the placing of the orders left behind is done."""
    until = time.monotonic() + IDLE_WITHIN_S
    while time.monotonic() < until:
        before = sum(processor_times(house).values())
        time.sleep(IDLE_S)
        if sum(processor_times(house).values()) - before < IDLE_S * IDLE_CORES:
            return
    raise Slow(f"the installation is not idle {IDLE_WITHIN_S} s after the orders were placed")


def _sentence(figures: dict[str, float]) -> str:
    return (
        f"{figures['rate']:.1f}/s reached, p50 {figures['p50_s'] * 1000:.0f} ms, p95 "
        f"{figures['p95_s'] * 1000:.0f} ms, longest {figures['most_s']:.2f} s, "
        f"{figures['lost']:.0f} lost"
    )


def _measure(house: Installation, fake: FakeTwilio, pks: list[int], per_s: int) -> dict[str, float]:
    """Let orders go out at a rate; return the figures from commit to arrival."""
    process = start(house, GO_OUT.format(pks=pks, per_s=per_s))
    assert process.stdout is not None
    committed = dict(json.loads(line) for line in process.stdout if line.startswith("["))
    process.wait(60)
    until = time.monotonic() + 60
    while time.monotonic() < until and set(committed) - {entry.to for entry in fake.book}:
        time.sleep(0.2)
    arrived = {entry.to: entry.at for entry in fake.book}
    took = sorted(arrived[to] - at for to, at in committed.items() if to in arrived)
    took = took or [float("inf")]
    times = sorted(committed.values())
    return {
        "rate": (len(times) - 1) / (times[-1] - times[0]),
        "p50_s": took[len(took) // 2],
        "p95_s": took[round(len(took) * 0.95) - 1],
        "most_s": took[-1],
        "lost": float(len(set(committed) - set(arrived))),
    }


def _api(house: Installation) -> RetailerApi:
    key = house.command_json("apikey_create", "--schema", SCHEMA, "--role", "integration")["key"]
    return RetailerApi(house.port, f"{SCHEMA.removeprefix('t_')}.localhost", key, SCHEMA)


def give_way(pids: Iterable[int]) -> None:
    """Set processes to nice 10, with all their threads and their children's."""
    for pid in pids:
        for task in (Path("/proc") / str(pid) / "task").iterdir():
            os.setpriority(os.PRIO_PROCESS, int(task.name), NICE)
            give_way(int(child) for child in (task / "children").read_text().split())


class _Load(threading.Thread):
    """An import of many rows, and plans one after the other, while messages are measured."""

    def __init__(self, api: RetailerApi, house: Installation, hub: str, rows: int) -> None:
        super().__init__(daemon=True)
        self.api, self.hub, self.rows = api, hub, rows
        self.plans = 0
        self._done = threading.Event()
        give_way(pid for name in ("solve", "bulk") for pid in house.pids()[name])

    def run(self) -> None:
        importing = threading.Thread(target=self._quietly, args=(self._import,), daemon=True)
        importing.start()
        self._quietly(self._plan)
        importing.join()

    def _quietly(self, act: Callable[[], None]) -> None:
        """Do an act until it ends or the measurement is over; then its last call may fail."""
        try:
            act()
        except (httpx.HTTPError, TimeoutError):
            if not self._done.is_set():
                raise

    def _plan(self) -> None:
        day = (dt.datetime.now(dt.UTC) + dt.timedelta(days=3)).date().isoformat()
        while not self._done.is_set():
            sent = self.api.post("/plans/", {"hub": self.hub, "service_date": day, "seconds": 20})
            self.api.wait_for(str(sent.get("operation") or sent.get("job")))
            self.plans += 1

    def stop(self) -> None:
        """Start nothing more."""
        self._done.set()

    def _import(self) -> None:
        day = (dt.datetime.now(dt.UTC) + dt.timedelta(days=4)).date().isoformat()
        table: list[list[Any]] = [
            [f"I-{n:05d}", f"Comprador {n}", "", f"Rua {n}", 38.72 - n % 150 * 1e-5,
             -9.14 - n // 150 * 1e-5, day, "10:00", "14:00", 1, 1.0]
            for n in range(self.rows)
        ]  # fmt: skip
        assert len(table[0]) == len(HEADINGS)
        self.api.import_file("load.csv", as_csv(table), self.hub)
