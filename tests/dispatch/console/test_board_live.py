"""The board's socket: two dispatchers see each other's edits, and no one else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers
from channels.routing import URLRouter
from django.core.cache import cache
from django.db import connections

from dispatch import ws
from dispatch.fleet.models import Shift
from dispatch.live.models import Device
from dispatch.live.services import following
from dispatch.live.services.following import Follower
from dispatch.planning import services
from dispatch.planning.models import Plan
from dispatch.planning.services import editing
from lastmile.core import sockets
from lastmile.core.clock import now
from lastmile.core.tenancy import RetailerRef, in_retailer
from notifications.services.threads import mark_read, write_from_page
from tenants.gate import SocketGate
from tenants.permissions import Role
from tests.dispatch.conftest import SetClock
from tests.dispatch.live.test_positions import point, take
from tests.dispatch.planning.test_plans import day_of, plan
from tests.drain import drain
from tests.factories import make_hub
from tests.factories.live import act, at, make_day, make_phone, send
from tests.factories.orders import DAY
from tests.people import add_member, logged_in
from tests.sockets import Socket

pytestmark = pytest.mark.asyncio
BOARD = SocketGate(URLRouter(ws.routes))


@pytest.fixture(autouse=True)
def own_layer(fresh_db: str) -> Any:
    """Give the event loop of each test its own channel layer."""
    channel_layers.backends.clear()
    sockets._open.clear()
    yield
    channel_layers.backends.clear()


@pytest.fixture
def draft(retailer: RetailerRef) -> Plan:
    new_plan = plan(day_of(4))
    drain(jobs=False)  # send the events of its making before any board is connected
    return Plan.objects.select_related("hub").get(pk=new_plan.pk)


async def session_of(ref: RetailerRef, role: str = Role.DISPATCHER, hubs: Any = None) -> str:
    def enter() -> str:
        socket: str = logged_in(ref, add_member(role, hubs=hubs)).cookies["sid"].value
        return socket

    return await in_retailer(ref, enter)


def _hub() -> str:
    return make_hub().public_id


@asynccontextmanager
async def board(ref: RetailerRef, session: str, hub: str, date: str = "") -> AsyncIterator[Socket]:
    socket = Socket(
        BOARD,
        f"/ws/v1/board/?hub={hub}&date={date or DAY.isoformat()}",
        [
            (b"host", ref.domain.encode()),
            (b"origin", f"http://{ref.domain}:8000".encode()),
            (b"cookie", f"sid={session}".encode()),
        ],
    )
    assert await socket.open()
    try:
        yield socket
    finally:
        await socket.leave()
        await sync_to_async(connections.close_all)()


def take_one_off(draft: Plan) -> str:
    """Remove an order from its route as a colleague, then run the workers' jobs."""
    order = draft.stops.select_related("order")[0].order.public_id
    editing.take_off(plan=draft, version=None, order=order)
    drain(jobs=False)
    return order


async def test_two_dispatchers_see_the_same_edit_as_the_next_number(
    retailer: RetailerRef, draft: Plan
) -> None:
    hub = draft.hub.public_id
    ana, bruno = await session_of(retailer), await session_of(retailer)
    async with board(retailer, ana, hub) as first, board(retailer, bruno, hub) as second:
        for one in (first, second):
            snapshot = await one.frame()
            assert (snapshot["type"], snapshot["seq"]) == ("snapshot", 1)
            assert snapshot["data"]["plans"][0]["plan"] == draft.public_id
        order = await in_retailer(retailer, take_one_off, draft)
        for one in (first, second):
            frame = await one.frame()
            assert (frame["type"], frame["seq"]) == ("plan", 2)
            assert frame["data"]["act"] == "take_off"
            assert (frame["data"]["order"], frame["data"]["version"]) == (order, 2)
            assert frame["data"]["unserved"] == 1


async def test_the_boards_of_a_hub_carry_the_number_of_unanswered_replies(
    retailer: RetailerRef, draft: Plan
) -> None:
    order = await in_retailer(retailer, lambda: draft.stops.select_related("order__hub")[0].order)
    elsewhere = await in_retailer(retailer, _hub)
    session = await session_of(retailer)
    async with (
        board(retailer, session, draft.hub.public_id) as one,
        board(retailer, session, elsewhere) as other,
    ):
        await one.frame()
        await other.frame()
        entry = await in_retailer(
            retailer, lambda: write_from_page(order=order, text="Please ring twice", key="k1")
        )
        frame = await one.frame()
        assert (frame["type"], frame["seq"], frame["data"]) == ("replies", None, {"unanswered": 1})
        await in_retailer(retailer, lambda: mark_read(thread=entry.thread))
        assert (await one.frame())["data"] == {"unanswered": 0}
        await in_retailer(retailer, take_one_off, draft)
        assert (await one.frame())["type"] == "plan", "the number of the day is not used up"
        assert await other.receive_nothing(), "another hub hears nothing"


async def test_two_edits_at_once_arrive_as_one_jump_that_the_client_sees_as_a_gap(
    retailer: RetailerRef, draft: Plan
) -> None:
    def twice() -> None:
        for _turn in range(2):
            order = draft.stops.select_related("order")[0].order.public_id
            editing.take_off(plan=draft, version=None, order=order)
        drain(jobs=False)

    async with board(retailer, await session_of(retailer), draft.hub.public_id) as one:
        assert (await one.frame())["seq"] == 1
        await in_retailer(retailer, twice)
        assert (await one.frame())["seq"] == 3, "the state, not each step to it"
        await one.say('{"type": "snapshot"}')
        assert (await one.frame())["data"]["plans"][0]["version"] == 3


async def test_the_board_is_told_when_a_planning_job_starts_and_ends(
    retailer: RetailerRef, draft: Plan
) -> None:
    def ask() -> None:
        services.request_plan(hub=draft.hub, service_date=DAY, seconds=1)
        drain()

    async with board(retailer, await session_of(retailer), draft.hub.public_id) as one:
        await one.frame()
        await in_retailer(retailer, ask)
        frames = [await one.frame() for _n in range(3)]
        jobs = [f["data"]["state"] for f in frames if f["type"] == "job"]
        plans = [f["data"]["act"] for f in frames if f["type"] == "plan"]
        assert (jobs[-1], plans) == ("succeeded", ["drafted"])


async def test_another_hub_day_or_retailer_receives_nothing(
    retailer: RetailerRef, other: RetailerRef, draft: Plan
) -> None:
    elsewhere = await in_retailer(retailer, _hub)
    session = await session_of(retailer)
    async with (
        board(retailer, session, elsewhere) as hub,
        board(retailer, session, draft.hub.public_id, "2026-11-24") as day,
    ):
        for one in (hub, day):
            assert (await one.frame())["data"]["plans"] == []
        await in_retailer(retailer, take_one_off, draft)
        for one in (hub, day):
            assert await one.receive_nothing(0.3)
    foreign = await session_of(other, Role.OWNER)
    async with board(other, foreign, draft.hub.public_id) as one:
        assert await one.close_code() == 4404


@pytest.mark.parametrize(
    ("role", "hubs", "code"),
    [(Role.DRIVER, None, 4403), (Role.MANAGER, ["hub_elsewhere"], 4404)],
)
async def test_a_member_without_access_to_the_hub_cannot_connect(
    retailer: RetailerRef, draft: Plan, role: str, hubs: Any, code: int
) -> None:
    if hubs:
        hubs = [await in_retailer(retailer, _hub)]
    async with board(retailer, await session_of(retailer, role, hubs), draft.hub.public_id) as one:
        assert await one.close_code() == code


@pytest.mark.parametrize("date", ["tomorrow", "2026-02-30", "%00"])
async def test_an_invalid_date_is_not_found(retailer: RetailerRef, draft: Plan, date: str) -> None:
    async with board(retailer, await session_of(retailer), draft.hub.public_id, date) as one:
        assert await one.close_code() == 4404


async def test_malformed_hub_ids_are_refused_and_use_no_connection(
    retailer: RetailerRef, draft: Plan, settings: Any
) -> None:
    settings.LIMIT_SOCKETS_PER_RETAILER = 2
    session = await session_of(retailer, Role.READONLY)
    for hub in ("hub%20x", "hub_%20%20", "%F0%9F%90%9F", "hub_x"):
        async with board(retailer, session, hub) as socket:
            assert await socket.close_code() == 4404, hub
    async with board(retailer, session, draft.hub.public_id) as socket:
        assert (await socket.frame())["type"] == "snapshot"


def _drive(*acts: Any) -> None:
    """Send acts of the driver of the day from a new phone, then run the workers' jobs."""
    shift = Shift.objects.get()
    assert shift.driver is not None
    send(make_phone(shift.driver), *acts)
    drain(jobs=False)


async def test_the_board_hears_each_change_of_a_run_and_counts_incidents(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    def prepare() -> tuple[str, str, list[Any], str]:
        shift, orders = make_day(2)
        drain(jobs=False)
        return shift.hub.public_id, shift.public_id, orders, make_hub().public_id

    hub, shift, (first, second), elsewhere = await in_retailer(retailer, prepare)
    session = await session_of(retailer)
    async with board(retailer, session, hub) as one, board(retailer, session, elsewhere) as two:
        await one.frame()
        await two.frame()
        await in_retailer(retailer, _drive, act("left_hub", now(), shift=shift))
        frame = await one.frame()  # started and left
        assert (frame["type"], frame["seq"]) == ("progress", None)
        assert frame["data"] == {
            "shift": shift, "order": None, "state": "on_road", "done": 0, "failed": 0
        }  # fmt: skip
        await in_retailer(retailer, _drive, act("delivered", now(), first, shift=shift))
        frame = await one.frame()
        assert (frame["type"], frame["data"]["order"], frame["data"]["done"]) == (
            "progress", first.public_id, 1,
        )  # fmt: skip
        missing = act("not_loaded", now(), shift=shift, orders=[second.public_id])
        await in_retailer(retailer, _drive, missing)
        frame = await one.frame()
        assert (frame["type"], frame["data"]) == ("incidents", {"open": 1})
        assert await two.receive_nothing(), "another hub hears nothing"


async def test_the_board_sees_vehicles_of_its_own_hub_only(
    retailer: RetailerRef, clock: SetClock
) -> None:
    def begin() -> tuple[Shift, Device]:
        clock(at(10))
        shift, _orders = make_day(1)
        assert shift.driver is not None
        phone = make_phone(shift.driver)
        send(phone, act("shift_started", at(8)))
        take(phone, point(at(9, 58), lat=38.7))
        return shift, phone

    shift, phone = await in_retailer(retailer, begin)
    elsewhere = await in_retailer(retailer, _hub)
    session = await session_of(retailer)

    def move() -> int:
        cache.delete(following._LEASE)
        take(phone, point(at(9, 59), lat=38.71))
        return Follower().tell_once()

    async with (
        board(retailer, session, shift.hub.public_id) as near,
        board(retailer, session, elsewhere) as far,
    ):
        snapshot = (await near.frame())["data"]
        assert [(one["shift"], one["lat"]) for one in snapshot["positions"]] == [
            (shift.public_id, 38.7)
        ]
        assert (await far.frame())["data"]["positions"] == []
        assert await in_retailer(retailer, move) == 1
        frame = await near.frame()
        assert (frame["type"], frame["seq"]) == ("positions", None)
        assert [one["lat"] for one in frame["data"]["positions"]] == [38.71]
        await far.say('{"type": "ping"}')
        assert (await far.frame())["type"] == "pong"  # and no position before it


async def test_the_process_that_takes_positions_tells_the_board_by_itself(
    retailer: RetailerRef, clock: SetClock, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "IDLE_S", 1.0)
    settings.TELL_POSITIONS = True

    def begin() -> tuple[str, Device]:
        cache.delete(following._LEASE)
        clock(at(10))
        shift, _orders = make_day(1)
        assert shift.driver is not None
        phone = make_phone(shift.driver)
        send(phone, act("shift_started", at(8)))
        return shift.hub.public_id, phone

    hub, phone = await in_retailer(retailer, begin)
    async with board(retailer, await session_of(retailer), hub) as socket:
        assert (await socket.frame())["data"]["positions"] == []
        await in_retailer(retailer, take, phone, point(at(9, 59), lat=38.71))
        thread = following._follower._thread
        assert thread is not None
        frame = await socket.frame()
        assert [one["lat"] for one in frame["data"]["positions"]] == [38.71]
        await sync_to_async(thread.join)(30)
        assert not thread.is_alive()  # it ends when no more positions come
