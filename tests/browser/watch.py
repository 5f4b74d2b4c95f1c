"""Notes what goes wrong in a browser: console errors, refused loads, calls to other hosts."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError


@dataclass
class Watch:
    """Listens to every page of a context; Chromium says violated policies on the console."""

    context: BrowserContext
    port: int
    wrong: list[str] = field(default_factory=list)
    requests: int = 0

    def __post_init__(self) -> None:
        """Begin to listen."""
        self.context.on("console", self._said)
        self.context.on("weberror", self._threw)
        self.context.on("request", self._asked)
        self.context.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.wrong.append(f"console {message.type}: {message.text}")

    def _threw(self, error: WebError) -> None:
        self.wrong.append(f"uncaught: {error.error}")

    def _asked(self, request: Request) -> None:
        self.requests += 1
        at = urlsplit(request.url)
        local = at.hostname == "localhost" or (at.hostname or "").endswith(".localhost")
        if at.scheme not in {"data", "blob"} and not (local and at.port == self.port):
            self.wrong.append(f"a request to another host: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:  # the console names no address
            self.wrong.append(f"{response.status} for {response.url}")

    def take(self) -> list[str]:
        """Return what went wrong since the last call."""
        seen, self.wrong = self.wrong, []
        return seen
