"""kill -9 of every child of `manage.py up` under load: what was acknowledged stands once.

Four callers go on all the while: two place orders one by one, one hands in files, one asks for
plans. Each repeats a call with the same Idempotency-Key until it is acknowledged, as a client
should. The orders bear no id of the retailer's, so that a second effect would be a second row.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import redis
from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError
from psycopg import sql

from lastmile.embedded import urls
from lastmile.embedded.folders import Folders
from tests.bench.house import Door, House, ready, running_house, wait_until
from tests.embedded.helpers import processes_with

CHILDREN = ("web", "postgres", "valkey", "worker", "solve", "bulk", "beat")
WORKERS = {"worker", "solve", "bulk"}
UNDER_LOAD_S = 4.0
HEAL_S, END_S = 120.0, 400.0
FILE_ROWS = 200
DAY = "2026-11-25"
Json = dict[str, Any]


class Caller(threading.Thread):
    """Does one act over and over until told to stop; keeps what was acknowledged."""

    def __init__(self, door: Door, act: Callable[[Caller, int], None]) -> None:
        super().__init__(daemon=True)
        self.door, self.act = door, act
        self.kept: list[Json] = []
        self.repeats = 0
        self.stopping = threading.Event()

    def run(self) -> None:
        turn = 0
        while not self.stopping.is_set():
            self.act(self, turn)
            turn += 1

    def until_acknowledged(self, path: str, **sent: Any) -> Json | None:
        """POST with one Idempotency-Key until it is answered 2xx; None for a final refusal."""
        key = uuid.uuid4().hex
        while True:
            try:
                answer = self.door.http.post(
                    path, headers={"Idempotency-Key": key}, timeout=15, **sent
                )
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code < 300:
                found: Json = answer.json()
                return found
            if answer is not None and answer.status_code not in {409, 429, 500, 502, 503, 504}:
                raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")
            self.repeats += 1
            time.sleep(0.2)


def place_order(hub: str) -> Callable[[Caller, int], None]:
    """Return the act of placing one order."""

    def act(caller: Caller, turn: int) -> None:
        body = {
            "hub": hub, "service_date": DAY, "shopper": {"name": f"Shopper {turn}"},
            "place": {"text": f"Rua {turn}", "lat": 41.15 + turn * 1e-5, "lon": -8.61},
            "parcels": [{"weight_g": 1000}],
        }  # fmt: skip
        made = caller.until_acknowledged("/orders/", json=body)
        if made:
            caller.kept.append(made)
        time.sleep(0.02)

    return act


def submit(hub: str) -> Callable[[Caller, int], None]:
    """Return the act of handing in one file."""

    def act(caller: Caller, turn: int) -> None:
        rows = "".join(
            f"F{turn:03d}-{n:04d},{41.15 + n * 1e-4},-8.61,{DAY}\n" for n in range(FILE_ROWS)
        )
        sent = {
            "files": {"file": (f"f{turn}.csv", f"order_id,lat,lon,date\n{rows}".encode())},
            "data": {"hub": hub},
        }
        made = caller.until_acknowledged("/order-imports/", **sent)
        if made:
            caller.kept.append(made)
        time.sleep(1)

    return act


def ask_plan(hub: str) -> Callable[[Caller, int], None]:
    """Return the act of asking for a plan; while one is being made, the answer is that one."""

    def act(caller: Caller, turn: int) -> None:
        made = caller.until_acknowledged(
            "/plans/", json={"hub": hub, "service_date": DAY, "seconds": 3, "seed": turn + 1}
        )
        if made:
            caller.kept.append(made)
        time.sleep(2)

    return act


def run() -> str:
    """Kill each child once, then all at once. Raises when anything acknowledged is not there."""
    with running_house() as house:
        doors = [house.open("t_kill", "Europe/Lisbon")]
        doors += [
            Door(house.port, "kill.localhost", _key(doors[0]), "t_kill") for _caller in range(3)
        ]
        hubs = [_hub(doors[0], name) for name in ("orders", "files", "plans")]
        _a_day_to_plan(doors[0], hubs[2])
        callers = [
            Caller(doors[0], place_order(hubs[0])), Caller(doors[1], place_order(hubs[0])),
            Caller(doors[2], submit(hubs[1])), Caller(doors[3], ask_plan(hubs[2])),
        ]  # fmt: skip
        wait_until(lambda: whole(house), HEAL_S)
        for caller in callers:
            caller.start()
        heals = {name: kill(house, [name]) for name in CHILDREN}
        heals["all at once"] = kill(house, list(CHILDREN))
        for caller in callers:
            caller.stopping.set()
        for caller in callers:
            caller.join(HEAL_S)
            assert not caller.is_alive(), "a caller was never acknowledged"
        ended_s = judge(house, doors[0], hubs, callers)
        repeats = sum(caller.repeats for caller in callers)
        supervisor = house.process.pid
    left = [pid for pid in processes_with(str(house.var)) if pid != supervisor]
    assert not left, f"orphans: {left}"
    placed = len(callers[0].kept) + len(callers[1].kept)
    healed = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in heals.items())
    return (
        f"kill -9 under load, then whole again in: {healed}; {placed:,} orders, "
        f"{len(callers[2].kept)} files of {FILE_ROWS} rows, {len(callers[3].kept)} plan requests "
        f"acknowledged ({repeats} calls repeated): 0 lost, 0 twice, every job ended once "
        f"({ended_s:.0f} s after the last kill's load), invariants hold, 0 orphans, 0 manual steps"
    )


def _key(door: Door) -> str:
    return door.http.headers["Authorization"].removeprefix("Bearer ")


def _hub(door: Door, name: str) -> str:
    made: str = door.post(
        "/hubs/", {"name": name, "lat": 41.15, "lon": -8.61, "zone": "Europe/Lisbon"}
    )["id"]
    return made


def _a_day_to_plan(door: Door, hub: str) -> None:
    rows = "".join(f"P{n:03d},{41.15 + n * 3e-4},-8.62,{DAY}\n" for n in range(60))
    door.bring_in("day.csv", f"order_id,lat,lon,date\n{rows}".encode(), hub)
    van = door.post("/vehicles/", {
        "name": "Van", "hub": hub, "profile": "van", "energy": "diesel", "weight_g": 1_000_000,
        "volume_cm3": 10_000_000, "parcels": 100, "fixed_cost_minor": 0, "cost_per_km_minor": 30,
        "cost_per_hour_minor": 1000,
    })["id"]  # fmt: skip
    door.post("/shifts/", {
        "vehicle": van, "starts_at": f"{DAY}T08:00:00Z", "ends_at": f"{DAY}T20:00:00Z",
    })  # fmt: skip


def kill(house: House, names: list[str]) -> float:
    """Kill children after some seconds of load; return the seconds until the house is whole."""
    time.sleep(UNDER_LOAD_S)
    before = house.pids()
    for name in names:
        for pid in before[name]:
            os.kill(pid, signal.SIGKILL)

    def healed() -> bool:
        now = house.pids()
        return all(now.get(n) and now[n] != before[n] for n in names) and whole(house)

    return wait_until(healed, HEAL_S)


def whole(house: House) -> bool:
    """Say whether every child lives, pages with data come, and every worker answers."""
    pids = house.pids()
    if not (set(pids) >= set(CHILDREN) and all(pids.values()) and ready(house.port)):
        return False
    app = Celery(broker=broker_of(house))
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    try:
        replies = app.control.ping(timeout=1)
    except (OSError, OperationalError, redis.RedisError):
        return False
    finally:
        app.close()
    return {name.split("@")[0] for reply in replies or [] for name in reply} >= WORKERS


def broker_of(house: House) -> str:
    """Return the address of the house's own broker."""
    kept = {name: os.environ.pop(name, None) for name in urls.NAMES}
    try:
        return str(urls.resolve(house.var)["BROKER_URL"])
    finally:
        os.environ.update({name: value for name, value in kept.items() if value})


def judge(house: House, door: Door, hubs: list[str], callers: list[Caller]) -> float:
    """Hold what was acknowledged against what stands; return the seconds until all had ended."""
    began = time.monotonic()
    batches, plans = callers[2].kept, callers[3].kept
    for made in batches + plans:
        ended = door.see_through(made["operation"], END_S)
        assert ended["state"] == "succeeded", ended
    took = time.monotonic() - began
    acknowledged = [made["id"] for caller in callers[:2] for made in caller.kept]
    assert len(set(acknowledged)) == len(acknowledged), "one order was acknowledged as two"
    standing = {order["id"] for order in door.everything("/orders/", hub=hubs[0])}
    assert standing == set(acknowledged), (
        f"{len(set(acknowledged) - standing)} lost, {len(standing - set(acknowledged))} twice"
    )
    for made in batches:
        batch = door.get(f"/order-imports/{made['id']}/")
        counts = batch["created_count"] + batch["unchanged_count"]
        assert (counts, batch["refused_count"]) == (FILE_ROWS, 0), batch
    filed = sum(1 for _order in door.everything("/orders/", hub=hubs[1]))
    assert filed == len(batches) * FILE_ROWS, (filed, len(batches))
    operations = [plan["operation"] for plan in door.everything("/plans/", hub=hubs[2])]
    assert sorted(operations) == sorted({made["operation"] for made in plans})
    assert once(house, door.schema) == 0, "an order was recorded as placed twice"
    assert not house.asked("invariants", "--all")["broken"]
    return took


def once(house: House, schema: str) -> int:
    """Count orders whose placing, and jobs whose end, stand in the journal more than once."""
    question = sql.SQL(
        "SELECT count(*) FROM (SELECT 1 FROM {}.core_event WHERE kind IN ('order.placed', "
        "'job.finished') GROUP BY kind, subject HAVING count(*) > 1) x"
    ).format(sql.Identifier(schema))
    with psycopg.connect(
        host=str(Folders(house.var).run), user="postgres", dbname="lastmile"
    ) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return int(row[0])
