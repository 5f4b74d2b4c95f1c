"""Connections to mail servers: to checked addresses only, and used again while they are fresh."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from time import monotonic
from typing import Final

import certifi
from django.core.mail.backends.smtp import EmailBackend

from lastmile.core.egress import EgressRefused, is_allowed, public_addresses
from lastmile.env import MailServer

#: The ports on which mail servers take mail. With others, we would scan ports for somebody.
PORTS: Final = frozenset({25, 465, 587, 2525})
REST_S: Final = 30.0  # a connection that was not used for so long is closed
MOST_RESTING: Final = 4  # connections of one server
TIMEOUT_S: Final = 10
_GO_ON: Final = 354  # the reply after which the text of a mail is sent


@dataclass(frozen=True, slots=True)
class Target:
    """A mail server, and whether its address is checked: True unless the operator set it."""

    server: MailServer
    checked: bool


class _Noting:
    """Notes when the text of a mail is sent. From then on a lost answer is unclear."""

    text_sent = False

    def getreply(self) -> tuple[int, bytes]:
        """Read a reply. After 354 the text follows."""
        code, words = super().getreply()  # type: ignore[misc]
        self.text_sent = self.text_sent or code == _GO_ON
        return code, words


class _Checking:
    """Connects to a checked address. The certificate is checked for the host's name."""

    _host: str

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        addresses = public_addresses(host, port)
        if port not in PORTS and not all(is_allowed(ip_address(one)) for one in addresses):
            raise EgressRefused("a mail server has port 25, 465, 587 or 2525")
        last: OSError | None = None
        for address in addresses:
            try:
                opened: socket.socket = super()._get_socket(address, port, timeout)  # type: ignore[misc]
            except ssl.SSLError:
                raise
            except OSError as broken:
                last = broken
            else:
                return opened
        raise last or OSError("no address")


class _Smtp(_Noting, smtplib.SMTP):
    pass


class _SmtpTls(_Noting, smtplib.SMTP_SSL):
    pass


class _CheckedSmtp(_Noting, _Checking, smtplib.SMTP):
    pass


class _CheckedSmtpTls(_Noting, _Checking, smtplib.SMTP_SSL):
    pass


class Connection(EmailBackend):
    """Django's backend for one mail server."""

    def __init__(self, target: Target) -> None:
        server = target.server
        super().__init__(
            host=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.security == "starttls",
            use_ssl=server.security == "tls",
            timeout=TIMEOUT_S,
            fail_silently=False,
        )
        self.target = target
        self.used_before = False

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """The class that connects to this server."""
        if self.target.checked:
            return _CheckedSmtpTls if self.use_ssl else _CheckedSmtp
        return _SmtpTls if self.use_ssl else _Smtp

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        """The context that checks certificates by the bundled list of authorities."""
        return ssl.create_default_context(cafile=certifi.where())

    @property
    def text_sent(self) -> bool:
        """True if the text of the present mail is on its way."""
        return isinstance(self.connection, _Noting) and self.connection.text_sent

    def begin(self) -> None:
        """Begin another mail on this connection."""
        if isinstance(self.connection, _Noting):
            self.connection.text_sent = False

    def noop(self) -> tuple[int, bytes]:
        """Ask an open server whether it is there; return its reply."""
        assert self.connection is not None
        return self.connection.noop()

    def drop(self) -> None:
        """Close the connection in any state."""
        with contextlib.suppress(smtplib.SMTPException, OSError):
            self.close()
        self.connection = None


class Pool:
    """Connections at rest, by mail server. Threads share them; a timer closes the old ones."""

    def __init__(self, rest_s: float = REST_S) -> None:
        self._rest_s = rest_s
        self._lock = threading.Lock()
        self._resting: dict[Target, list[tuple[Connection, float]]] = {}
        self._timer: threading.Timer | None = None

    def borrow(self, target: Target) -> Connection:
        """Return a connection at rest, or a new one that is not open yet."""
        with self._lock:
            rows = self._resting.get(target, [])
            while rows:
                connection, since = rows.pop()
                if monotonic() - since < self._rest_s:
                    connection.used_before = True
                    return connection
                connection.drop()
        return Connection(target)

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next mail, for a short time."""
        with self._lock:
            rows = self._resting.setdefault(connection.target, [])
            if len(rows) >= MOST_RESTING:
                connection.drop()
                return
            rows.append((connection, monotonic()))
            self._start_timer()

    def close_rested(self) -> None:
        """Close the connections that have rested long enough."""
        with self._lock:
            self._timer = None
            for target, rows in list(self._resting.items()):
                fresh = [row for row in rows if monotonic() - row[1] < self._rest_s]
                for connection, _since in set(rows) - set(fresh):
                    connection.drop()
                self._resting[target] = fresh
                if not fresh:
                    del self._resting[target]
            if self._resting:
                self._start_timer()

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(self._rest_s, self.close_rested)
            self._timer.daemon = True
            self._timer.start()


POOL: Final = Pool()
