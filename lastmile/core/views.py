"""The views that store a reader's choice of theme and language in a cookie."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views.decorators.http import require_POST, require_safe

from lastmile.core.context import THEMES, brand_of

YEAR_S = 365 * 24 * 3600


def _back(request: HttpRequest) -> HttpResponseRedirect:
    """Return a redirect to the page that sent the form, never to another site."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = "/"
    return HttpResponseRedirect(target)


def _keep(response: HttpResponse, request: HttpRequest, name: str, value: str) -> None:
    response.set_cookie(
        name, value, max_age=YEAR_S, samesite="Lax", secure=request.is_secure(), path="/"
    )


_WHY = "everybody: the choice only changes how pages look in this browser"


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Store the chosen theme in a cookie; an unknown theme is ignored."""
    response = _back(request)
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        _keep(response, request, "theme", theme)
    return response


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Store the chosen language in a cookie; an unknown language is ignored."""
    response = _back(request)
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES) and check_for_language(language):
        _keep(response, request, settings.LANGUAGE_COOKIE_NAME, language)
    return response


@require_safe
def brand_sheet(request: HttpRequest) -> HttpResponse:
    """Return the colours of the retailer as a stylesheet, for pages without a nonce."""
    css = render_to_string("components/_brand_sheet.txt", {"brand": brand_of(request)})
    headers = {"Cache-Control": "private, max-age=300"}
    return HttpResponse(css, content_type="text/css; charset=utf-8", headers=headers)


for _view in (choose_theme, choose_language, brand_sheet):
    _view.who_may = _WHY  # type: ignore[attr-defined]
