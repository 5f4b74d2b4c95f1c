"""Websockets: origin, caller, snapshot and prompt closing, with real threads and database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers
from channels.routing import URLRouter
from django.db import connections
from django.urls import re_path

from lastmile.asgi import application
from lastmile.core import sockets
from lastmile.core.sockets import broadcast
from lastmile.core.tenancy import RetailerRef, in_retailer, retailer_context
from tenants import consumers
from tenants.consumers import RetailerConsumer
from tenants.credentials import Credential
from tenants.gate import SocketGate
from tenants.people import services
from tenants.people.models import Member, SocketTicket
from tenants.permissions import Act, Role
from tests.people import add_member, key_client, logged_in
from tests.sockets import Socket

pytestmark = pytest.mark.asyncio


class Board(RetailerConsumer):
    """An example consumer, such as the console has."""

    act = Act.PLANS_VIEW

    def groups_joined(self) -> list[tuple[str, ...]]:
        return [("board", "hub_x")]

    def snapshot(self) -> tuple[int | None, Any]:
        return 7, {"members": sorted(Member.objects.values_list("email", flat=True))}


HOUSE = SocketGate(URLRouter([re_path(r"^ws/v1/board/$", Board.as_asgi())]))


@pytest.fixture(autouse=True)
def own_layer(fresh_db: str) -> Any:
    """Give the event loop of each test its own channel layer."""
    channel_layers.backends.clear()
    sockets._open.clear()
    yield
    channel_layers.backends.clear()


def headers(ref: RetailerRef, *, origin: str | None = "", session: str = "") -> list[Any]:
    pairs = [(b"host", ref.domain.encode())]
    if origin is not None:
        pairs.append((b"origin", (origin or f"http://{ref.domain}:8000").encode()))
    if session:
        pairs.append((b"cookie", f"sid={session}".encode()))
    return pairs


@asynccontextmanager
async def socket(
    ref: RetailerRef, path: str = "/ws/v1/board/", app: Any = None, **options: Any
) -> AsyncIterator[Socket]:
    opened = Socket(app or HOUSE, path, headers(ref, **options))
    assert await opened.open(), "a socket is accepted, so that its close code can be read"
    try:
        yield opened
    finally:
        await opened.leave()
        await sync_to_async(connections.close_all)()


@pytest.fixture
def member(retailer: RetailerRef) -> Member:
    return add_member(Role.DISPATCHER, email="ana@example.org")


@pytest.fixture
def session(retailer: RetailerRef, member: Member) -> str:
    return logged_in(retailer, member).cookies["sid"].value


async def test_a_member_gets_a_snapshot_then_what_is_newer(
    retailer: RetailerRef, session: str
) -> None:
    async with socket(retailer, session=session) as opened:
        assert await opened.frame() == {
            "type": "snapshot",
            "seq": 7,
            "retailer": retailer.public_id,
            "data": {"members": ["ana@example.org"]},
        }
        await in_retailer(retailer, broadcast, "board", "hub_x", kind="moved", seq=7, data="old")
        await in_retailer(retailer, broadcast, "board", "hub_x", kind="moved", seq=8, data="new")
        assert await opened.frame() == {
            "type": "moved", "seq": 8, "retailer": retailer.public_id, "data": "new",
        }  # fmt: skip
        await opened.say('{"type": "snapshot"}')
        assert (await opened.frame())["type"] == "snapshot"
        await opened.say('{"type": "ping"}')
        assert (await opened.frame())["type"] == "pong"


async def test_frames_of_one_retailer_never_reach_another(
    retailer: RetailerRef, other: RetailerRef, session: str
) -> None:
    async with socket(retailer, session=session) as opened:
        await opened.frame()
        await in_retailer(other, broadcast, "board", "hub_x", kind="moved", seq=9, data="theirs")
        assert await opened.receive_nothing(timeout=0.5)


async def test_a_page_of_any_other_origin_is_refused(retailer: RetailerRef, session: str) -> None:
    for origin in (
        "http://t2.localhost:8000",
        "http://t1.localhost",
        "https://t1.localhost:8000",
        "http://t1.localhost:8001",
        "http://T1.localhost:8000",
        "http://evil.t1.localhost:8000",
        "http://t1.localhost:8000.evil.example",
        "null",
    ):
        async with socket(retailer, session=session, origin=origin) as opened:
            assert await opened.close_code() == 4403, origin


async def test_without_an_origin_cookies_are_ignored(retailer: RetailerRef, session: str) -> None:
    async with socket(retailer, session=session, origin=None) as opened:
        assert await opened.close_code() == 4401


async def test_a_session_of_one_retailer_opens_no_socket_at_another(
    other: RetailerRef, session: str
) -> None:
    async with socket(other, session=session) as opened:
        assert await opened.close_code() == 4401


async def test_an_unknown_host_or_address_is_4404(retailer: RetailerRef, session: str) -> None:
    opened = Socket(HOUSE, "/ws/v1/board/", [(b"host", b"x.localhost")])
    await opened.open()
    assert await opened.close_code() == 4404
    twice = [*headers(retailer, session=session), (b"host", b"t2.localhost")]
    opened = Socket(HOUSE, "/ws/v1/board/", twice)
    await opened.open()
    assert await opened.close_code() == 4404
    async with socket(retailer, "/ws/v1/nowhere/", application, session=session) as unknown:
        assert await unknown.close_code() == 4404


async def test_a_caller_who_cannot_see_plans_gets_4403(retailer: RetailerRef) -> None:
    driver = await in_retailer(retailer, add_member, Role.DRIVER)
    browser = await sync_to_async(logged_in)(retailer, driver)
    async with socket(retailer, session=browser.cookies["sid"].value) as opened:
        assert await opened.close_code() == 4403


async def ticket_of(ref: RetailerRef) -> str:
    client = await sync_to_async(key_client)(ref)
    answer = await sync_to_async(client.post)("/api/v1/ws-tickets/")
    assert answer.status_code == 201
    return answer.json()["ticket"]


async def test_a_ticket_opens_one_socket_once(retailer: RetailerRef) -> None:
    path = f"/ws/v1/board/?ticket={await ticket_of(retailer)}"
    async with socket(retailer, path, origin=None) as opened:
        assert (await opened.frame())["type"] == "snapshot"
    async with socket(retailer, path, origin=None) as again:
        assert await again.close_code() == 4401
    assert await in_retailer(retailer, SocketTicket.objects.count) == 0


async def test_a_ticket_is_of_one_retailer_and_kept_as_a_hash(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    ticket = await ticket_of(retailer)
    rows = await in_retailer(retailer, lambda: str(list(SocketTicket.objects.values())))
    assert ticket not in rows
    async with socket(other, f"/ws/v1/board/?ticket={ticket}", origin=None) as opened:
        assert await opened.close_code() == 4401
    async with socket(retailer, f"/ws/v1/board/?ticket={ticket}", origin=None) as opened:
        assert (await opened.frame())["type"] == "snapshot"


async def test_of_ten_who_use_a_ticket_at_once_one_gets_in(retailer: RetailerRef) -> None:
    credential = Credential("key", "key_x")
    secret, _ends = await in_retailer(
        retailer, lambda: services.issue_ticket(credential=credential)
    )

    def take() -> bool:
        with retailer_context(retailer.schema):
            try:
                return services.take_ticket(secret=secret) is not None
            finally:
                connections.close_all()

    threads = sync_to_async(take, thread_sensitive=False)
    assert sorted(await asyncio.gather(*(threads() for _n in range(10)))) == [False] * 9 + [True]


async def test_a_ticket_lasts_a_minute(
    retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datetime as dt

    from tenants.people.services import tickets

    ticket = await ticket_of(retailer)
    monkeypatch.setattr(tickets, "shift_for_tests", lambda: dt.timedelta(seconds=61))
    async with socket(retailer, f"/ws/v1/board/?ticket={ticket}", origin=None) as opened:
        assert await opened.close_code() == 4401


@pytest.mark.parametrize("end", ["logout", "role", "everywhere"])
async def test_a_socket_closes_at_once_when_access_ends(
    retailer: RetailerRef, member: Member, end: str
) -> None:
    browser = await sync_to_async(logged_in)(retailer, member)
    async with socket(retailer, session=browser.cookies["sid"].value) as opened:
        await opened.frame()
        if end == "logout":
            await sync_to_async(browser.post)("/logout/")
        elif end == "role":
            await in_retailer(
                retailer,
                lambda: services.change_member(public_id=member.public_id, by=None, role="driver"),
            )
        else:
            await in_retailer(
                retailer, lambda: services.end_sessions(public_id=member.public_id, by=None)
            )
        assert await opened.close_code() == 4401


async def test_logging_out_of_one_browser_leaves_the_other_s_socket_open(
    retailer: RetailerRef, member: Member
) -> None:
    one = await sync_to_async(logged_in)(retailer, member)
    two = await sync_to_async(logged_in)(retailer, member)
    async with socket(retailer, session=two.cookies["sid"].value) as opened:
        await opened.frame()
        await sync_to_async(one.post)("/logout/")
        assert await opened.receive_nothing(timeout=0.5)
        await opened.say('{"type": "ping"}')
        assert (await opened.frame())["type"] == "pong"


async def test_revoking_a_key_closes_its_socket(retailer: RetailerRef) -> None:
    ticket = await ticket_of(retailer)
    async with socket(retailer, f"/ws/v1/board/?ticket={ticket}", origin=None) as opened:
        await opened.frame()
        key = await in_retailer(retailer, lambda: _only_key())
        await in_retailer(retailer, lambda: services.revoke_key(public_id=key))
        assert await opened.close_code() == 4401


def _only_key() -> str:
    from tenants.people.models import ApiKey

    return ApiKey.objects.get().public_id


async def test_access_is_checked_again_even_if_no_hint_arrives(
    retailer: RetailerRef, member: Member, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_S", 0.1)
    async with socket(retailer, session=session) as opened:
        await opened.frame()
        await in_retailer(retailer, lambda: Member.objects.update(session_epoch=99))
        assert await opened.close_code() == 4401


async def test_a_suspended_retailer_s_sockets_close(
    retailer: RetailerRef, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tenants.models import Retailer

    monkeypatch.setattr(consumers, "RECHECK_S", 0.1)
    async with socket(retailer, session=session) as opened:
        await opened.frame()
        await in_retailer(
            retailer,
            lambda: Retailer.objects.filter(schema_name="t1").update(status="suspended"),
        )
        assert await opened.close_code() == 4404


async def test_too_much_from_a_client_is_4429(retailer: RetailerRef, session: str) -> None:
    ping = '{"type": "ping"}'
    for sent in (["x" * (64 * 1024 + 1)], [b"bytes"], [ping] * 31):
        async with socket(retailer, session=session) as opened:
            await opened.frame()
            for message in sent:
                await opened.say(message)
            assert await opened.close_code() == 4429


async def test_an_invalid_frame_gets_an_error_message(retailer: RetailerRef, session: str) -> None:
    async with socket(retailer, session=session) as opened:
        await opened.frame()
        for sent in ("{", "[]", "[" * 5000, '{"type": 3}', '{"type": "steal"}', ""):
            await opened.say(sent)
            assert (await opened.frame())["type"] == "problem", sent


async def test_a_client_that_reads_nothing_is_closed(
    retailer: RetailerRef, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "SEND_WITHIN_S", 0.2)

    class Stuck(Board):
        async def send(self, *args: Any, **kwargs: Any) -> None:
            await asyncio.sleep(60)

    app = SocketGate(URLRouter([re_path(r"^ws/v1/board/$", Stuck.as_asgi())]))
    async with socket(retailer, app=app, session=session) as opened:
        assert await opened.close_code() == 4429


async def test_a_retailer_has_a_bounded_number_of_sockets(
    retailer: RetailerRef, session: str, settings: Any
) -> None:
    settings.LIMIT_SOCKETS_PER_RETAILER = 2
    async with socket(retailer, session=session) as one, socket(retailer, session=session) as two:
        await one.frame()
        await two.frame()
        async with socket(retailer, session=session) as three:
            assert await three.close_code() == 4429
    async with socket(retailer, session=session) as four:
        assert (await four.frame())["type"] == "snapshot"


async def test_refused_or_broken_sockets_do_not_count_to_the_limit(
    retailer: RetailerRef, session: str, settings: Any
) -> None:
    settings.LIMIT_SOCKETS_PER_RETAILER = 2

    class Odd(Board):
        def groups_joined(self) -> list[tuple[str, ...]]:
            return [("board", "hub x")]

    class Broken(Board):
        def snapshot(self) -> tuple[int | None, Any]:
            raise RuntimeError("a fault of our own")

    odd, broken = (
        SocketGate(URLRouter([re_path(r"^ws/v1/board/$", kind.as_asgi())]))
        for kind in (Odd, Broken)
    )
    for _n in range(5):
        async with socket(retailer, app=odd, session=session) as opened:
            assert await opened.close_code() == 4404, "no group can have such a name"
        falls = Socket(broken, "/ws/v1/board/", headers(retailer, session=session))
        await falls.open()
        with pytest.raises(RuntimeError):
            await falls.receive_output(10)
    assert sockets._open["t1"] == 0
    async with socket(retailer, session=session) as one, socket(retailer, session=session) as two:
        assert (await one.frame())["type"] == (await two.frame())["type"] == "snapshot"
        async with socket(retailer, session=session) as three:
            assert await three.close_code() == 4429


async def test_two_retailers_sockets_read_their_own_rows_hundreds_of_times(
    retailer: RetailerRef, other: RetailerRef, session: str
) -> None:
    await in_retailer(other, lambda: add_member(Role.OWNER, email="theirs@example.org"))
    tickets = {}
    for ref in (retailer, other):
        tickets[ref.schema] = [await ticket_of(ref) for _n in range(5)]

    async def ask(ref: RetailerRef, ticket: str) -> set[str]:
        seen: set[str] = set()
        async with socket(ref, f"/ws/v1/board/?ticket={ticket}", origin=None) as opened:
            seen |= set((await opened.frame())["data"]["members"])
            for _n in range(20):
                await opened.say('{"type": "snapshot"}')
                seen |= set((await opened.frame())["data"]["members"])
        return seen

    seen_by_socket = await asyncio.gather(
        *(ask(ref, t) for ref in (retailer, other) for t in tickets[ref.schema])
    )
    assert seen_by_socket[:5] == [{"ana@example.org"}] * 5
    assert seen_by_socket[5:] == [{"theirs@example.org"}] * 5
