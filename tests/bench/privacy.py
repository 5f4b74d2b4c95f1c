"""Positions over a simulated day: only the shopper who is the next stop sees the driver.

Four vans of two retailers and three hubs drive a day of known places and acts. At each moment the
server is asked as shoppers ask: by open sockets of all orders, by the status address, and by the
page; also with old links and with links at the other retailer's host. A second, simple rule
(``Van.allowed``) says who may see which position. What the server shows is compared with it in both
directions, and every coordinate in an answer must be one that the reader may know.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import html
import json
import math
import os
import random
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from asgiref.sync import sync_to_async
from channels.layers import channel_layers
from django.core.cache import cache
from django.db import connections
from django.test import Client

from dispatch.fleet.models import Shift
from dispatch.live.models import Device
from dispatch.live.policy import TrackingPolicy
from dispatch.live.services.following import Follower
from dispatch.orders.drafts import PlaceDraft
from dispatch.orders.links import shopper_secret
from dispatch.orders.models import Order
from dispatch.orders.services import renew_shopper_link
from lastmile.asgi import application
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.bench.database import bench_database
from tests.databases import FIRST, SECOND
from tests.dispatch.live.test_positions import point, take
from tests.drain import drain
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle
from tests.factories.live import act, at, make_phone, publish, send
from tests.factories.orders import make_order
from tests.sockets import Socket

MOMENTS: Final = 1_000
STEP: Final = dt.timedelta(seconds=12)
BEGINS: Final = at(8, 58)
SPEED_MPS: Final = 9
M: Final = 1 / 111_195  # degrees of latitude in a metre
OLDEST: Final = dt.timedelta(minutes=5)
NEAR_M: Final = 100
HALF_DIAGONAL_M: Final = 36  # of a cell of 50 m
T = TypeVar("T")
Place = tuple[float, float]


def metres(a: Place, b: Place) -> float:
    """Return the distance of two places, near enough for a city."""
    east = (b[1] - a[1]) * math.cos(math.radians(a[0]))
    return math.hypot(b[0] - a[0], east) / M


@dataclass(slots=True, kw_only=True)
class Stop:
    """An order of a van: its door, its links, and what the server was told about it."""

    order: str
    door: Place
    secret: str
    old_secret: str
    arrived: bool = False
    done: bool = False


@dataclass(slots=True, kw_only=True)
class Van:
    """A van as the server knows it, and what it will do: (time, function) in order of time."""

    ref: RetailerRef
    shift: int
    device: int
    stops_ahead: int
    hub: Place
    stops: list[Stop] = field(default_factory=list)
    script: list[tuple[dt.datetime, Callable[[Van], None]]] = field(default_factory=list)
    left_at: dt.datetime | None = None
    is_back: bool = False
    door: Stop | None = None
    departed_at: dt.datetime | None = None
    place: Place | None = None
    place_at: dt.datetime | None = None

    def allowed(self, now: dt.datetime) -> dict[str, Place]:
        """Return by order the place that its shopper may know now."""
        if self.left_at is None or self.is_back or self.door is not None:
            return {}
        if self.place is None or self.place_at is None or now - self.place_at > OLDEST:
            return {}
        if self.place_at < (self.departed_at or self.left_at):
            return {}
        still_open = [stop for stop in self.stops if not stop.done]
        return {
            stop.order: self.place
            for stop in still_open[: self.stops_ahead + 1]
            if not stop.arrived and not self._is_near_others(stop, self.place)
        }

    def _is_near_others(self, own: Stop, place: Place) -> bool:
        if metres(place, own.door) <= NEAR_M:
            return False
        return any(metres(place, one.door) < NEAR_M for one in self.stops if one is not own)


# --- what a van does ------------------------------------------------------------------------------
def _send(van: Van, kind: str, when: dt.datetime, stop: Stop | None = None, **more: Any) -> None:
    order = None if stop is None else Order.objects.get(public_id=stop.order)
    phone = Device.objects.select_related("driver__hub").get(pk=van.device)
    (answer,) = send(phone, act(kind, when, order, **more))
    assert answer.status == "stored", answer.problem


def _start(when: dt.datetime) -> Callable[[Van], None]:
    return lambda van: _send(van, "shift_started", when)


def _leave(when: dt.datetime) -> Callable[[Van], None]:
    def play(van: Van) -> None:
        _send(van, "left_hub", when)
        van.left_at = when

    return play


def _move(when: dt.datetime, place: Place) -> Callable[[Van], None]:
    def play(van: Van) -> None:
        phone = Device.objects.select_related("driver").get(pk=van.device)
        (answer,) = take(phone, point(when, lat=place[0], lon=place[1], heading_deg=40))
        assert answer.status == "stored", answer
        van.place, van.place_at = place, when

    return play


def _arrive(when: dt.datetime, stop: Stop) -> Callable[[Van], None]:
    def play(van: Van) -> None:
        _send(van, "arrived", when, stop)
        stop.arrived, van.door = True, stop

    return play


def _end(when: dt.datetime, stop: Stop, kind: str) -> Callable[[Van], None]:
    def play(van: Van) -> None:
        more = {"reason": "no_access"} if kind == "failed" else {}
        _send(van, kind, when, stop, **more)
        stop.done, stop.arrived = True, True
        van.door = None
        van.departed_at = max(when, van.departed_at or when)

    return play


def _back(when: dt.datetime) -> Callable[[Van], None]:
    def play(van: Van) -> None:
        _send(van, "back_at_hub", when)
        van.is_back = True

    return play


def write_script(van: Van, chance: random.Random, leaves_at: dt.datetime) -> None:
    """Write a day: drives, dwells, visits out of turn, lost signals and acts that come late."""
    script, when, here = van.script, leaves_at, van.hub
    script.append((when - dt.timedelta(minutes=4), _start(when - dt.timedelta(minutes=4))))
    script.append((when - dt.timedelta(minutes=2), _move(when - dt.timedelta(minutes=2), here)))
    script.append((when, _leave(when)))
    turns = list(van.stops)
    if len(turns) > 3 and chance.random() < 0.7:
        turns[1], turns[2] = turns[2], turns[1]
    for number, stop in enumerate(turns):
        when, here = _drive(van, chance, when, here, stop.door, is_silent=number == 3)
        late = dt.timedelta(minutes=chance.choice([0, 0, 0, 3]))
        script.append((when + late, _arrive(when, stop)))
        for _n in range(chance.randrange(2, 6)):
            when += dt.timedelta(seconds=30)
            near = (here[0] + chance.uniform(-5, 5) * M, here[1] + chance.uniform(-5, 5) * M)
            script.append((when, _move(when, near)))
        when += dt.timedelta(seconds=20)
        kind = "failed" if chance.random() < 0.2 else "delivered"
        script.append((when + late, _end(when, stop, kind)))
    when, here = _drive(van, chance, when, here, van.hub, is_silent=False)
    script.append((when, _back(when)))
    when += dt.timedelta(minutes=1)
    script.append((when, _move(when, here)))
    order = {id(one): number for number, one in enumerate(script)}
    script.sort(key=lambda one: (one[0], order[id(one)]))


def _drive(
    van: Van,
    chance: random.Random,
    when: dt.datetime,
    here: Place,
    there: Place,
    *,
    is_silent: bool,
) -> tuple[dt.datetime, Place]:
    """Drive from one place to another, with a position about every 25 s."""
    length = metres(here, there)
    total = max(1, round(length / SPEED_MPS))
    began, seconds = when, 0
    lost = range(total // 4, total // 4 + 460) if is_silent else range(0)
    while (seconds := seconds + chance.randrange(20, 31)) < total:
        if seconds in lost:
            continue
        share = seconds / total
        place = tuple(a + (b - a) * share for a, b in zip(here, there, strict=True))
        moment = began + dt.timedelta(seconds=seconds)
        van.script.append((moment, _move(moment, place)))  # type: ignore[arg-type]
    return began + dt.timedelta(seconds=total), there


# --- the world ------------------------------------------------------------------------------------
def _van(
    ref: RetailerRef,
    hub: Any,
    doors: list[Place],
    chance: random.Random,
    *,
    ahead: int,
    minute: int,
) -> Van:
    driver = make_driver(hub=hub)
    shift = make_shift(vehicle=make_vehicle(hub=hub), driver=driver, starts_at=at(8, 50))
    orders = [
        make_order(
            hub=hub.public_id,
            place=PlaceDraft(text=f"Rua {n}", lat=round(door[0], 6), lon=round(door[1], 6)),
        )
        for n, door in enumerate(doors)
    ]
    van = Van(
        ref=ref, shift=shift.pk, device=make_phone(driver).pk, stops_ahead=ahead,
        hub=(hub.lat, hub.lon),
    )  # fmt: skip
    for order in orders:
        old = shopper_secret(order)
        renew_shopper_link(order=order)
        place = order.delivery_place
        van.stops.append(
            Stop(
                order=order.public_id, door=(place.lat or 0, place.lon or 0),
                secret=shopper_secret(order), old_secret=old,
            )
        )  # fmt: skip
    write_script(van, chance, at(9, minute))
    return van


def make_world(chance: random.Random) -> list[Van]:
    """Make two retailers, three hubs and four vans; two doors of each van are 60 m apart."""
    vans: list[Van] = []
    for opening, hubs, ahead in ((FIRST, 2, 0), (SECOND, 1, 1)):
        with retailer_context(opening.schema) as ref:
            set_section(
                section=section_of(TrackingPolicy), policy=TrackingPolicy(stops_ahead=ahead)
            )
            for number in range(hubs):
                hub = make_hub(lat=38.72 + 0.2 * number, lon=-9.14 + 0.3 * (ahead + number))
                of_hub = [
                    _van(ref, hub, _doors(hub, chance), chance, ahead=ahead, minute=7 * n + number)
                    for n in range(2 if not number and not ahead else 1)
                ]
                rows = {
                    Shift.objects.get(pk=van.shift): [
                        Order.objects.get(public_id=stop.order) for stop in van.stops
                    ]
                    for van in of_hub
                }
                publish(hub, rows)
                vans += of_hub
            drain(jobs=False)
    return vans


def _doors(hub: Any, chance: random.Random) -> list[Place]:
    doors: list[Place] = []
    for _n in range(5):
        angle, far = chance.uniform(0, 2 * math.pi), chance.uniform(2_000, 4_500)
        north, east = far * math.sin(angle), far * math.cos(angle) * 1.28
        doors.append((hub.lat + north * M, hub.lon + east * M))
    doors[3] = (doors[0][0] + 60 * M, doors[0][1])
    return doors


# --- the moments --------------------------------------------------------------------------------
@dataclass(slots=True)
class Figures:
    """Counts of questions and of shown positions, and the faults."""

    questions: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Day:
    """A simulated day: its vans, its clock and the sockets of all its shoppers."""

    def __init__(self, seed: int, clock_file: Path) -> None:
        self.clock_file = clock_file
        self.figures = Figures()
        self.now = BEGINS
        self._set_clock()
        self.vans = make_world(random.Random(seed))
        self.followers = {van.ref.schema: Follower() for van in self.vans}
        self.clients = {
            van.ref.schema: Client(headers={"host": van.ref.domain}) for van in self.vans
        }
        self.sockets: dict[str, Socket] = {}
        self.before: dict[str, Place] = {}  # what was allowed at the moment before

    def _set_clock(self) -> None:
        self.clock_file.unlink(missing_ok=True)
        self.clock_file.write_text(self.now.isoformat())

    async def walk(self, moments: int, *, every: int = 1) -> None:
        """Walk the day; ask at ``moments`` moments, at each ``every``-th step of the clock."""
        await self._open_sockets()
        for number in range(moments * every):
            self.now += STEP
            await sync_to_async(self._play)()
            allowed = {
                order: place for van in self.vans for order, place in van.allowed(self.now).items()
            }
            await self._hear(allowed)
            if number % every == every - 1:
                await sync_to_async(self._ask)(number // every, allowed)
            self.before = allowed
        for socket in self.sockets.values():
            await socket.leave()

    def _play(self) -> None:
        self._set_clock()
        try:
            for schema in self.followers:
                with retailer_context(schema):
                    for van in self.vans:
                        while (
                            van.ref.schema == schema
                            and van.script
                            and (van.script[0][0] <= self.now)
                        ):
                            van.script.pop(0)[1](van)
                    drain(jobs=False)
                    cache.delete("positions.sender")
                    self.followers[schema].tell_once()
        finally:
            connections.close_all()

    async def _open_sockets(self) -> None:
        for van in self.vans:
            for stop in van.stops:
                for name, secret in ((stop.order, stop.secret), ("", stop.old_secret)):
                    headers = [(b"host", van.ref.domain.encode())]
                    socket = Socket(application, f"/ws/v1/track/{secret}/", headers)
                    assert await socket.open()
                    if name:
                        self.sockets[name] = socket
                    elif await socket.close_code() != 4404:
                        self.figures.wrong.append(f"an old link opened a socket: {stop.order}")

    async def _hear(self, allowed: dict[str, Place]) -> None:
        """Read what the sockets were sent. Frames on their way are of the moment before."""
        await asyncio.sleep(0.05)
        for van in self.vans:
            for stop in van.stops:
                queue = self.sockets[stop.order].output_queue
                while not queue.empty():
                    message = queue.get_nowait()
                    assert message["type"] == "websocket.send", message
                    frame = json.loads(message["text"])
                    self.figures.questions["frames"] += 1
                    place = frame["data"] if frame["type"] == "position" else (
                        frame["data"].get("position")
                    )  # fmt: skip
                    may = [one[stop.order] for one in (allowed, self.before) if stop.order in one]
                    self._judge("socket", van, stop, place, may)
                    self._look_for_others("socket", van, stop, message["text"], place)

    def _ask(self, number: int, allowed: dict[str, Place]) -> None:
        try:
            stops = [(van, stop) for van in self.vans for stop in van.stops]
            for place, (van, stop) in enumerate(stops):
                if (place + number) % 6 == 0 or stop.order in allowed:
                    self._ask_one(van, stop, allowed, with_page=(place + number) % 12 == 0)
            van, stop = stops[number % len(stops)]
            self._ask_strangers(van, stop)
        finally:
            connections.close_all()

    def _ask_one(self, van: Van, stop: Stop, allowed: dict[str, Place], *, with_page: bool) -> None:
        client = self.clients[van.ref.schema]
        text = client.get(f"/t/{stop.secret}/status/").content.decode()
        place = json.loads(text)["position"]
        self.figures.questions["status"] += 1
        may = [allowed[stop.order]] if stop.order in allowed else []
        self._judge("status", van, stop, place, may)
        self._look_for_others("status", van, stop, text, place)
        if may and place is None:
            self.figures.wrong.append(f"{self.now} status: {stop.order} sees nothing")
        if with_page:
            page = html.unescape(client.get(f"/t/{stop.secret}/").content.decode())
            self.figures.questions["page"] += 1
            match = re.search(r'"vehicles": \[(\{.*?\})\]', page)
            shown = json.loads(match[1]) if match else None
            self._judge("page", van, stop, shown, may)
            self._look_for_others("page", van, stop, page, shown)
            if bool(may) != ("from your address, seen at" in page or "dirección, visto a" in page):
                self.figures.wrong.append(f"{self.now} page: {stop.order} reads something else")

    def _ask_strangers(self, van: Van, stop: Stop) -> None:
        """Ask with an old link, and at the other retailer's host: both get a 404 without more."""
        others = [client for schema, client in self.clients.items() if schema != van.ref.schema]
        pairs = [(self.clients[van.ref.schema], stop.old_secret)]
        pairs += [(client, stop.secret) for client in others]
        for client, secret in pairs:
            for path in ("status/", ""):
                answer = client.get(f"/t/{secret}/{path}")
                self.figures.questions["strangers"] += 1
                if answer.status_code != 404 or places_in(answer.content.decode()):
                    self.figures.wrong.append(f"{self.now} {path}: a stranger got an answer")

    def _judge(
        self, way: str, van: Van, stop: Stop, place: dict[str, Any] | None, may: list[Place]
    ) -> None:
        """Check a shown position: it must be allowed, and the snapped real one."""
        if place is None:
            return
        self.figures.shown[way] += 1
        shown = (place["lat"], place["lon"])
        if not any(metres(shown, real) <= HALF_DIAGONAL_M for real in may):
            self.figures.wrong.append(f"{self.now} {way}: {stop.order} sees {shown}, may {may}")

    def _look_for_others(
        self, way: str, van: Van, stop: Stop, text: str, place: dict[str, Any] | None
    ) -> None:
        """Check that an answer has no other coordinates and no ids of other orders."""
        known = {stop.door, (place["lat"], place["lon"])} if place else {stop.door}
        numbers = {f"{value:.4f}" for one in known for value in one}
        for number in places_in(text):
            if f"{number:.4f}" not in numbers:
                self.figures.wrong.append(f"{self.now} {way}: {stop.order} reads {number}")
        for other in (one for each in self.vans for one in each.stops if one is not stop):
            if other.order in text or other.secret in text:
                self.figures.wrong.append(f"{self.now} {way}: {stop.order} reads {other.order}")


def places_in(text: str) -> list[float]:
    """Return the numbers of a text that can be coordinates of the simulated cities."""
    # The seconds of a time, as in 09:30:38.667606, are no coordinate.
    numbers = [float(one) for one in re.findall(r"(?<!\d:)(?<!\d)-?\d{1,2}\.\d{3,}", text)]
    return [one for one in numbers if 38.5 < one < 39.2 or -9.4 < one < -8.2]


@contextmanager
def own_clock() -> Iterator[Path]:
    """Let the clock of this process follow a file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "clock"
        before = {name: os.environ.get(name) for name in ("ALLOW_TEST_CLOCK", "TEST_CLOCK_FILE")}
        os.environ |= {"ALLOW_TEST_CLOCK": "1", "TEST_CLOCK_FILE": str(file)}
        try:
            yield file
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name)
                else:
                    os.environ[name] = value


def walked(moments: int, *, every: int = 1, seed: int = 7) -> Figures:
    """Walk a day in the database in use; return what was asked, shown and wrong."""
    channel_layers.backends.clear()
    with own_clock() as file:
        day = Day(seed, file)
        asyncio.run(day.walk(moments, every=every))
    channel_layers.backends.clear()
    return day.figures


def run() -> str:
    """Walk 1,000 moments; raise if a position was shown to a wrong reader or at a wrong time."""
    with bench_database():
        figures = walked(MOMENTS)
    assert not figures.wrong, figures.wrong[:20]
    assert min(figures.shown[way] for way in ("socket", "status", "page")) > 0, figures
    return (
        f"{MOMENTS} moments, 4 vans, 3 hubs, 2 retailers: asked {dict(figures.questions)}, "
        f"positions shown {dict(figures.shown)}; 0 outside the allowed moments, 0 missing, 0 on "
        "old links or at another retailer, no coordinate or id of another order in any answer"
    )
