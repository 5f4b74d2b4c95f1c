"""The base of all websockets: frames ``{type, seq, retailer, data}``, a snapshot, then deltas.

A consumer first sends the current state (snapshot) with its ``seq``. Deltas are broadcast to
groups; deltas that the snapshot already contains are skipped. A client that sees a jump in ``seq``
requests a new snapshot with ``{"type": "snapshot"}``. Sockets are counted per retailer, kind of
caller and process, so that many shoppers do not lock staff out. A client that sends too much, or
does not read, is disconnected. ``tenants.consumers`` adds the permissions.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum, StrEnum
from time import monotonic
from typing import Any, ClassVar, Final, ParamSpec, TypeVar

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, InterfaceError, transaction

from lastmile.core.channel_layer import send_to_groups
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

SEND_WITHIN_S: Final = 10  # a client that does not read within this time is disconnected
LARGEST_FRAME: Final = 64 * 1024  # characters
MOST_FRAMES: Final = 30  # frames that a client may send in IN_SECONDS
IN_SECONDS: Final = 10
#: Names of the settings with the greatest number of sockets: of the kind, and of one caller.
_LIMITS: Final[Mapping[str, tuple[str, str]]] = {
    "staff": ("LIMIT_SOCKETS_PER_RETAILER", ""),
    "driver": ("LIMIT_DRIVER_SOCKETS_PER_RETAILER", "LIMIT_SOCKETS_PER_DEVICE"),
    "shopper": ("LIMIT_SHOPPER_SOCKETS_PER_RETAILER", "LIMIT_SOCKETS_PER_SHOPPER_LINK"),
}
#: Number of open sockets of this process, by (schema, kind) and by (schema, kind, caller).
_open: Counter[tuple[str, ...]] = Counter()


class Caller(StrEnum):
    """The kinds of callers; each has limits of its own."""

    STAFF = "staff"
    DRIVER = "driver"
    SHOPPER = "shopper"


class Close(IntEnum):
    """The close codes of CONTRACT section 5, and 1013 "try again later" of RFC 6455's registry."""

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
    """Send a delta to every socket in a group of the current retailer, after the commit.

    Parameters
    ----------
    group : str
        Parts of the group's name, as in ``groups_joined``.
    kind, seq, data
        The frame. ``seq`` is a number of the data (a revision, a position), not of the socket. So
        a lost frame shows as a gap, and the client requests a snapshot.

    Notes
    -----
    Frames may be lost; the state is in PostgreSQL. An unavailable channel layer raises no error.
    """
    broadcast_to([group], kind=kind, seq=seq, data=data)


def broadcast_to(
    groups: Iterable[tuple[str, ...]], *, kind: str, seq: int | None, data: Any
) -> None:
    """Send one delta to many groups, as ``broadcast`` does to one.

    They are sent together, over a connection that the process keeps.
    """
    text = frame(current_retailer().public_id, kind, seq, data)
    names = [group_name(*group) for group in groups]
    message = {"type": "frame.out", "kind": kind, "seq": seq, "text": text}
    transaction.on_commit(lambda: send_to_groups(names, message), robust=True)


class SnapshotConsumer(AsyncWebsocketConsumer):
    """The base of every websocket: a snapshot, then deltas, with limits and close codes.

    A module's consumer overrides ``groups_joined`` and ``snapshot``, and ``on_frame`` if its
    client sends other frames than ``ping`` and ``snapshot``. ``tenants.consumers`` overrides
    ``refusal``, ``own_groups`` and ``current_refusal``, since it knows the callers.
    """

    caller: ClassVar[Caller] = Caller.STAFF
    scope: Any
    retailer: RetailerRef

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seq: int | None = None
        self._names: list[str] = []
        self._counted_for: list[tuple[str, ...]] = []  # the counts that have this socket
        self._ended = False
        self._lately: deque[float] = deque(maxlen=MOST_FRAMES)

    # --- methods that a consumer overrides -----------------------------------------------------
    def groups_joined(self) -> list[tuple[str, ...]]:
        """Return the groups to listen to, each as the parts of its name."""
        return []

    def snapshot(self) -> tuple[int | None, Any]:
        """Return (seq, data) of the current state. Runs in a thread, in the retailer's context."""
        return None, {}

    async def on_frame(self, kind: str, data: Any) -> None:
        """Handle a client's frame other than ``ping`` and ``snapshot``; by default, refuse it."""
        detail = f"The frame {kind!r} is unknown here."
        await self.say("problem", {"code": "unknown_frame", "detail": detail})

    # --- methods that tenants.consumers overrides ----------------------------------------------
    def refusal(self) -> Close | None:
        """Set ``retailer`` and return None, or return the close code. It must not do any I/O."""
        raise NotImplementedError

    def caller_id(self) -> str:
        """Return the id of the caller, whose own sockets are counted."""
        return ""

    def own_groups(self) -> list[str]:
        """Return the names of the caller's own groups. Runs in the retailer's context."""
        return []

    async def current_refusal(self) -> Close | None:
        """Check the caller's permission again; return None, or the close code."""
        return None

    # --- the life of a socket ------------------------------------------------------------------
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the socket; after any end, also an unexpected error, it is no longer counted."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stop_counting()

    async def connect(self) -> None:
        """Accept the socket, so that the client can read a close code; then check the caller."""
        await self.accept()
        refusal = self.refusal()
        names = [] if refusal is not None else self._group_names()
        if names is None:  # an id in the URL has an impossible form
            refusal = Close.UNKNOWN
        if refusal is None and not self._count():
            refusal = Close.TOO_MANY
        if refusal is not None:
            await self.end(refusal)
            return
        # Join the groups before reading the snapshot, so that no change in between is missed.
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
            except ValueError:  # the channel layer does not accept such a name
                return None

    def _count(self) -> bool:
        """Count this socket; return False if its kind of caller, or the caller, has too many."""
        of_kind, of_one = _LIMITS[self.caller]
        kind = (self.retailer.schema, str(self.caller))
        limits: dict[tuple[str, ...], int] = {kind: getattr(settings, of_kind)}
        if of_one:
            limits[*kind, self.caller_id()] = getattr(settings, of_one)
        if any(_open[name] >= limit for name, limit in limits.items()):
            return False
        self._counted_for = list(limits)
        _open.update(self._counted_for)
        return True

    def _stop_counting(self) -> None:
        names, self._counted_for = self._counted_for, []
        for name in names:
            _open[name] -= 1
            if not _open[name]:
                del _open[name]

    async def recheck_access(self) -> None:
        """Close the socket if the caller no longer has the permission."""
        refusal = await self.current_refusal()
        if refusal is not None:
            await self.end(refusal)

    async def disconnect(self, code: int) -> None:
        """Leave the groups."""
        self._stop_counting()
        for name in self._names:
            await self.channel_layer.group_discard(name, self.channel_name)

    async def end(self, code: Close) -> None:
        """Close the socket with a code; a second call does nothing."""
        if not self._ended:
            self._ended = True
            await self.close(code=int(code))

    async def websocket_disconnect(self, message: Any) -> None:
        """Clean up, also when the channel layer is unavailable."""
        try:
            await self.disconnect(message["code"])
        except OSError as away:
            log.warning("The channel layer is unavailable while a socket closes: %s", away)
        raise StopConsumer

    async def ask(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a sync function in a thread, in the retailer's context; use it for the database."""
        # Pass the schema, so that the retailer's status is read again: it may be suspended now.
        return await in_retailer(self.retailer.schema, function, *args, **kwargs)

    # --- frames --------------------------------------------------------------------------------
    async def say(self, kind: str, data: Any, seq: int | None = None) -> None:
        """Send a frame to this socket only."""
        await self._send(frame(self.retailer.public_id, kind, seq, data))

    async def send_snapshot(self, kind: str = "snapshot") -> None:
        """Send the current state as a frame; from now on older deltas are skipped."""
        try:
            self._seq, data = await self.ask(self.snapshot)
        except DomainError as refused:
            await self.say("problem", problem_from(refused).body())
            await self.end(Close.UNKNOWN)
            return
        except (DatabaseError, InterfaceError):
            log.exception("A snapshot could not be read; the socket is closed")
            await self.end(Close.AWAY)
            return
        await self.say(kind, data, self._seq)

    async def frame_out(self, event: Any) -> None:
        """Send a broadcast frame to the client, unless the snapshot already contains it."""
        seq = event["seq"]
        if seq is not None:
            if self._seq is not None and seq <= self._seq:
                return
            self._seq = seq
        await self._send(event["text"])

    async def _send(self, text: str) -> None:
        """Send a text; close the socket if the client does not read for ten seconds."""
        if self._ended:
            return
        try:
            async with asyncio.timeout(SEND_WITHIN_S):  # unlike wait_for it makes no task
                await self.send(text_data=text)
        except TimeoutError:
            await self.end(Close.TOO_MANY)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Handle a frame of the client; close the socket if it is too large or too frequent."""
        if self._ended:
            return
        instant = monotonic()
        full = len(self._lately) == MOST_FRAMES and instant - self._lately[0] < IN_SECONDS
        if full or text_data is None or len(text_data) > LARGEST_FRAME:
            await self.end(Close.TOO_MANY)
            return
        self._lately.append(instant)
        try:
            message = json.loads(text_data)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            detail = "A frame must be a JSON object with a type."
            await self.say("problem", {"code": "malformed", "detail": detail})
        elif message["type"] == "ping":
            await self.say("pong", {})
        elif message["type"] == "snapshot":
            await self.send_snapshot()
        else:
            await self.on_frame(message["type"], message.get("data"))


class NothingHere(AsyncWebsocketConsumer):
    """The consumer of all URLs that no other consumer serves."""

    who_may = "everybody: there is nothing here"

    async def connect(self) -> None:
        """Close with 4404."""
        await self.accept()
        await self.close(code=int(Close.UNKNOWN))
