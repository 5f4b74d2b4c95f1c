"""The HTTP client under the ``twilio`` package, and the client of one account.

The package's own HTTP client does not fit a pool of threads. It keeps the last answer in an
attribute, so a thread may get the answer of another one. It has no time-out, takes proxies and
certificates from the environment, and logs addresses with phone numbers. This client has none of
that. It raises ChannelError for every answer that is no success, so the package's two types of
errors, whose texts have numbers, never appear.
"""

from __future__ import annotations

import http.cookiejar
import json
import logging
import ssl
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import MaxRetryError, NewConnectionError

from lastmile.core.providers import MOST_BYTES
from notifications.channels.base import ChannelError
from notifications.channels.twilio_codes import refusal
from notifications.channels.twilio_credentials import TwilioCredentials

CONNECT_S: Final = 3.05
_PIECE: Final = 65_536

_silent = logging.getLogger("notifications.twilio.silent")
_silent.disabled = True  # the package logs numbers and texts


class TwilioHttp(HttpClient):  # type: ignore[misc]  # the package has no types
    """An HTTP client that many threads may share.

    Parameters
    ----------
    base_url : str
        Scheme and host that replace those of every call; "" leaves them.
    read_s : float
        The longest wait for the answer.
    threads : int
        The number of connections that are kept open.
    """

    def __init__(self, *, base_url: str, read_s: float, threads: int) -> None:
        super().__init__(logger=_silent, is_async=False)
        self.timeout = (CONNECT_S, read_s)
        self._read_s = read_s
        self._base = urlsplit(base_url)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=threads, max_retries=0))

    def request(self, method: str, uri: str, **options: Any) -> Response:
        """Make one call and return its answer, which is a success with a JSON object.

        Raises ChannelError for everything else.
        """
        call = requests.Request(
            method=method.upper(),
            url=self._moved(uri),
            params=options.get("params"),
            data=options.get("data"),
            headers=options.get("headers"),
            auth=options.get("auth"),
        )
        until = monotonic() + self._read_s
        try:
            answer = self._session.send(
                self._session.prepare_request(call),
                timeout=self.timeout,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                text = _read(answer, until)
        except requests.RequestException as broken:
            raise _unanswered(broken) from None
        if not 200 <= answer.status_code < 300:
            raise refusal(method.upper(), answer.status_code, text, _wait_s(answer)) from None
        if not _is_object(text):
            raise ChannelError(
                "Twilio's answer is not JSON", permanent=False, code="not_json", unclear=True
            )
        return Response(answer.status_code, text, answer.headers)

    def _moved(self, uri: str) -> str:
        if not self._base.netloc:
            return uri
        parts = urlsplit(uri)
        return urlunsplit(parts._replace(scheme=self._base.scheme, netloc=self._base.netloc))


def client_for(credentials: TwilioCredentials, *, read_s: float, threads: int) -> Client:
    """Return a client of the package for an account, which many threads may share."""
    return Client(
        credentials.user,
        credentials.secret,
        credentials.account_sid,
        http_client=TwilioHttp(base_url=credentials.base_url, read_s=read_s, threads=threads),
        environment={"-": ""},  # an empty mapping would make the package read os.environ
    )


def _read(answer: requests.Response, until: float) -> str:
    """Return the body of an answer, within the limits of size and time."""
    content = bytearray()
    for piece in answer.iter_content(_PIECE):
        content += piece
        if len(content) > MOST_BYTES or monotonic() > until:
            raise ChannelError(
                "Twilio's answer is too large or too slow",
                permanent=False,
                code="too_long",
                unclear=True,
            )
    return content.decode("utf-8", "replace")


def _unanswered(broken: requests.RequestException) -> ChannelError:
    """Return the error for a call without an answer.

    It is unclear unless the connection surely failed before the request was sent.
    """
    code = "no_answer" if isinstance(broken, requests.Timeout) else "no_connection"
    reached = not isinstance(broken, requests.ConnectTimeout) and not _never_connected(broken)
    return ChannelError(
        "Twilio did not answer in time" if code == "no_answer" else "Twilio cannot be reached",
        permanent=False,
        code=code if reached else "no_connection",
        unclear=reached,
    )


def _never_connected(broken: BaseException) -> bool:
    """Return True for a refused connection, a host without address, or a bad certificate."""
    seen: list[Any] = [broken]
    for fault in seen:
        if isinstance(fault, (NewConnectionError, ssl.SSLCertVerificationError)):
            return True
        if len(seen) < 20:
            linked = [*fault.args, fault.__cause__, fault.__context__]
            if isinstance(fault, MaxRetryError):
                linked.append(fault.reason)
            seen += [link for link in linked if isinstance(link, BaseException)]
    return False


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _wait_s(answer: requests.Response) -> int | None:
    text = answer.headers.get("Retry-After", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
