"""Pages of remarks: the list, and the panel on the order's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dispatch.orders import selectors as orders
from lastmile.core.http import fetch, page_rows
from tenants.permissions import Act, by_link, page, visible
from tests.capability.credentials import NAME
from tests.capability.selectors import remarks


@page(Act.ORDERS_VIEW)
def listing(request: HttpRequest) -> HttpResponse:
    """Show remarks, newest first, a page at a time."""
    rows = visible(request.principal, remarks(), "order__hub__public_id")  # type: ignore[attr-defined]
    found, following = page_rows(request, rows)
    return render(request, "remarks/list.html", {"remarks": found, "next": following})


@page(Act.ORDERS_VIEW)
def of_order(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the remarks on one order: a fragment for the order's page."""
    order = fetch(visible(request.principal, orders.orders()), public_id)  # type: ignore[attr-defined]
    found = remarks().filter(order=order)[:20]
    if not found:
        return HttpResponse(status=204)
    return render(request, "remarks/_of_order.html", {"remarks": found})


@by_link(NAME, Act.ORDERS_VIEW)
def by_secret(request: HttpRequest, secret: str) -> HttpResponse:
    """Show one remark to somebody who has its link, without an account and without a menu."""
    remark = fetch(remarks(), request.principal.public_id)  # type: ignore[attr-defined]
    return render(request, "remarks/shared.html", {"remark": remark})
