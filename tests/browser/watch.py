"""Records problems in a browser: console errors, failed requests and requests to other hosts."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError


@dataclass
class Watch:
    """Records the problems of all pages of a context, including violated security policies."""

    context: BrowserContext
    port: int
    wrong: list[str] = field(default_factory=list)
    requests: int = 0

    def __post_init__(self) -> None:
        """Start to listen to the events of the context."""
        self.context.on("console", self._console)
        self.context.on("weberror", self._error)
        self.context.on("request", self._request)
        self.context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.wrong.append(f"console {message.type}: {message.text}")

    def _error(self, error: WebError) -> None:
        self.wrong.append(f"uncaught: {error.error}")

    def _request(self, request: Request) -> None:
        self.requests += 1
        at = urlsplit(request.url)
        local = at.hostname == "localhost" or (at.hostname or "").endswith(".localhost")
        if at.scheme not in {"data", "blob"} and not (local and at.port == self.port):
            self.wrong.append(f"a request to another host: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:  # the console message does not contain the address
            self.wrong.append(f"{response.status} for {response.url}")

    def take(self) -> list[str]:
        """Return the problems recorded since the last call."""
        seen, self.wrong = self.wrong, []
        return seen
