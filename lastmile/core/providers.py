"""Code that all providers (external systems that we call) share.

A provider is a folder: ``base.py`` with its Protocol, one module for each real adapter, and
``null.py`` with a stand-in that records its calls. Adapters raise only ``ProviderError``. They try
once; a job retries, unless ``permanent`` says that a retry cannot help. Adapters are never called
inside a transaction.
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
    """A call to an external system failed.

    Parameters
    ----------
    detail : str
        The cause, for the log, without names, addresses or secrets.
    permanent : bool
        True if the same call will fail again, False if it may succeed later.
    retry_after_s : int or None
        Seconds to wait before a retry, if the provider states them.
    """

    def __init__(self, detail: str, *, permanent: bool, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one call: seconds to connect and in total, bytes of the answer."""

    connect_s: float = 2.0
    total_s: float = 5.0
    most_bytes: int = MOST_BYTES


class HttpClient:
    """An HTTP client for one external system.

    It follows no redirects and uses no proxy or certificate from the environment. An answer that
    is too large or too slow raises ProviderError. Use it as a context manager, or close it.

    Parameters
    ----------
    base_url : str
        An http(s) URL; the paths of calls are added to it.
    transport : httpx.BaseTransport, optional
        Replaces the network in tests, with recorded answers.
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
                f"{parts.scheme or 'no scheme'}: the URL must start with http:// or https://"
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
        """Return the JSON answer of a GET. Raises ProviderError for any failure."""
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
        """Return the JSON answer of a call. Raises ProviderError for any failure."""
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
        """Return status, body and Retry-After of one call, read within the limits."""
        until = monotonic() + self.limits.total_s
        response = self._client.send(request, stream=True)
        try:
            content = bytearray()
            for piece in response.iter_bytes():
                content += piece
                if len(content) > self.limits.most_bytes:
                    raise ProviderError("its answer is too large", permanent=True)
                if monotonic() > until:
                    raise ProviderError("it did not answer in time", permanent=False)
        finally:
            response.close()
        return (
            response.status_code,
            bytes(content),
            retry_after_of(response.headers.get("Retry-After")),
        )


def retry_after_of(text: str | None) -> int | None:
    """Return the seconds in a Retry-After header; None if the header is missing or has a date."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else None
