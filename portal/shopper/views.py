"""The pages and acts that all pages of shoppers share."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from lastmile.core.errors import DomainError
from lastmile.core.tenancy import current_schema
from lastmile.core.views import YEAR_S
from notifications.selectors.codes import code_contact, contact_told
from portal.shopper import services
from portal.shopper.pages import ShopperRequest, shopper_page
from portal.shopper.policy import page_policy
from portal.shopper.rules import CODE_MINUTES, has_contact, hidden_contact
from portal.shopper.stepup import back_of, is_confirmed, set_confirmed
from tenants.permissions import open_to_all
from tenants.selectors import is_trial


@open_to_all("the choice only changes how pages look in this browser")
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Store the language for shoppers' pages in a cookie; an unknown language is ignored."""
    target = request.POST.get("next", "")
    own = url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure())
    # Without its query, because a language in the address would hide the choice.
    path = (urlsplit(target).path if own else "") or "/"
    if not url_has_allowed_host_and_scheme(path, set()):  # such as //other.example/
        path = "/"
    response = HttpResponseRedirect(path)
    code = request.POST.get("language", "")
    if code in dict(settings.SHOPPER_LANGUAGES):
        response.set_cookie(
            settings.SHOPPER_LANGUAGE_COOKIE,
            code,
            max_age=YEAR_S,
            path=settings.SHOPPER_PATH,
            samesite="Lax",
            secure=settings.HTTPS,
            httponly=True,
        )
    return response


@shopper_page
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: ShopperRequest, secret: str) -> HttpResponse:
    """Send a code to the contact on the order, check the typed code, and go back.

    A GET changes nothing: a code is sent and checked by buttons only.
    """
    back = back_of(request)
    if request.method != "POST":
        if is_confirmed(request):
            return HttpResponseRedirect(back)
        return _confirm_page(request, back)
    try:
        if request.POST.get("what") == "send":
            services.send_code(order=request.order)
            query = urlencode({"next": request.GET.get("next", "")})
            return _see(f"{reverse('shopper:confirm', args=[secret])}?{query}")
        services.confirm_code(order=request.order, code=request.POST.get("code", ""))
    except DomainError as refused:
        return _confirm_page(request, back, refused=refused)
    response = _see(back)
    set_confirmed(response, request)
    return response


def _see(path: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": path})


def _confirm_page(
    request: ShopperRequest, back: str, *, refused: DomainError | None = None
) -> HttpResponse:
    order = request.order
    sent = services.has_sent_code(order)
    route = code_contact(order)
    context = {
        "order": order,
        "back": back,
        "sent": sent,
        "is_wrong": refused is not None and request.POST.get("what") != "send",
        "again": request.GET.get("again") == "1",
        "contact": has_contact(order),
        "hidden_contact": hidden_contact(order, (sent and contact_told(order)) or route),
        "can_send": bool(route),
        "shop": page_policy(),
        "is_demo": is_trial(current_schema()),
        "minutes": CODE_MINUTES,
        "refused": refused,
    }
    status = 200 if refused is None else refused.status
    return render(request, "shopper/confirm.html", context, status=status)
