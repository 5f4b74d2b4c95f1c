"""What somebody is recognised by, by name: ``CREDENTIALS`` in the switchboard lists the classes.

An app adds a way to be recognised (a shopper's link, a device's key) with one class and one line
of the switchboard. The middleware, the websocket gate and ``@by_link`` ask the classes in the
order of the list. Nothing is decided here: the permission table does that, from the principal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from django.http import HttpRequest

from lastmile.core.refusals import unknown
from lastmile.core.wiring import NotWired, credential_table, load
from tenants.principals import Principal


@dataclass(frozen=True, slots=True)
class Credential:
    """What somebody was recognised by, kept so that it can be looked up again later.

    Parameters
    ----------
    name : str
        The name of its class in the switchboard.
    principal_id : str
        Public id of whom it stands for.
    session_key : str
        What the class needs besides, to look it up again: of a member, the session.
    """

    name: str
    principal_id: str
    session_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """Whom a credential stands for, and the language that they chose, if they did."""

    credential: Credential
    principal: Principal
    language: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A credential was sent and opens nothing; the reason in words. No other class is asked."""

    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketCall:
    """What a websocket brings.

    Parameters
    ----------
    scope : Mapping
        The ASGI scope.
    from_own_page : bool
        Whether a browser says that a page of this retailer opens the socket. Without that,
        cookies do not count.
    query, cookies : Mapping of str to str
        Of the address and the headers, the first value of each name.
    """

    scope: Mapping[str, Any]
    from_own_page: bool
    query: Mapping[str, str]
    cookies: Mapping[str, str]


class CredentialType:
    """Base of the classes in the switchboard: override the ways in which it can be sent.

    ``csrf`` says whether a browser sends it without being asked, as a cookie: unsafe calls then
    need a CSRF token.
    """

    csrf: ClassVar[bool] = False

    def recognise_request(self, request: HttpRequest) -> Recognised | Refused | None:
        """Return whom a request's credential of this type stands for; None when it has none."""
        return None

    def recognise_socket(self, call: SocketCall) -> Recognised | Refused | None:
        """Return whom a websocket's credential of this type stands for; None when it has none."""
        return None

    def recognise_link(self, secret: str) -> Recognised | None:
        """Return whom a link is for; None when it is unknown, used up or too old."""
        return None

    def unknown_link_message(self) -> str:
        """Return what a page says about a link that opens nothing: one text for every reason."""
        return unknown().detail

    def current_principal(self, credential: Credential) -> Principal | None:
        """Return the present principal behind a credential, None once it is no longer valid."""
        raise NotImplementedError


def credential_types() -> Mapping[str, CredentialType]:
    """Return name -> class of the switchboard, in its order."""
    return _made(tuple(credential_table().items()))


@lru_cache(maxsize=8)
def _made(paths: tuple[tuple[str, str], ...]) -> Mapping[str, CredentialType]:
    return {name: load(path)() for name, path in paths}


def credential_type(name: str) -> CredentialType:
    """Return the class of a name. Raises NotWired."""
    try:
        return credential_types()[name]
    except KeyError:
        raise NotWired(f"No credential {name!r} is wired. Add it to CREDENTIALS.") from None


def current_principal(credential: Credential) -> Principal | None:
    """Return the present principal behind a credential, None once it is no longer valid."""
    return credential_type(credential.name).current_principal(credential)
