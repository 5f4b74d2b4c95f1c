"""The proof of an order for staff: a panel of its page, and the photos."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dispatch.console.orders import words
from dispatch.live.selectors.custody import custody_of
from dispatch.live.selectors.proof import content_of, photos_of, proofs_of
from dispatch.orders.selectors import orders_of
from lastmile.core.http import fetch
from lastmile.core.refusals import unknown
from tenants.permissions import Act, PageRequest, page


@page(Act.ORDERS_VIEW)
@require_safe
def proof_panel(request: PageRequest, public_id: str) -> HttpResponse:
    """Show what the driver gave as proof, as a fragment; 204 while there is none."""
    order = fetch(orders_of(request.principal), public_id)
    proofs = proofs_of(order)
    if not proofs:
        return HttpResponse(status=204)
    with timezone.override(words.zone_of(order)):
        context = {"order": order, "proofs": proofs}
        return render(request, "console/orders/_proof.html", context)


@page(Act.ORDERS_VIEW)
@require_safe
def custody_panel(request: PageRequest, public_id: str) -> HttpResponse:
    """Show each parcel's way from hub to door, as a fragment; 204 before its first step."""
    order = fetch(orders_of(request.principal), public_id)
    parcels = custody_of(order)
    if not parcels:
        return HttpResponse(status=204)
    with timezone.override(words.zone_of(order)):
        return render(request, "console/orders/_custody.html", {"parcels": parcels})


@page(Act.ORDERS_VIEW)
@require_safe
def proof_photo(request: PageRequest, public_id: str, photo: str) -> HttpResponse:
    """Show a photo or a signature of an order to those who may see the order."""
    order = fetch(orders_of(request.principal), public_id)
    content = content_of(fetch(photos_of(order), photo))
    if content is None:
        raise unknown()
    headers = {"Cache-Control": "private, no-store", "Content-Disposition": "inline"}
    return HttpResponse(content, content_type="image/jpeg", headers=headers)
