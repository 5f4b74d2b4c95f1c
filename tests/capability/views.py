"""The pages of remarks: the list, the panel on the page of an order, and the shared remark."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dispatch.orders import selectors as orders
from lastmile.core.http import fetch, page_rows
from tenants.permissions import Act, by_link, page, visible
from tests.capability.credentials import NAME
from tests.capability.selectors import remarks


@page(Act.ORDERS_VIEW)
def remark_list(request: HttpRequest) -> HttpResponse:
    """Show one page of the list of remarks, newest first."""
    rows = visible(request.principal, remarks(), "order__hub__public_id")  # type: ignore[attr-defined]
    page_of_remarks, following = page_rows(request, rows)
    return render(request, "remarks/list.html", {"remarks": page_of_remarks, "next": following})


@page(Act.ORDERS_VIEW)
def order_panel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the remarks on an order, as a fragment for the page of the order."""
    order = fetch(visible(request.principal, orders.orders()), public_id)  # type: ignore[attr-defined]
    newest = remarks().filter(order=order)[:20]
    if not newest:
        return HttpResponse(status=204)
    return render(request, "remarks/_of_order.html", {"remarks": newest})


@by_link(NAME, Act.ORDERS_VIEW)
def shared_remark(request: HttpRequest, secret: str) -> HttpResponse:
    """Show a remark to a reader with its link, who needs no account and sees no menu."""
    remark = fetch(remarks(), request.principal.public_id)  # type: ignore[attr-defined]
    return render(request, "remarks/shared.html", {"remark": remark})
