"""The OpenAPI document, the page that shows it, and the page of problem codes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.views import SpectacularAPIView

from lastmile.core.errors import DomainError
from lastmile.core.http.problems import CODES

_WHY = "everybody: the document has no data, and integrators read it before they have a key"
schema = SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[])
schema.who_may = _WHY  # type: ignore[attr-defined]


def docs_page(request: HttpRequest) -> HttpResponse:
    """Show the OpenAPI document in Swagger UI, served from our own host."""
    return render(request, "api_docs.html")


def problems(request: HttpRequest) -> HttpResponse:
    """List the problem codes. The ``type`` of every problem links to this page."""
    return render(request, "api_problems.html", {"codes": problem_codes()})


def problem_codes() -> list[dict[str, Any]]:
    """Return code, status and meaning of every problem, sorted by code."""
    codes = {code: {"code": code, "status": status, "meaning": m} for code, status, m in CODES}
    pending: list[type[DomainError]] = [DomainError]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        meaning = (kind.__doc__ or "").strip().splitlines()[0]
        codes.setdefault(kind.code, {"code": kind.code, "status": kind.status, "meaning": meaning})
    return [codes[code] for code in sorted(codes)]


for _view in (docs_page, problems):
    _view.who_may = _WHY  # type: ignore[attr-defined]
