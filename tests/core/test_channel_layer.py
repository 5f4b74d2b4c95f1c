"""The channel layer: synchronous code sends to sockets, and a frame is never worth an error."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from channels.layers import channel_layers, get_channel_layer
from django.db import transaction

from lastmile.core.channel_layer import ChannelLayer, send_to_groups
from lastmile.core.sockets import broadcast, broadcast_to
from lastmile.core.tenancy import RetailerRef, group_name

Listener = Callable[[], Awaitable[dict[str, Any]]]


def layer() -> ChannelLayer:
    """Return the default layer."""
    default = get_channel_layer()
    assert isinstance(default, ChannelLayer)
    return default


def heard(act: Callable[[Callable[..., Awaitable[Listener]]], Awaitable[Any]]) -> Any:
    """Run an act in a loop; its argument joins a group and returns what waits for a message."""

    async def run() -> Any:
        async def join(group: str) -> Listener:
            channel = await layer().new_channel()
            await layer().group_add(group, channel)
            return lambda: asyncio.wait_for(layer().receive(channel), 10)

        return await act(join)

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()


def test_each_socket_of_each_group_hears_what_synchronous_code_sends() -> None:
    async def act(join: Callable[..., Awaitable[Listener]]) -> list[dict[str, Any]]:
        sockets = [await join("one"), await join("one"), await join("two")]
        await asyncio.to_thread(send_to_groups, ["one", "two"], {"type": "frame.out", "seq": 7})
        return [await socket() for socket in sockets]

    assert heard(act) == [{"type": "frame.out", "seq": 7}] * 3


def test_a_page_that_opens_when_nobody_followed_hears_what_comes_after() -> None:
    async def act(join: Callable[..., Awaitable[Listener]]) -> dict[str, Any]:
        await asyncio.to_thread(send_to_groups, ["later"], {"type": "frame.out", "seq": 1})
        page = await join("later")
        await asyncio.to_thread(send_to_groups, ["later"], {"type": "frame.out", "seq": 2})
        return await page()

    assert heard(act)["seq"] == 2


def test_a_broadcast_to_many_groups_is_one_exchange_after_the_commit(
    shop: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[list[str], dict[str, Any]]] = []
    monkeypatch.setattr(
        ChannelLayer, "send_to", lambda _layer, groups, message: sent.append((groups, message))
    )
    with transaction.atomic():
        broadcast_to([("order", "ord_1"), ("order", "ord_2")], kind="changed", seq=None, data={})
        assert sent == []
    ((groups, message),) = sent
    assert groups == [group_name("order", "ord_1"), group_name("order", "ord_2")]
    assert (message["type"], message["kind"], message["seq"]) == ("frame.out", "changed", None)


def test_an_unavailable_server_raises_nothing_and_the_fact_is_kept(
    shop: RetailerRef, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    away = ChannelLayer(hosts=[f"redis://127.0.0.1:{port}/0"], prefix="away")
    monkeypatch.setitem(channel_layers.backends, "default", away)
    with caplog.at_level(logging.ERROR), transaction.atomic():
        broadcast("order", "ord_1", kind="changed", seq=None, data={})
    assert "Connection refused" in caplog.text


def test_after_the_server_closed_the_connection_it_is_opened_again() -> None:
    async def act(join: Callable[..., Awaitable[Listener]]) -> dict[str, Any]:
        page = await join("again")
        pool = layer()._client.connection_pool
        connection = pool.get_connection()
        connection._sock.shutdown(socket.SHUT_RDWR)
        pool.release(connection)
        await asyncio.to_thread(send_to_groups, ["again"], {"type": "frame.out", "seq": 3})
        return await page()

    assert heard(act)["seq"] == 3
