"""kill -9 of every child of `manage.py up` under load: each acknowledged call has one effect.

Four callers run all the time: two place orders one by one, one sends files, one requests plans.
Each repeats a call with the same Idempotency-Key until it is acknowledged, as a client should. The
orders have no id of the retailer, so a second effect would be a second row.
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
from tests.bench.installation import (
    Installation,
    RetailerApi,
    ready,
    running_installation,
    wait_until,
)
from tests.embedded.helpers import processes_with

CHILDREN = ("web", "postgres", "valkey", "worker", "solve", "bulk", "send", "beat")
WORKERS = {"worker", "solve", "bulk", "send"}
UNDER_LOAD_S = 4.0
HEAL_S, END_S = 120.0, 400.0
FILE_ROWS = 200
DAY = "2026-11-25"
Json = dict[str, Any]


class Caller(threading.Thread):
    """Repeats one action until it is stopped; keeps what was acknowledged."""

    def __init__(self, api: RetailerApi, act: Callable[[Caller, int], None]) -> None:
        super().__init__(daemon=True)
        self.api, self.act = api, act
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
                answer = self.api.http.post(
                    path, headers={"Idempotency-Key": key}, timeout=15, **sent
                )
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code < 300:
                body: Json = answer.json()
                return body
            if answer is not None and answer.status_code not in {409, 429, 500, 502, 503, 504}:
                raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")
            self.repeats += 1
            time.sleep(0.2)


def place_order(hub: str) -> Callable[[Caller, int], None]:
    """Return the action of placing one order."""

    def act(caller: Caller, turn: int) -> None:
        body = {
            "hub": hub, "service_date": DAY, "shopper": {"name": f"Shopper {turn}"},
            "place": {"text": f"Rua {turn}", "lat": 41.15 + turn * 1e-5, "lon": -8.61},
            "parcels": [{"weight_g": 1000}],
        }  # fmt: skip
        order = caller.until_acknowledged("/orders/", json=body)
        if order:
            caller.kept.append(order)
        time.sleep(0.02)

    return act


def send_file(hub: str) -> Callable[[Caller, int], None]:
    """Return the action of sending one file."""

    def act(caller: Caller, turn: int) -> None:
        rows = "".join(
            f"F{turn:03d}-{n:04d},{41.15 + n * 1e-4},-8.61,{DAY}\n" for n in range(FILE_ROWS)
        )
        sent = {
            "files": {"file": (f"f{turn}.csv", f"order_id,lat,lon,date\n{rows}".encode())},
            "data": {"hub": hub},
        }
        batch = caller.until_acknowledged("/order-imports/", **sent)
        if batch:
            caller.kept.append(batch)
        time.sleep(1)

    return act


def ask_plan(hub: str) -> Callable[[Caller, int], None]:
    """Return the action of requesting a plan; while a plan is being made, it is the answer."""

    def act(caller: Caller, turn: int) -> None:
        job = caller.until_acknowledged(
            "/plans/", json={"hub": hub, "service_date": DAY, "seconds": 3, "seed": turn + 1}
        )
        if job:
            caller.kept.append(job)
        time.sleep(2)

    return act


def run() -> str:
    """Kill each child once, then all at once. Raises if anything acknowledged is missing."""
    with running_installation() as installation:
        apis = [installation.open("t_kill", "Europe/Lisbon")]
        apis += [
            RetailerApi(installation.port, "kill.localhost", _key(apis[0]), "t_kill")
            for _caller in range(3)
        ]
        hubs = [_hub(apis[0], name) for name in ("orders", "files", "plans")]
        _a_day_to_plan(apis[0], hubs[2])
        callers = [
            Caller(apis[0], place_order(hubs[0])), Caller(apis[1], place_order(hubs[0])),
            Caller(apis[2], send_file(hubs[1])), Caller(apis[3], ask_plan(hubs[2])),
        ]  # fmt: skip
        wait_until(lambda: whole(installation), HEAL_S)
        for caller in callers:
            caller.start()
        heals = {name: kill(installation, [name]) for name in CHILDREN}
        heals["all at once"] = kill(installation, list(CHILDREN))
        for caller in callers:
            caller.stopping.set()
        for caller in callers:
            caller.join(HEAL_S)
            assert not caller.is_alive(), "a caller was never acknowledged"
        ended_s = judge(installation, apis[0], hubs, callers)
        repeats = sum(caller.repeats for caller in callers)
        supervisor = installation.process.pid
    orphans = [pid for pid in processes_with(str(installation.var)) if pid != supervisor]
    assert not orphans, f"orphans: {orphans}"
    placed = len(callers[0].kept) + len(callers[1].kept)
    healed = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in heals.items())
    return (
        f"kill -9 under load, then whole again in: {healed}; {placed:,} orders, "
        f"{len(callers[2].kept)} files of {FILE_ROWS} rows, {len(callers[3].kept)} plan requests "
        f"acknowledged ({repeats} calls repeated): 0 lost, 0 twice, every job ended once "
        f"({ended_s:.0f} s after the last kill's load), invariants hold, 0 orphans, 0 manual steps"
    )


def _key(api: RetailerApi) -> str:
    return api.http.headers["Authorization"].removeprefix("Bearer ")


def _hub(api: RetailerApi, name: str) -> str:
    hub: str = api.post(
        "/hubs/", {"name": name, "lat": 41.15, "lon": -8.61, "zone": "Europe/Lisbon"}
    )["id"]
    return hub


def _a_day_to_plan(api: RetailerApi, hub: str) -> None:
    rows = "".join(f"P{n:03d},{41.15 + n * 3e-4},-8.62,{DAY}\n" for n in range(60))
    api.import_file("day.csv", f"order_id,lat,lon,date\n{rows}".encode(), hub)
    van = api.post("/vehicles/", {
        "name": "Van", "hub": hub, "profile": "van", "energy": "diesel", "weight_g": 1_000_000,
        "volume_cm3": 10_000_000, "parcels": 100, "fixed_cost_minor": 0, "cost_per_km_minor": 30,
        "cost_per_hour_minor": 1000,
    })["id"]  # fmt: skip
    api.post("/shifts/", {
        "vehicle": van, "starts_at": f"{DAY}T08:00:00Z", "ends_at": f"{DAY}T20:00:00Z",
    })  # fmt: skip


def kill(installation: Installation, names: list[str]) -> float:
    """Kill children after some seconds of load; return the seconds until all is running again."""
    time.sleep(UNDER_LOAD_S)
    before = installation.pids()
    for name in names:
        for pid in before[name]:
            os.kill(pid, signal.SIGKILL)

    def healed() -> bool:
        now = installation.pids()
        return all(now.get(n) and now[n] != before[n] for n in names) and whole(installation)

    return wait_until(healed, HEAL_S)


def whole(installation: Installation) -> bool:
    """Return True if every child runs, pages with data are answered, and every worker answers."""
    pids = installation.pids()
    if not (set(pids) >= set(CHILDREN) and all(pids.values()) and ready(installation.port)):
        return False
    app = Celery(broker=broker_of(installation))
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    try:
        replies = app.control.ping(timeout=1)
    except (OSError, OperationalError, redis.RedisError):
        return False
    finally:
        app.close()
    return {name.split("@")[0] for reply in replies or [] for name in reply} >= WORKERS


def broker_of(installation: Installation) -> str:
    """Return the address of the installation's own broker."""
    saved = {name: os.environ.pop(name, None) for name in urls.NAMES}
    try:
        return str(urls.resolve(installation.var)["BROKER_URL"])
    finally:
        os.environ.update({name: value for name, value in saved.items() if value})


def judge(
    installation: Installation, api: RetailerApi, hubs: list[str], callers: list[Caller]
) -> float:
    """Compare what was acknowledged with what exists; return the seconds until all jobs ended."""
    began = time.monotonic()
    batches, plans = callers[2].kept, callers[3].kept
    for item in batches + plans:
        ended = api.wait_for(item["operation"], END_S)
        assert ended["state"] == "succeeded", ended
    took = time.monotonic() - began
    acknowledged = [item["id"] for caller in callers[:2] for item in caller.kept]
    assert len(set(acknowledged)) == len(acknowledged), "one order was acknowledged as two"
    standing = {order["id"] for order in api.everything("/orders/", hub=hubs[0])}
    assert standing == set(acknowledged), (
        f"{len(set(acknowledged) - standing)} lost, {len(standing - set(acknowledged))} twice"
    )
    for item in batches:
        batch = api.get(f"/order-imports/{item['id']}/")
        counts = batch["created_count"] + batch["unchanged_count"]
        assert (counts, batch["refused_count"]) == (FILE_ROWS, 0), batch
    filed = sum(1 for _order in api.everything("/orders/", hub=hubs[1]))
    assert filed == len(batches) * FILE_ROWS, (filed, len(batches))
    operations = [plan["operation"] for plan in api.everything("/plans/", hub=hubs[2])]
    assert sorted(operations) == sorted({item["operation"] for item in plans})
    assert once(installation, api.schema) == 0, "an order was recorded as placed twice"
    assert not installation.command_json("invariants", "--all")["broken"]
    return took


def once(installation: Installation, schema: str) -> int:
    """Count orders whose placing, and jobs whose end, are in the journal more than once."""
    question = sql.SQL(
        "SELECT count(*) FROM (SELECT 1 FROM {}.core_event WHERE kind IN ('order.placed', "
        "'job.finished') GROUP BY kind, subject HAVING count(*) > 1) x"
    ).format(sql.Identifier(schema))
    with psycopg.connect(
        host=str(Folders(installation.var).run), user="postgres", dbname="lastmile"
    ) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return int(row[0])
