"""The types of credentials, such as a session or an API key; ``CREDENTIALS`` lists them by name.

An app adds a type (a shopper's link, a device's key) with one class and one line of the
switchboard. The middleware, the websocket gate and ``@by_link`` ask the classes in the order of
the list. The classes only recognise the caller. The permission table decides what is allowed.
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
    """A credential that recognised a caller, stored so that it can be checked again later.

    Parameters
    ----------
    name : str
        The name of the class in the switchboard.
    principal_id : str
        Public id of the principal, such as a member or an API key.
    session_key : str
        Key of the session, for a member. Other classes may store here what they need.
    """

    name: str
    principal_id: str
    session_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """The principal that a credential belongs to, and the language that was chosen, if any."""

    credential: Credential
    principal: Principal
    language: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A credential was sent but is not valid; ``fault`` says why. No other class is asked."""

    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketCall:
    """The request that opens a websocket.

    Parameters
    ----------
    scope : Mapping
        The ASGI scope.
    from_own_page : bool
        True if the browser says that a page of this retailer opens the socket. Otherwise cookies
        are ignored.
    query, cookies : Mapping of str to str
        Parameters of the address and cookies of the headers; the first value of each name.
    """

    scope: Mapping[str, Any]
    from_own_page: bool
    query: Mapping[str, str]
    cookies: Mapping[str, str]


class CredentialType:
    """The base class of credential types: override a method for each way to send the credential.

    ``csrf`` is True if browsers send the credential automatically, as they do with cookies.
    Unsafe calls then need a CSRF token.
    """

    csrf: ClassVar[bool] = False

    def recognise_request(self, request: HttpRequest) -> Recognised | Refused | None:
        """Return the caller of a request; None if the request has no credential of this type.

        Return ``Refused`` if the credential was sent but is not valid.
        """
        return None

    def recognise_socket(self, call: SocketCall) -> Recognised | Refused | None:
        """Return the caller of a websocket; None if ``call`` has no credential of this type.

        Return ``Refused`` if the credential was sent but is not valid.
        """
        return None

    def recognise_link(self, secret: str) -> Recognised | None:
        """Return the person a link is for; None if the link is unknown, used or expired."""
        return None

    def unknown_link_message(self) -> str:
        """Return the message for a link that is not valid; the same for every reason."""
        return unknown().detail

    def current_principal(self, credential: Credential) -> Principal | None:
        """Return the current principal of a credential, or None if it is no longer valid."""
        raise NotImplementedError


def credential_types() -> Mapping[str, CredentialType]:
    """Return the credential types of the switchboard by name, in its order."""
    return _load_types(tuple(credential_table().items()))


@lru_cache(maxsize=8)
def _load_types(paths: tuple[tuple[str, str], ...]) -> Mapping[str, CredentialType]:
    return {name: load(path)() for name, path in paths}


def credential_type(name: str) -> CredentialType:
    """Return the credential type of a name. Raises NotWired."""
    try:
        return credential_types()[name]
    except KeyError:
        raise NotWired(f"No credential {name!r} is wired. Add it to CREDENTIALS.") from None


def current_principal(credential: Credential) -> Principal | None:
    """Return the current principal of a credential, or None if it is no longer valid."""
    return credential_type(credential.name).current_principal(credential)
