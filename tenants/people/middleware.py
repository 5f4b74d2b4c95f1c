"""Recognises who calls: a member by session, a machine by ``Authorization: Bearer``.

Comes after TENANCY's middleware and Django's sessions. It decides nothing: what nobody may see
is decided by the views, from ``request.principal``.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _

from lastmile.core.actor import acting_as
from lastmile.core.tenancy import current_retailer
from tenants.people.selectors import (
    Credential,
    key_of_secret,
    member_of_session,
    principal_of_key,
    principal_of_member,
)
from tenants.people.services import mark_used
from tenants.permissions import Kind

NOBODY = "anonymous"


class PrincipalMiddleware:
    """Sets ``request.principal``, ``request.credential``, the actor and the language.

    ``request.credential_fault`` says why a credential that was sent opened nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Recognise, then answer in the caller's language and in the caller's name."""
        request.principal = None  # type: ignore[attr-defined]
        request.credential = None  # type: ignore[attr-defined]
        request.credential_fault = ""  # type: ignore[attr-defined]
        language = ""
        if "Authorization" in request.headers:
            _recognise_key(request)
        else:
            language = _recognise_member(request)
        principal = request.principal  # type: ignore[attr-defined]
        with (
            acting_as(principal.public_id if principal else NOBODY),
            translation.override(_language(request, language)),
        ):
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or "en")
        return response


def _recognise_key(request: HttpRequest) -> None:
    scheme, _space, secret = request.headers["Authorization"].partition(" ")
    fault = ""
    key = key_of_secret(secret.strip()) if scheme.lower() == "bearer" else None
    if scheme.lower() != "bearer":
        fault = _("Send the API key as Authorization: Bearer <key>.")
    elif key is None:
        fault = _("This API key is unknown here, expired or revoked. Ask for a new one.")
    elif key.origins and request.headers.get("Origin", "").lower() not in key.origins:
        fault, key = _("This API key is not meant for this origin."), None
    request.credential_fault = fault  # type: ignore[attr-defined]
    if key is not None:
        mark_used(key)
        request.principal = principal_of_key(key)  # type: ignore[attr-defined]
        request.credential = Credential(Kind.KEY, key.public_id)  # type: ignore[attr-defined]


def _recognise_member(request: HttpRequest) -> str:
    """Return the member's language, ``""`` for a stranger."""
    if not request.COOKIES.get(settings.SESSION_COOKIE_NAME):
        return ""
    session = request.session
    member = member_of_session(session)  # type: ignore[arg-type]
    if member is None:
        if session.get("member"):  # ended elsewhere, or made in another house
            session.flush()
        return ""
    request.principal = principal_of_member(member)  # type: ignore[attr-defined]
    request.credential = Credential(  # type: ignore[attr-defined]
        Kind.MEMBER, member.public_id, session.session_key or ""
    )
    return member.language


def _language(request: HttpRequest, own: str) -> str:
    """Return what was chosen in this browser, else by the member, else what the browser asks for.

    A browser that asks for nothing gets what the retailer speaks.
    """
    known = dict(settings.LANGUAGES)
    if own in known and request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) not in known:
        return own
    if settings.LANGUAGE_COOKIE_NAME in request.COOKIES or "Accept-Language" in request.headers:
        return translation.get_language_from_request(request)
    spoken = current_retailer().language
    return spoken if spoken in known else settings.LANGUAGE_CODE
