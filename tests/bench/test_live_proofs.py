"""Small parts of the campaigns `offline`, `custody` and `positions`, in every test run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dispatch.live.models import DriverAct, Photo, Position, Proof
from dispatch.orders.models import Order
from lastmile.asgi import application
from lastmile.core import storage
from lastmile.core.tenancy import RetailerRef
from tests.bench import custody, offline, positions
from tests.bench.live_stage import photos, work_day
from tests.core.serving import served
from tests.dispatch.live.pictures import door
from tests.drain import drain


@pytest.fixture
def port(fresh_db: str, retailer: RetailerRef, settings: Any, tmp_path: Path) -> Iterator[int]:
    settings.STORAGE_FOLDER = tmp_path / "storage"
    settings.LIMIT_API_PER_MINUTE = 100_000
    with served(application) as number:
        yield number


def test_a_day_without_a_network_arrives_once_though_lines_are_cut(
    port: int, retailer: RetailerRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "PIECE", 10_000)
    monkeypatch.setattr(offline, "CUT_SHARE", 0.3)
    shifts = work_day(2, 3)
    pictures = [photos(3, 40_000, tmp_path, seed=n) for n in range(2)]
    phones = offline.phones_of(shifts, pictures, port, retailer.domain, 20)
    asyncio.run(offline.send_all(phones, 60))
    assert sum(phone.cuts for phone in phones) > 5
    acts = DriverAct.objects.filter(kind="delivered")
    wrong = offline.differences(
        phones,
        [(row.device.public_id, str(row.client_id), row.result) for row in acts],
        [(row.source, str(row.client_id)) for row in Position.objects.all()],
        list(Photo.objects.values_list("sha256", "size_bytes", "state")),
    )
    assert wrong == []
    drain()
    for photo in Photo.objects.all():
        kept = storage.read(photo.kept_name)
        assert photo.state == "kept"
        assert kept is not None
        assert len(kept) == photo.kept_bytes
    assert set(Order.objects.values_list("state", flat=True)) == {"delivered"}


def test_the_same_photo_at_two_doors_is_flagged_and_a_dark_one_is_not_called_doubled(
    port: int, retailer: RetailerRef
) -> None:
    shifts = work_day(3, 3)
    first = [custody.jpeg(door(n, size=custody.SMALL)) for n in range(3)]
    again = [custody.changed(door(n, size=custody.SMALL), n) for n in range(3)]
    night = [custody.jpeg(door(60 + n, size=custody.SMALL, light=0.04)) for n in range(3)]
    phones = offline.phones_of(shifts, [first, again, night], port, retailer.domain, 0)
    flags = []
    for phone in phones:
        asyncio.run(custody.deliver(phone))
        drain()
        rows = Proof.objects.filter(act__device__public_id=phone.shift["device"])
        flags.append([row.flags for row in rows])
    assert flags == [[[]] * 3, [["doubled"]] * 3, [["too_dark"]] * 3]


def test_every_position_of_phones_and_trackers_is_stored_by_its_id(
    port: int, retailer: RetailerRef
) -> None:
    shifts = work_day(2, 0)
    installation: Any = SimpleNamespace(port=port)
    house = positions.House(installation, shifts, "", host=retailer.domain)
    figures = positions.Figures()
    phones = [positions.PhoneSender(house, one, figures, n) for n, one in enumerate(shifts)]
    trackers = [positions.TrackerSender(house, one, figures) for one in shifts]

    async def send() -> None:
        await positions.begin(phones)
        ends = time.monotonic() + 1.0
        senders = [*phones, *trackers]
        await asyncio.gather(*(one.run(0.25, n * 0.05, ends) for n, one in enumerate(senders)))

    asyncio.run(send())
    for phone in phones:
        ids = Position.objects.filter(source=phone.shift["device"]).order_by("client_id")
        stored = [row.client_id.int for row in ids]
        assert stored == list(range(phone.sent))
        assert phone.sent >= 3 * positions.BATCH
    by_trackers = Position.objects.exclude(source__in=[one["device"] for one in shifts]).count()
    assert by_trackers == sum(tracker.sent for tracker in trackers) >= 6
