"""The shopper's delivery page, its acts, its calendar file, and the panel for staff."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.forms import Form
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.live.selectors.proof import content_of, photos_for_shopper
from dispatch.orders.links import NAME, address_of
from dispatch.orders.selectors import orders_of
from dispatch.roads import tiles
from dispatch.roads.network import UnknownNetwork
from lastmile.core.errors import NotFound
from lastmile.core.http import fetch
from lastmile.core.http.forms import apply_form, status_of
from lastmile.core.refusals import unknown
from notifications.services.subscribing import subscribe, unsubscribe
from portal.shopper.pages import ShopperRequest, shopper_page
from portal.shopper.policy import page_policy
from portal.tracking import services
from portal.tracking.calendars import booking_of, calendar_file
from portal.tracking.forms import HereForm, OnTheWayForm, RatingForm, initial_of
from portal.tracking.page import context_of
from portal.tracking.selectors import delivery_of, shopper_status
from tenants.permissions import Act, PageRequest, by_link, page

Forms = dict[str, Form]


@shopper_page
@require_safe
def delivery_page(request: ShopperRequest, secret: str) -> HttpResponse:
    """Show where the order is: the answer first, then what can be done, then what happened."""
    return _page(request, secret, {})


@shopper_page
@require_http_methods(["GET", "HEAD", "POST"])
def rate(request: ShopperRequest, secret: str) -> HttpResponse:
    """Rate the delivery, or change the rating."""
    form = RatingForm(request.POST)

    def act() -> Any:
        return services.rate_delivery(order=request.order, **form.cleaned_data)

    return _act(request, secret, "rating", form, act)


@shopper_page
@require_http_methods(["GET", "HEAD", "POST"])
def on_my_way(request: ShopperRequest, secret: str) -> HttpResponse:
    """Tell the shop that the shopper is on the way to the curbside."""
    form = OnTheWayForm(request.POST)

    def act() -> Any:
        return services.tell_on_the_way(order=request.order, **form.cleaned_data)

    return _act(request, secret, "on_the_way", form, act)


@shopper_page
@require_http_methods(["GET", "HEAD", "POST"])
def here(request: ShopperRequest, secret: str) -> HttpResponse:
    """Tell the shop that the shopper is at the curbside, with bay and car."""
    form = HereForm(request.POST)

    def act() -> Any:
        return services.tell_here(order=request.order, **form.cleaned_data)

    return _act(request, secret, "here", form, act)


@shopper_page
@require_http_methods(["GET", "HEAD", "POST"])
def push(request: ShopperRequest, secret: str) -> HttpResponse:
    """Send the messages of the order to the reader's browser, or stop it. A script calls it."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("tracking:page", args=[secret]))
    text = request.POST.get("subscription", "")
    if request.POST.get("what") == "stop":
        unsubscribe(order=request.order, text=text)
    else:
        subscribe(order=request.order, text=text)
    return HttpResponse(status=204)


@shopper_page
@require_safe
def status(request: ShopperRequest, secret: str) -> HttpResponse:
    """Return what the socket of the page tells, for pages without a socket and for programs."""
    return JsonResponse(shopper_status(delivery_of(request.order)))


@shopper_page
@require_safe
def photo(request: ShopperRequest, secret: str, photo: str) -> HttpResponse:
    """Show a photo of the delivery, once its proof was checked."""
    if not page_policy().shows_photo:
        raise unknown()
    content = content_of(fetch(photos_for_shopper(request.order), photo))
    if content is None:
        raise unknown()
    headers = {"Content-Disposition": "inline"}
    return HttpResponse(content, content_type="image/jpeg", headers=headers)


@by_link(NAME, Act.SHOPPER_VIEW)
@require_safe
def tile(
    request: PageRequest, secret: str, network: str, version: str, z: int, x: int, y: int
) -> HttpResponse:
    """Return a tile of the streets of the page's map."""
    try:
        if tiles.tilejson(network)["version"] != version:
            raise unknown()
        data = tiles.tile(network, z, x, y)
    except (UnknownNetwork, ValueError) as none:
        raise unknown() from none
    return HttpResponse(data, content_type="application/x-protobuf", status=200 if data else 204)


def _act(
    request: ShopperRequest, secret: str, name: str, form: Form, act: Callable[[], Any]
) -> HttpResponse:
    """Do an act and go back to the page; show the page with the errors if the act is refused.

    The address of an act that is opened as a link leads to the page and changes nothing.
    """
    address = reverse("tracking:page", args=[secret])
    if request.method != "POST":
        return HttpResponseRedirect(address)
    if apply_form(form, act) is not None:
        return HttpResponseRedirect(f"{address}?done={name}#{name}", status=303)
    request.order.refresh_from_db()
    return _page(request, secret, {name: form})


def _page(request: ShopperRequest, secret: str, forms: Forms) -> HttpResponse:
    delivery = delivery_of(request.order)
    context = context_of(delivery, secret=secret, done=request.GET.get("done", ""))
    initial_forms: Forms = {
        "rating": RatingForm(initial=initial_of(delivery.rating, "stars", "comment")),
        "on_the_way": OnTheWayForm(initial=initial_of(delivery.curbside, "minutes")),
        "here": HereForm(initial=initial_of(delivery.curbside, "bay", "car")),
    }
    context["forms"] = initial_forms | forms
    context["problems"] = [
        problem for form in forms.values() for problem in form.non_field_errors()
    ]
    status = max((status_of(form) for form in forms.values()), default=200)
    return render(request, "tracking/delivery.html", context, status=status)


@shopper_page
@require_safe
def calendar(request: ShopperRequest, secret: str) -> HttpResponse:
    """Download the booking for a calendar."""
    delivery = delivery_of(request.order)
    booking = booking_of(delivery)
    if booking is None:
        raise NotFound(
            _("This order has no date yet, so there is no calendar entry. Choose a time first.")
        )
    file = calendar_file(delivery, booking, address_of(secret))
    response = HttpResponse(file.content, content_type=file.content_type)
    response.headers["Content-Disposition"] = 'attachment; filename="delivery.ics"'
    return response


@page(Act.ORDERS_VIEW)
@require_safe
def order_panel(request: PageRequest, public_id: str) -> HttpResponse:
    """Show staff the rating of an order and its shopper's arrival, as a fragment."""
    order = fetch(orders_of(request.principal), public_id)
    delivery = delivery_of(order)
    if delivery.rating is None and delivery.curbside is None:
        return HttpResponse(status=204)
    with timezone.override(delivery.zone):
        return render(request, "tracking/staff/_of_order.html", {"delivery": delivery})
