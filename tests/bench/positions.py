"""Positions under load, against an installation with WEB_WORKERS=2: three parts, one after another.

- soak: 1,000 positions a second in batches of 20, from 200 phones, with 100 open boards.
- trackers: 60 single points a second through `/osmand/`.
- fan-out: 200 vehicles that each give one position a second, to 500 open boards.

The sender is one process on plain sockets. A batch that is not acknowledged is sent again with the
same ids. The ids are numbers in a row, so that the table can be compared with what was sent. Each
position has the time of its sending, so a board that gets it knows how long it took; every tenth
board reads all positions of each frame, the others count frames.

    make proof positions                  the whole campaign, 20 + 5 + 1 minutes
    PART_S=30 make proof positions        30 seconds of each part
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import re
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from dispatch.live.points import PointFlag
from tests.bench.installation import Installation
from tests.bench.live_socket import WireSocket
from tests.bench.live_stage import HOST, SCHEMA, road_installation, rows, stage
from tests.bench.live_wire import Cut, Line

VEHICLES, BATCH, RATE = 200, 20, 1_000
SOCKETS, MANY_SOCKETS = 100, 500
TRACKER_POINTS_PER_S = 60
SOAK_S, TRACKERS_S, FAN_OUT_S = 1_200.0, 300.0, 60.0
POST_P95_S, SOCKET_P95_S = 0.25, 1.5
LEAST_RATE = 0.98  # of the positions that were to be sent, else the figures say little
GROWTH = 0.10  # of the memory of web and Valkey from the second quarter to the last one
GROWTH_MB = 30
SAMPLE_S = 5.0
_AT = re.compile(rb'"at":"([^"]+)"')
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20
Json = dict[str, Any]


class Missed(AssertionError):
    """A figure that must be reached was missed."""


@dataclass
class Figures:
    """The measurements: seconds of each call and each frame, and the points acknowledged."""

    posts: list[float] = field(default_factory=list)
    frames: list[float] = field(default_factory=list)
    frames_counted: int = 0
    repeats: int = 0
    acknowledged: dict[str, int] = field(default_factory=dict)  # device or key -> points
    memory: list[dict[str, float]] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)

    def p95(self, values: list[float]) -> float:
        """Return the 95th percentile; no value is never good enough."""
        return sorted(values)[round(len(values) * 0.95) - 1] if values else float("inf")


def run() -> str:
    """Measure the three parts; return the figures. Raises Missed."""
    lines, wrong = [], []
    part_s = float(os.environ.get("PART_S", "0"))
    with road_installation() as installation:
        shifts = stage(installation, VEHICLES, 0)
        key = installation.command_json(
            "apikey_create", "--schema", SCHEMA, "--role", "integration"
        )["key"]
        house = House(installation, shifts, key)
        for name, part, seconds in (
            ("soak", soak, part_s or SOAK_S),
            ("trackers", trackers, part_s or TRACKERS_S),
            ("fan-out", fan_out, part_s or FAN_OUT_S),
        ):
            line, faults = part(house, seconds)
            faults += _jumps(house)
            lines.append(f"{name}: {line}")
            wrong += [f"{name}: {fault}" for fault in faults]
    report = "; ".join(lines)
    if wrong:
        raise Missed(f"{'; '.join(wrong)}. {report}")
    return report


@dataclass
class House:
    """The installation with its drivers and an integration key."""

    installation: Installation
    shifts: list[Json]
    key: str
    host: str = HOST

    @property
    def bearer(self) -> Json:
        return {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}


# --- the parts -----------------------------------------------------------------------------------
def soak(house: House, seconds: float) -> tuple[str, list[str]]:
    """Send batches of phones at an even rate while boards are open."""
    figures = Figures()
    every_s = VEHICLES * BATCH / RATE

    phones = [PhoneSender(house, one, figures, number) for number, one in enumerate(house.shifts)]

    async def send(ends: float) -> None:
        async with asyncio.TaskGroup() as group:
            for number, phone in enumerate(phones):
                group.create_task(phone.run(every_s, number * every_s / VEHICLES, ends))

    asyncio.run(begin(phones))
    _measure(house, figures, send, seconds, SOCKETS)
    sent, wrong = _judge(house, figures, RATE * seconds)
    line = (
        f"{sent:,} positions in batches of {BATCH} in {seconds:.0f} s ({sent / seconds:,.0f} a "
        f"second), {SOCKETS} boards: {_times(figures)}; {_memory(figures)}"
    )
    return line, wrong + _faults(figures)


def trackers(house: House, seconds: float) -> tuple[str, list[str]]:
    """Send single points of trackers at an even rate."""
    figures = Figures()
    each_s = VEHICLES / TRACKER_POINTS_PER_S

    async def send(ends: float) -> None:
        async with asyncio.TaskGroup() as group:
            for number, one in enumerate(house.shifts):
                tracker = TrackerSender(house, one, figures)
                group.create_task(tracker.run(each_s, number * each_s / VEHICLES, ends))

    _measure(house, figures, send, seconds, 0)
    sent, wrong = _judge_trackers(house, figures, TRACKER_POINTS_PER_S * seconds)
    line = f"{sent:,} single points in {seconds:.0f} s: {_times(figures)}"
    return line, wrong + _faults(figures, with_sockets=False)


def fan_out(house: House, seconds: float) -> tuple[str, list[str]]:
    """Send one position of every vehicle each second to many open boards."""
    figures = Figures()

    async def send(ends: float) -> None:
        async with asyncio.TaskGroup() as group:
            for start in range(0, VEHICLES, BATCH):
                fleet = FleetSender(house, start, figures)
                group.create_task(fleet.run(1.0, start / VEHICLES, ends))

    _measure(house, figures, send, seconds, MANY_SOCKETS)
    wanted = seconds * MANY_SOCKETS
    line = (
        f"{VEHICLES} vehicles once a second to {MANY_SOCKETS} boards for {seconds:.0f} s: "
        f"{_times(figures)}; {figures.frames_counted:,} frames of {wanted:,.0f}; {_memory(figures)}"
    )
    wrong = _faults(figures)
    if figures.frames_counted < 0.9 * wanted:
        wrong.append(f"{figures.frames_counted:,} frames of {wanted:,.0f}")
    return line, wrong


# --- the senders ---------------------------------------------------------------------------------
class Sender:
    """Sends at an even rate; what is not acknowledged is sent again."""

    path, method, ok = "/api/v1/positions/", "POST", 200

    def __init__(self, house: House, figures: Figures) -> None:
        self.figures = figures
        self.line = Line(house.installation.port, house.host)
        self.headers: Json = {}

    async def run(self, every_s: float, first_s: float, ends: float) -> None:
        """Send once in a time until the end."""
        due = time.monotonic() + first_s
        while due < ends:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            path, body = self.next()
            await self._until_acknowledged(path, body)
            due += every_s

    async def _until_acknowledged(self, path: str, body: bytes) -> None:
        while True:
            began = time.monotonic()
            try:
                answer = await self.line.call(self.method, path, body, self.headers)
            except Cut:
                answer = None
            self.figures.posts.append(time.monotonic() - began)
            if answer is not None and answer.status == self.ok:
                self.acknowledged(answer.content)
                return
            if answer is not None and answer.status not in {429, 502, 503, 504}:
                raise Missed(f"status {answer.status}: {answer.content[:300]!r}")
            self.figures.repeats += 1
            await asyncio.sleep(0.2)

    def next(self) -> tuple[str, bytes]:
        """Return the address and the body of the next call."""
        raise NotImplementedError

    def acknowledged(self, content: bytes) -> None:
        """Note what the server has."""
        raise NotImplementedError


class PhoneSender(Sender):
    """The app of a driver, with the cookie of its phone."""

    def __init__(self, house: House, shift: Json, figures: Figures, number: int) -> None:
        super().__init__(house, figures)
        self.line.cookies["driver"] = shift["key"]
        self.shift, self.number, self.sent = shift, number, 0
        self.headers = {"Content-Type": "application/json"}

    async def begin(self) -> None:
        """Fetch the day and begin the shift."""
        answer = await self.line.call("GET", "/driver/day/")
        self.line.token = answer.json()["csrf"]
        began = {"id": str(UUID(int=self.number + 2**100)), "kind": "shift_started",
                 "at": self.shift["starts_at"]}  # fmt: skip
        body = {"driver": self.shift["driver"], "acts": [began]}
        await self.line.call_json("POST", "/driver/acts/", body)
        self.line.cut()

    def next(self) -> tuple[str, bytes]:
        now = dt.datetime.now(dt.UTC)
        items = []
        for n in range(BATCH):
            at = now - dt.timedelta(milliseconds=200 * (BATCH - 1 - n))
            lat = _to_and_fro(self.sent + n, 2e-6) + self.number * 2e-7
            items.append(_item(UUID(int=self.sent + n), at, lat))
        body = (
            f'{{"driver":"{self.shift["driver"]}","sent_at":"{now.isoformat()}",'
            f'"positions":[{",".join(items)}]}}'
        )
        return self.path, body.encode()

    def acknowledged(self, content: bytes) -> None:
        if content.count(b'"stored"') + content.count(b'"duplicate"') != BATCH:
            raise Missed(f"a batch was not stored: {content[:300]!r}")
        self.sent += BATCH
        self.figures.acknowledged[self.shift["device"]] = self.sent


async def begin(phones: list[PhoneSender]) -> None:
    """Begin the shifts of phones, one after the other."""
    for phone in phones:
        await phone.begin()


class TrackerSender(Sender):
    """A GPS app that sends one point a call."""

    method = "GET"

    def __init__(self, house: House, shift: Json, figures: Figures) -> None:
        super().__init__(house, figures)
        self.shift, self.sent = shift, 0

    def next(self) -> tuple[str, bytes]:
        at = int(time.time() * 1000)
        lat = _to_and_fro(self.sent, 2e-6)
        place = f"lat={lat:.6f}&lon=-9.14&timestamp={at}&speed=8.1&bearing=0&hdop=5"
        return f"/osmand/?id={self.shift['tracker']}&{place}", b""

    def acknowledged(self, content: bytes) -> None:
        self.sent += 1
        self.figures.acknowledged[self.shift["driver"]] = self.sent


class FleetSender(Sender):
    """A GPS server that sends one position of each vehicle in a call, with a key."""

    def __init__(self, house: House, start: int, figures: Figures) -> None:
        super().__init__(house, figures)
        self.headers = house.bearer
        self.shifts, self.sent = house.shifts[start : start + BATCH], 0
        self.base = (start + 1) * 10**12  # ids are unique for the key

    def next(self) -> tuple[str, bytes]:
        now = dt.datetime.now(dt.UTC)
        lat = _to_and_fro(self.sent, 1e-5)
        items = [
            _item(UUID(int=self.base + self.sent * BATCH + n), now, lat, one["vehicle"])
            for n, one in enumerate(self.shifts)
        ]
        return self.path, f'{{"positions":[{",".join(items)}]}}'.encode()

    def acknowledged(self, content: bytes) -> None:
        if content.count(b'"stored"') + content.count(b'"duplicate"') != len(self.shifts):
            raise Missed(f"a batch was not stored: {content[:300]!r}")
        self.sent += 1


def _to_and_fro(number: int, step: float) -> float:
    """Return the latitude of a point. It never leaps, since a jump is not shown on boards.

    A part begins where no other one ends, so all of them stay within 200 m, which is no jump.
    """
    away = number % 200
    return 38.6 + min(away, 200 - away) * step


def _item(name: UUID, at: dt.datetime, lat: float, vehicle: str = "") -> str:
    named = f',"vehicle":"{vehicle}"' if vehicle else ""
    return (
        f'{{"id":"{name}","at":"{at.isoformat()}","lat":{lat:.6f},"lon":-9.14,"accuracy_m":6,'
        f'"speed_mps":8.1,"heading_deg":0{named}}}'
    )


# --- measuring -----------------------------------------------------------------------------------
def _measure(
    house: House, figures: Figures, send: Callable[[float], Coroutine[Any, Any, None]],
    seconds: float, sockets: int,
) -> None:  # fmt: skip
    async def whole() -> None:
        boards = await _boards(house, figures, sockets)
        watch = asyncio.create_task(_watch(house.installation, figures))
        before = _cpu(house.installation)
        await send(time.monotonic() + seconds)
        await asyncio.sleep(2.5)  # the last frame
        after = _cpu(house.installation)
        figures.cpu = {name: after[name] - before.get(name, 0.0) for name in after}
        for task in [watch, *boards]:
            task.cancel()
        for task in [watch, *boards]:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    asyncio.run(whole())


async def _boards(house: House, figures: Figures, count: int) -> list[asyncio.Task[None]]:
    """Open boards, each with a ticket of its own."""
    first = house.shifts[0]
    line, tasks = Line(house.installation.port, HOST), []
    for number in range(count):
        headers = house.bearer | {"Idempotency-Key": f"board-{time.monotonic_ns()}"}
        answer = await line.call("POST", "/api/v1/ws-tickets/", b"{}", headers)
        path = f"/ws/v1/board/?hub={first['hub']}&date={first['day']}&ticket="
        socket = await WireSocket.open(
            house.installation.port, HOST, path + answer.json()["ticket"]
        )
        await socket.frame()  # the snapshot
        tasks.append(asyncio.create_task(_listen(socket, figures, reads_all=number % 10 == 0)))
    return tasks


async def _listen(socket: WireSocket, figures: Figures, *, reads_all: bool) -> None:
    """Count the frames of a board; a board that reads all of them notes how long each took."""
    try:
        while True:
            frame = await socket.frame()
            if not frame.startswith(b'{"type":"positions"'):
                continue
            figures.frames_counted += 1
            if reads_all:
                now = dt.datetime.now(dt.UTC)
                figures.frames += [
                    (now - dt.datetime.fromisoformat(at.decode())).total_seconds()
                    for at in _AT.findall(frame)
                ]
    finally:
        socket.close()


async def _watch(installation: Installation, figures: Figures) -> None:
    while True:
        figures.memory.append(_memory_of(installation))
        await asyncio.sleep(SAMPLE_S)


def _memory_of(installation: Installation) -> dict[str, float]:
    """Return the megabytes of web and Valkey, with their children."""
    used = {"web": 0.0, "valkey": 0.0}
    for name in used:
        for pid in _with_children(installation.pids()[name]):
            with contextlib.suppress(OSError, IndexError):
                used[name] += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_MB
    return used


def _with_children(pids: list[int]) -> list[int]:
    every = list(pids)
    for pid in every:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                every += map(int, (task / "children").read_text().split())
    return every


def _cpu(installation: Installation) -> dict[str, float]:
    """Return the processor seconds of each part of the installation."""
    tick = os.sysconf("SC_CLK_TCK")
    used: dict[str, float] = {}
    for name, pids in installation.pids().items():
        for pid in _with_children(pids):
            with contextlib.suppress(OSError, IndexError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                used[name] = used.get(name, 0.0) + sum(map(int, fields[11:15])) / tick
    used["sender"] = time.process_time()
    return used


# --- judging -------------------------------------------------------------------------------------
def _judge(house: House, figures: Figures, wanted: float) -> tuple[int, list[str]]:
    """Compare the stored points of the phones with what was acknowledged, by their ids."""
    stored = {
        source: (count, least, most)
        for source, count, least, most in rows(
            house.installation,
            "SELECT source, count(*), min(client_id::text), max(client_id::text)"
            " FROM live_position WHERE source = ANY(%s) GROUP BY 1",
            list(figures.acknowledged),
        )
    }
    wrong = []
    for device, count in figures.acknowledged.items():
        expected = (count, str(UUID(int=0)), str(UUID(int=count - 1)))
        if stored.get(device) != expected:
            wrong.append(f"{device}: {stored.get(device)} instead of {expected}")
    sent = sum(figures.acknowledged.values())
    if sent < LEAST_RATE * wanted:
        wrong.append(f"{sent:,} of {wanted:,.0f} positions were sent")
    return sent, wrong[:5]


def _jumps(house: House) -> list[str]:
    """Refuse jumps: boards do not show them, so the part would measure too little."""
    ((count,),) = rows(
        house.installation,
        "SELECT count(*) FROM live_position WHERE flags & %s > 0",
        int(PointFlag.JUMP),
    )
    return [f"{count:,} positions were jumps"] if count else []


def _judge_trackers(house: House, figures: Figures, wanted: float) -> tuple[int, list[str]]:
    stored = dict(
        rows(
            house.installation,
            "SELECT o.public_id, count(*) FROM live_position p JOIN live_device d"
            " ON d.public_id = p.source JOIN fleet_driver o ON o.id = d.driver_id"
            " WHERE d.kind = 'tracker' GROUP BY 1",
        )
    )
    sent = sum(figures.acknowledged.values())
    wrong = []
    if stored != figures.acknowledged:
        wrong.append(f"{sum(stored.values()):,} points stored, {sent:,} acknowledged")
    if sent < LEAST_RATE * wanted:
        wrong.append(f"{sent:,} of {wanted:,.0f} points were sent")
    return sent, wrong


def _faults(figures: Figures, *, with_sockets: bool = True) -> list[str]:
    wrong = []
    if figures.p95(figures.posts) > POST_P95_S:
        wrong.append(f"p95 of a call {figures.p95(figures.posts) * 1000:.0f} ms")
    if with_sockets and figures.p95(figures.frames) > SOCKET_P95_S:
        wrong.append(f"p95 to a board {figures.p95(figures.frames):.2f} s")
    for name, (early, late) in _growth(figures).items():
        if late > early * (1 + GROWTH) and late > early + GROWTH_MB:
            wrong.append(f"memory of {name} from {early:.0f} to {late:.0f} MB")
    return wrong


def _growth(figures: Figures) -> dict[str, tuple[float, float]]:
    """Return the mean memory of the second and of the last quarter of the time."""
    quarter = max(1, len(figures.memory) // 4)
    early, late = figures.memory[quarter : 2 * quarter], figures.memory[-quarter:]
    early = early or late
    return {
        name: (
            sum(one[name] for one in early) / len(early),
            sum(one[name] for one in late) / len(late),
        )
        for name in ("web", "valkey")
        if late
    }


def _times(figures: Figures) -> str:
    posts = sorted(figures.posts)
    words = (
        f"{len(posts):,} calls, p50 {posts[len(posts) // 2] * 1000:.0f} ms, p95 "
        f"{figures.p95(posts) * 1000:.0f} ms (allowed {POST_P95_S * 1000:.0f}), "
        f"{figures.repeats} repeated, none lost by id"
    )
    if figures.frames:
        words += f"; to a board p95 {figures.p95(figures.frames):.2f} s (allowed {SOCKET_P95_S})"
    cpu = ", ".join(f"{name} {spent:.0f}" for name, spent in figures.cpu.items() if spent >= 0.5)
    return f"{words}; processor seconds {cpu}"


def _memory(figures: Figures) -> str:
    parts = [f"{name} {one:.0f} -> {two:.0f} MB" for name, (one, two) in _growth(figures).items()]
    return f"memory {', '.join(parts)}"
