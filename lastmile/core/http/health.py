"""The health checks ``/healthz`` and ``/readyz``, which answer on any host with one word."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse

from lastmile.core.postgres import migrate
from lastmile.core.postgres.context import PUBLIC
from lastmile.core.tenancy import HOUSE, NoRetailer, retailer_context

log = logging.getLogger(__name__)
_migrated = False


class HealthMiddleware:
    """The first middleware: health checks need no retailer, no session and no authentication."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the two addresses; pass every other request on."""
        if request.path == "/healthz":
            return _word(200, "ok")
        if request.path == "/readyz":
            reason = not_ready()
            if reason:
                log.info("Not ready: %s", reason)
            return _word(503, "not ready") if reason else _word(200, "ready")
        return self.get_response(request)


def not_ready() -> str:
    """Return the reason why requests cannot be served yet, or ``""``."""
    global _migrated
    try:
        if not _migrated:
            behind = [s for s in (PUBLIC, HOUSE) if migrate.pending(s)]
            if behind:
                return f"{', '.join(behind)} must be migrated"
            _migrated = True
        with retailer_context(HOUSE), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError, NoRetailer) as away:
        return f"PostgreSQL: {away}"
    return "seeding" if settings.SEEDING_MARK.exists() else ""


def _word(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, headers={"Cache-Control": "no-store"},
                        content_type="text/plain; charset=utf-8")  # fmt: skip
