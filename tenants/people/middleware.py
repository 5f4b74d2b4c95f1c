"""Recognises who calls, by the credentials that the switchboard lists.

Comes after the tenancy middleware and Django's sessions. It decides nothing: what nobody may see
is decided by the views, from ``request.principal``.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation

from lastmile.core.actor import acting_as
from tenants.credentials import Recognised, Refused, credential_types
from tenants.languages import language_of
from tenants.people.selectors import policies_read_once

NOBODY = "anonymous"


class PrincipalMiddleware:
    """Sets ``request.principal``, ``request.credential``, the actor and the language.

    ``request.credential_fault`` says why a credential that was sent opened nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Recognise, then answer in the caller's language and in the caller's name."""
        found = _recognise(request)
        who = found if isinstance(found, Recognised) else None
        request.principal = who.principal if who else None  # type: ignore[attr-defined]
        request.credential = who.credential if who else None  # type: ignore[attr-defined]
        fault = found.fault if isinstance(found, Refused) else ""
        request.credential_fault = fault  # type: ignore[attr-defined]
        with (
            policies_read_once(),
            acting_as(who.credential.principal_id if who else NOBODY),
            translation.override(language_of(request, who.language if who else "")),
        ):
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or "en")
        return response


def _recognise(request: HttpRequest) -> Recognised | Refused | None:
    """Ask the types in their order; the first whose credential was sent decides."""
    for kind in credential_types().values():
        found = kind.recognise_request(request)
        if found is not None:
            return found
    return None
