"""A programmable InPost on loopback: points, shipments, faults and signed calls to us.

    with FakeInPost() as fake:
        settings.LOCKER_VENDOR_URLS = {"inpost": fake.base_url}
        fake.script("hang_after")       # the fault of the next call
        …
        assert [entry["reference"] for entry in fake.shipments] == ["rsv_1"]

The shapes are those of the public documentation and of answers that others published, with
invented values (tests/lockers/captured/inpost.json). The faults ``hang_after``, ``reset_after``,
``bad_json``, ``error_after`` and ``odd_after`` do what was asked first.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import socket
import struct
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from lockers.vendors.inpost.signing import SIGNATURE, TIMESTAMP, sign

CAPTURED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "lockers/captured/inpost.json").read_text(encoding="utf-8")
)
ORGANIZATION = "4711"
TOKEN = "a-token-of-the-fake-inpost"
SECRET = "the-secret-of-calls-from-the-fake"
BEFORE = ("hang_before", "error_before", "busy", "reset_before", "html")
AFTER = ("hang_after", "error_after", "reset_after", "bad_json", "odd_after")


class FakeInPost:
    """The fake. ``calls`` lists method and path of every call in the order of arrival."""

    def __init__(self) -> None:
        self.points: list[Any] = copy.deepcopy(CAPTURED["points"])
        self.shipments: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str]] = []
        self.queries: list[dict[str, str]] = []
        self.tokens: list[str] = []  # the Authorization header of every call
        self.most_per_page = 500
        self.hidden_for_lists: set[str] = set()  # references that no list has yet
        self.refuse: dict[str, Any] | None = None  # the error body of the next shipment
        self._script: deque[str] = deque()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def script(self, *faults: str) -> None:
        """Give the next calls these faults, in this order; "" is none."""
        assert set(faults) <= {"", *BEFORE, *AFTER}, faults
        self._script.extend(faults)

    def tell(self, shipment: dict[str, Any], status: str, at: dt.datetime) -> bytes:
        """Return the body of a call about a status, and give the shipment that status."""
        shipment["status"] = status
        call = copy.deepcopy(CAPTURED["calls"]["shipment_status_changed"])
        call["event_ts"] = at.strftime("%Y-%m-%d %H:%M:%S %z")
        call["payload"] |= {"shipment_id": shipment["id"], "status": status}
        return json.dumps(call).encode()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    # --- The server ---------------------------------------------------------------------------
    def answer(self, method: str, target: str, token: str, body: bytes) -> tuple[str, int, bytes]:
        """Return the fault, the status and the body of the answer to a call."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        with self._lock:
            self.calls.append((method, parts.path))
            self.queries.append(query)
            self.tokens.append(token)
            fault = self._script.popleft() if self._script else ""
            if fault in BEFORE:
                return fault, *_refusal("error" if fault == "error_before" else fault)
            names = [unquote(part) for part in parts.path.strip("/").split("/")]
            status, content = self._act(method, names, query, token, body)
        if fault == "error_after":
            status, content = 502, {"status": 502, "error": "bad_gateway"}
        elif fault == "odd_after":
            status, content = 201, {"id": "none", "status": None}
        raw = b"" if content is None else json.dumps(content).encode()
        return fault, status, b'{"id": 1, "sta' if fault == "bad_json" else raw

    def wait(self) -> None:
        """Wait until the fake ends."""
        self._ended.wait(30)

    def _act(
        self, method: str, names: list[str], query: dict[str, str], token: str, body: bytes
    ) -> tuple[int, Any]:
        match method, names:
            case "GET", ["v1", "points"]:
                return 200, _paged(self.points, query, self.most_per_page, 25)
            case "GET", ["v1", "points", name]:
                named = [one for one in self.points if isinstance(one, dict)]
                entry = next((one for one in named if one.get("name") == name), None)
                return (200, entry) if entry else (404, CAPTURED["errors"]["resource_not_found"])
        if token != f"Bearer {TOKEN}":
            return 401, CAPTURED["errors"]["token_invalid"]
        match method, names:
            case "POST", ["v1", "organizations", number, "shipments"] if number == ORGANIZATION:
                return self._create(json.loads(body))
            case "GET", ["v1", "organizations", number, "shipments"] if number == ORGANIZATION:
                shown = [
                    one for one in self.shipments if one["reference"] not in self.hidden_for_lists
                ]
                return 200, _paged(shown, query, self.most_per_page, 100)
            case _, ["v1", "shipments", number]:
                entry = next((one for one in self.shipments if str(one["id"]) == number), None)
                if entry is None:
                    return 404, CAPTURED["errors"]["resource_not_found"]
                return self._cancel(entry) if method == "DELETE" else (200, entry)
        return 404, CAPTURED["errors"]["resource_not_found"]

    def _create(self, fields: dict[str, Any]) -> tuple[int, Any]:
        if self.refuse is not None:
            refused, self.refuse = self.refuse, None
            return refused["status"], refused
        entry = copy.deepcopy(CAPTURED["shipment"])
        entry |= {
            "id": 9_000_001 + len(self.shipments),
            "reference": fields["reference"],
            "receiver": fields["receiver"],
            "custom_attributes": fields["custom_attributes"],
        }
        entry["parcels"][0]["template"] = fields["parcels"][0]["template"]
        self.shipments.append(entry)
        return 201, entry

    def _cancel(self, entry: dict[str, Any]) -> tuple[int, Any]:
        if entry["status"] not in {"created", "offers_prepared", "offer_selected"}:
            return 400, CAPTURED["errors"]["invalid_action"]
        entry["status"] = "canceled"
        return 204, None


def signed(body: bytes, at: dt.datetime, secret: str = SECRET) -> dict[str, str]:
    """Return the headers with which InPost signs a call."""
    timestamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {TIMESTAMP: timestamp, SIGNATURE: sign(secret, timestamp, body)}


def _paged(entries: list[Any], query: dict[str, str], most: int, usual: int) -> dict[str, Any]:
    per_page = min(int(query.get("per_page", usual)), most)
    page = int(query.get("page", 1))
    return {
        "href": "https://inpost.invalid/v1",
        "count": len(entries),
        "page": page,
        "per_page": per_page,
        "total_pages": max(1, -(-len(entries) // per_page)),
        "items": entries[(page - 1) * per_page : page * per_page],
    }


def _refusal(fault: str) -> tuple[int, bytes]:
    bodies = {
        "error": (503, b'{"status": 503, "error": "service_unavailable"}'),
        "busy": (429, b'{"status": 429, "error": "too_many_requests"}'),
        "html": (403, b"<html>Forbidden</html>"),
    }
    return bodies.get(fault, (500, b""))


def _handler(fake: FakeInPost) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            token = self.headers.get("Authorization", "")
            fault, status, content = fake.answer(
                self.command, self.path, token, self.rfile.read(size)
            )
            if fault.startswith("hang"):
                fake.wait()
                return
            if fault.startswith("reset"):
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
                return
            self.send_response(status)
            if fault == "busy":
                self.send_header("Retry-After", "17")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_DELETE = do_GET  # noqa: N815  names of http.server

        def log_message(self, *args: Any) -> None:
            """Keep silent."""

    return Handler
