"""Calls to addresses that a user has given, such as a web push endpoint or a mail server.

Only public addresses are called. A name is resolved once, all its addresses are checked, and the
connection goes to a checked address, so a name cannot change between check and call. Redirects
are not followed, and nothing is read from the environment. ``EGRESS_ALLOW`` lists networks that
may be called though they are private; it is empty in production.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

import httpcore
from django.conf import settings

from lastmile.core.providers import USER_AGENT, Limits, ProviderError, retry_after_of

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LONGEST_URL: Final = 2_000
HTTPS_PORT: Final = 443
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address is inside


class EgressRefused(ProviderError):
    """The address may not be called. The remedy is another address."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, permanent=True)


class EgressFailed(ProviderError):
    """The call failed. ``unclear`` is True if the other side may have received it."""

    def __init__(self, detail: str, *, unclear: bool) -> None:
        super().__init__(detail, permanent=False)
        self.unclear = unclear


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a call. Header names are in lower case."""

    status: int
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def retry_after_s(self) -> int | None:
        """The seconds that the answer asks to wait."""
        return retry_after_of(self.headers.get("retry-after"))


def public_addresses(host: str, port: int) -> list[str]:
    """Resolve a host and return its addresses. Each of them may be called.

    One forbidden address among them refuses the host.

    Raises
    ------
    EgressRefused
        An address is private, local, reserved or for many receivers.
    EgressFailed
        The name cannot be resolved now.
    """
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError) as unknown:
        raise EgressFailed("its name cannot be resolved", unclear=False) from unknown
    addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))
    for text in addresses:
        address = _read(text)
        if not (is_allowed(address) or is_public(address)):
            raise EgressRefused("it is not on the public internet")
    if not addresses:
        raise EgressFailed("its name has no address", unclear=False)
    return addresses


def is_allowed(address: Address) -> bool:
    """Return True if EGRESS_ALLOW contains the address."""
    return any(
        network.version == address.version and address in network
        for network in settings.EGRESS_ALLOW
    )


def is_public(address: Address) -> bool:
    """Return True for an address of one machine on the public internet.

    An IPv6 address that carries an IPv4 address is judged by both.
    """
    if not address.is_global or address.is_multicast:
        return False
    if address.is_reserved and address not in _NAT64:
        return False
    return all(is_public(inside) for inside in _inside(address))


def _inside(address: Address) -> Iterable[ipaddress.IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address carries."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        carried.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in carried if one is not None]


def _read(text: str) -> Address:
    return ipaddress.ip_address(text.split("%")[0])


def check_url(url: str) -> None:
    """Check the form of an address that a user gives; the network is not asked.

    Raises
    ------
    EgressRefused
        It is no https URL of at most 2,000 characters, on the usual port and without a password.
        Networks in EGRESS_ALLOW may also be called by http and on other ports.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise EgressRefused("it is not a URL") from None
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise EgressRefused("it is too long, or it has characters that a URL cannot have")
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        raise EgressRefused("it is not an https URL")
    usual = parts.scheme == "https" and port in {None, HTTPS_PORT}
    if not usual and not settings.EGRESS_ALLOW:
        raise EgressRefused("it must be an https URL on the usual port")


def post(
    url: str, *, body: bytes, headers: Mapping[str, str], limits: Limits | None = None
) -> Answer:
    """Send a POST to a public address and return its answer, with any status.

    Raises
    ------
    EgressRefused
        The address may not be called.
    EgressFailed
        There was no answer; ``unclear`` says whether the call may have arrived.
    """
    check_url(url)
    limits = limits or Limits()
    timeouts = {"connect": limits.connect_s, "pool": limits.connect_s}
    timeouts |= dict.fromkeys(("read", "write"), limits.total_s)
    sent: list[tuple[bytes | str, bytes | str]] = [
        ("Host", urlsplit(url).netloc),
        ("User-Agent", USER_AGENT),
        *headers.items(),
    ]
    until = monotonic() + limits.total_s
    backend = _CheckedBackend(usual=urlsplit(url).scheme == "https")
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend) as pool,
            pool.stream(
                "POST", url, headers=sent, content=body, extensions={"timeout": timeouts}
            ) as response,
        ):
            content = _content(response, limits.most_bytes, until)
            return Answer(status=response.status, content=content, headers=_texts(response.headers))
    except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as broken:
        raise EgressFailed("it cannot be reached", unclear=False) from broken
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as broken:
        raise EgressFailed("it did not answer", unclear=True) from broken


def _content(response: httpcore.Response, most_bytes: int, until: float) -> bytes:
    """Return the beginning of the body, within the limits of size and time."""
    content = bytearray()
    for piece in response.iter_stream():
        content += piece
        if len(content) > most_bytes or monotonic() > until:
            break
    return bytes(content[:most_bytes])


def _texts(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return httpcore.default_ssl_context()


class _CheckedBackend(httpcore.SyncBackend):
    """Connects to checked addresses. The certificate is still checked for the host's name."""

    def __init__(self, *, usual: bool) -> None:
        self._usual = usual

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first checked address that answers."""
        addresses = public_addresses(host, port)
        if not self._usual or port != HTTPS_PORT:
            _only_allowed(addresses)
        last: Exception | None = None
        for address in addresses:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as broken:
                last = broken
        raise last or httpcore.ConnectError("no address")


def _only_allowed(addresses: Iterable[str]) -> None:
    """Raise EgressRefused unless EGRESS_ALLOW has each address: only they use other ports."""
    if not all(is_allowed(_read(text)) for text in addresses):
        raise EgressRefused("it must be an https URL on the usual port")
