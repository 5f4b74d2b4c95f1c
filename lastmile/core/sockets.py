"""Websockets: frames ``{type, seq, retailer, data}``, a snapshot, then deltas. Who may: tenants.

A consumer sends the present state first, with its ``seq``. Deltas are broadcast to groups; those
that the snapshot already holds are left out. A client that sees a jump in ``seq`` asks again with
``{"type": "snapshot"}``. Sockets are counted for each retailer and process, and a client that
sends too much, or takes nothing, is closed.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter, deque
from collections.abc import Callable
from enum import IntEnum
from time import monotonic
from typing import Any, Final, ParamSpec, TypeVar

from asgiref.sync import async_to_sync
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, InterfaceError, transaction

from lastmile.core.errors import DomainError
from lastmile.core.http.problems import problem_from
from lastmile.core.tenancy import (
    RetailerRef,
    current_retailer,
    group_name,
    in_retailer,
    retailer_context,
)

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)

SEND_WITHIN_S: Final = 10  # a client that takes nothing for so long is closed
LARGEST_FRAME: Final = 64 * 1024  # characters
MOST_FRAMES: Final = 30  # of a client, in IN_SECONDS
IN_SECONDS: Final = 10
_open: Counter[str] = Counter()  # sockets of this process, by schema


class Close(IntEnum):
    """Close codes: of CONTRACT section 5, and "try again later" of RFC 6455's registry."""

    WHO = 4401
    NOT_ALLOWED = 4403
    UNKNOWN = 4404
    SUPERSEDED = 4409
    TOO_MANY = 4429
    AWAY = 1013


def frame(retailer: str, kind: str, seq: int | None, data: Any) -> str:
    """Return a frame as text; ``retailer`` is the public id."""
    return json.dumps(
        {"type": kind, "seq": seq, "retailer": retailer, "data": data},
        cls=DjangoJSONEncoder,
        ensure_ascii=False,
        separators=(",", ":"),
    )


def broadcast(*group: str, kind: str, seq: int | None, data: Any) -> None:
    """Send a delta to every socket in a group of the retailer at hand, after the commit.

    Parameters
    ----------
    group : str
        Parts of the group's name, as the consumer joined it.
    kind, seq, data
        The frame. ``seq`` comes from what is shown (a revision, a position), never from the
        socket, so that a lost frame shows as a gap and the client asks for a snapshot.

    Notes
    -----
    Lossy by nature; the state stands in PostgreSQL. A channel layer that is away fails nobody.
    """
    text = frame(current_retailer().public_id, kind, seq, data)
    name = group_name(*group)

    def send() -> None:
        layer = get_channel_layer()
        if layer is not None:
            async_to_sync(layer.group_send)(name, {"type": "frame.out", "seq": seq, "text": text})

    transaction.on_commit(send, robust=True)


class SnapshotConsumer(AsyncWebsocketConsumer):
    """Base of every websocket: a snapshot, then deltas; counted, paced, closed with a code.

    A module's consumer overrides ``groups_joined`` and ``snapshot``, and ``on_frame`` if its
    client says more than ``ping`` and ``snapshot``. The layer that knows callers overrides
    ``refusal``, ``own_groups`` and ``current_refusal``.
    """

    scope: Any
    retailer: RetailerRef

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seq: int | None = None
        self._names: list[str] = []
        self._counted_for = ""  # the schema for which this socket is counted
        self._ended = False
        self._lately: deque[float] = deque(maxlen=MOST_FRAMES)

    # --- what a consumer overrides -------------------------------------------------------------
    def groups_joined(self) -> list[tuple[str, ...]]:
        """Return the parts of the names of the groups to listen in."""
        return []

    def snapshot(self) -> tuple[int | None, Any]:
        """Return (seq, data) of the present state. Runs in a thread, in the retailer's context."""
        return None, {}

    async def on_frame(self, kind: str, data: Any) -> None:
        """Take a frame of the client's that is neither ``ping`` nor ``snapshot``."""
        await self.say("problem", {"code": "unknown_frame", "detail": f"No frame {kind!r} here."})

    # --- what the layer that knows callers overrides -------------------------------------------
    def refusal(self) -> Close | None:
        """Set ``retailer`` and return None, or the code with which to close. No input or output."""
        raise NotImplementedError

    def own_groups(self) -> list[str]:
        """Return the names of groups that are about the caller. Runs in the retailer's context."""
        return []

    async def current_refusal(self) -> Close | None:
        """Look the caller up; return None, or the code with which to close."""
        return None

    # --- the life of a socket ------------------------------------------------------------------
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run; whatever ends the socket, an unforeseen fault too, it is counted no longer."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._count_no_longer()

    async def connect(self) -> None:
        """Accept, so that a close code can be read, then let in or close."""
        await self.accept()
        refusal = self.refusal()
        names = [] if refusal is not None else self._group_names()
        if names is None:  # what the address names cannot exist
            refusal = Close.UNKNOWN
        if refusal is None and not self._count():
            refusal = Close.TOO_MANY
        if refusal is not None:
            await self.end(refusal)
            return
        # Listen first, then look: a change in between arrives as a delta, and none is missed.
        for name in names or []:
            self._names.append(name)
            await self.channel_layer.group_add(name, self.channel_name)
        await self.recheck_access()
        if not self._ended:
            await self.send_snapshot()

    def _group_names(self) -> list[str] | None:
        with retailer_context(self.retailer):
            try:
                return [*(group_name(*parts) for parts in self.groups_joined()), *self.own_groups()]
            except ValueError:  # such a name is taken by no channel layer
                return None

    def _count(self) -> bool:
        """Count this socket; False when the retailer has as many as it may."""
        schema = self.retailer.schema
        if _open[schema] >= settings.LIMIT_SOCKETS_PER_RETAILER:
            return False
        _open[schema] += 1
        self._counted_for = schema
        return True

    def _count_no_longer(self) -> None:
        schema, self._counted_for = self._counted_for, ""
        if schema:
            _open[schema] -= 1

    async def recheck_access(self) -> None:
        """Close unless the caller still may."""
        refusal = await self.current_refusal()
        if refusal is not None:
            await self.end(refusal)

    async def disconnect(self, code: int) -> None:
        """Leave the groups."""
        self._count_no_longer()
        for name in self._names:
            await self.channel_layer.group_discard(name, self.channel_name)

    async def end(self, code: Close) -> None:
        """Close with a code, once."""
        if not self._ended:
            self._ended = True
            await self.close(code=int(code))

    async def websocket_disconnect(self, message: Any) -> None:
        """Clean up even when the channel layer is away."""
        try:
            await self.disconnect(message["code"])
        except OSError as away:
            log.warning("The channel layer is away while a socket closes: %s", away)
        raise StopConsumer

    async def ask(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a sync function in a thread, in the retailer's context: the way to the database."""
        # By name, so that a suspension since the connect is seen.
        return await in_retailer(self.retailer.schema, function, *args, **kwargs)

    # --- frames --------------------------------------------------------------------------------
    async def say(self, kind: str, data: Any, seq: int | None = None) -> None:
        """Send a frame to this socket alone."""
        await self._send(frame(self.retailer.public_id, kind, seq, data))

    async def send_snapshot(self) -> None:
        """Send the present state; older deltas on their way are left out from here on."""
        try:
            self._seq, data = await self.ask(self.snapshot)
        except DomainError as refused:
            await self.say("problem", problem_from(refused).body())
            await self.end(Close.UNKNOWN)
            return
        except (DatabaseError, InterfaceError):
            log.exception("A snapshot could not be read; the socket closes")
            await self.end(Close.AWAY)
            return
        await self.say("snapshot", data, self._seq)

    async def frame_out(self, event: Any) -> None:
        """Hand on a broadcast, unless the snapshot holds it already."""
        seq = event["seq"]
        if seq is not None:
            if self._seq is not None and seq <= self._seq:
                return
            self._seq = seq
        await self._send(event["text"])

    async def _send(self, text: str) -> None:
        """Send, unless the client takes nothing for ten seconds: it shall come back and re-read."""
        if self._ended:
            return
        try:
            await asyncio.wait_for(self.send(text_data=text), SEND_WITHIN_S)
        except TimeoutError:
            await self.end(Close.TOO_MANY)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take a client's frame: JSON, small and not too often."""
        if self._ended:
            return
        instant = monotonic()
        full = len(self._lately) == MOST_FRAMES and instant - self._lately[0] < IN_SECONDS
        if full or text_data is None or len(text_data) > LARGEST_FRAME:
            await self.end(Close.TOO_MANY)
            return
        self._lately.append(instant)
        try:
            said = json.loads(text_data)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict) or not isinstance(said.get("type"), str):
            wanted = "A frame is a JSON object with a type."
            await self.say("problem", {"code": "malformed", "detail": wanted})
        elif said["type"] == "ping":
            await self.say("pong", {})
        elif said["type"] == "snapshot":
            await self.send_snapshot()
        else:
            await self.on_frame(said["type"], said.get("data"))


class NothingHere(AsyncWebsocketConsumer):
    """Answers addresses that no consumer serves."""

    who_may = "everybody: there is nothing here"

    async def connect(self) -> None:
        """Close with 4404."""
        await self.accept()
        await self.close(code=int(Close.UNKNOWN))
