"""Random lives of one day: holds, confirmations, expiries, cancellations, improvement, kills.

Two processes with boards of their own change the tentative plan. After every step the referee
checks every route. The rows must be exactly the orders to plan and the live holds. The boards of
both processes must equal a board that is built from the rows. A process is killed now and then
in the middle of its work. Finished sequences are counted under var/proof/slots_joint, so that a
run can be resumed.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections, transaction

from dispatch.fleet import services as fleet
from dispatch.fleet.models import Hub
from dispatch.orders import services as orders
from dispatch.orders.drafts import WindowDraft
from dispatch.orders.models import Order
from dispatch.planning.boards import NewVisit, prepare
from dispatch.planning.boards.cache import CACHE
from dispatch.planning.boards.reading import read_facts
from dispatch.planning.boards.updating import bring_up_to_date, entry_of
from dispatch.planning.errors import VisitDoesNotFit, VisitGone
from dispatch.planning.models import TentativeDay, TentativeVisit
from dispatch.planning.problem.tentative import build_state, read_state
from dispatch.planning.selectors.tentative import broken_rules
from dispatch.planning.services import (
    confirm_visit,
    drop_expired,
    insert_visit,
    lock_days,
    reconcile_day,
    remove_visits,
)
from dispatch.planning.services.tentative.improving import replace_places
from dispatch.solver.redispatch.engine import load
from dispatch.solver.solve import solve
from lastmile.core.clock import now
from lastmile.core.geo import Point
from lastmile.core.tenancy import retailer_context
from tests.bench.database import bench_database
from tests.factories.fleet import LAT, LON
from tests.factories.orders import DAY, make_draft

SEQUENCES, STEPS = 2_000, 10
KILL_SHARE = 0.03  # of the acts in another process
HOLD_MINUTES = 5
EVE = dt.datetime.combine(DAY, dt.time(), dt.UTC) - dt.timedelta(hours=8)
SPANS = ((9, 11), (11, 13), (13, 16))
IDLE_S = 10.0  # seconds within which PostgreSQL ends the work of a killed process
Board = tuple[dict[str, list[str]], int] | None


class Broken(AssertionError):
    """A step broke a promise of the tentative plan."""


def windows() -> list[tuple[dt.datetime, dt.datetime]]:
    """Return the time windows of the day."""
    midnight = dt.datetime.combine(DAY, dt.time(), dt.UTC)
    hour = dt.timedelta(hours=1)
    return [(midnight + opens * hour, midnight + closes * hour) for opens, closes in SPANS]


# What a process does


@dataclass(frozen=True, slots=True)
class Task:
    """An act on a hub's day, with what it needs."""

    act: str
    hub: int
    key: str = ""
    order: int = 0
    point: tuple[float, float] = (LAT, LON)
    window: int = 0
    parcels: int = 1
    routes: dict[str, list[str]] = field(default_factory=dict)


def work(end: Connection, schema: str) -> None:
    """Do the acts that come through a pipe, until it is closed."""
    connections.close_all()
    CACHE.clear()
    with retailer_context(schema):
        while True:
            try:
                task = end.recv()
            except EOFError:
                return
            try:
                end.send(do(task))
            except (VisitDoesNotFit, VisitGone) as refused:
                end.send(refused.code)


def do(task: Task) -> Any:
    """Do one act; return what the parent has to know."""
    hub = Hub.objects.get(pk=task.hub)
    if task.act == "board":
        return board_of(hub)
    if task.act == "reconcile":
        reconcile_day(hub=hub, service_date=DAY)
        return None
    if task.act == "improve":
        row = TentativeDay.objects.get(hub=hub, service_date=DAY)
        return replace_places(row, task.routes).outcome
    if task.act == "hold":
        return _hold(hub, task)
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        if task.act == "confirm":
            confirm_visit(day, key=task.key, order=Order.objects.get(pk=task.order))
        elif task.act == "remove":
            remove_visits(day, [task.key])
        else:
            drop_expired(day, now())
    return None


def _hold(hub: Hub, task: Task) -> dt.datetime:
    visit = NewVisit(
        key=task.key,
        point=Point(lat=task.point[0], lon=task.point[1]),
        service_s=240,
        weight_g=2_000,
        volume_cm3=8_000,
        parcels=task.parcels,
    )
    prepared = prepare(hub=hub, service_date=DAY, visit=visit)
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        drop_expired(day, now())
        expires_at = now() + dt.timedelta(minutes=HOLD_MINUTES)
        insert_visit(day, prepared, window=windows()[task.window], expires_at=expires_at)
    return expires_at


def board_of(hub: Hub) -> Board:
    """Return the routes and the cost of this process's board, brought up to date."""
    facts = {date: fact for date, fact in read_facts(hub, [DAY]).items() if not fact.reason}
    bring_up_to_date(hub, facts, now(), wait=True)
    board = entry_of(hub, DAY).board
    if board is None:
        return None
    routes = {shift: list(keys) for shift, keys in board.board.sequences.items() if keys}
    return routes, board.board.cost().total


@dataclass(slots=True)
class Worker:
    """A process with a board cache of its own."""

    schema: str
    process: BaseProcess = field(init=False)
    end: Connection = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the process."""
        context = multiprocessing.get_context("fork")
        connections.close_all()
        self.end, other = context.Pipe()
        self.process = context.Process(target=work, args=(other, self.schema), daemon=True)
        self.process.start()
        other.close()

    def ask(self, task: Task) -> Any:
        """Let the process do an act; return its answer."""
        self.end.send(task)
        if not self.end.poll(120):
            raise Broken(f"A process did not answer: {task}")
        return self.end.recv()

    def kill_during(self, task: Task, seconds: float) -> None:
        """Send an act, kill the process after some time, and start another one."""
        self.end.send(task)
        time.sleep(seconds)
        self.stop()
        until = time.monotonic() + IDLE_S
        while _busy() and time.monotonic() < until:
            time.sleep(0.005)
        self.start()

    def stop(self) -> None:
        """Kill the process."""
        if self.process.pid is not None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()
        self.end.close()


def _busy() -> bool:
    """Return True while another connection of this database has a transaction or a statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state <> 'idle' AND backend_type = 'client backend'"
        )
        return bool(cursor.fetchone()[0])


# The life of a day


class Life:
    """A hub's day with vans, and what must be in its tentative plan."""

    def __init__(
        self, rng: random.Random, workers: list[Worker], clock: Path, kill_share: float
    ) -> None:
        self.rng, self.workers, self.clock, self.kill_share = rng, workers, clock, kill_share
        self.set_clock(EVE)
        self.hub = fleet.add_hub(
            name=f"Hub {rng.random()}", zone="Europe/Lisbon", lat=LAT, lon=LON, loading_s=600
        )
        for _van in range(rng.randint(1, 3)):
            self._add_shift()
        self.holds: dict[str, dt.datetime] = {}
        self.counts: dict[str, int] = {}
        self.proposal: dict[str, list[str]] = {}
        for _order in range(rng.randint(0, 3)):
            self._order()
        self.ask(Task("reconcile", self.hub.pk))

    def _add_shift(self) -> None:
        vehicle = fleet.add_vehicle(
            hub=self.hub, name="Van", profile="van", energy="diesel", weight_g=500_000,
            volume_cm3=4_000_000, parcels=self.rng.randint(3, 7), fixed_cost_minor=4_000,
            cost_per_km_minor=30, cost_per_hour_minor=1_800,
        )  # fmt: skip
        start = dt.datetime.combine(DAY, dt.time(8), dt.UTC)
        fleet.add_shift(vehicle=vehicle, starts_at=start, ends_at=start + dt.timedelta(hours=8))

    def set_clock(self, instant: dt.datetime) -> None:
        """Set the clock of all processes."""
        other = self.clock.with_suffix(".new")
        other.write_text(instant.isoformat())
        other.replace(self.clock)

    def ask(self, task: Task) -> Any:
        """Let one of the processes do an act."""
        return self.rng.choice(self.workers).ask(task)

    def _order(self, window: int | None = None) -> Order:
        span = windows()[self.rng.randrange(3) if window is None else window]
        draft = make_draft(
            hub=self.hub.public_id, window=WindowDraft(opens_at=span[0], closes_at=span[1])
        )
        placed = orders.place_order(draft=draft)
        assert placed.order is not None
        return placed.order

    def step(self) -> None:
        """Do one random act, perhaps killing the process that does it, and check everything."""
        acts = [self.hold] * 5 + [self.confirm] * 3 + [
            self.expire, self.cancel, self.release, self.arrive, self.propose, self.improve,
        ]  # fmt: skip
        act = self.rng.choice(acts)
        self.counts[act.__name__] = self.counts.get(act.__name__, 0) + 1
        act()
        self.check(act.__name__)

    def _run(self, task: Task) -> Any:
        """Do an act in one of the processes; it is killed now and then. "killed" if it was."""
        if self.rng.random() >= self.kill_share:
            return self.ask(task)
        self.counts["killed"] = self.counts.get("killed", 0) + 1
        self.rng.choice(self.workers).kill_during(task, self.rng.random() * 0.05)
        return "killed"

    def _live(self) -> list[str]:
        at = now()
        return [key for key, expires_at in self.holds.items() if expires_at > at]

    def hold(self) -> None:
        """Hold a place."""
        key = f"hld_{self.rng.getrandbits(64):020d}"
        task = Task(
            "hold", self.hub.pk, key=key, window=self.rng.randrange(3),
            point=(LAT + self.rng.uniform(-0.04, 0.04), LON + self.rng.uniform(-0.04, 0.04)),
            parcels=self.rng.randint(1, 2),
        )  # fmt: skip
        answer = self._run(task)
        if answer == "killed":
            row = TentativeVisit.objects.filter(key=key).first()
            answer = row.expires_at if row is not None else None
        if isinstance(answer, dt.datetime):
            self.holds[key] = answer

    def confirm(self) -> None:
        """Turn a live hold into an order, as a confirmation does in one transaction."""
        live = self._live()
        if not live:
            return
        key = self.rng.choice(live)
        row = TentativeVisit.objects.get(key=key)
        spans = windows()
        order = self._order(spans.index((row.opens_at, row.closes_at)))  # type: ignore[arg-type]
        self._run(Task("confirm", self.hub.pk, key=key, order=order.pk))
        if not TentativeVisit.objects.filter(key=key).exists():
            del self.holds[key]
        self.ask(Task("reconcile", self.hub.pk))  # its own load and place follow from the order

    def expire(self) -> None:
        """Let time pass, so that holds expire."""
        self.set_clock(now() + dt.timedelta(minutes=self.rng.randint(1, HOLD_MINUTES)))
        self._run(Task("expire", self.hub.pk))

    def cancel(self) -> None:
        """Cancel an order."""
        waiting = list(Order.objects.filter(hub=self.hub, state="ready"))
        if waiting:
            orders.cancel_order(order=self.rng.choice(waiting), cause="shopper")
        self._run(Task("reconcile", self.hub.pk))
        self.ask(Task("reconcile", self.hub.pk))

    def release(self) -> None:
        """Give a hold back."""
        live = self._live()
        if live:
            key = self.rng.choice(live)
            self._run(Task("remove", self.hub.pk, key=key))
            if not TentativeVisit.objects.filter(key=key).exists():
                del self.holds[key]

    def arrive(self) -> None:
        """Let an order arrive by file, with a window but without a hold; it may not fit."""
        self._order()
        self._run(Task("reconcile", self.hub.pk))
        self.ask(Task("reconcile", self.hub.pk))

    def propose(self) -> None:
        """Search for better routes in the background, for a later step."""
        row = TentativeDay.objects.select_related("hub", "base_plan").get(
            hub=self.hub, service_date=DAY
        )
        state = read_state(row, now())
        problem = build_state(state.day, state.at).problem
        if problem.visits:
            seed = self.rng.randrange(1000)
            result = solve(problem, iterations=30, seed=seed, threads=1)
            self.proposal = {k: list(v) for k, v in result.solution.sequences.items()}

    def improve(self) -> None:
        """End a search that began earlier: its routes count only if they are right and cheaper."""
        if self.proposal:
            outcome = self._run(Task("improve", self.hub.pk, routes=self.proposal))
            self.counts[f"improve {outcome}"] = self.counts.get(f"improve {outcome}", 0) + 1

    def check(self, act: str) -> None:
        """Check the rows by the referee, the content, and the boards of all processes."""
        with transaction.atomic():
            (day,) = lock_days([(self.hub, DAY)])  # waits until nobody writes
        at = now()
        faults = broken_rules(day.row, at)
        rows = TentativeVisit.objects.filter(day=day.row)
        held = {row.key for row in rows if row.expires_at is not None and row.expires_at > at}
        live = {key for key in self.holds if self.holds[key] > at}
        if held != live:
            faults.append(f"holds: {sorted(held ^ live)}")
        lost = [row.key for row in rows if row.key in live and row.shift_id is None]
        faults += [f"hold without a place: {key}" for key in lost]
        CACHE.clear()
        expected = board_of(self.hub)
        for number, worker in enumerate(self.workers):
            board = worker.ask(Task("board", self.hub.pk))
            if board != expected:
                faults.append(f"board of process {number}: {board} is not {expected}")
        if faults:
            raise Broken(f"after {act}: {'; '.join(faults)}")


@contextmanager
def processes(clock: Path, schema: str = "t1") -> Iterator[list[Worker]]:
    """Start two processes under a clock that all share."""
    os.environ |= {"ALLOW_TEST_CLOCK": "1", "TEST_CLOCK_FILE": str(clock)}
    clock.write_text(EVE.isoformat())
    workers = [Worker(schema) for _ in range(2)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.stop()
        del os.environ["ALLOW_TEST_CLOCK"], os.environ["TEST_CLOCK_FILE"]


def live(
    seed: int, workers: list[Worker], clock: Path, kill_share: float = KILL_SHARE
) -> dict[str, int]:
    """Live one day; return how often each act happened. Raises Broken with the seed."""
    life = Life(random.Random(seed), workers, clock, kill_share)
    for _step in range(STEPS):
        try:
            life.step()
        except Broken as broken:
            raise Broken(f"seed {seed}: {broken}") from broken
    return life.counts


def run() -> str:
    """Live SEQUENCES days, those already done left out; return the figures."""
    done_file = Path(settings.VAR) / "proof" / "slots_joint" / "done"
    done_file.parent.mkdir(parents=True, exist_ok=True)
    done = int(done_file.read_text()) if done_file.exists() else 0
    counts: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="lm") as folder, bench_database():
        load()
        with retailer_context("t1"), processes(Path(folder) / "clock") as workers:
            for seed in range(done, SEQUENCES):
                for act, number in live(seed, workers, Path(folder) / "clock").items():
                    counts[act] = counts.get(act, 0) + number
                done_file.write_text(str(seed + 1))
    done_file.unlink()
    acts = ", ".join(f"{number} {act}" for act, number in sorted(counts.items()))
    return (
        f"{SEQUENCES} random sequences of {STEPS} steps over one day, two processes; after every "
        f"step: 0 violations by the referee, 0 wrong visits, boards equal; in this run: {acts}"
    )
