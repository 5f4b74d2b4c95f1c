"""The stage of the campaigns of the road: drivers at work now, with orders, phones and photos."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import transaction

from dispatch.fleet.models import Hub
from dispatch.live import services
from dispatch.live.services.partitions import keep_coming_days
from dispatch.orders.models import Order
from dispatch.orders.services import place_orders
from dispatch.planning import events
from dispatch.planning.services.recording import plan_facts
from lastmile.core.clock import now
from lastmile.core.events import record
from lastmile.embedded.folders import Folders
from tests.bench.installation import Installation, running_installation, wait_until
from tests.dispatch.live.pictures import door, sha
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle
from tests.factories.live import publish
from tests.factories.orders import make_draft

SCHEMA = "t_road"
HOST = "road.localhost"
BEGAN = dt.timedelta(hours=2)  # the shifts began this long ago
LASTS = dt.timedelta(hours=10)
Json = dict[str, Any]

_SCRIPT = """
import json
from lastmile.core.tenancy import retailer_context
from tests.bench.live_stage import work_day
with retailer_context({schema!r}):
    print(json.dumps(work_day({drivers}, {orders})))
"""


def work_day(drivers: int, orders: int) -> list[Json]:
    """Add drivers with a vehicle, a shift, a published route and a phone and tracker each."""
    keep_coming_days()
    hub = make_hub(zone="UTC")
    starts_at = now() - BEGAN
    shifts = [
        make_shift(
            vehicle=make_vehicle(hub=hub), driver=make_driver(hub=hub),
            starts_at=starts_at, ends_at=starts_at + LASTS,
        )
        for _n in range(drivers)
    ]  # fmt: skip
    day = shifts[0].service_date
    routes = {}
    if orders:
        pks = [row.pk for row in _orders(hub, day, drivers * orders)]
        rows = list(Order.objects.filter(pk__in=pks).order_by("pk"))
        routes = {shift: rows[n * orders : (n + 1) * orders] for n, shift in enumerate(shifts)}
        with transaction.atomic():
            plan = publish(hub, routes, day)  # type: ignore[arg-type]
            record(events.PUBLISHED, plan_facts(plan), subject=plan.public_id)
    return [_facts_of(shift, hub, routes.get(shift, [])) for shift in shifts]


def _orders(hub: Hub, day: dt.date, count: int) -> list[Any]:
    orders: list[Any] = []
    while len(orders) < count:
        part = min(500, count - len(orders))
        drafts = [
            make_draft(
                hub=hub.public_id,
                service_date=day,
                external_id=f"{hub.public_id}-{len(orders) + n}",
            )
            for n in range(part)
        ]
        placed = place_orders(drafts, source="proof")
        orders += [one.order for one in placed if one.order is not None]
    return orders


def _facts_of(shift: Any, hub: Hub, orders: list[Order]) -> Json:
    link = services.make_login_link(driver=shift.driver)
    phone = services.take_login_link(secret=link.secret, agent="Android Chrome/130.0")
    tracker = services.add_tracker(driver=shift.driver)
    return {
        "driver": shift.driver.public_id,
        "hub": hub.public_id,
        "day": shift.service_date.isoformat(),
        "shift": shift.public_id,
        "starts_at": shift.starts_at.isoformat(),
        "device": phone.device.public_id,
        "key": phone.key,
        "tracker": tracker.key,
        "vehicle": shift.vehicle.public_id,
        "orders": [
            {
                "id": order.public_id,
                "lat": order.delivery_place.lat,
                "lon": order.delivery_place.lon,
            }
            for order in orders
        ],
    }


@contextmanager
def road_installation(**environment: str) -> Iterator[Installation]:
    """Start an installation with one retailer."""
    limits = {"LIMIT_SOCKETS_PER_RETAILER": "5000", "WEB_WORKERS": "2"}
    with running_installation(None, **(limits | environment)) as installation:
        installation.open(SCHEMA, "UTC")
        yield installation


def stage(installation: Installation, drivers: int, orders: int) -> list[Json]:
    """Make the work day in an installation, and wait until nothing is left to do for it."""
    script = _SCRIPT.format(schema=SCHEMA, drivers=drivers, orders=orders)
    lines = installation.command("shell", script=script).strip().splitlines()
    wait_until(lambda: waiting(installation) == 0, 600)
    shifts: list[Json] = json.loads(lines[-1])
    return shifts


def rows(installation: Installation, question: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a question to the retailer's tables."""
    with psycopg.connect(
        host=str(Folders(installation.var).run), user="postgres", dbname="lastmile",
        options=f"-c search_path={SCHEMA},public",
    ) as connection:  # fmt: skip
        return connection.execute(question, values).fetchall()  # type: ignore[arg-type]


def waiting(installation: Installation) -> int:
    """Count the events and jobs that are not done."""
    ((count,),) = rows(
        installation,
        "SELECT (SELECT count(*) FROM core_event WHERE position IS NULL)"
        " + (SELECT count(*) FROM core_delivery WHERE state IN ('waiting', 'leased'))"
        " + (SELECT count(*) FROM core_job WHERE state IN ('queued', 'running'))",
    )
    return int(count)


# --- photos --------------------------------------------------------------------------------------
def photos(count: int, size: int, folder: Path, *, seed: int = 1) -> list[bytes]:
    """Return JPEGs of different doors of exactly ``size`` bytes; the folder keeps them."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    for n in range(count):
        file = folder / f"{seed}-{n}-{size}.jpg"
        if not file.exists():
            draft = file.with_suffix(f".{os.getpid()}")
            draft.write_bytes(photo(seed * 100_000 + n, size))
            draft.replace(file)
        pictures.append(file.read_bytes())
    return pictures


def photo(number: int, size: int) -> bytes:
    """Return a JPEG of a door with ``size`` bytes, as a phone sends it; comments fill it up."""
    side = 1_600 if size > 150_000 else 480
    image = door(number, size=(side, side * 3 // 4))
    out = b""
    for quality in (92, 85, 75, 60, 40, 20):
        written = io.BytesIO()
        image.save(written, "JPEG", quality=quality)
        out = written.getvalue()
        if len(out) <= size - 4:
            break
    rng = random.Random(number)
    head, tail = out[:2], out[2:]
    missing = size - len(out)
    while missing:
        part = missing if missing <= 60_000 else min(60_000, missing - 4)
        head += b"\xff\xfe" + (part - 2).to_bytes(2) + rng.randbytes(part - 4)
        missing -= part
    return head + tail


def proof_of(content: bytes) -> Json:
    """Return the proof that an act names for a photo."""
    return {"kind": "photo", "sha256": sha(content), "size": len(content)}
