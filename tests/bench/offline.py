"""A day without a network, sent at once: 50 drivers, everything shuffled, three times, and cut.

Each driver has 300 positions and 20 deliveries with a photo of 300 kB; one driver's photos have
2 MB. All phones get their network back at the same moment. Each call is sent three times, in a
random order, and many lines are cut at a random byte, also after the last one. A phone goes on
until everything is acknowledged. Then the tables are compared with what the phones hold.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.bench.installation import ROOT, Installation, wait_until
from tests.bench.live_stage import HOST, Json, photos, proof_of, road_installation, rows, stage
from tests.bench.live_wire import Answer, Cut, Line
from tests.dispatch.live.pictures import sha

DRIVERS, POSITIONS, PROOFS = 50, 300, 20
SMALL, LARGE = 300_000, 2_000_000
TIMES = 3
PIECE = 256 * 1024  # as the app sends them
BATCH = 100
CUT_SHARE = 0.15  # of the calls
ACKNOWLEDGED_S, KEPT_S = 120.0, 900.0
SEED = 13
PAUSE_S = 0.05
FINAL = {"stored", "duplicate"}


class Wrong(AssertionError):
    """A promise is broken."""


@dataclass
class Phone:
    """A phone: the acts, positions and photos that it holds, and those that were acknowledged."""

    shift: Json
    acts: list[Json]
    positions: list[Json]
    photos: list[bytes]
    line: Line
    rng: random.Random
    cuts: int = 0
    body_bytes: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    dear_repeats: int = 0  # a photo that was there and cost more than one request without a body

    async def start_shift(self) -> None:
        """Begin the shift, as in the morning at the hub with a network."""
        await self._fresh_token()
        began = dt.datetime.fromisoformat(self.shift["starts_at"]) + dt.timedelta(minutes=5)
        act = {"id": self._uuid(), "kind": "shift_started", "at": began.isoformat()}
        await self._acts([act], may_cut=False)

    async def drain(self) -> None:
        """Send everything three times in a random order until all of it is acknowledged."""
        calls: list[tuple[str, Any]] = []
        for _time in range(TIMES):
            calls += [("acts", part) for part in self._parts(self.acts, 10)]
            calls += [("positions", part) for part in self._parts(self.positions, BATCH)]
            calls += [("photo", content) for content in self.photos]
        self.rng.shuffle(calls)
        late: list[tuple[str, Any]] = []
        there: set[str] = set()
        while calls:
            kind, content = calls.pop()
            if kind == "acts":
                await self._acts(content)
            elif kind == "positions":
                await self._positions(content)
            elif not await self._photo(content, there):
                late.append((kind, content))  # its act has not been sent yet
            if not calls:
                calls, late = late, []

    def _parts(self, items: Sequence[Json], size: int) -> list[list[Json]]:
        mixed = self.rng.sample(list(items), len(items))
        return [mixed[n : n + size] for n in range(0, len(mixed), size)]

    async def _acts(self, acts: list[Json], *, may_cut: bool = True) -> None:
        body = {"driver": self.shift["driver"], "phone_at": _now(), "acts": acts}
        answer = await self._until(200, "POST", "/driver/acts/", body, may_cut=may_cut)
        self._count("act", answer, acts)

    async def _positions(self, positions: list[Json]) -> None:
        body = {"driver": self.shift["driver"], "sent_at": _now(), "positions": positions}
        answer = await self._until(200, "POST", "/api/v1/positions/", body)
        self._count("position", answer, positions)

    def _count(self, what: str, answer: Answer, sent: list[Json]) -> None:
        results = answer.json()["results"]
        if [one["id"] for one in results] != [one["id"] for one in sent]:
            raise Wrong("the answers are not those of the items that were sent")
        for one in results:
            self.statuses[f"{what} {one['status']}"] += 1
            if one["status"] not in FINAL:
                raise Wrong(f"{what}: {one}")

    async def _photo(self, content: bytes, there: set[str]) -> bool:
        """Send a photo as the app does; return False if no act names it yet."""
        name = sha(content)
        path, before, sent = f"/driver/photos/{name}/", self.line.requests, self.body_bytes
        cuts = self.cuts
        answer = await self._until(200, "HEAD", path, may=(404,))
        if answer.status == 404:
            return False
        received, whole = _progress(answer)
        while not whole:
            piece = content[received : received + PIECE]
            span = f"bytes {received}-{received + len(piece) - 1}/{len(content)}"
            answer = await self._piece(path, piece, span)
            received, whole = _progress(answer)
        if name in there and cuts == self.cuts:
            cost = (self.line.requests - before, self.body_bytes - sent)
            self.dear_repeats += cost != (1, 0)
        there.add(name)
        return True

    async def _piece(self, path: str, piece: bytes, span: str) -> Answer:
        """Send a piece; after a cut, ask how much is there."""
        headers = {"Content-Type": "application/octet-stream", "Content-Range": span}
        try:
            self.body_bytes += len(piece)
            answer = await self.line.call("PUT", path, piece, headers, cut_at=self._cut_at())
            if answer.status == 200:
                return answer
            self._refuse(answer)
        except Cut:
            self.cuts += 1
        await asyncio.sleep(PAUSE_S)
        return await self._until(200, "HEAD", path)

    async def _until(
        self, status: int, method: str, path: str, body: Any = None, *,
        may: tuple[int, ...] = (), may_cut: bool = True,
    ) -> Answer:  # fmt: skip
        """Repeat a call until it has this status, or one that ends it too."""
        while True:
            try:
                cut_at = self._cut_at() if may_cut else None
                answer = await self.line.call_json(method, path, body, cut_at=cut_at)
            except Cut:
                self.cuts += 1
            else:
                if answer.status == status or answer.status in may:
                    return answer
                self._refuse(answer)
            await asyncio.sleep(PAUSE_S)

    def _refuse(self, answer: Answer) -> None:
        """Note a status that a phone repeats after. Raises Wrong for any other."""
        self.statuses[f"status {answer.status}"] += 1
        if answer.status not in {429, 502, 503, 504}:
            raise Wrong(f"status {answer.status}: {answer.content[:300]!r}")

    def _cut_at(self) -> float | None:
        if self.rng.random() >= CUT_SHARE:
            return None
        return 1.0 if self.rng.random() < 0.3 else self.rng.random()

    async def _fresh_token(self) -> None:
        answer = await self._until(200, "GET", "/driver/day/", may_cut=False)
        self.line.token = answer.json()["csrf"]

    def _uuid(self) -> str:
        return str(UUID(int=self.rng.getrandbits(128), version=4))


def _progress(answer: Answer) -> tuple[int, bool]:
    return int(answer.headers["upload-offset"]), answer.headers["upload-complete"] == "?1"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()


def phones_of(
    shifts: list[Json],
    pictures: list[list[bytes]],
    port: int,
    host: str,
    positions: int,
    seed: int = SEED,
) -> list[Phone]:
    """Return the phones with a day of work that the server does not know.

    A second call for the same installation needs another seed: the ids of acts are made from it.
    """
    phones = []
    for number, (one, own) in enumerate(zip(shifts, pictures, strict=True)):
        rng = random.Random(seed * 1_000 + number)
        phone = Phone(one, [], [], own, Line(port, host, {"driver": one["key"]}), rng)
        began = dt.datetime.fromisoformat(one["starts_at"]) + dt.timedelta(minutes=10)
        for n, (order, content) in enumerate(zip(one["orders"], own, strict=True)):
            at = began + n * dt.timedelta(minutes=5)
            phone.acts.append({
                "id": phone._uuid(), "kind": "delivered", "at": at.isoformat(),
                "order": order["id"], "proofs": [proof_of(content)],
                "lat": order["lat"], "lon": order["lon"], "accuracy_m": 8,
            })  # fmt: skip
        for n in range(positions):
            at = began + n * dt.timedelta(seconds=20)
            phone.positions.append({
                "id": phone._uuid(), "at": at.isoformat(), "lat": 38.72 + n * 1e-4, "lon": -9.14,
                "accuracy_m": 6.0, "speed_mps": 8.0, "heading_deg": 0,
            })  # fmt: skip
        phones.append(phone)
    return phones


async def send_all(phones: list[Phone], limit_s: float) -> float:
    """Let all phones send at the same moment; return the seconds until all is acknowledged."""
    await asyncio.gather(*(phone.start_shift() for phone in phones))
    began = time.monotonic()
    async with asyncio.timeout(limit_s), asyncio.TaskGroup() as group:
        for phone in phones:
            group.create_task(phone.drain())
    return time.monotonic() - began


def run(
    drivers: int = DRIVERS, positions: int = POSITIONS, proofs: int = PROOFS, most_s: float = 900
) -> str:
    """Send the days; return the figures. Raises Wrong if a promise is broken."""
    folder = ROOT / "var" / "proof" / "offline"
    pictures = [
        photos(proofs, LARGE if n == 0 else SMALL, folder, seed=n + 1) for n in range(drivers)
    ]
    with road_installation() as installation:
        shifts = stage(installation, drivers, proofs)
        phones = phones_of(shifts, pictures, installation.port, HOST, positions)
        began = time.monotonic()
        took = asyncio.run(send_all(phones, most_s))
        wrong = differences(phones, *stored(installation))
        ((whole,),) = rows(
            installation,
            "SELECT count(*) FROM live_photo WHERE state = 'received' AND"
            " encode(sha256(content), 'hex') <> sha256",
        )
        wrong += [f"{whole} photos have another hash"] * bool(whole)
        wait_until(lambda: _left(installation) == 0, max(1.0, KEPT_S - (time.monotonic() - began)))
        kept_s = time.monotonic() - began
        wrong += states(installation, drivers * proofs)
        assert not installation.command_json("invariants", "--all")["broken"]
    statuses = sum((phone.statuses for phone in phones), Counter())
    requests, cuts = (
        sum(map(one, phones)) for one in (lambda p: p.line.requests, lambda p: p.cuts)
    )
    line = (
        f"{drivers} drivers x ({positions} positions + {proofs} photos of {SMALL // 1000} kB, one "
        f"driver's of {LARGE // 1000} kB) x {TIMES}, shuffled: all acknowledged in {took:.0f} s "
        f"(allowed {ACKNOWLEDGED_S:.0f}), {requests:,} requests, {cuts:,} lines cut, "
        f"{dict(sorted(statuses.items()))}; every act and position once, every hash the phone's; "
        f"a photo that was there cost one HEAD; all encoded again after {kept_s:.0f} s (allowed "
        f"{KEPT_S:.0f})"
    )
    if took > ACKNOWLEDGED_S:
        wrong.append(f"acknowledged in {took:.0f} s")
    if wrong:
        raise Wrong(f"{'; '.join(wrong[:10])}. {line}")
    return line


def stored(installation: Installation) -> tuple[list[Any], list[Any], list[Any]]:
    """Return what the tables have: acts, positions and photos."""
    acts = rows(
        installation,
        "SELECT d.public_id, a.client_id::text, a.result FROM live_driveract a"
        " JOIN live_device d ON d.id = a.device_id WHERE a.kind = 'delivered'",
    )
    positions = rows(installation, "SELECT source, client_id::text FROM live_position")
    pictures = rows(installation, "SELECT sha256, size_bytes, state FROM live_photo")
    return acts, positions, pictures


def differences(
    phones: list[Phone], acts: list[Any], positions: list[Any], pictures: list[Any]
) -> list[str]:
    """Return how the tables differ from what the phones hold."""
    held_acts = Counter((p.shift["device"], one["id"]) for p in phones for one in p.acts)
    held = Counter((p.shift["device"], one["id"]) for p in phones for one in p.positions)
    hashes = Counter((sha(content), len(content)) for p in phones for content in p.photos)
    wrong = []
    for what, had, has in (
        ("acts", held_acts, Counter((device, one) for device, one, _result in acts)),
        ("positions", held, Counter(map(tuple, positions))),
        ("photos", hashes, Counter((name, size) for name, size, _state in pictures)),
    ):
        if had != has:
            wrong.append(f"{what}: {(had - has).total()} missing, {(has - had).total()} too many")
    bad = [result for _device, _one, result in acts if result == "rejected"]
    wrong += [f"{len(bad)} acts were rejected"] * bool(bad)
    open_ = [state for _name, _size, state in pictures if state not in {"received", "kept"}]
    wrong += [f"{len(open_)} photos are {set(open_)}"] * bool(open_)
    dear = sum(phone.dear_repeats for phone in phones)
    wrong += [f"{dear} photos that were there cost more than a request without a body"] * bool(dear)
    return wrong


def _left(installation: Installation) -> int:
    ((left,),) = rows(
        installation, "SELECT count(*) FROM live_photo WHERE state IN ('expected', 'received')"
    )
    return int(left)


def states(installation: Installation, proofs: int) -> list[str]:
    """Return what is wrong with the orders and photos after all."""
    photos_by = dict(rows(installation, "SELECT state, count(*) FROM live_photo GROUP BY 1"))
    orders_by = dict(rows(installation, "SELECT state, count(*) FROM orders_order GROUP BY 1"))
    wrong = []
    if photos_by != {"kept": proofs}:
        wrong.append(f"photos {photos_by}")
    if orders_by != {"delivered": proofs}:
        wrong.append(f"orders {orders_by}")
    return wrong
