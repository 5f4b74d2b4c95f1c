"""A phone of a demo driver: logs in by its link, reads the day, sends acts. HTTP only."""

from __future__ import annotations

import datetime as dt
import hashlib
import http.client
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.cookies import SimpleCookie
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from lastmile.core.clock import real_now

TIMEOUT_S: Final = 30
MOST_POSITIONS: Final = 100  # in one call
ACCURACY_M: Final = 8
PIECE_BYTES: Final = 128 * 1024  # of a photo, in one call
_TOKEN: Final = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class NotReached(Exception):
    """Lastmile did not answer, or cannot answer now. Try again later."""


class NotExpected(NotReached):
    """The server does not know what is asked for: nothing more is to be sent."""


class LoggedOut(Exception):
    """The log-in of the phone has ended, or its link was used or is too old."""


class Phone:
    """A phone with its own cookies.

    Names such as ``verdura.localhost`` are not known to every machine, so calls go to the loopback
    address with the name in their Host header.
    """

    def __init__(self, *, host: str, port: int, cookies: Mapping[str, str] | None = None) -> None:
        self.host, self.port = f"{host}:{port}", port
        self.cookies = dict(cookies or {})
        self.token = ""
        self.positions: list[dict[str, Any]] = []  # noted and not sent yet
        self.photos: list[bytes] = []  # named by an act and not sent yet

    def log_in(self, secret: str) -> None:
        """Open a log-in link and tap its button. Raises LoggedOut, NotReached."""
        path = f"/driver/login/{secret}/"
        page = self._call("GET", path)[1].decode()
        token = _TOKEN.search(page)
        if token is None:
            raise LoggedOut("The log-in link was used, or it is too old.")
        status, _body = self._call(
            "POST",
            path,
            urlencode({"csrfmiddlewaretoken": token[1]}).encode(),
            "application/x-www-form-urlencoded",
        )
        if status != 303:
            raise LoggedOut("The log-in link was used, or it is too old.")

    def day(self) -> dict[str, Any]:
        """Return the driver's day. Raises LoggedOut, NotReached."""
        day = self._json("GET", "/driver/day/")
        self.token = str(day.get("csrf", ""))
        return day

    def act(self, kind: str, at: dt.datetime | None = None, **fields: Any) -> dict[str, Any]:
        """Send one act that happened now; return its result. Raises LoggedOut, NotReached."""
        now = real_now()
        one = {"id": str(uuid4()), "kind": kind, "at": (at or now).isoformat(), **fields}
        body = {"phone_at": now.isoformat(), "acts": [one]}
        (result,) = self._json("POST", "/driver/acts/", body)["results"]
        return dict(result)

    def position(self, lat: float, lon: float, heading: int, speed_mps: float) -> None:
        """Note where the phone is now; ``send_positions`` sends it."""
        self.positions.append(
            {
                "id": str(uuid4()),
                "at": real_now().isoformat(),
                "lat": round(lat, 6),
                "lon": round(lon, 6),
                "accuracy_m": ACCURACY_M,
                "speed_mps": speed_mps,
                "heading_deg": heading,
            }
        )

    def send_positions(self) -> None:
        """Send what was noted; what cannot be sent now is kept. Raises LoggedOut."""
        batch = self.positions[:MOST_POSITIONS]
        body = {"sent_at": real_now().isoformat(), "positions": batch}
        with suppress(NotReached):
            self._json("POST", "/api/v1/positions/", body)
            del self.positions[: len(batch)]

    def take_photo(self, content: bytes) -> dict[str, Any]:
        """Keep a photo and return it as a proof. ``send_photos`` sends it after its act."""
        self.photos.append(content)
        return {"kind": "photo", "sha256": _hash(content), "size": len(content)}

    def send_photos(self) -> None:
        """Send the photos; what is not taken now is kept. Raises LoggedOut, NotReached.

        A photo that no act names is dropped: another phone of the driver has taken another one.
        """
        while self.photos:
            with suppress(NotExpected):
                self._send_photo(self.photos[0])
            del self.photos[0]

    def _send_photo(self, content: bytes) -> None:
        path, size = f"/driver/photos/{_hash(content)}/", len(content)
        while (sent := int(self._json("GET", path)["received"])) < size:
            piece = content[sent : sent + PIECE_BYTES]
            last = sent + len(piece) - 1
            self._json("PUT", path, piece, {"Content-Range": f"bytes {sent}-{last}/{size}"})

    def _json(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        is_photo = isinstance(body, bytes)
        sent = body if body is None or is_photo else json.dumps(body).encode()
        kind = "application/octet-stream" if is_photo else "application/json"
        status, content = self._call(method, path, sent, kind, headers)
        if status == 401:
            raise LoggedOut("This phone is logged out.")
        if status == 404:
            raise NotExpected(f"{method} {path}: status 404")
        if status >= 400:
            raise NotReached(f"{method} {path}: status {status}")
        try:
            return dict(json.loads(content))
        except (ValueError, TypeError) as fault:
            raise NotReached(f"{method} {path}: the answer is no JSON object") from fault

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        kind: str = "application/json",
        more: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        headers = {
            "Host": self.host,
            "Accept": "application/json, text/html",
            "User-Agent": "Lastmile demo driver",
            "Referer": f"http://{self.host}{path}",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        if body is not None:
            headers |= {"Content-Type": kind, "X-CSRFToken": self.token, **(more or {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
            self._take_cookies(answer.headers.get_all("Set-Cookie") or ())
        except (OSError, http.client.HTTPException) as fault:
            raise NotReached(f"{method} {path}: {fault}") from fault
        finally:
            connection.close()
        if answer.status >= 500:
            raise NotReached(f"{method} {path}: status {answer.status}")
        return answer.status, content

    def _take_cookies(self, lines: Sequence[str]) -> None:
        for line in lines:
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
