"""Pages for staff: what shoppers chose, and why an option was not offered for an address."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.fleet.selectors import hubs_of
from dispatch.orders.models import Order
from dispatch.orders.selectors import orders_of
from dispatch.slots.selectors import why_no_slots
from dispatch.slots.services import (
    DeliveryRequest,
    NotOffered,
    Offer,
    OfferList,
    find_offers,
    request_for_address,
    request_for_order,
)
from lastmile.core import clock, formatting
from lastmile.core.errors import NotAllowed
from lastmile.core.http import fetch, page_rows
from lastmile.core.http.forms import apply_form, status_of
from lastmile.core.http.htmx import is_fragment
from lastmile.core.tenancy import current_retailer
from portal.choice import selectors
from portal.choice.models import ShownOffer
from portal.choice.sentences import why_ranked
from portal.choice.staff.forms import WhyForm
from portal.choice.staff.words import NO_SLOTS, OPTIONS, WHY
from tenants.permissions import Act, PageRequest, Principal, page
from tenants.selectors import today

PAGE = 50
PERIOD_DAYS = 30
NEWEST = ("-chosen_at", "offer")


def _figures(request: PageRequest) -> dict[str, Any]:
    """Return the figures of the last 30 days, today included, in the retailer's time zone."""
    zone = current_retailer().zone
    last = today()
    since, _end = clock.day_bounds(last - dt.timedelta(days=PERIOD_DAYS - 1), zone)
    _start, until = clock.day_bounds(last, zone)
    figures = selectors.choice_figures(request.principal, since, until)
    return {
        "figures": figures,
        "options": [(OPTIONS.get(one.option, one.option), one) for one in figures.options],
        "days": PERIOD_DAYS,
    }


@page(Act.SLOTS_VIEW)
@require_safe
def overview(request: PageRequest) -> HttpResponse:
    """Show what shoppers chose: conversion by option, grams and kilometres saved, newest first."""
    rows, following = page_rows(
        request, selectors.newest_choices(request.principal), PAGE, order=NEWEST
    )
    context = _figures(request) | {
        "rows": _choice_rows(rows),
        "next": following,
        "first": "cursor" not in request.GET,
    }
    return render(request, "choice/staff/overview.html", context)


def _choice_rows(rows: Sequence[ShownOffer]) -> list[dict[str, Any]]:
    """Return the rows of the table; the order of a checkout's choice came after its session."""
    orders = selectors.orders_of_choices(rows)
    return [
        {
            "row": row,
            "option": OPTIONS.get(row.option, row.option),
            "window": _window(row.opens_at, row.closes_at, row.session.hub.zone),
            "order": orders.get(row.pk),
        }
        for row in rows
    ]


def _window(opens_at: dt.datetime, closes_at: dt.datetime, zone_name: str) -> str:
    zone = clock.zone(zone_name)
    opens, closes = (
        instant.astimezone(zone).replace(tzinfo=None) for instant in (opens_at, closes_at)
    )
    times = f"{formatting.time(opens)}–{formatting.time(closes)}"
    return f"{formatting.day(opens.date())}, {times}"


@page(Act.SLOTS_VIEW)
@require_safe
def panel(request: PageRequest, public_id: str) -> HttpResponse:
    """Show the figures as a panel of the slot board."""
    fetch(hubs_of(request.principal), public_id)
    if not is_fragment(request):
        return redirect("choices:overview")
    return render(request, "choice/staff/_figures.html", _figures(request))


@page(Act.SLOTS_VIEW)
@require_http_methods(["GET", "POST"])
def why(request: PageRequest) -> HttpResponse:
    """Show the offers for an address, and for each other slot the rule that excludes it.

    POST computes and stores nothing; no link contains an address. ``?order=`` asks for an
    order's own address and goods.
    """
    order_id = request.GET.get("order", "")
    order = fetch(orders_of(request.principal), order_id) if order_id else None
    hubs = list(hubs_of(request.principal).filter(active=True))
    form = WhyForm(hubs, request.POST or None)
    if order is not None:
        for name in ("address", "weight_kg", "volume_litres", "parcels"):
            form.fields[name].required = False
    answer = apply_form(form, lambda: _ask(form, order, request.principal))
    context = {
        "form": form,
        "order": order,
        "answer": _answer(*answer) if isinstance(answer, tuple) else None,
    }
    return render(request, "choice/staff/why.html", context, status=status_of(form))


def _ask(
    form: WhyForm, order: Order | None, principal: Principal
) -> tuple[DeliveryRequest, OfferList, tuple[str, ...]]:
    """Return the request of the form, its offers, and the causes if there is no slot at all."""
    if order is not None:
        wanted = request_for_order(order)
    else:
        wanted = request_for_address(
            place=form.place(), goods=form.goods(), hub=form.cleaned_data["hub"]
        )
    if principal.hubs is not None and wanted.hub.public_id not in principal.hubs:
        raise NotAllowed(_("Another hub serves this address, and you have no access to it."))
    since = form.cleaned_data["since"]
    until = since + dt.timedelta(days=form.cleaned_data["days"] - 1)
    offers = find_offers(request=wanted, since=since, until=until, explain=True)
    empty = not offers.offers and not offers.not_offered
    causes = why_no_slots(wanted.hub, wanted.zone, since, until) if empty else ()
    return wanted, offers, causes


def _answer(wanted: DeliveryRequest, offers: OfferList, causes: tuple[str, ...]) -> dict[str, Any]:
    zone = wanted.hub.zone
    return {
        "hub": wanted.hub,
        "zone": wanted.zone,
        "offers": [_offer_row(offer, zone) for offer in offers.offers],
        "excluded": [_excluded_row(one, zone) for one in offers.not_offered],
        "not_ready": [formatting.day(day) for day in offers.not_ready],
        "causes": [NO_SLOTS[code] for code in causes],
    }


def _offer_row(offer: Offer, zone: str) -> dict[str, Any]:
    return {
        "offer": offer,
        "option": OPTIONS.get(offer.option, offer.option),
        "window": _window(offer.opens_at, offer.closes_at, zone),
        "why": why_ranked(offer.reason),
    }


def _excluded_row(one: NotOffered, zone: str) -> dict[str, Any]:
    return {
        "slot": one.slot,
        "option": OPTIONS.get(one.option, one.option),
        "window": _window(one.opens_at, one.closes_at, zone),
        "why": WHY.get(one.reason, one.reason),
    }
