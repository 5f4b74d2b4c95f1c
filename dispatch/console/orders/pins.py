"""Pages for orders whose address was not found: the list, and a map to set each pin."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.console.orders import words
from dispatch.fleet.selectors import hubs_of
from dispatch.fleet.selectors.street_maps import hub_marks, street_map_of
from dispatch.orders import selectors, services
from dispatch.orders.doubts import Doubt
from dispatch.orders.models import Order
from dispatch.orders.selectors import Suggestions
from lastmile.core import clock
from lastmile.core.http import fetch, page_rows
from lastmile.core.http.forms import apply_form, status_of, version_of
from tenants.permissions import Act, PageRequest, Principal, page, visible

PAGE = 50
MOST_CANDIDATES = 8
OLDEST_DAY_FIRST = ("created_at", "public_id")


class PinForm(forms.Form):
    """The form with the coordinates of a pin."""

    lat = forms.FloatField(
        label=gettext_lazy("Latitude"), widget=forms.NumberInput(attrs={"step": "any"})
    )
    lon = forms.FloatField(
        label=gettext_lazy("Longitude"), widget=forms.NumberInput(attrs={"step": "any"})
    )


def waiting(principal: Principal) -> QuerySet[Order]:
    """Return the orders of a principal's hubs that need a pin."""
    return visible(principal, selectors.waiting_for_pin().select_related("shopper", "place", "hub"))


@page(Act.ORDERS_VIEW)
@require_safe
def pins(request: PageRequest) -> HttpResponse:
    """Show the orders that need a pin, the oldest first."""
    principal = request.principal
    date = clock.read_date(request.GET.get("date", ""))
    matches = waiting(principal)
    if date is not None:
        matches = matches.filter(service_date=date)
    rows, following = page_rows(request, matches, PAGE, order=OLDEST_DAY_FIRST)
    context = {
        "rows": rows,
        "next": following,
        "first": "cursor" not in request.GET,
        "count": matches.count(),
        "date": date,
        "may_edit": principal.may(Act.ORDERS_EDIT),
    }
    return render(request, "console/orders/pins.html", context)


@page(Act.ORDERS_VIEW, post=Act.ORDERS_EDIT)
@require_http_methods(["GET", "POST"])
def pin(request: PageRequest, public_id: str) -> HttpResponse:
    """Show the map to set an order's pin; POST saves the pin and opens the next order.

    The pin is set by a suggestion, a click on the map, the arrow keys or two numbers.
    """
    principal = request.principal
    order = fetch(selectors.orders_of(principal), public_id)
    form = PinForm(request.POST or None, initial=_initial(request, order))
    if apply_form(
        form,
        lambda: services.set_pin(order=order, version=version_of(request), **form.cleaned_data),
    ):
        return _open_next(request, principal, order)
    text = _search_text(request)
    suggestions = selectors.suggestions_for(order, text)
    others = waiting(principal).exclude(pk=order.pk)
    context: dict[str, Any] = {
        "order": order,
        "form": form,
        "text": text,
        "candidates": _candidates(suggestions),
        "fell_back": suggestions.fell_back,
        "others_count": others.count(),
        "following": others.order_by(*OLDEST_DAY_FIRST).first(),
        "precisions": words.PRECISIONS,
        "doubt": Doubt(order.place.doubt).label if order.place.doubt else "",
        "street_map": street_map_of([order.hub] if order.hub else hubs_of(principal)),
        "may_edit": principal.may(Act.ORDERS_EDIT),
        "map_source": reverse("orders:pin-map", args=[order.public_id])
        + (f"?{urlencode({'q': text})}" if text else ""),
    }
    return render(request, "console/orders/pin.html", context, status=status_of(form))


def _open_next(request: PageRequest, principal: Principal, order: Order) -> HttpResponse:
    """Confirm the saved pin, then open the next order that needs one, else the saved order."""
    others = waiting(principal).order_by(*OLDEST_DAY_FIRST)
    following, count = others.first(), others.count()
    done = _("The pin was saved, also for the next order to this address.")
    if following is None:
        messages.success(request, done + " " + _("No other orders need a pin."))
        return redirect("orders:order", order.public_id)
    more = ngettext("One more order needs a pin.", "%(n)d more orders need a pin.", count) % {
        "n": count
    }
    messages.success(request, f"{done} {more}")
    return redirect("orders:pin", following.public_id)


def _initial(request: PageRequest, order: Order) -> dict[str, Any]:
    """Return the coordinates of the query string, else the current ones of the pin."""
    form = PinForm({"lat": request.GET.get("lat", ""), "lon": request.GET.get("lon", "")})
    if form.is_valid():
        return form.cleaned_data
    return {"lat": order.place.lat, "lon": order.place.lon}


def _search_text(request: PageRequest) -> str:
    return request.GET.get("q", "")[:300].replace("\x00", "").strip()


def _candidates(suggestions: Suggestions) -> list[dict[str, Any]]:
    return [
        {
            "id": f"candidate-{n}",
            "number": n,
            "lat": round(one.point.lat, 6),
            "lon": round(one.point.lon, 6),
            "label": one.label,
            "precision": one.precision,
        }
        for n, (one, _network) in enumerate(suggestions.candidates, 1)
        if n <= MOST_CANDIDATES
    ]


@page(Act.ORDERS_VIEW)
@require_safe
def pin_map(request: PageRequest, public_id: str) -> JsonResponse:
    """Return the suggestions and the hubs in the form that the map module reads."""
    principal = request.principal
    order = fetch(selectors.orders_of(principal), public_id)
    hubs = [order.hub] if order.hub else list(hubs_of(principal))
    candidates = _candidates(selectors.suggestions_for(order, _search_text(request)))
    return JsonResponse({"stops": [], "hubs": hub_marks(hubs), "candidates": candidates})
