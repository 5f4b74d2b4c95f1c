"""The socket of the driver's app: the driver hears of each change, and nobody else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers
from channels.routing import URLRouter
from django.conf import settings
from django.db import connections

from dispatch import ws
from dispatch.fleet.models import Driver
from dispatch.live.handlers import on_plan_published
from dispatch.live.models import Device
from dispatch.live.services import make_login_link, revoke_device, take_login_link
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order
from dispatch.planning.models import Plan
from lastmile.core import sockets
from lastmile.core.clock import now
from lastmile.core.events import DomainEvent, Lane
from lastmile.core.tenancy import RetailerRef, in_retailer
from tenants.gate import SocketGate
from tests.drain import drain
from tests.factories.live import make_day
from tests.sockets import Socket

pytestmark = pytest.mark.asyncio
APP = SocketGate(URLRouter(ws.routes))


@pytest.fixture(autouse=True)
def own_layer(fresh_db: str) -> Any:
    """Give the event loop of each test its own channel layer."""
    channel_layers.backends.clear()
    sockets._open.clear()
    yield
    channel_layers.backends.clear()


def key_of(driver: Driver) -> str:
    link = make_login_link(driver=driver)
    return take_login_link(secret=link.secret).key


def a_day() -> tuple[str, str, Order, Order]:
    """Make two routes; return the keys of their drivers' phones and an order of each."""
    shift, (order, _next) = make_day(2)
    other_shift, (other_order,) = make_day(1)
    assert shift.driver is not None
    assert other_shift.driver is not None
    drain(jobs=False)
    return key_of(shift.driver), key_of(other_shift.driver), order, other_order


@asynccontextmanager
async def app(ref: RetailerRef, key: str, *, own_page: bool = True) -> AsyncIterator[Socket]:
    headers = [
        (b"host", ref.domain.encode()),
        (b"cookie", f"{settings.DRIVER_COOKIE_NAME}={key}".encode()),
    ]
    if own_page:
        headers.append((b"origin", f"http://{ref.domain}:8000".encode()))
    socket = Socket(APP, "/ws/v1/driver/", headers)
    assert await socket.open()
    try:
        yield socket
    finally:
        await socket.leave()
        await sync_to_async(connections.close_all)()


def cancel(order: Order) -> None:
    cancel_order(order=Order.objects.get(pk=order.pk))
    drain(jobs=False)


async def test_x06_a_cancelled_stop_is_told_to_its_driver_and_to_no_other(
    retailer: RetailerRef,
) -> None:
    key, other_key, order, other_order = await in_retailer(retailer, a_day)
    async with app(retailer, key) as socket, app(retailer, other_key) as others:
        for one in (socket, others):
            assert (await one.frame())["type"] == "snapshot"
        await in_retailer(retailer, cancel, order)
        frame = await socket.frame()
        assert (frame["type"], frame["seq"], frame["data"]) == ("day", None, {})
        assert await others.receive_nothing()
        await in_retailer(retailer, cancel, other_order)
        assert (await others.frame())["type"] == "day"


async def test_r12_a_published_plan_is_told_to_its_drivers(retailer: RetailerRef) -> None:
    key, _other, order, _order = await in_retailer(retailer, a_day)

    def published() -> None:
        plan = Plan.objects.get(stops__order=order)
        event = DomainEvent(
            public_id="evt_1", kind="plan.published", subject=plan.public_id, actor="",
            occurred_at=now(), data={}, position=1, lane=Lane.BULK,
        )  # fmt: skip
        on_plan_published(event)

    async with app(retailer, key) as socket:
        assert (await socket.frame())["type"] == "snapshot"
        await in_retailer(retailer, published)
        assert (await socket.frame())["type"] == "day"


async def test_a_revoked_phone_is_disconnected(retailer: RetailerRef) -> None:
    key, _other, _order, _order2 = await in_retailer(retailer, a_day)

    def revoke() -> None:
        device = Device.objects.order_by("pk").first()
        assert device is not None
        revoke_device(device=device)

    async with app(retailer, key) as socket:
        assert (await socket.frame())["type"] == "snapshot"
        await in_retailer(retailer, revoke)
        assert await socket.close_code() == 4401


@pytest.mark.parametrize("own_page", [True, False])
async def test_a_stranger_and_another_page_get_nothing(
    retailer: RetailerRef, own_page: bool
) -> None:
    key, _other, _order, _order2 = await in_retailer(retailer, a_day)
    async with app(retailer, "drvkey_wrong" if own_page else key, own_page=own_page) as socket:
        assert await socket.close_code() == 4401
