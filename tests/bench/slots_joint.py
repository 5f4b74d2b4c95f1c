"""Random lives of one day: holds, confirmations, changes, expiries, cancellations, kills.

Two processes with boards of their own change slots and the tentative plan. After every step the
referee checks every route. The rows must be exactly the orders to plan and the live holds, each
order in its promised window. The counts of each slot must be its promises and its holds, and only
an order by file may exceed a capacity. The boards of both processes must equal a board that is
built from the rows. A process is killed now and then in the middle of its work. Finished sequences
are counted under var/proof/slots_joint, so that a run can be resumed.
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
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections, transaction

from dispatch.fleet import services as fleet
from dispatch.fleet.models import Hub
from dispatch.orders import services as orders
from dispatch.orders.drafts import PlaceDraft, WindowDraft
from dispatch.orders.models import Order
from dispatch.planning.boards.cache import CACHE
from dispatch.planning.boards.reading import read_facts
from dispatch.planning.boards.updating import bring_up_to_date, entry_of
from dispatch.planning.errors import VisitNotPrepared
from dispatch.planning.models import TentativeDay, TentativeVisit
from dispatch.planning.problem.tentative import build_state, read_state
from dispatch.planning.selectors.tentative import broken_rules
from dispatch.planning.services import lock_days, reconcile_day
from dispatch.planning.services.tentative.improving import replace_places
from dispatch.slots.counts import DIMENSIONS, WAITING, Amounts
from dispatch.slots.models import Caller, Hold, Slot
from dispatch.slots.policy import SlotPolicy
from dispatch.slots.services import (
    DeliveryRequest,
    Terms,
    hold_prepared,
    prepare_hold,
    prepare_promise,
    promise_hold,
    release_hold,
    request_for_order,
    settle_order,
)
from dispatch.slots.services.counting import give_back_expired, lock_slots
from dispatch.slots.services.promising import order_amounts
from dispatch.slots.services.visits import Days
from dispatch.slots.states import HoldState
from dispatch.solver.redispatch.engine import load
from dispatch.solver.solve import solve
from lastmile.core.clock import now
from lastmile.core.errors import Conflict
from lastmile.core.geo import Point
from lastmile.core.tenancy import retailer_context
from tenants.people.services.sections import set_section
from tenants.sections import section_of
from tests.bench.database import bench_database
from tests.factories.fleet import LAT, LON
from tests.factories.orders import DAY, make_draft
from tests.factories.slots import make_slot

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
            except (Conflict, VisitNotPrepared) as refused:
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
    _SLOT_ACTS[task.act](hub, task)
    return None


def _hold(hub: Hub, task: Task) -> None:
    request = DeliveryRequest(
        point=Point(lat=task.point[0], lon=task.point[1]),
        place_text="Rua 1, Lisboa",
        hub=hub,
        zone=None,
        service_s=240,
        weight_g=2_000,
        volume_cm3=8_000,
        parcels=task.parcels,
        currency="EUR",
    )
    _take_place(hub, task, request)


def _take_place(hub: Hub, task: Task, request: DeliveryRequest) -> Hold:
    """Hold a place of a window under the key of a task."""
    slot = Slot.objects.select_related("hub", "zone").get(
        hub=hub, opens_at=windows()[task.window][0]
    )
    ready = prepare_hold(slot=slot, request=request, session=task.key)
    assert ready.visit is not None, "a window has a visit"
    return hold_prepared(
        slot=slot,
        request=request,
        session=task.key,
        caller=Caller.SHOPPER,
        terms=Terms(price_minor=400, currency="EUR"),
        replaces=None,
        ready=replace(ready, public_id=task.key, visit=ready.visit.named(task.key)),
    )


def _promise(_hub: Hub, task: Task) -> None:
    _use(Hold.objects.select_related("slot__hub", "slot__zone").get(public_id=task.key), task)


def _use(hold: Hold, task: Task) -> None:
    order = Order.objects.select_related("promise__place", "place", "hub").get(pk=task.order)
    prepared = prepare_promise(hold=hold, order=order)
    promise_hold(hold=hold, order=order, handover="", cause="shopper", prepared=prepared)


def _change(hub: Hub, task: Task) -> None:
    """Hold another window for an order and promise it, as the shopper's page does in two calls."""
    order = Order.objects.select_related("promise__place", "place", "hub").get(pk=task.order)
    _use(_take_place(hub, task, request_for_order(order, hub=hub)), task)


def _release(_hub: Hub, task: Task) -> None:
    release_hold(hold=Hold.objects.select_related("slot__hub").get(public_id=task.key))


def _settle(_hub: Hub, task: Task) -> None:
    settle_order(order=Order.objects.get(pk=task.order))


@transaction.atomic
def _expire(hub: Hub, _task: Task) -> None:
    days, at = Days([(hub, DAY)]), now()
    slots = lock_slots(Slot.objects.filter(hub=hub).values_list("pk", flat=True))
    days.drop_expired(at)
    give_back_expired(list(slots.values()), at)


_SLOT_ACTS = {
    "hold": _hold,
    "confirm": _promise,
    "change": _change,
    "release": _release,
    "settle": _settle,
    "expire": _expire,
}


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
        for opens_at, closes_at in windows():
            make_slot(
                hub=self.hub, opens_at=opens_at, closes_at=closes_at,
                capacity_orders=rng.randint(2, 5),
            )  # fmt: skip
        self.holds: dict[str, dt.datetime] = {}
        self.without_visit: dict[str, dt.datetime] = {}  # a change that only fits in exchange
        self.taken: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.proposal: dict[str, list[str]] = {}
        for _order in range(rng.randint(0, 3)):
            self.ask(Task("settle", self.hub.pk, order=self._order(rng.randrange(3)).pk))
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

    def _order(self, window: int | None = None, **fields: Any) -> Order:
        """Place an order, with the promise of a window or without one."""
        if window is not None:
            span = windows()[window]
            fields["window"] = WindowDraft(opens_at=span[0], closes_at=span[1])
        draft = make_draft(hub=self.hub.public_id, **fields)
        placed = orders.place_order(draft=draft)
        assert placed.order is not None
        return placed.order

    def step(self) -> None:
        """Do one random act, perhaps killing the process that does it, and check everything."""
        acts = [self.hold] * 5 + [self.confirm] * 3 + [self.change] * 2 + [
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
        self._end("hold", key, self._run(task))

    def _end(self, act: str, key: str, answer: Any) -> None:
        """Count what refused an act, and note the hold that a process made or left behind."""
        if answer is not None:
            name = f"{act} {answer}"
            self.counts[name] = self.counts.get(name, 0) + 1
        row = Hold.objects.filter(public_id=key).first()
        if answer is None and (row is None or row.state == HoldState.RELEASED):
            raise Broken(f"{act} succeeded without a place: {key}")
        if row is not None and row.state == HoldState.LIVE and row.expires_at is not None:
            has_visit = TentativeVisit.objects.filter(key=key).exists()
            (self.holds if has_visit else self.without_visit)[key] = row.expires_at

    def confirm(self) -> None:
        """Turn a live hold into the promise of a new order, in one transaction."""
        rows = Hold.objects.filter(public_id__in=self._live(), order__isnull=True)
        keys = sorted(rows.values_list("public_id", flat=True))
        if not keys:
            return
        key = self.rng.choice(keys)
        hold = Hold.objects.get(public_id=key)
        place = PlaceDraft(text=f"{hold.place_text} {key}", lat=hold.lat, lon=hold.lon)
        order = self._order(place=place)
        self._promised("confirm", Task("confirm", self.hub.pk, key=key, order=order.pk))

    def change(self) -> None:
        """Change the chosen slot of a promised order: hold another one, then promise it."""
        promised = Hold.objects.filter(
            slot__hub=self.hub, state=HoldState.PROMISED, order__state="ready"
        )
        rows = sorted(promised.select_related("slot"), key=lambda row: row.pk)
        if not rows:
            return
        row = self.rng.choice(rows)
        others = [n for n, span in enumerate(windows()) if span[0] != row.slot.opens_at]
        assert row.order_id is not None
        task = Task(
            "change", self.hub.pk, key=f"hld_{self.rng.getrandbits(64):020d}",
            order=row.order_id, window=self.rng.choice(others),
        )  # fmt: skip
        self._promised("change", task)

    def _promised(self, act: str, task: Task) -> None:
        """Let a process promise a hold. A hold that is promised is none any more."""
        answer = self._run(task)
        self._end(act, task.key, answer)
        promised = Hold.objects.filter(public_id=task.key, state=HoldState.PROMISED).first()
        if promised is None and answer is None:
            raise Broken(f"{act} succeeded without a promise: {task.key}")
        if promised is not None:
            self.holds.pop(task.key, None)
            order = Order.objects.select_related("promise").get(pk=task.order)
            if order.promise is None or order.promise.slot != promised.slot.public_id:
                raise Broken(f"after {act}: the order has another promise than its place")
        self.ask(Task("reconcile", self.hub.pk))  # its own load and place follow from the order

    def expire(self) -> None:
        """Let time pass, so that holds expire."""
        self.set_clock(now() + dt.timedelta(minutes=self.rng.randint(1, HOLD_MINUTES)))
        self._run(Task("expire", self.hub.pk))

    def cancel(self) -> None:
        """Cancel an order."""
        waiting = list(Order.objects.filter(hub=self.hub, state="ready").order_by("pk"))
        if waiting:
            order = self.rng.choice(waiting)
            orders.cancel_order(order=order, cause="shopper")
            self._settle(order)
            for key in Hold.objects.filter(order=order).values_list("public_id", flat=True):
                self.holds.pop(key, None)  # a change of it that was not promised yet
                self.without_visit.pop(key, None)
        self._run(Task("reconcile", self.hub.pk))
        self.ask(Task("reconcile", self.hub.pk))

    def release(self) -> None:
        """Give a hold back."""
        live = self._live()
        if live:
            key = self.rng.choice(live)
            self._run(Task("release", self.hub.pk, key=key))
            if Hold.objects.get(public_id=key).state == HoldState.RELEASED:
                del self.holds[key]

    def arrive(self) -> None:
        """Let an order arrive by file, with a window but without a hold; it may not fit."""
        self._settle(self._order(self.rng.randrange(3)))
        self._run(Task("reconcile", self.hub.pk))
        self.ask(Task("reconcile", self.hub.pk))

    def _settle(self, order: Order) -> None:
        """Let the counts follow an order, as the handler of its events does, again if killed."""
        self._run(Task("settle", self.hub.pk, order=order.pk))
        self.ask(Task("settle", self.hub.pk, order=order.pk))

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
        """Check the rows by the referee, the content, the counts, and the boards of processes."""
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
        faults += self._wrong_windows() + self._wrong_counts(act, at)
        CACHE.clear()
        expected = board_of(self.hub)
        for number, worker in enumerate(self.workers):
            board = worker.ask(Task("board", self.hub.pk))
            if board != expected:
                faults.append(f"board of process {number}: {board} is not {expected}")
        if faults:
            raise Broken(f"after {act}: {'; '.join(faults)}")

    def _wrong_windows(self) -> list[str]:
        """Return the orders whose visit is not in their promised window."""
        rows = TentativeVisit.objects.filter(day__hub=self.hub, order__promise__isnull=False)
        return [
            f"visit in another window than promised: {row.key}"
            for row in rows.select_related("order__promise")
            if row.order is not None
            and row.order.promise is not None
            and (row.opens_at, row.closes_at)
            != (row.order.promise.opens_at, row.order.promise.closes_at)
        ]

    def _wrong_counts(self, act: str, at: dt.datetime) -> list[str]:
        """Return the slots whose counts are not their promises and holds, or that are oversold."""
        faults = []
        waiting = list(Hold.objects.filter(slot__hub=self.hub, state__in=WAITING))
        live = {row.public_id for row in waiting if row.expires_at and row.expires_at > at}
        known = self.holds | self.without_visit
        if live != (expected := {key for key in known if known[key] > at}):
            faults.append(f"holds of slots: {sorted(live ^ expected)}")
        for slot in Slot.objects.filter(hub=self.hub):
            promised = Order.objects.filter(
                hub=self.hub,
                promise__opens_at=slot.opens_at,
                promise__closes_at=slot.closes_at,
            ).exclude(state="cancelled")
            parts = [order_amounts(order) for order in promised]
            parts += [Amounts.of_hold(row) for row in waiting if row.slot_id == slot.pk]
            counted = [getattr(slot, f"taken_{name}") for name in DIMENSIONS]
            wanted = [sum(getattr(part, name) for part in parts) for name in DIMENSIONS]
            if counted != wanted:
                faults.append(f"counts of {slot.opens_at}: {counted} are not {wanted}")
            most = max(slot.capacity_orders or 0, self.taken.get(slot.public_id, 0))
            if slot.taken_orders > most and act not in {"arrive", ""}:
                faults.append(f"{slot.opens_at} is oversold: {slot.taken_orders} of {most}")
            self.taken[slot.public_id] = slot.taken_orders
        return faults


@contextmanager
def processes(clock: Path, schema: str = "t1") -> Iterator[list[Worker]]:
    """Start two processes under a clock that all share."""
    os.environ |= {"ALLOW_TEST_CLOCK": "1", "TEST_CLOCK_FILE": str(clock)}
    clock.write_text(EVE.isoformat())
    set_section(section=section_of(SlotPolicy), policy=SlotPolicy(hold_minutes=HOLD_MINUTES))
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
    life.check("")  # the orders that came before the slots' first step
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
        f"step: 0 violations by the referee, 0 wrong visits, 0 wrong counts of slots, boards "
        f"equal; in this run: {acts}"
    )
