"""``/healthz`` and ``/readyz``: for machines, on any Host, a word and no more."""

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
    """Stands first: no retailer, no session, no log-in is needed to be well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the two addresses, hand on everything else."""
        if request.path == "/healthz":
            return _word(200, "ok")
        if request.path == "/readyz":
            lacking = not_ready()
            if lacking:
                log.info("Not ready: %s", lacking)
            return _word(503, "not ready") if lacking else _word(200, "ready")
        return self.get_response(request)


def not_ready() -> str:
    """Return what is missing, ``""`` when requests can be served."""
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
