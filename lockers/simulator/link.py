"""The connection of a simulated cabinet to the server: signed messages by HTTP. PURE."""

from __future__ import annotations

import datetime as dt
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from lockers import signing

TIMEOUT_S: Final = 15


class Offline(Exception):
    """There is no network, or no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the server."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body as an object; {} if it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class Transport(Protocol):
    """A way to send a call to the server. Raises Offline."""

    def send(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a POST and return its answer."""


class HttpTransport:
    """Sends calls to a server by HTTP or HTTPS; ``host`` replaces the Host header."""

    def __init__(self, url: str, host: str = "") -> None:
        parts = urlsplit(url)
        self.secure = parts.scheme == "https"
        self.host = host or parts.netloc
        name, port = parts.hostname or "", parts.port
        # Not every resolver knows that names under localhost are this machine (RFC 6761).
        is_here = name.endswith(".localhost")
        self.address = f"127.0.0.1:{port or 80}" if is_here else parts.netloc

    def send(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a POST and return its answer. Raises Offline."""
        kind = http.client.HTTPSConnection if self.secure else http.client.HTTPConnection
        line = kind(self.address, timeout=TIMEOUT_S)
        sent = {"Host": self.host, "Content-Type": "application/json", **headers}
        try:
            line.request("POST", path, body, sent)
            answer = line.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as fault:
            raise Offline(str(fault)) from fault
        finally:
            line.close()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The identity of a cabinet: it signs messages, and checks signed answers."""

    device: str
    key: bytes

    def headers(self, path: str, seq: int, at: dt.datetime, body: bytes) -> dict[str, str]:
        """Return the headers of a signed message."""
        time = signing.write_time(at)
        return {
            signing.DEVICE_ID: self.device,
            signing.DEVICE_SEQ: str(seq),
            signing.DEVICE_TIME: time,
            signing.DEVICE_SIGNATURE: signing.sign(
                self.key, method="POST", path=path, seq=seq, time=time, body=body
            ),
        }

    def server_time(self, seq: int, answer: Answer) -> dt.datetime | None:
        """Return the signed time of an answer; None if its signature is missing or wrong."""
        time = answer.headers.get(signing.SERVER_TIME.lower(), "")
        signature = answer.headers.get(signing.SERVER_SIGNATURE.lower(), "")
        right = signing.sign_answer(self.key, seq=seq, time=time, body=answer.body)
        return signing.read_time(time) if signing.is_right(right, signature) else None
