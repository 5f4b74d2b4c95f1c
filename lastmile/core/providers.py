"""Systems outside: what they all share, so that each adapter is small.

A provider is a folder: ``base.py`` with its Protocol, one module for each real adapter, and
``null.py`` with a twin that keeps what it was told. Adapters raise ``ProviderError`` and nothing
else. They try once: trying again is the work of a job, and ``permanent`` says whether it helps.
No adapter is called inside a transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

USER_AGENT: Final = "Lastmile/1 (+delivery)"
MOST_BYTES: Final = 2_000_000
_BUSY: Final = frozenset({408, 425, 429})


class ProviderError(Exception):
    """A system outside did not do what it was asked.

    Parameters
    ----------
    detail : str
        Cause, for the log; it holds no names, addresses or secrets.
    permanent : bool
        The same call fails again; False: it may succeed later.
    retry_after_s : int or None
        When to come back, where the provider says so.
    """

    def __init__(self, detail: str, *, permanent: bool, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long one call may take and how much it may answer."""

    connect_s: float = 2.0
    total_s: float = 5.0
    most_bytes: int = MOST_BYTES


class HttpClient:
    """Calls one system outside by HTTP.

    No redirect is followed, no proxy or certificate is taken from the environment, and an answer
    is cut off at a size and at a time. Use it as a context manager, or close it.

    Parameters
    ----------
    base_url : str
        http or https; paths of calls are added to it.
    transport : httpx.BaseTransport, optional
        Where calls go instead of the network: recorded answers, in tests.
    """

    def __init__(
        self,
        base_url: str,
        *,
        limits: Limits | None = None,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(
                f"{parts.scheme or 'no scheme'}: an address of http or https is needed"
            )
        self.limits = limits or Limits()
        self._client = httpx.Client(
            base_url=base_url.rstrip("/"),
            headers={"User-Agent": USER_AGENT, **(headers or {})},
            timeout=httpx.Timeout(self.limits.total_s, connect=self.limits.connect_s),
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get_json(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Return the JSON that a GET answers. Raises ProviderError for everything else."""
        return self.call_json("GET", path, params=params)

    def call_json(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the JSON that a call answers. Raises ProviderError for everything else."""
        request = self._client.build_request(
            method, path, params=params, json=body, headers=dict(headers or {})
        )
        try:
            status, content, retry_after_s = self._read(request)
        except httpx.TimeoutException as late:
            raise ProviderError("it did not answer in time", permanent=False) from late
        except httpx.HTTPError as broken:
            raise ProviderError("it cannot be reached", permanent=False) from broken
        if status in _BUSY or status >= 500:
            raise ProviderError(
                f"it answered {status}", permanent=False, retry_after_s=retry_after_s
            )
        if not 200 <= status < 300:
            raise ProviderError(f"it answered {status}", permanent=True)
        try:
            return json.loads(content) if content else None
        except ValueError as unreadable:
            raise ProviderError("its answer is not JSON", permanent=True) from unreadable

    def _read(self, request: httpx.Request) -> tuple[int, bytes, int | None]:
        """Status, body and Retry-After of one call, read within the limits."""
        until = monotonic() + self.limits.total_s
        response = self._client.send(request, stream=True)
        try:
            found = bytearray()
            for piece in response.iter_bytes():
                found += piece
                if len(found) > self.limits.most_bytes:
                    raise ProviderError("its answer is too large", permanent=True)
                if monotonic() > until:
                    raise ProviderError("it did not answer in time", permanent=False)
        finally:
            response.close()
        return response.status_code, bytes(found), _seconds(response.headers.get("Retry-After"))


def _seconds(text: str | None) -> int | None:
    """Retry-After in seconds; its other form, a date, is left out."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else None
