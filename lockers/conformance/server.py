"""A server of the device plane for one cabinet, with switches for all that can go wrong. PURE."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from lockers import signing
from lockers.journal import BadEntry, read_entry

API: Final = "/api/v1"
_MOST_BODY: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CabinetMessage:
    """A message of the cabinet: its kind, number, time, and whether it was signed well."""

    kind: str
    seq: int
    time: dt.datetime | None
    is_signed: bool
    body: dict[str, Any]
    status: int


@dataclass(slots=True)
class Switches:
    """The faults of the server, made on purpose.

    - network: False means that no answer comes at all.
    - ahead: the server's time minus the real one.
    - forged: answers have a wrong signature.
    - loses: the next journal is lost on its way, and the cabinet gets no answer.
    - replayed: the next heartbeat is answered with an older answer and its old signature.
    - skip_to: the next message is refused as a repetition; the number is the last one used.
    """

    network: bool = True
    ahead: dt.timedelta = dt.timedelta(0)
    forged: bool = False
    loses: bool = False
    replayed: tuple[bytes, str, str] | None = None
    skip_to: int | None = None


@dataclass(slots=True)
class World:
    """All that the server knows and was told."""

    bank: str = "bnk_0000000000000000001a"
    device: str = "ldv_0000000000000000001a"
    token: str = field(default_factory=lambda: f"lmp_{secrets.token_urlsafe(24)}")
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    code_key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    boxes: tuple[str, ...] = ("1", "2", "3", "4")
    claims: list[dict[str, Any]] = field(default_factory=list)
    messages: list[CabinetMessage] = field(default_factory=list)
    entries: dict[int, dict[str, Any]] = field(default_factory=dict)
    unanswered: dict[int, dict[str, Any]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    acked: int = 0
    last_seq: int = 0
    reservations: list[dict[str, Any]] = field(default_factory=list)
    ended: list[dict[str, Any]] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[bytes, str, str]] = field(default_factory=list)
    switches: Switches = field(default_factory=Switches)


class KitServer(ThreadingHTTPServer):
    """The server for one cabinet. ``changed`` is notified after each message."""

    daemon_threads = True

    def __init__(self, port: int = 0, *, host: str = "127.0.0.1") -> None:
        self.world = World()
        self.changed = threading.Condition()
        super().__init__((host, port), KitHandler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Note a call that broke off or cannot be read; the report names it."""
        fault = sys.exception()
        if not isinstance(fault, ConnectionError | TimeoutError):
            self.world.faults.append(f"a call that cannot be read ({type(fault).__name__})")

    @property
    def own_port(self) -> int:
        """The port at which the server listens."""
        return int(self.server_address[1])

    def now(self) -> dt.datetime:
        """Return the server's time."""
        return dt.datetime.now(dt.UTC) + self.world.switches.ahead

    def wait(self, is_so: Callable[[World], bool], within_s: float) -> bool:
        """Wait until something is true of the world; False if it is not in time."""
        with self.changed:
            return self.changed.wait_for(lambda: is_so(self.world), timeout=within_s)


class KitHandler(BaseHTTPRequestHandler):
    """A call of the cabinet."""

    server: KitServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "lockers-conformance", ""
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base
        """Log nothing: the report says what came."""

    def do_POST(self) -> None:
        """Take a call: the claim of keys, a journal or a heartbeat."""
        length = _number(self.headers.get("Content-Length", ""))
        if length > _MOST_BODY:
            self.close_connection = True
        body = self.rfile.read(min(length, _MOST_BODY))
        with self.server.changed:
            try:
                self._take(body)
            finally:
                self.server.changed.notify_all()

    def _take(self, body: bytes) -> None:
        world = self.server.world
        if not world.switches.network:
            self.close_connection = True
            return
        value = _object(body)
        if self.path == f"{API}/locker-devices/":
            self._claim(value)
            return
        kind = self.path.removeprefix(f"{API}/locker-banks/{world.bank}/").strip("/")
        if kind not in {"journal", "heartbeats"}:
            world.faults.append(f"a call to {self.path[:120]}")
            self._send(404, {"code": "not_found"})
            return
        self._signed(kind, body, value)

    def _claim(self, value: dict[str, Any]) -> None:
        world = self.server.world
        world.claims.append(value)
        if value.get("token") != world.token or len(world.claims) > 1:
            self._send(422, {"code": "provisioning_refused"})
            return
        self._send(
            201,
            {
                "device": world.device,
                "bank": world.bank,
                "key": world.key.hex(),
                "code_key": world.code_key.hex(),
                "time": signing.write_time(self.server.now()),
                "boxes": list(world.boxes),
            },
        )

    def _signed(self, kind: str, body: bytes, value: dict[str, Any]) -> None:
        """Check a message as Lastmile does, take it, and sign the answer."""
        world = self.server.world
        headers = self.headers
        time_text = headers.get(signing.DEVICE_TIME, "")
        seq_text = headers.get(signing.DEVICE_SEQ, "")
        seq = _number(seq_text)
        right = signing.sign(
            world.key, method="POST", path=self.path, seq=seq, time=time_text, body=body
        )
        is_signed = headers.get(signing.DEVICE_ID) == world.device and signing.is_right(
            right, headers.get(signing.DEVICE_SIGNATURE, "")
        )
        time = signing.read_time(time_text)
        if kind == "journal" and world.switches.loses and is_signed:
            world.switches.loses = False
            world.last_seq = max(seq, world.last_seq)
            items = value.get("entries")
            for item in items if isinstance(items, list) else []:
                if isinstance(item, dict) and isinstance(item.get("seq"), int):
                    world.unanswered[item["seq"]] = item
            self.close_connection = True
            return
        status, answer = self._answer(kind, seq, time, is_signed, value)
        world.messages.append(
            CabinetMessage(
                kind=kind, seq=seq, time=time, is_signed=is_signed, body=value, status=status
            )
        )
        self._send(status, answer, seq=seq if is_signed else None)

    def _answer(
        self, kind: str, seq: int, time: dt.datetime | None, is_signed: bool, value: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        world = self.server.world
        if not is_signed:
            return 401, {"code": "device_refused"}
        skew = signing.MOST_SKEW_S + 1.0
        if time is not None:
            skew = abs((time - self.server.now()).total_seconds())
        if skew > signing.MOST_SKEW_S:
            return 401, {"code": "clock_wrong"}
        if world.switches.skip_to is not None:
            world.last_seq = max(world.last_seq, world.switches.skip_to)
            world.switches.skip_to = None
        if seq <= world.last_seq:
            return 409, {"code": "seq_replayed", "last_seq": world.last_seq}
        world.last_seq = seq
        if kind == "journal":
            return self._journal(value)
        return 200, self._heartbeat(value)

    def _journal(self, value: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        world = self.server.world
        items = value.get("entries")
        if not isinstance(items, list):
            world.faults.append("a journal without a list of entries")
            return 422, {"code": "invalid"}
        for item in items:
            try:
                read_entry(item)
            except BadEntry as bad:
                world.faults.append(f"an entry: {bad}")
                return 422, {"code": "invalid", "detail": str(bad)}
            before = world.entries.setdefault(item["seq"], item)
            if before != item or world.unanswered.get(item["seq"], item) != item:
                world.faults.append(f"entry {item['seq']} was sent again with other content")
        while world.acked + 1 in world.entries:
            world.acked += 1
        return 200, {"acked_seq": world.acked, "last_seq": world.last_seq}

    def _heartbeat(self, value: dict[str, Any]) -> dict[str, Any]:
        world = self.server.world
        version = hashlib.sha256(json.dumps(world.reservations).encode()).hexdigest()[:16]
        answer: dict[str, Any] = {
            "acked_seq": world.acked,
            "last_seq": world.last_seq,
            "commands": list(world.commands),
            "ended": list(world.ended),
            "version": version,
        }
        if value.get("have") != version:
            answer["reservations"] = list(world.reservations)
        return answer

    def _send(self, status: int, answer: Mapping[str, Any], *, seq: int | None = None) -> None:
        """Send an answer; with a number it is signed, unless a switch says otherwise."""
        world = self.server.world
        content = json.dumps(answer).encode()
        time = signing.write_time(self.server.now())
        signature = ""
        if seq is not None:
            signature = signing.sign_answer(world.key, seq=seq, time=time, body=content)
            if status == 200 and world.switches.replayed is not None:
                content, time, signature = world.switches.replayed
                world.switches.replayed = None
            elif status == 200:
                world.answers.append((content, time, signature))
            if world.switches.forged:
                signature = signature[::-1]
        self.send_response(status)
        kind = "application/json" if status < 300 else "application/problem+json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if signature:
            self.send_header(signing.SERVER_TIME, time)
            self.send_header(signing.SERVER_SIGNATURE, signature)
        self.end_headers()
        self.wfile.write(content)


def _number(text: str) -> int:
    """Return the number in a header; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
