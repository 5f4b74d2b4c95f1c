"""The page of a simulated cabinet: a small web server for this machine only. PURE."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from lockers.simulator.link import Offline
from lockers.simulator.station import Station
from lockers.simulator.texts import TEXTS, language_of

_STATIC: Final = Path(__file__).parent / "static" / "simulator"
_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_LONGEST_BODY: Final = 4_000
_NAMES: Final = ("localhost", "127.0.0.1")
_POLICY: Final = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'"


class PageServer(ThreadingHTTPServer):
    """The server of the page of one cabinet."""

    daemon_threads = True

    def __init__(self, station: Station, title: str, port: int) -> None:
        self.station, self.title = station, title
        super().__init__(("127.0.0.1", port), PageHandler)

    @property
    def own_port(self) -> int:
        """The port at which the server listens."""
        return int(self.server_address[1])


class PageHandler(BaseHTTPRequestHandler):
    """A request of a browser on this machine."""

    server: PageServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "locker-simulator", ""
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base
        """Log nothing: codes are typed here."""

    def do_GET(self) -> None:
        """Show the page, its state, or one of its files."""
        parts = urlsplit(self.path)
        if not self._is_own_host():
            return
        name = parts.path.strip("/")
        if not name:
            chosen = parse_qs(parts.query).get("lang", [""])[0]
            language = language_of(self.headers.get("Accept-Language", ""), chosen)
            self._send(200, page_of(self.server.title, language), "text/html; charset=utf-8")
        elif name == "state":
            self._json(200, self.server.station.picture())
        elif name in {"cabinet.css", "cabinet.js"}:
            file = _STATIC / name
            self._send(200, file.read_text(encoding="utf-8"), _TYPES[file.suffix])
        else:
            self._send(404, "Not found", "text/plain")

    def do_POST(self) -> None:
        """Do an act of a person at the cabinet."""
        origin = self.headers.get("Origin", "")
        own = {f"http://{name}:{self.server.own_port}" for name in _NAMES}
        if not self._is_own_host() or origin not in own:
            self._send(403, "Use the page of the cabinet.", "text/plain")
            return
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LONGEST_BODY:
            self._send(413, "Too long", "text/plain")
            return
        try:
            values = json.loads(self.rfile.read(length))
            screen = self.server.station.act(str(values.pop("act")), _texts(values))
        except (KeyError, ValueError, RuntimeError, AttributeError, Offline):
            screen = {"word": "not_possible"}
        self._json(200, {"said": screen, "state": self.server.station.picture()})

    def _is_own_host(self) -> bool:
        """Refuse names that another page made point to this machine."""
        name = self.headers.get("Host", "").rsplit(":", 1)[0]
        if name in _NAMES:
            return True
        self._send(404, "Not found", "text/plain")
        return False

    def _json(self, status: int, value: Any) -> None:
        self._send(status, json.dumps(value), "application/json")

    def _send(self, status: int, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value)[:700] for name, value in values.items()}


_PAGE: Final = Template("""<!doctype html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="stylesheet" href="/cabinet.css">
<script type="module" src="/cabinet.js"></script>
</head>
<body data-texts="$texts">
<header>
<h1>$title</h1>
<p class="lead">$simulated. $lead</p>
<p id="health" role="status"></p>
<nav aria-label="Language"><a href="?lang=en" lang="en">English</a>
<a href="?lang=es" lang="es">Español</a></nav>
</header>
<main>
<section class="pad" aria-labelledby="screen-title">
<h2 id="screen-title">$screen</h2>
<p id="screen" role="status" aria-live="polite">$screen_idle</p>
<form id="keypad" autocomplete="off">
<label for="code">$code</label>
<div class="row"><input id="code" name="code" inputmode="text" autocapitalize="off" required>
<button>$enter</button></div>
</form>
</section>
<section class="cabinet" aria-labelledby="doors-title">
<h2 id="doors-title">$doors</h2>
<div id="doors"></div>
</section>
<section class="trouble" aria-labelledby="trouble-title">
<h2 id="trouble-title">$trouble</h2>
<div class="row wrap">
<button data-act="network" id="network">$network_off_do</button>
<button data-act="restart">$restart_do</button>
<button data-act="sync">$sync_do</button>
<button data-act="replay">$replay_do</button>
<button data-act="twin">$twin_do</button>
</div>
<form id="skew"><label for="minutes">$skew</label>
<div class="row"><input id="minutes" name="minutes" type="number" value="0" required>
<button>$skew_do</button></div></form>
</section>
<section class="log" aria-labelledby="journal-title">
<h2 id="journal-title">$journal</h2>
<ol id="journal"></ol>
</section>
</main>
</body>
</html>
""")


def page_of(title: str, language: str) -> str:
    """Return the page in a language."""
    texts = TEXTS[language]
    values = {name: escape(text) for name, text in texts.items()}
    return _PAGE.substitute(
        values, language=language, title=escape(title), texts=escape(json.dumps(dict(texts)))
    )
