"""The DRF authentication: it passes on the caller that the middleware recognised."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tenants.credentials import credential_type

REALM = 'Bearer realm="lastmile"'


class PrincipalAuthentication(SessionAuthentication):
    """DRF's authentication class: passes on the principal, and refuses a bad credential with 401.

    A session cookie needs a CSRF token as well.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the caller and the credential, or None if no credential was sent."""
        plain: Any = request._request  # noqa: SLF001  documented by DRF: the Django request
        principal = getattr(plain, "principal", None)
        if principal is None:
            if getattr(plain, "credential_fault", ""):
                raise AuthenticationFailed(plain.credential_fault)
            return None
        if credential_type(plain.credential.name).csrf:
            self.enforce_csrf(request)
        return principal, plain.credential

    def authenticate_header(self, request: Request) -> str:
        """Return the WWW-Authenticate header of a 401."""
        return REALM
