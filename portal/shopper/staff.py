"""Staff pages about shoppers' pages: the panel with an order's link, and the preview."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode, urlsplit

from csp.constants import SELF
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dispatch.orders.links import (
    is_link_ended,
    is_link_over,
    known_shopper_link,
    link_expires_at,
)
from dispatch.orders.selectors import orders_of
from dispatch.orders.services import end_shopper_link, make_shopper_link, renew_shopper_link
from lastmile.core.http import fetch
from lastmile.core.http.htmx import is_fragment
from lastmile.core.refusals import unknown
from portal.shopper.language import PARAMETER, own_language
from tenants.permissions import Act, PageRequest, page

_ACTS: Final = {"create": make_shopper_link, "end": end_shopper_link}


@page(Act.ORDERS_EDIT)
@require_http_methods(["GET", "POST"])
def link_of(request: PageRequest, public_id: str) -> HttpResponse:
    """Show the link of an order as a panel; create it, make a new one, or end it.

    Reading the panel creates no link. Only members who may change orders see it, because the link
    can change the order.
    """
    order = fetch(orders_of(request.principal), public_id)
    if not is_fragment(request) and request.method == "GET":
        return redirect("orders:order", public_id=order.public_id)
    if request.method == "POST":
        _ACTS.get(request.POST.get("what", ""), renew_shopper_link)(order=order)
        if not is_fragment(request):
            return redirect("orders:order", public_id=order.public_id)
    over = is_link_over(order)
    context = {
        "order": order,
        "link": "" if over else known_shopper_link(order),
        "ended": is_link_ended(order),
        "over": over,
        "expires_at": link_expires_at(order),
    }
    return render(request, "shopper/staff/_link.html", context)


@page(Act.ORDERS_EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: PageRequest, public_id: str) -> HttpResponse:
    """Show the shopper's page of an order in a frame in which nothing can be changed.

    It is in the shopper's language. The frame is sandboxed: the browser sends no form and runs no
    script of any page in it. An order without a link has a button instead, which creates one.
    """
    order = fetch(orders_of(request.principal), public_id)
    if is_link_over(order) or is_link_ended(order):
        raise unknown()
    if request.method == "POST":
        make_shopper_link(order=order)
        return redirect("shopper:preview", public_id=order.public_id)
    path = urlsplit(known_shopper_link(order)).path
    if path:
        path = f"{path}?{urlencode({PARAMETER: own_language(order.shopper.language)})}"
    context = {"order": order, "path": path}
    response = render(request, "shopper/staff/preview.html", context)
    response._csp_update = {"frame-src": [SELF]}  # type: ignore[attr-defined]  # noqa: SLF001
    return response
