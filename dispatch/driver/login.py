"""Logs a phone in by the dispatcher's link or short code. A GET changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dispatch.driver.guards import current_device, reader_language
from dispatch.live.errors import LoginLinkEnded
from dispatch.live.selectors import has_live_link
from dispatch.live.services import count_login_try, sign_out_device, take_login_link
from lastmile.core.http.address import client_address
from tenants.permissions import open_to_all

View = Callable[..., HttpResponseBase]
#: Tells the app that the phone has just been logged in.
JUST_LOGGED_IN = "#in"
#: The longest that browsers keep a cookie. The device itself ends 30 days after its last use.
COOKIE_LASTS_S = 400 * 24 * 3600


def _for_drivers(view: View) -> View:
    """Give a page the language of drivers, and errors the driver's frame."""

    @wraps(view)
    def in_language(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.problem_template = "driver/problem.html"  # type: ignore[attr-defined]
        with translation.override(reader_language(request)):
            return view(request, *args, **kwargs)

    return in_language


@open_to_all("the secret in the address is checked here")
@require_http_methods(["GET", "HEAD", "POST"])
@_for_drivers
def by_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Show one button; the POST uses the link up and logs the phone in."""
    if request.method == "POST":
        return _logged_in(request, secret=secret)
    if not has_live_link(secret):
        raise LoginLinkEnded(_ended())
    return render(request, "driver/login.html", _about(request))


@open_to_all("the code that is typed is checked here")
@require_http_methods(["GET", "HEAD", "POST"])
@_for_drivers
def by_code(request: HttpRequest) -> HttpResponse:
    """Take the dispatcher's short code, also inside the installed app with cookies of its own."""
    typed = request.POST.get("code", "")[:40]
    problem = ""
    if request.method == "POST":
        try:
            return _logged_in(request, code=typed)
        except LoginLinkEnded as ended:
            problem = str(ended.detail)
    context = {**_about(request), "is_code": True, "typed": typed, "problem": problem}
    return render(request, "driver/login.html", context, status=422 if problem else 200)


def _logged_in(request: HttpRequest, *, secret: str = "", code: str = "") -> HttpResponse:
    count_login_try(address=client_address(request))
    agent = request.headers.get("User-Agent", "")[:400]
    new = take_login_link(secret=secret, code=code, agent=agent)
    before = current_device(request)
    if before is not None:  # its key is lost with the cookie that is replaced now
        sign_out_device(device=before)
    response = HttpResponseRedirect(reverse("driver:app") + JUST_LOGGED_IN, status=303)
    response.set_cookie(
        settings.DRIVER_COOKIE_NAME,
        new.key,
        max_age=COOKIE_LASTS_S,
        path="/",  # the websocket of the app is outside /driver/
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )
    return response


def _about(request: HttpRequest) -> dict[str, Any]:
    host = request.get_host().partition(":")[0]
    is_secure = request.is_secure() or host == "localhost" or host.endswith(".localhost")
    return {"is_secure": is_secure}


def _ended() -> str:
    return _("This link or code is used, expired or wrong. Ask your dispatcher for a new one.")
