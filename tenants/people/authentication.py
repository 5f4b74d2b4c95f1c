"""DRF's door: hands on whom the middleware recognised; cookies must bring a CSRF token."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tenants.credentials import credential_type

REALM = 'Bearer realm="lastmile"'


class PrincipalAuthentication(SessionAuthentication):
    """Returns (principal, credential); 401 for a credential that opened nothing."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return who calls, None for a stranger."""
        plain: Any = request._request  # noqa: SLF001  DRF's documented way to the request beneath
        principal = getattr(plain, "principal", None)
        if principal is None:
            if getattr(plain, "credential_fault", ""):
                raise AuthenticationFailed(plain.credential_fault)
            return None
        if credential_type(plain.credential.name).csrf:
            self.enforce_csrf(request)
        return principal, plain.credential

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 says in WWW-Authenticate."""
        return REALM
