"""A programmable Twilio on loopback: its HTTP API, its faults and its signed callbacks.

    with FakeTwilio() as fake:
        settings.TWILIO_API_BASE = fake.base_url
        fake.script("timeout_after")      # the fault of the next POST of a message
        …
        assert [entry.to for entry in fake.book] == ["+34600000001"]

It runs in a thread with an event loop of its own. ``book`` lists every message that was accepted,
in the order of acceptance. Faults come from a script, or by shares from a seeded generator. The
faults ``timeout_after``, ``reset_after``, ``bad_json`` and ``kill`` accept the message first.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import json
import os
import random
import signal
import socket
import struct
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from twilio.request_validator import RequestValidator

ACCOUNT_SID = "AC" + "0" * 31 + "1"
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
API_KEY = "SK" + "0" * 31 + "2"
API_SECRET = "the-secret-of-the-api-key-0000002"
SERVICE_SID = "MG" + "0" * 31 + "3"
SENDER = "+15005550006"
MORE_INFO = "https://www.twilio.com/docs/errors/"

#: Faults that a POST of a message may have. The second group accepts the message first.
BEFORE = ("timeout_before", "rate_limit", "server_error", "reset_before")
AFTER = ("timeout_after", "reset_after", "bad_json", "kill", "server_error_after")

#: Twilio's code -> HTTP status and message of its error body (twilio.com/docs/errors/<code>).
REFUSALS: Mapping[int, tuple[int, str]] = {
    20003: (401, "Authenticate"),
    20403: (403, "Forbidden"),
    20404: (404, "The requested resource {path} was not entries"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21211: (400, "Invalid 'To' Phone Number: {to}"),
    21212: (400, "Invalid From Number (caller ID): {from_}"),
    21408: (400, "Permission to send an SMS has not been enabled for the region of {to}."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21612: (400, "Message cannot be sent with the current combination of 'To' and/or 'From'"),
    21614: (400, "'To' number is not a valid mobile number: {to}"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21656: (400, "The Content Variables parameter is invalid."),
    63016: (400, "Failed to send freeform message because you are outside the allowed window."),
}


@dataclass(slots=True, kw_only=True)
class Taken:
    """A message that was accepted: the fields that the caller sent, and its present status."""

    sid: str
    fields: dict[str, str]
    at: float
    created: dt.datetime
    status: str
    code: int | None = None
    fault: str = ""
    reported: list[str] = field(default_factory=list)
    price: str | None = None

    @property
    def to(self) -> str:
        return self.fields.get("To", "")

    @property
    def body(self) -> str:
        return self.fields.get("Body", "")

    @property
    def report_url(self) -> str:
        return self.fields.get("StatusCallback", "")

    @property
    def message(self) -> str:
        """The public id of the message, from the address for reports; "" without one."""
        return dict(parse_qsl(urlsplit(self.report_url).query)).get("m", "")


@dataclass(slots=True, kw_only=True)
class Behaviour:
    """The faults, in shares of all calls, and the way of the reports."""

    seed: int = 1
    shares: Mapping[str, float] = field(default_factory=dict)  # fault -> share of the POSTs
    hang_s: float = 30.0
    lag_s: float = 0.0  # time until an accepted message can be listed or fetched
    retry_after_s: int = 1
    most_per_s: float | None = None  # above it: 429
    reports: tuple[str, ...] = ("sent", "delivered")
    report_after_s: float = 0.01
    twice: float = 0.0
    reordered: float = 0.0
    never: float = 0.0


@dataclass(slots=True)
class _Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter


class FakeTwilio:
    """The fake. Its public methods may be called from any thread."""

    def __init__(
        self, behaviour: Behaviour | None = None, *, callback_port: int | None = None
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.callback_port = callback_port  # of the installation on loopback; None: of the URL
        self.book: list[Taken] = []
        self.calls: list[tuple[float, str, str]] = []  # time, method, path
        self.arrivals: list[float] = []  # every POST of a message, accepted or not
        self.faults: Counter[str] = Counter()
        self.answers: Counter[int] = Counter()  # status codes that our callbacks got
        self.refuse: dict[str, int] = {}  # number -> code with which a message to it is refused
        self.ends: dict[str, tuple[str, int]] = {}  # number -> final status and code
        self.services = {SERVICE_SID: {"friendly_name": "Deliveries", "inbound_request_url": ""}}
        self.contents: dict[str, dict[str, Any]] = {}
        self.senders: dict[str, str] = {f"whatsapp:{SENDER}": "ONLINE"}  # sender -> status
        self.senders_of: dict[str, list[str]] = {SERVICE_SID: [f"whatsapp:{SENDER}"]}
        self.hidden: set[str] = set()  # parts of paths that the key may not read
        self.credentials = {API_KEY: API_SECRET, ACCOUNT_SID: AUTH_TOKEN}
        self.victim: Callable[[], int | None] = lambda: None  # process id for the fault "kill"
        self._script: deque[str] = deque()
        self._random = random.Random(self.behaviour.seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fake-twilio", daemon=True)
        self._ready = threading.Event()
        self._stopped = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    # --- For tests ----------------------------------------------------------------------------
    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def script(self, *faults: str) -> None:
        """Give the next POSTs of messages these faults, in this order; "" is none."""
        assert set(faults) <= {"", *BEFORE, *AFTER}, faults
        self._script.extend(faults)

    def peak_per_s(self) -> int:
        """Return the largest number of POSTs that arrived within one second."""
        times, first, peak = sorted(self.arrivals), 0, 0
        for last, at in enumerate(times):
            while at - times[first] >= 1.0:
                first += 1
            peak = max(peak, last - first + 1)
        return peak

    def to(self, number: str) -> list[Taken]:
        """Return the accepted messages to a number."""
        return [entry for entry in self.book if entry.to == number]

    def write_in(self, url: str, **fields: str) -> tuple[int, str]:
        """Send a reply of a person, signed, as Twilio does; return status and body of the answer.

        ``fields`` replace those of a usual reply: From, To, Body, MessageSid and others.
        """
        sid = f"SM{self._random.getrandbits(128):032x}"
        usual = {
            "ToCountry": "US", "ToState": "", "SmsMessageSid": sid, "NumMedia": "0", "ToCity": "",
            "FromZip": "", "SmsSid": sid, "FromState": "", "SmsStatus": "received", "FromCity": "",
            "Body": "Thanks", "FromCountry": "ES", "To": SENDER, "ToZip": "", "NumSegments": "1",
            "MessageSid": sid, "AccountSid": ACCOUNT_SID, "From": "+34600000001",
            "ApiVersion": "2010-04-01",
        }  # fmt: skip
        return asyncio.run_coroutine_threadsafe(self._post(url, usual | fields), self._loop).result(
            30
        )

    def report(self, entries: Iterable[Taken], status: str, *, per_s: float) -> None:
        """Report a status of these messages one after the other at an even rate, and wait."""

        async def all_of_them() -> None:
            began, calls = time.monotonic(), []
            for place, entry in enumerate(entries):
                await asyncio.sleep(max(0.0, began + place / per_s - time.monotonic()))
                entry.status = status
                entry.reported.append(status)
                fields = _status_fields(entry, status, None)
                calls.append(asyncio.ensure_future(self._post(entry.report_url, fields)))
            await asyncio.gather(*calls)

        asyncio.run_coroutine_threadsafe(all_of_them(), self._loop).result()

    def settle(self, within_s: float = 30.0) -> None:
        """Wait until every callback has been sent."""
        until = time.monotonic() + within_s
        while self._tasks and time.monotonic() < until:
            time.sleep(0.01)
        assert not self._tasks, f"{len(self._tasks)} callbacks were not sent in time"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10), "the fake Twilio did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close all connections and end the thread."""
        if not self._stopped:
            self._stopped = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    # --- The server ---------------------------------------------------------------------------
    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=512)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        pending = asyncio.all_tasks(self._loop)
        for task in pending:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = (ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError, _Dropped)
        with contextlib.suppress(*ended):
            while request := await _read(reader, writer):
                await self._answer(request)
        with contextlib.suppress(ConnectionError):
            writer.close()

    async def _answer(self, request: _Request) -> None:
        self.calls.append((time.monotonic(), request.method, request.path))
        if not self._is_known(request):
            await _refuse(request, 20003)
            return
        if any(part in request.path for part in self.hidden):
            await _refuse(request, 20403)
            return
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["2010-04-01", "Accounts", sid, "Messages.json"] if sid == ACCOUNT_SID:
                await self._take(request)
            case "GET", ["2010-04-01", "Accounts", sid, "Messages.json"] if sid == ACCOUNT_SID:
                await _send(request, 200, self._listed(request.query))
            case "GET", ["2010-04-01", "Accounts", sid, "Messages", name] if sid == ACCOUNT_SID:
                entry = self._visible().get(name.removesuffix(".json"))
                await (_send(request, 200, _resource(entry)) if entry else _refuse(request, 20404))
            case "GET", ["2010-04-01", "Accounts", name] if name == f"{ACCOUNT_SID}.json":
                await _send(request, 200, {
                    "sid": ACCOUNT_SID, "friendly_name": "Lastmile", "status": "active",
                    "type": "Full",
                })  # fmt: skip
            case "GET", ["v1", "Services", sid] if sid in self.services:
                service = {"sid": sid, "account_sid": ACCOUNT_SID} | self.services[sid]
                await _send(request, 200, service)
            case "GET", ["v1", "Services", sid, "ChannelSenders"] if sid in self.services:
                listed = [
                    {"sid": f"XE{number:032d}", "sender": sender, "sender_type": "WhatsApp"}
                    for number, sender in enumerate(self.senders_of.get(sid, []))
                ]
                await _send(request, 200, _senders_page(request, listed))
            case "GET", ["v2", "Channels", "Senders"]:
                wanted = f"{request.query.get('Channel', '')}:"
                listed = [
                    {"sid": f"XE{number:032d}", "sender_id": sender, "status": status}
                    for number, (sender, status) in enumerate(self.senders.items())
                    if sender.startswith(wanted)
                ]
                await _send(request, 200, _senders_page(request, listed))
            case "GET", ["v1", "Content", sid] if sid in self.contents:
                await _send(request, 200, {"sid": sid} | self.contents[sid])
            case _:
                await _refuse(request, 20404)

    def _is_known(self, request: _Request) -> bool:
        kind, _space, value = request.headers.get("authorization", "").partition(" ")
        try:
            user, _colon, secret = base64.b64decode(value).decode().partition(":")
        except ValueError:
            return False
        return kind == "Basic" and bool(secret) and self.credentials.get(user) == secret

    async def _take(self, request: _Request) -> None:
        """Answer a POST of a message, with the next fault."""
        fields = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        at = time.monotonic()
        self.arrivals.append(at)
        fault = self._next_fault()
        if fault:
            self.faults[fault] += 1
        if fault == "rate_limit" or self._is_too_fast(at):
            await _refuse(request, 20429, retry_after_s=self.behaviour.retry_after_s)
        elif fault in BEFORE:
            await self._fail(request, fault)
        elif code := self._wrong(fields):
            await _refuse(request, code, to=fields.get("To", ""))
        else:
            entry = self._accept(fields, fault, at)
            if fault in AFTER:
                await self._fail(request, fault)
            else:
                await _send(request, 201, _resource(entry))

    async def _fail(self, request: _Request, fault: str) -> None:
        """Fail a call: say nothing, reset the connection, kill the caller, or answer nonsense."""
        kind = fault.removesuffix("_before").removesuffix("_after")
        if kind == "timeout":
            await asyncio.sleep(self.behaviour.hang_s)
            _reset(request)
        elif kind == "server_error":
            await _refuse(request, 20500)
        elif kind == "bad_json":
            await _send(request, 201, None, raw=b"<html>Bad gateway</html>")
        else:
            if kind == "kill" and (pid := self.victim()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            _reset(request)

    def _next_fault(self) -> str:
        if self._script:
            return self._script.popleft()
        drawn = self._random.random()
        for fault, share in self.behaviour.shares.items():
            if drawn < share:
                return fault
            drawn -= share
        return ""

    def _is_too_fast(self, at: float) -> bool:
        most = self.behaviour.most_per_s
        return most is not None and sum(at - 1.0 < then for then in self.arrivals[-1000:]) > most

    def _wrong(self, fields: Mapping[str, str]) -> int | None:
        """Return the code with which Twilio refuses these fields, or None."""
        to = fields.get("To", "")
        sender = fields.get("MessagingServiceSid") or fields.get("From") or ""
        if to in self.refuse:
            return self.refuse[to]
        if not to.removeprefix("whatsapp:").startswith("+"):
            return 21211
        if sender not in {*self.services, SENDER, f"whatsapp:{SENDER}"}:
            return 21212
        return 21617 if len(fields.get("Body", "")) > 1600 else None

    def _accept(self, fields: dict[str, str], fault: str, at: float) -> Taken:
        entry = Taken(
            sid=f"SM{self._random.getrandbits(128):032x}",
            fields=fields,
            at=at,
            created=dt.datetime.now(dt.UTC),
            status="accepted" if "MessagingServiceSid" in fields else "queued",
            fault=fault,
        )
        self.book.append(entry)
        self._spawn(self._report(entry))
        return entry

    # --- Look-ups -----------------------------------------------------------------------------
    def _visible(self) -> dict[str, Taken]:
        now = time.monotonic()
        return {e.sid: e for e in self.book if now - e.at >= self.behaviour.lag_s}

    def _listed(self, query: Mapping[str, str]) -> dict[str, Any]:
        entries = [e for e in self._visible().values() if query.get("To") in {None, e.to}]
        size = int(query.get("PageSize", "50"))
        page = sorted(entries, key=lambda e: e.created, reverse=True)[:size]
        uri = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json?PageSize={size}&Page=0"
        return {
            "first_page_uri": uri, "next_page_uri": None, "previous_page_uri": None, "uri": uri,
            "page": 0, "page_size": size, "start": 0, "end": max(len(page) - 1, 0),
            "messages": [_resource(e) for e in page],
        }  # fmt: skip

    # --- Callbacks ----------------------------------------------------------------------------
    def _spawn(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _report(self, entry: Taken) -> None:
        """Move a message to its end and report each step, with the faults of the behaviour."""
        plan = self.behaviour
        steps = [(status, None) for status in plan.reports]
        if entry.to in self.ends:
            status, code = self.ends[entry.to]
            steps = [("sent", None)] * (status == "undelivered") + [(status, code)]
        never = self._draw(plan.never)
        steps_sent = list(reversed(steps)) if self._draw(plan.reordered) else steps
        await asyncio.sleep(plan.report_after_s)
        if steps:
            entry.status, entry.code = steps[-1]
            entry.price = "-0.00750" if entry.status in {"sent", "delivered"} else None
        for status, code in steps_sent:
            if not entry.report_url or never:
                continue
            for _time in range(2 if self._draw(plan.twice) else 1):
                entry.reported.append(status)
                await self._post(entry.report_url, _status_fields(entry, status, code))

    def _draw(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    async def _post(self, url: str, fields: Mapping[str, str]) -> tuple[int, str]:
        """POST signed fields to a URL of the installation; the connection goes to loopback."""
        parts = urlsplit(url)
        body = urlencode(fields)
        signature = RequestValidator(AUTH_TOKEN).compute_signature(url, fields)
        port = self.callback_port or parts.port or (443 if parts.scheme == "https" else 80)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        head = (
            f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: TwilioProxy/1.1\r\n"
            "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
            f"Content-Length: {len(body)}\r\nX-Twilio-Signature: {signature}\r\n"
            "Connection: close\r\n\r\n"
        )
        try:
            async with asyncio.timeout(15):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(head.encode() + body.encode())
                answer = (await reader.read()).decode(errors="replace")
                writer.close()
        except (OSError, TimeoutError):
            self.answers[0] += 1
            return 0, ""
        status = int(answer.split(" ", 2)[1]) if answer.startswith("HTTP/") else 0
        self.answers[status] += 1
        return status, answer.partition("\r\n\r\n")[2]


class _Dropped(Exception):
    """The fake dropped the connection on purpose."""


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, target, _version = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return _Request(method, parts.path, dict(parse_qsl(parts.query)), headers, body, writer)


async def _send(
    request: _Request,
    status: int,
    content: Any,
    *,
    raw: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> None:
    body = json.dumps(content).encode() if raw is None else raw
    lines = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in (lines | dict(headers or {})).items())
    request.writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)
    await request.writer.drain()


async def _refuse(
    request: _Request, code: int, *, retry_after_s: int | None = None, to: str = ""
) -> None:
    """Answer with an error body of Twilio."""
    status, words = REFUSALS.get(code, (400, "Refused"))
    body = {
        "code": code,
        "message": words.format(to=to, from_="", path=request.path),
        "more_info": f"{MORE_INFO}{code}",
        "status": status,
    }
    wait = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    await _send(request, status, body, headers=wait)


def _reset(request: _Request) -> None:
    """Close the connection with a reset instead of an end."""
    held = request.writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.writer.transport.abort()
    raise _Dropped


def _resource(entry: Taken) -> dict[str, Any]:
    """Return a message as the API shows it (twilio.com/docs/messaging/api/message-resource)."""
    created = entry.created.strftime("%a, %d %b %Y %H:%M:%S +0000")
    by_service = "MessagingServiceSid" in entry.fields
    sent = entry.status not in {"accepted", "queued"}
    return {
        "account_sid": ACCOUNT_SID, "api_version": "2010-04-01", "body": entry.body,
        "date_created": created, "date_sent": created if sent else None, "date_updated": created,
        "direction": "outbound-api", "error_code": entry.code, "error_message": None,
        "from": None if by_service and not sent else entry.fields.get("From", SENDER),
        "messaging_service_sid": entry.fields.get("MessagingServiceSid"), "num_media": "0",
        "num_segments": "0" if by_service and not sent else "1", "price": entry.price,
        "price_unit": "USD", "sid": entry.sid, "status": entry.status,
        "subresource_uris": {}, "to": entry.to,
        "uri": f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{entry.sid}.json",
    }  # fmt: skip


def _senders_page(request: _Request, senders: list[dict[str, str]]) -> dict[str, Any]:
    """Return a page of senders, as the Senders API and messaging services list them."""
    meta = {
        "page": 0, "page_size": 50, "key": "senders", "url": request.path,
        "first_page_url": request.path, "previous_page_url": None, "next_page_url": None,
    }  # fmt: skip
    return {"senders": senders, "meta": meta}


def _status_fields(entry: Taken, status: str, code: int | None) -> dict[str, str]:
    """Return the fields of a status callback."""
    service = entry.fields.get("MessagingServiceSid")
    return {
        "ApiVersion": "2010-04-01", "AccountSid": ACCOUNT_SID, "SmsSid": entry.sid,
        "SmsStatus": status, "MessageSid": entry.sid, "MessageStatus": status, "To": entry.to,
        "From": entry.fields.get("From", SENDER),
    } | ({"MessagingServiceSid": service} if service else {}) | (
        {"ErrorCode": str(code)} if code else {}
    ) | ({"RawDlrDoneDate": "2611291806"} if status == "delivered" else {})  # fmt: skip


def main() -> None:
    """Run the fake until it is stopped, and print what it accepts: ``python -m tests.fake_twilio``.

    A web server on the port of the second argument gets its callbacks.
    """
    callback_port = int(sys.argv[1]) if len(sys.argv) > 1 else None
    with FakeTwilio(Behaviour(report_after_s=1.0), callback_port=callback_port) as fake:
        print(f"TWILIO_API_BASE={fake.base_url}")
        print(f"account SID {ACCOUNT_SID}, auth token {AUTH_TOKEN}")
        print(f"API key {API_KEY}, secret {API_SECRET}")
        print(f"messaging service {SERVICE_SID}, number {SENDER}", flush=True)
        shown = 0
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(0.2)
                for entry in fake.book[shown:]:
                    print(f"{entry.to}: {entry.body}", flush=True)
                shown = len(fake.book)


if __name__ == "__main__":
    main()
