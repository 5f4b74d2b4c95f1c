"""The socket of a delivery page: one order, one valid link, and no position without a reason."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers
from channels.routing import URLRouter
from django.core.cache import cache
from django.db import connections

from dispatch.live.models import Device, Run
from dispatch.live.services import following
from dispatch.live.services.following import Follower
from dispatch.orders.links import shopper_secret
from dispatch.orders.models import Order
from dispatch.orders.services import end_shopper_link, renew_shopper_link
from lastmile.core import sockets
from lastmile.core.tenancy import RetailerRef, in_retailer
from portal import ws
from tenants.gate import SocketGate
from tenants.permissions import Role
from tests.dispatch.conftest import SetClock
from tests.dispatch.live.test_positions import point, take
from tests.drain import drain
from tests.factories.live import act, at, make_day, make_phone, send
from tests.people import add_member, logged_in
from tests.sockets import Socket

pytestmark = pytest.mark.asyncio
TRACK = SocketGate(URLRouter(ws.routes))
NOW = at(10)
SOON = NOW - dt.timedelta(seconds=30)


@pytest.fixture(autouse=True)
def own_layer(fresh_db: str) -> Any:
    """Give the event loop of each test its own channel layer."""
    channel_layers.backends.clear()
    sockets._open.clear()
    yield
    channel_layers.backends.clear()


@pytest.fixture
def day(retailer: RetailerRef, clock: SetClock) -> list[Order]:
    """Two orders on a route whose run left at nine."""
    shift, orders = make_day(2)
    assert shift.driver is not None
    clock(NOW)
    send(make_phone(shift.driver), act("shift_started", at(8)), act("left_hub", at(9)))
    drain(jobs=False)
    cache.delete(following._LEASE)
    return orders


@asynccontextmanager
async def track(
    ref: RetailerRef, secret: str, *, origin: str = "", session: str = "", query: str = ""
) -> AsyncIterator[Socket]:
    headers = [
        (b"host", ref.domain.encode()),
        (b"origin", (origin or f"http://{ref.domain}:8000").encode()),
    ]
    if session:
        headers.append((b"cookie", f"sid={session}".encode()))
    opened = Socket(TRACK, f"/ws/v1/track/{secret}/{query}", headers)
    assert await opened.open(), "a socket is accepted, so that its close code can be read"
    try:
        yield opened
    finally:
        await opened.leave()
        await sync_to_async(connections.close_all)()


async def secret_of(ref: RetailerRef, order: Order) -> str:
    return await in_retailer(ref, shopper_secret, order)


def _report(kind: str, minute: int, order: Order) -> None:
    phone = make_phone(Run.objects.get().driver)
    (answer,) = send(phone, act(kind, at(9, minute), order))
    assert answer.status == "stored", answer.problem
    drain(jobs=False)


def _drive(**fields: Any) -> int:
    """Send a position from the phone of the run, and let the leaseholder tell it."""
    take(Device.objects.first(), point(SOON, **fields))  # type: ignore[arg-type]
    return _tell()


def _tell() -> int:
    follower = Follower()
    follower.name = "test"
    return follower.tell_once()


async def test_a_shopper_gets_a_snapshot_then_positions_then_changes(
    retailer: RetailerRef, day: list[Order]
) -> None:
    async with track(retailer, await secret_of(retailer, day[0])) as page:
        first = await page.frame()
        assert (first["type"], first["seq"]) == ("snapshot", None)
        data = first["data"]
        assert (data["state"], data["stops_before"], data["position"]) == ("out", 0, None)
        assert await in_retailer(retailer, _drive, lat=39.0, heading_deg=97, speed_mps=9) == 1
        moved = await page.frame()
        assert (moved["type"], moved["seq"]) == ("position", None)
        assert moved["data"] == {
            "at": SOON.isoformat().replace("+00:00", "Z"),
            "lat": pytest.approx(39.0, abs=0.0004),
            "lon": pytest.approx(-9.14, abs=0.0004),
            "heading_deg": 90,
        }
        await in_retailer(retailer, _report, "arrived", 55, day[0])
        here = await page.frame()
        assert here["type"] == "status"
        assert (here["data"]["is_here"], here["data"]["position"]) == (True, None)
        await in_retailer(retailer, _report, "delivered", 56, day[0])
        done = await page.frame()
        assert done["type"] == "status"
        assert (done["data"]["state"], done["data"]["is_here"]) == ("delivered", False)


async def test_a_socket_hears_its_own_order_only(retailer: RetailerRef, day: list[Order]) -> None:
    second = await secret_of(retailer, day[1])
    async with track(retailer, second) as page:
        data = (await page.frame())["data"]
        assert (data["stops_before"], data["position"]) == (1, None)
        assert await in_retailer(retailer, _drive, lat=39.0) == 1
        assert await page.receive_nothing(timeout=0.5)
        shown = json.dumps(data)
        others = await in_retailer(
            retailer, lambda: [day[0].public_id, *Run.objects.values_list("public_id", flat=True)]
        )
        assert not any(one in shown for one in others)


async def test_nobody_is_told_where_a_vehicle_is_that_nobody_follows(
    retailer: RetailerRef, day: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    monkeypatch.setattr(following, "shown_places", lambda runs: calls.append(runs) or {})
    await in_retailer(retailer, _drive, lat=39.0)
    assert calls == []
    async with track(retailer, await secret_of(retailer, day[0])) as page:
        await page.frame()
        await in_retailer(retailer, lambda: take(Device.objects.get(), point(NOW, lat=39.01)))
        await in_retailer(retailer, _tell)
    assert len(calls) == 1


async def test_unknown_ended_and_foreign_links_are_4404(
    retailer: RetailerRef, other: RetailerRef, day: list[Order]
) -> None:
    secret = await secret_of(retailer, day[0])
    for ref, sent in ((retailer, "a" * 32), (retailer, "x"), (other, secret)):
        async with track(ref, sent) as page:
            assert await page.close_code() == 4404
    await in_retailer(retailer, lambda: renew_shopper_link(order=day[0]))
    async with track(retailer, secret) as page:
        assert await page.close_code() == 4404


async def test_an_open_socket_closes_when_its_link_ends(
    retailer: RetailerRef, day: list[Order]
) -> None:
    async with track(retailer, await secret_of(retailer, day[0])) as page:
        await page.frame()
        await in_retailer(retailer, lambda: end_shopper_link(order=day[0]))
        assert await page.close_code() == 4404


async def test_a_page_of_another_origin_is_refused(retailer: RetailerRef, day: list[Order]) -> None:
    secret = await secret_of(retailer, day[0])
    for origin in ("https://evil.example", "http://t2.localhost:8000", "null"):
        async with track(retailer, secret, origin=origin) as page:
            assert await page.close_code() == 4403, origin


async def test_staff_who_open_a_shopper_s_page_count_as_its_reader(
    retailer: RetailerRef, day: list[Order]
) -> None:
    member = await in_retailer(retailer, lambda: add_member(Role.OWNER))
    browser = await sync_to_async(logged_in)(retailer, member)
    session = browser.cookies["sid"].value
    async with track(retailer, await secret_of(retailer, day[0]), session=session) as page:
        assert (await page.frame())["type"] == "snapshot"
    for query in ("", "?ticket=tkt_unknown_unknown"):
        async with track(retailer, "b" * 32, session=session, query=query) as page:
            assert await page.close_code() == 4404


async def test_shoppers_have_limits_of_their_own(
    retailer: RetailerRef, day: list[Order], settings: Any
) -> None:
    settings.LIMIT_SOCKETS_PER_RETAILER = 1
    settings.LIMIT_SHOPPER_SOCKETS_PER_RETAILER = 3
    settings.LIMIT_SOCKETS_PER_SHOPPER_LINK = 2
    one, two = [await secret_of(retailer, order) for order in day]
    async with track(retailer, one) as first, track(retailer, one) as second:
        await first.frame()
        await second.frame()
        async with track(retailer, one) as third:
            assert await third.close_code() == 4429, "a third page of the same link"
        async with track(retailer, two) as other_link:
            await other_link.frame()
            async with track(retailer, two) as fourth:
                assert await fourth.close_code() == 4429, "a fourth page of all shoppers"
    assert not any(sockets._open.values())
    async with track(retailer, one) as again:
        assert (await again.frame())["type"] == "snapshot"


async def test_a_page_that_stays_open_is_still_followed(
    retailer: RetailerRef, day: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tenants import consumers

    monkeypatch.setattr(consumers, "RECHECK_S", 0.1)
    shift = await in_retailer(retailer, lambda: Run.objects.get().shift.public_id)
    key = f"{following._FOLLOWED}.{shift}"
    async with track(retailer, await secret_of(retailer, day[0])) as page:
        await page.frame()
        await in_retailer(retailer, cache.delete, key)
        for _n in range(50):
            if await in_retailer(retailer, cache.get, key):
                break
            await asyncio.sleep(0.1)
        else:
            pytest.fail("the shift is not noted again")
