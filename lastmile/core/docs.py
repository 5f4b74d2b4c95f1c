"""The API's document, its reading room, and what each problem code means."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.views import SpectacularAPIView

from lastmile.core.errors import DomainError
from lastmile.core.http.problems import CODES

_WHY = "everybody: the document holds no data, and integrators read it before they have a key"
schema = SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[])
schema.who_may = _WHY  # type: ignore[attr-defined]


def docs_page(request: HttpRequest) -> HttpResponse:
    """Show the document with Swagger UI, from our own host."""
    return render(request, "api_docs.html")


def problems(request: HttpRequest) -> HttpResponse:
    """List the problem codes; the ``type`` of every problem leads here."""
    return render(request, "api_problems.html", {"codes": problem_codes()})


def problem_codes() -> list[dict[str, Any]]:
    """Return code, status and meaning of every refusal the house knows, by code."""
    found = {code: {"code": code, "status": status, "meaning": m} for code, status, m in CODES}
    waiting: list[type[DomainError]] = [DomainError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        meaning = (kind.__doc__ or "").strip().splitlines()[0]
        found.setdefault(kind.code, {"code": kind.code, "status": kind.status, "meaning": meaning})
    return [found[code] for code in sorted(found)]


for _view in (docs_page, problems):
    _view.who_may = _WHY  # type: ignore[attr-defined]
