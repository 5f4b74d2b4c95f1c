"""The pages and acts that all pages of shoppers share."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from lastmile.core.views import YEAR_S
from tenants.permissions import open_to_all


@open_to_all("the choice only changes how pages look in this browser")
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Store the language for shoppers' pages in a cookie; an unknown language is ignored."""
    target = request.POST.get("next", "")
    own = url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure())
    # Without its query, because a language in the address would hide the choice.
    path = urlsplit(target).path if own else "/"
    response = HttpResponseRedirect(path or "/")
    code = request.POST.get("language", "")
    if code in dict(settings.SHOPPER_LANGUAGES):
        response.set_cookie(
            settings.SHOPPER_LANGUAGE_COOKIE,
            code,
            max_age=YEAR_S,
            path=settings.SHOPPER_PATH,
            samesite="Lax",
            secure=request.is_secure(),
            httponly=True,
        )
    return response
