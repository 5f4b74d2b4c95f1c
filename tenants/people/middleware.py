"""The middleware that recognises the caller, by the credential types of the switchboard.

It runs after the tenancy middleware and Django's sessions. It does not decide about access: the
views do that, with ``request.principal``.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation

from lastmile.core.actor import NOBODY, acting_as
from tenants.credentials import Recognised, Refused, credential_types
from tenants.languages import language_of
from tenants.people.selectors import policies_read_once


class PrincipalMiddleware:
    """The middleware that sets principal and credential of the request, the actor and the language.

    ``request.credential_fault`` says why a credential was refused.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Recognise the caller, then answer in the caller's language with the caller as actor."""
        result = _recognise(request)
        actor = result if isinstance(result, Recognised) else None
        request.principal = actor.principal if actor else None  # type: ignore[attr-defined]
        request.credential = actor.credential if actor else None  # type: ignore[attr-defined]
        fault = result.fault if isinstance(result, Refused) else ""
        request.credential_fault = fault  # type: ignore[attr-defined]
        with (
            policies_read_once(),
            acting_as(actor.credential.principal_id if actor else NOBODY),
            translation.override(language_of(request, actor.language if actor else "")),
        ):
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or "en")
        return response


def _recognise(request: HttpRequest) -> Recognised | Refused | None:
    """Ask the credential types in order; the first one whose credential was sent decides."""
    for kind in credential_types().values():
        result = kind.recognise_request(request)
        if result is not None:
            return result
    return None
