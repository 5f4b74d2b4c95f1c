"""The ground of every websocket: who may, a snapshot and then deltas, and an end that is prompt.

A consumer touches the database only through ``self.ask(function, …)``, which runs it in a thread
inside the retailer's context.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter, deque
from collections.abc import Callable
from time import monotonic
from typing import Any, ClassVar, ParamSpec, TypeVar

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError, InterfaceError

from lastmile.core.errors import DomainError
from lastmile.core.frames import frame
from lastmile.core.http.problems import problem_from
from lastmile.core.tenancy import (
    NoRetailer,
    RetailerRef,
    group_name,
    in_retailer,
    retailer_context,
)
from tenants import gate
from tenants.people.selectors import still
from tenants.people.sockets import access_group
from tenants.permissions import Act, Principal, may

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)

LOOK_AGAIN_S = 60
SEND_WITHIN_S = 10
LARGEST_FRAME = 64 * 1024
MOST_FRAMES, IN_SECONDS = 30, 10
_open: Counter[str] = Counter()  # sockets of this process, by schema


class RetailerConsumer(AsyncWebsocketConsumer):
    """Base of the consumers: set ``act``, override ``groups_joined`` and ``snapshot``.

    The client gets ``snapshot`` first, then what is broadcast to its groups with a higher ``seq``;
    it asks again with ``{"type": "snapshot"}``.
    """

    act: ClassVar[Act]
    scope: Any
    retailer: RetailerRef
    principal: Principal

    # --- what a consumer overrides -------------------------------------------------------------
    def groups_joined(self) -> list[tuple[str, ...]]:
        """Return the parts of the names of the groups to listen in."""
        return []

    def hub(self) -> str | None:
        """Return the hub (public id) that the socket is about, if it is about one."""
        return None

    def snapshot(self) -> tuple[int | None, Any]:
        """Return (seq, data) of the present state. Runs in a thread, in the retailer's context."""
        return None, {}

    async def on_frame(self, kind: str, data: Any) -> None:
        """Take a frame of the client's that is neither ``ping`` nor ``snapshot``."""
        await self.say("problem", {"code": "unknown_frame", "detail": f"No frame {kind!r} here."})

    # --- the life of a socket ------------------------------------------------------------------
    async def connect(self) -> None:
        """Accept, so that a close code can be read, then let in or close."""
        self._seq: int | None = None
        self._names: list[str] = []
        self._watch: asyncio.Task[None] | None = None
        self._counted = False
        self._ended = False
        self._lately: deque[float] = deque(maxlen=MOST_FRAMES)
        await self.accept()
        refusal = self._refusal()
        if refusal is not None:
            await self.end(refusal)
            return
        self._counted = True
        _open[self.retailer.schema] += 1
        # Listen first, then look: a change in between arrives as a delta, and none is missed.
        await self._join()
        await self._look_again()
        if not self._ended:
            self._watch = asyncio.create_task(self._look_again_and_again())
            await self.send_snapshot()

    def _refusal(self) -> int | None:
        if self.scope["refusal"] is not None:
            return int(self.scope["refusal"])
        if self.scope["principal"] is None:
            return gate.WHO
        self.retailer, self.principal = self.scope["retailer"], self.scope["principal"]
        if not may(self.principal, self.act):
            return gate.NOT_ALLOWED
        if not may(self.principal, self.act, self.hub()):
            return gate.UNKNOWN
        if _open[self.retailer.schema] >= settings.LIMIT_SOCKETS_PER_RETAILER:
            return gate.TOO_MANY
        return None

    async def _join(self) -> None:
        with retailer_context(self.retailer):
            self._names = [group_name(*parts) for parts in self.groups_joined()]
            self._names.append(access_group(self.principal.public_id))
        for name in self._names:
            await self.channel_layer.group_add(name, self.channel_name)

    async def disconnect(self, code: int) -> None:
        """Leave the groups and stop watching."""
        if self._watch is not None:
            self._watch.cancel()
        if self._counted:
            self._counted = False
            _open[self.retailer.schema] -= 1
        for name in self._names:
            await self.channel_layer.group_discard(name, self.channel_name)

    async def end(self, code: int) -> None:
        """Close with a code of CONTRACT section 5, once."""
        if not self._ended:
            self._ended = True
            await self.close(code=code)

    async def websocket_disconnect(self, message: Any) -> None:
        """Clean up even when the channel layer is away."""
        try:
            await self.disconnect(message["code"])
        except OSError as away:
            log.warning("The channel layer is away while a socket closes: %s", away)
        raise StopConsumer

    # --- who may, again ------------------------------------------------------------------------
    async def access_changed(self, event: Any) -> None:
        """Somebody logged out, was changed or revoked: look at once."""
        await self._look_again()

    async def _look_again_and_again(self) -> None:
        while not self._ended:
            await asyncio.sleep(LOOK_AGAIN_S)
            await self._look_again()

    async def _look_again(self) -> None:
        """Close unless the credential still stands and its role still may. Fails closed."""
        try:
            principal = await self.ask(still, self.scope["credential"])
        except (NoRetailer, DomainError):  # the retailer itself is suspended or gone
            await self.end(gate.UNKNOWN)
            return
        except (DatabaseError, InterfaceError, OSError):
            log.exception("Access could not be looked up; the socket closes")
            await self.end(gate.AWAY)
            return
        if principal is None:
            await self.end(gate.WHO)
        elif not may(principal, self.act, self.hub()):
            await self.end(gate.NOT_ALLOWED)
        else:
            self.principal = principal

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
            await self.end(gate.UNKNOWN)
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
            await self.end(gate.TOO_MANY)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take a client's frame: JSON, small and not too often."""
        if self._ended:
            return
        instant = monotonic()
        full = len(self._lately) == MOST_FRAMES and instant - self._lately[0] < IN_SECONDS
        if full or text_data is None or len(text_data) > LARGEST_FRAME:
            await self.end(gate.TOO_MANY)
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
        await self.close(code=gate.UNKNOWN)
