"""The proof of a delivery: kept through kill -9, and doubtful ones flagged. Two parts.

- Four drivers deliver 20 orders with a photo each, one after the other. In the middle of each round
  a part of the installation is killed: web, worker, Valkey, PostgreSQL; then all four at once.
  In the end PostgreSQL is kept down for a while, and the phones' positions are answered 503.
- 100 photos at a second door (compressed again, cropped by 5 %, turned), 100 taken 300 m away, 100
  of the night: through the doors that phones use.
"""

from __future__ import annotations

import asyncio
import io
import math
import os
import random
import signal
import time
from collections import Counter
from typing import Any

from PIL import Image

from tests.bench.installation import ROOT, Installation, ready, wait_until
from tests.bench.live_stage import HOST, Json, photos, road_installation, rows, stage
from tests.bench.live_wire import Cut, Line
from tests.bench.offline import Phone, phones_of
from tests.dispatch.live.pictures import door, sha

ROUNDS = (("web",), ("worker", "bulk"), ("valkey",), ("postgres",),
          ("web", "worker", "bulk", "valkey", "postgres"))  # fmt: skip
DELIVERIES, SIZE = 20, 300_000
DOWN_S, POSITIONS = 60.0, 400
HEAL_S, END_S = 120.0, 600.0
PAIRS = 100
SMALL = (480, 360)
SEED = 29


class Wrong(AssertionError):
    """A promise is broken."""


def run(deliveries: int = DELIVERIES, pairs: int = PAIRS, down_s: float = DOWN_S) -> str:
    """Do both parts; return the figures. Raises Wrong."""
    with road_installation() as installation:
        killed = kills(installation, deliveries, down_s)
        flagged = flags(installation, pairs)
        assert not installation.command_json("invariants", "--all")["broken"]
    return f"{killed}; {flagged}"


# --- kills ---------------------------------------------------------------------------------------
def kills(installation: Installation, deliveries: int, down_s: float) -> str:
    """Deliver while parts are killed; return the figures. Raises Wrong."""
    shifts = stage(installation, len(ROUNDS), deliveries)
    folder = ROOT / "var" / "proof" / "custody"
    pictures = [photos(deliveries, SIZE, folder, seed=70 + n) for n in range(len(ROUNDS))]
    phones = phones_of(shifts, pictures, installation.port, HOST, POSITIONS)
    refused, took_s = asyncio.run(_all_kills(installation, phones, down_s))
    wait_until(lambda: _open_photos(installation) == 0, END_S)
    wrong = _lost_or_doubled(installation, phones)
    if not refused[503] or set(refused) - {503}:
        wrong.append(f"without PostgreSQL positions were answered {dict(refused)}")
    if wrong:
        raise Wrong("; ".join(wrong[:10]))
    cuts = sum(phone.cuts for phone in phones)
    return (
        f"{len(phones)} x {deliveries} deliveries with a photo, {', '.join(map('+'.join, ROUNDS))} "
        f"killed in the middle, {cuts} lines cut: all acknowledged, 0 lost, 0 doubled, every hash "
        f"the phone's; PostgreSQL away for {took_s:.0f} s: {refused[503]} x 503 and no 2xx, then "
        f"{len(phones) * POSITIONS:,} positions once each"
    )


async def _all_kills(
    installation: Installation, phones: list[Phone], down_s: float
) -> tuple[Counter[int], float]:
    for names, phone in zip(ROUNDS, phones, strict=True):
        await _round(installation, phone, names)
    return await _without_database(installation, phones, down_s)


async def _round(installation: Installation, phone: Phone, names: tuple[str, ...]) -> None:
    """Deliver all orders of a phone; kill the parts after a third of them."""
    await phone.start_shift()
    killing: asyncio.Task[None] | None = None
    there: set[str] = set()
    for number, (act, content) in enumerate(zip(phone.acts, phone.photos, strict=True)):
        if number == len(phone.acts) // 3:
            killing = asyncio.create_task(_kill(installation, names, phone.rng))
        await phone._acts([act])
        while not await phone._photo(content, there):
            raise Wrong("an acknowledged act is not known")
    assert killing is not None
    await killing


async def _kill(installation: Installation, names: tuple[str, ...], rng: random.Random) -> None:
    await asyncio.sleep(rng.random() * 0.5)
    before = installation.pids()
    for name in names:
        for pid in before[name]:
            os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    while True:
        now = installation.pids()
        if all(now.get(name) and now[name] != before[name] for name in names) and (
            await asyncio.to_thread(ready, installation.port)
        ):
            return
        if time.monotonic() - began > HEAL_S:
            raise Wrong(f"{names} did not come back in {HEAL_S:.0f} s")
        await asyncio.sleep(0.1)


async def _without_database(
    installation: Installation, phones: list[Phone], down_s: float
) -> tuple[Counter[int], float]:
    """Send positions while PostgreSQL is kept down, and again when it is back."""
    statuses: Counter[int] = Counter()
    began = time.monotonic()
    ended = asyncio.Event()
    keeping = asyncio.create_task(_keep_down(installation, down_s, ended))
    await asyncio.sleep(1.0)

    async def send(phone: Phone) -> None:
        body = {"driver": phone.shift["driver"], "positions": phone.positions[:20]}
        while not ended.is_set():
            try:
                answer = await phone.line.call_json("POST", "/api/v1/positions/", body)
            except Cut:
                continue
            if not ended.is_set():
                statuses[answer.status] += 1
            await asyncio.sleep(0.2)

    await asyncio.gather(*map(send, phones))
    await keeping
    took_s = time.monotonic() - began
    await asyncio.to_thread(wait_until, lambda: ready(installation.port), HEAL_S)
    for phone in phones:
        for _time in range(2):
            for start in range(0, len(phone.positions), 100):
                await phone._positions(phone.positions[start : start + 100])
    return statuses, took_s


async def _keep_down(installation: Installation, down_s: float, ended: asyncio.Event) -> None:
    """Kill PostgreSQL again and again, so that it answers nobody."""
    until = time.monotonic() + down_s
    while time.monotonic() < until:
        for pid in installation.pids().get("postgres", []):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        await asyncio.sleep(0.02)
    ended.set()


def _open_photos(installation: Installation) -> int:
    ((left,),) = rows(
        installation, "SELECT count(*) FROM live_photo WHERE state IN ('expected', 'received')"
    )
    return int(left)


def _lost_or_doubled(installation: Installation, phones: list[Phone]) -> list[str]:
    """Compare what was acknowledged with the tables; return what differs."""
    wrong = []
    held = Counter(one["id"] for phone in phones for one in phone.acts)
    acts = Counter(
        one for (one,) in rows(
            installation,
            "SELECT client_id::text FROM live_driveract WHERE kind = 'delivered'"
            " AND result = 'applied'",
        )
    )  # fmt: skip
    if acts != held:
        wrong.append(f"acts: {(held - acts).total()} lost, {(acts - held).total()} doubled")
    orders = Counter(order["id"] for phone in phones for order in phone.shift["orders"])
    of_order = "SELECT o.public_id FROM {} x JOIN orders_order o ON o.id = x.order_id"
    for what, question in (
        ("attempts", of_order.format("orders_attempt") + " WHERE o.state = 'delivered'"),
        ("events", "SELECT subject FROM core_event WHERE kind = 'order.delivered'"),
        ("proofs", of_order.format("live_proof")),
    ):
        has = Counter(one for (one,) in rows(installation, question))
        if has != orders:
            wrong.append(f"{what}: {(orders - has).total()} lost, {(has - orders).total()} doubled")
    hashes = Counter(sha(content) for phone in phones for content in phone.photos)
    kept = Counter(
        one for (one,) in rows(installation, "SELECT sha256 FROM live_photo WHERE state = 'kept'")
    )
    if kept != hashes:
        wrong.append(f"photos: {(hashes - kept).total()} lost, {(kept - hashes).total()} doubled")
    names = [name for (name,) in rows(installation, "SELECT kept_name FROM live_photo")]
    files = list((installation.var / "storage").rglob("*.jpg"))
    if len(set(names)) != len(names) or len(files) != len(names):
        wrong.append(f"{len(names)} photos in {len(files)} files")
    points = Counter((p.shift["device"], one["id"]) for p in phones for one in p.positions)
    has = Counter(
        map(tuple, rows(installation, "SELECT source, client_id::text FROM live_position"))
    )
    if has != points:
        wrong.append(f"points: {(points - has).total()} lost, {(has - points).total()} doubled")
    return wrong


# --- doubtful photos -----------------------------------------------------------------------------
def flags(installation: Installation, pairs: int) -> str:
    """Deliver with doubtful photos; return the figures. Raises Wrong."""
    shifts = stage(installation, 4, pairs)
    first = [jpeg(door(9_000 + n, size=SMALL)) for n in range(pairs)]
    again = [changed(door(9_000 + n, size=SMALL), n) for n in range(pairs)]
    away = [jpeg(door(19_000 + n, size=SMALL)) for n in range(pairs)]
    night = [jpeg(door(29_000 + n, size=SMALL, light=0.04)) for n in range(pairs)]
    pictures = [first, again, away, night]
    phones = phones_of(shifts, pictures, installation.port, HOST, 0, seed=SEED + 1)
    for n, act in enumerate(phones[2].acts):
        act |= _moved(act, 300, n * math.tau / pairs)
    for phone in phones:
        asyncio.run(deliver(phone))
        wait_until(lambda: _open_photos(installation) == 0, END_S)
    counts = [_counted(installation, phone) for phone in phones]
    line = (
        f"{pairs} photos at a second door, compressed again, cropped by 5 % or turned: "
        f"{counts[1]['doubled']} flagged, and {counts[0]['doubled']} of the first ones; "
        f"{counts[2]['far']} of {pairs} taken 300 m away flagged; {counts[3]['doubled']} of "
        f"{pairs} night photos called doubled, {counts[3]['too_dark']} too dark"
    )
    if (counts[0]["doubled"], counts[1]["doubled"], counts[2]["far"], counts[3]["doubled"]) != (
        0, pairs, pairs, 0,
    ):  # fmt: skip
        raise Wrong(line)
    return line


async def deliver(phone: Phone) -> None:
    """Send all acts, then all photos."""
    phone.line = Line(phone.line.port, phone.line.host, {"driver": phone.shift["key"]})
    await phone.start_shift()
    there: set[str] = set()
    for start in range(0, len(phone.acts), 20):
        await phone._acts(phone.acts[start : start + 20], may_cut=False)
    for content in phone.photos:
        await phone._photo(content, there)


def _counted(installation: Installation, phone: Phone) -> Counter[str]:
    """Count the flags of the proofs of a phone."""
    flags_of = rows(
        installation,
        "SELECT jsonb_array_elements_text(p.flags) FROM live_proof p"
        " JOIN live_driveract a ON a.id = p.act_id JOIN live_device d ON d.id = a.device_id"
        " WHERE d.public_id = %s",
        phone.shift["device"],
    )
    return Counter(flag for (flag,) in flags_of)


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    """Return the bytes of a JPEG."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def changed(image: Image.Image, number: int) -> bytes:
    """Return a photo compressed again, cropped by 5 %, or turned, in turn."""
    width, height = image.size
    if number % 3 == 0:
        return jpeg(image, quality=40)
    if number % 3 == 1:
        edge_x, edge_y = width // 40, height // 40
        return jpeg(image.crop((edge_x, edge_y, width - edge_x, height - edge_y)), quality=70)
    return jpeg(image.rotate(90 * (1 + number % 2), expand=True), quality=70)


def _moved(place: Json, metres: float, bearing: float) -> dict[str, Any]:
    north, east = metres * math.cos(bearing), metres * math.sin(bearing)
    return {
        "lat": place["lat"] + north / 111_195,
        "lon": place["lon"] + east / (111_195 * math.cos(math.radians(place["lat"]))),
        "proofs": place["proofs"],
    }
