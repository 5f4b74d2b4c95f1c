"""Rows, bytes, write-ahead log (WAL) and CPU that an order costs until its plan is published.

One hub's day: orders placed, relayed, planned twice (a discarded draft is as large as the published
one), published, relayed again. It is measured in a throw-away database from the first order on, so
every table and index that grows is included.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.db import connection

from dispatch.fleet import services as fleet
from dispatch.planning.models import Plan, PlanInput
from dispatch.planning.services import publish_plan, request_plan
from lastmile.core.models import Event
from lastmile.core.runner import run_job
from lastmile.core.tenancy import retailer_context
from tests.bench.database import bench_database
from tests.bench.orders import DAY, draft, place_all
from tests.drain import drain
from tests.factories.fleet import make_shift, make_vehicle

ORDERS, VANS, DRAFTS, SECONDS = 1_000, 30, 2, 10


@dataclass(frozen=True, slots=True)
class Rows:
    """The measured figures, per order where not stated."""

    rows: float
    kept_bytes: float  # tables and indexes, plan inputs left out
    input_bytes: float  # the stored problem of one plan
    log_bytes: float  # of the write-ahead log
    commits: float
    events: float
    place_s: float  # processor seconds of a worker, the database's not counted
    relay_s: float
    plan_s: float  # of a plan without its search
    publish_s: float
    database_s: float  # processor seconds of the database's process for all of this


@dataclass(frozen=True, slots=True)
class _State:
    rows: int
    size: int
    log: int
    commits: int
    database_s: float


def run() -> Rows:
    """Measure on the servers of a test run."""
    with bench_database(), retailer_context("t1"):
        hub = fleet.add_hub(name="Lisboa", zone="Europe/Lisbon", lat=38.72, lon=-9.14)
        for _ in range(VANS):
            make_shift(vehicle=make_vehicle(hub=hub))
        drain()
        draw = random.Random(7)
        drafts = [draft(n, draw) for n in range(ORDERS)]
        before, events = _state(), Event.objects.count()
        place_s = _cpu(lambda: place_all(drafts, "placed"))
        relay_s = _cpu(lambda: drain(jobs=False))
        plan_s = 0.0
        for turn in range(DRAFTS):
            job = request_plan(hub=hub, service_date=DAY, seconds=SECONDS, seed=turn)
            plan_s += _cpu(partial(run_job, job.public_id)) / DRAFTS
        plan = Plan.objects.order_by("-number")[0]
        publish_s = _cpu(lambda: publish_plan(plan=plan))
        relay_s += _cpu(lambda: drain(jobs=False))
        after = _state()
        events = Event.objects.count() - events
        inputs = [len(bytes(i.problem)) for i in PlanInput.objects.all()]
    return Rows(
        rows=(after.rows - before.rows) / ORDERS,
        kept_bytes=(after.size - before.size - sum(inputs)) / ORDERS,
        input_bytes=sum(inputs) / len(inputs),
        log_bytes=(after.log - before.log) / ORDERS,
        commits=(after.commits - before.commits) / ORDERS,
        events=events / ORDERS,
        place_s=place_s / ORDERS,
        relay_s=relay_s / ORDERS,
        plan_s=plan_s / ORDERS,
        publish_s=publish_s / ORDERS,
        database_s=(after.database_s - before.database_s) / ORDERS,
    )


def _cpu(act: Callable[[], object]) -> float:
    """Return the processor seconds of this process, without its children."""
    began = time.process_time()
    act()
    return time.process_time() - began


def _state() -> _State:
    """Return the database's rows, bytes, WAL position, commits and seconds of CPU so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT coalesce(sum(n_live_tup), 0), coalesce(sum(pg_total_relation_size(relid)), 0)"
            " FROM pg_stat_user_tables"
        )
        rows, size = cursor.fetchone()
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        (log,) = cursor.fetchone()
        cursor.execute(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        )
        (commits,) = cursor.fetchone()
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])  # utime and stime, see proc(5)
    return _State(int(rows), int(size), int(log), int(commits), ticks / os.sysconf("SC_CLK_TCK"))
