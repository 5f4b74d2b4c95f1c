"""The HTTP client of the networks. It raises only VendorError, and says what is unclear."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from time import monotonic
from types import TracebackType
from typing import Any, Final

import httpx

from lastmile.core.providers import USER_AGENT, Limits, retry_after_of
from lockers.vendors.base import VendorError

#: A page of 500 points of a network has about 1 MB.
LIMITS: Final = Limits(connect_s=3.0, total_s=15.0, most_bytes=8_000_000)
#: Errors before anything was sent.
_NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)
_TOO_MANY: Final = 429

#: HTTP status, the JSON of the body (None if it is none), and seconds to wait -> the error.
Refusal = Callable[[int, Any, int | None], VendorError]


class VendorHttp:
    """An HTTP client for one address of a network.

    It follows no redirects and takes nothing from the environment. Reads are repeated once when
    the network did not answer; writes are sent once.

    Parameters
    ----------
    base_url : str
        An address of the adapter's own table, or of the setting LOCKER_VENDOR_URLS.
    refusal : Refusal
        Makes the error for an answer that is no success, from the network's error body.
    """

    def __init__(
        self,
        base_url: str,
        *,
        refusal: Refusal,
        headers: Mapping[str, str] | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self._refusal = refusal
        self._limits = limits
        self._client = httpx.Client(
            base_url=base_url.rstrip("/"),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json", **(headers or {})},
            timeout=httpx.Timeout(limits.total_s, connect=limits.connect_s),
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> VendorHttp:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._client.close()

    def read(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Return the JSON of a GET; a call without an answer is repeated once.

        A network that asks to wait is not called again here.
        """
        try:
            return self._call("GET", path, params=params)
        except VendorError as fault:
            if fault.permanent or fault.retry_after_s is not None or fault.code == str(_TOO_MANY):
                raise
        return self._call("GET", path, params=params)

    def write(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of a call that changes something, None without a body. It is sent once.

        Its error is unclear unless the network surely did nothing.
        """
        return self._call(method, path, body=body)

    def _call(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None
    ) -> Any:
        is_write = method != "GET"
        request = self._client.build_request(method, path, params=params, json=body)
        try:
            status, content, wait_s = self._answer(request)
        except _NOT_SENT as broken:
            raise VendorError("it cannot be reached", permanent=False) from broken
        except httpx.HTTPError as broken:
            is_late = isinstance(broken, httpx.TimeoutException)
            raise VendorError(
                "it did not answer in time" if is_late else "the connection broke",
                permanent=False,
                unclear=is_write,
                code="no_answer",
            ) from broken
        except _TooLong as long:
            raise VendorError(
                str(long), permanent=False, unclear=is_write, code="too_long"
            ) from long
        if 200 <= status < 300:
            return _content(content, is_write=is_write)
        if status >= 500:
            raise VendorError(
                f"it answered {status}",
                permanent=False,
                unclear=is_write,
                code=str(status),
                retry_after_s=wait_s,
            )
        if status == _TOO_MANY:
            raise VendorError(
                "it had too many calls",
                permanent=False,
                code=str(_TOO_MANY),
                retry_after_s=wait_s,
            )
        raise self._refusal(status, _json_or_none(content), wait_s)

    def _answer(self, request: httpx.Request) -> tuple[int, bytes, int | None]:
        """Return status, body and Retry-After of one call, read within the limits."""
        until = monotonic() + self._limits.total_s
        response = self._client.send(request, stream=True)
        try:
            content = bytearray()
            for piece in response.iter_bytes():
                content += piece
                if len(content) > self._limits.most_bytes:
                    raise _TooLong("its answer is too large")
                if monotonic() > until:
                    raise _TooLong("its answer is too slow")
        finally:
            response.close()
        wait_s = retry_after_of(response.headers.get("Retry-After"))
        return response.status_code, bytes(content), wait_s


class _TooLong(Exception):
    """The answer is larger or slower than the limits."""


def _content(content: bytes, *, is_write: bool) -> Any:
    if not content.strip():
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as odd:
        raise VendorError(
            "its answer is not JSON", permanent=False, unclear=is_write, code="not_json"
        ) from odd


def _json_or_none(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
