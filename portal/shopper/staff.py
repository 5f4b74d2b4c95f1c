"""Staff pages about shoppers' pages: the panel with an order's link, and the codes of a demo."""

from __future__ import annotations

from urllib.parse import urlsplit

from csp.constants import SELF
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.orders.links import is_link_ended, link_expires_at, shopper_link
from dispatch.orders.selectors import orders_of
from dispatch.orders.services import end_shopper_link, renew_shopper_link
from lastmile.core.clock import now, real_now
from lastmile.core.http import fetch, page_rows
from lastmile.core.http.htmx import is_fragment
from lastmile.core.refusals import unknown
from lastmile.core.tenancy import current_schema
from portal.shopper.models import ShownCode
from tenants.permissions import Act, PageRequest, page, visible
from tenants.selectors import is_trial


@page(Act.ORDERS_EDIT)
@require_http_methods(["GET", "POST"])
def link_of(request: PageRequest, public_id: str) -> HttpResponse:
    """Show the link of an order as a panel; make a new link, or end it.

    Only members who may change orders see it, because the link can change the order.
    """
    order = fetch(orders_of(request.principal), public_id)
    if not is_fragment(request) and request.method == "GET":
        return redirect("orders:order", public_id=order.public_id)
    if request.method == "POST":
        act = end_shopper_link if request.POST.get("what") == "end" else renew_shopper_link
        act(order=order)
        if not is_fragment(request):
            return redirect("orders:order", public_id=order.public_id)
    ended = is_link_ended(order)  # reading the panel makes no new link
    expires_at = link_expires_at(order)
    over = expires_at is not None and expires_at <= now()
    context = {
        "order": order,
        "link": "" if ended or over else shopper_link(order),
        "ended": ended,
        "over": over,
        "expires_at": expires_at,
        "code": _valid_codes().filter(order=order).first(),
        "shows_codes": is_trial(current_schema()),
    }
    return render(request, "shopper/staff/_link.html", context)


@page(Act.ORDERS_EDIT)
@require_safe
def preview(request: PageRequest, public_id: str) -> HttpResponse:
    """Show the shopper's page of an order in a frame in which nothing can be changed.

    The frame is sandboxed: the browser sends no form and runs no script of any page in it.
    """
    order = fetch(orders_of(request.principal), public_id)
    expires_at = link_expires_at(order)
    if (expires_at is not None and expires_at <= now()) or is_link_ended(order):
        raise unknown()
    context = {"order": order, "path": urlsplit(shopper_link(order)).path}
    response = render(request, "shopper/staff/preview.html", context)
    response._csp_update = {"frame-src": [SELF]}  # type: ignore[attr-defined]  # noqa: SLF001
    return response


@page(Act.ORDERS_EDIT)
@require_safe
def codes(request: PageRequest) -> HttpResponse:
    """List the codes that a message would bring to shoppers; for a demo or sandbox only."""
    if not is_trial(current_schema()):
        raise unknown()
    rows = visible(request.principal, _valid_codes(), "order__hub__public_id")
    order = ("-shown_at", "-public_id")
    page_of_codes, following = page_rows(request, rows, order=order)
    context = {"codes": page_of_codes, "next": following, "first": "cursor" not in request.GET}
    return render(request, "shopper/staff/codes.html", context)


def _valid_codes() -> QuerySet[ShownCode]:
    rows = ShownCode.objects.select_related("order", "order__hub")
    return rows.filter(expires_at__gt=real_now())
