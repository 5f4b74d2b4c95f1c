"""Pages of orders: the list, one order with all that happened to it, a new one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.console.orders import words
from dispatch.console.orders.forms import (
    AgainForm,
    CancelForm,
    ChangeOrderForm,
    NewOrderForm,
    PromiseForm,
)
from dispatch.fleet.selectors import hubs_of
from dispatch.fleet.selectors.street_maps import hub_marks, street_map_of
from dispatch.orders import selectors, services
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.models import Cause, Order
from dispatch.orders.selectors import OrderFilter, orders_of
from dispatch.orders.states import ENDED, OPEN, OrderState
from lastmile.core import clock
from lastmile.core.http import fetch, page_rows
from lastmile.core.http.forms import apply_form, map_pointers, status_of, version_of
from lastmile.core.http.htmx import is_fragment
from lastmile.core.ids import looks_like
from tenants.people import selectors as people
from tenants.permissions import Act, PageRequest, Principal, page, visible
from tenants.selectors import today

PAGE = 50
STATES = [state.value for state in OrderState]


@page(Act.ORDERS_VIEW)
@require_safe
def orders(request: PageRequest) -> HttpResponse:
    """The orders, newest first, narrowed by what stands in the address."""
    principal = request.principal
    wanted = _wanted(request)
    mine = orders_of(principal)
    found, following = page_rows(request, selectors.filter_orders(mine, wanted), PAGE)
    shown = {
        "rows": [
            (row, words.promise_words(row.promise, words.zone_of(row), row.service_date))
            for row in found
        ],
        "next": following,
        "first": "cursor" not in request.GET,
        "hubs": hubs_of(principal),
        "wanted": wanted,
        "states": STATES,
        "import": _batch(request),
        "today": today(),
        "needs_pin": visible(principal, selectors.waiting_for_pin()).count(),
        "narrowed": any(request.GET.get(name) for name in _NARROWING),
    }
    return render(request, "console/orders/orders.html", shown)


_NARROWING = ("q", "state", "hub", "since", "until", "unpromised", "import")


def _batch(request: PageRequest) -> str:
    """The import whose orders are asked for; what is no id of one is none."""
    said = request.GET.get("import", "")
    return said if looks_like(said, "imp") else ""


def _wanted(request: PageRequest) -> OrderFilter:
    """What the address asks for; what it misspells narrows nothing."""
    said = request.GET
    batch = _batch(request)
    return OrderFilter(
        text=said.get("q", "")[:200].replace("\x00", ""),
        states=[state for state in said.getlist("state") if state in STATES],
        hub=said.get("hub", "")[:40],
        since=clock.read_date(said.get("since", "")),
        until=clock.read_date(said.get("until", "")),
        unpromised=bool(said.get("unpromised")),
        source=f"import:{batch}" if batch else "",
    )


@page(Act.ORDERS_VIEW, post=Act.ORDERS_EDIT)
@require_http_methods(["GET", "POST"])
def order_page(request: PageRequest, public_id: str) -> HttpResponse:
    """One order: a drawer's content for htmx, else its page with everything one may do to it."""
    principal = request.principal
    order = fetch(orders_of(principal), public_id)
    zone = words.zone_of(order)
    what = request.POST.get("what", "")
    forms = {
        "change": ChangeOrderForm(principal, order, request.POST if what == "change" else None),
        "promise": PromiseForm(order, zone, request.POST if what == "promise" else None),
        "cancel": CancelForm(request.POST if what == "cancel" else None),
        "again": AgainForm(
            request.POST if what == "again" else None, initial={"service_date": today()}
        ),
    }
    with timezone.override(zone):
        if request.method == "POST" and _done(request, what, order, forms):
            return redirect("orders:order", order.public_id)
        fragment = is_fragment(request)
        template = "console/orders/_drawer.html" if fragment else "console/orders/order.html"
        shown = _shown(principal, order, zone) | {"forms": forms}
        status = max(status_of(form) for form in forms.values())
        return render(request, template, shown, status=status)


def _window(opens_at: dt.datetime, closes_at: dt.datetime) -> PromiseDraft:
    return PromiseDraft(opens_at=opens_at, closes_at=closes_at, cause=Cause.DISPATCHER)


def _done(request: PageRequest, what: str, order: Order, forms: dict[str, Any]) -> bool:
    """Do what the form asks; False leaves its faults in it."""
    version, zone = version_of(request), words.zone_of(order)
    form = forms.get(what)
    if what == "return":
        services.return_order(order=order)
        messages.success(request, _("The order was marked as returned to the hub."))
        return True
    if form is None:
        return False
    acts: dict[str, tuple[Callable[[], Any], str]] = {
        "change": (
            lambda: services.change_order(order=order, version=version, **form.changes()),
            _("Saved."),
        ),
        "promise": (
            lambda: services.set_promise(
                order=order, version=version, draft=_window(*form.window(zone))
            ),
            _("The time window was promised."),
        ),
        "cancel": (
            lambda: services.cancel_order(
                order=order, version=version, cause=form.cleaned_data["cause"]
            ),
            _("The order was cancelled."),
        ),
        "again": (
            lambda: services.try_again(order=order, service_date=form.cleaned_data["service_date"]),
            _("The order can be planned again."),
        ),
    }
    act, said = acts[what]
    if not apply_form(form, map_pointers(act, FIELDS)):
        return False
    messages.success(request, said)
    return True


FIELDS = {
    "shopper/name": "name",
    "shopper/phone": "phone",
    "shopper/email": "email",
    "place/text": "text",
    "place/lat": "lat",
    "place/lon": "lon",
    "place": "text",
    "window": "opens",
    "opens_at": "opens",
    "closes_at": "closes",
    "service_s": "service_minutes",
    "weight_g": "weight_kg",
    "volume_cm3": "volume_l",
}


def _shown(principal: Principal, order: Order, zone: str) -> dict[str, Any]:
    """Everything the page of an order shows."""
    full = selectors.history(order)
    events = selectors.timeline(order)
    names = people.names_of({event.actor for event in events})
    state = OrderState(order.state)
    may_edit = principal.may(Act.ORDERS_EDIT)
    return {
        "order": full.order,
        "parcels": full.parcels,
        "attempts": [(a, words.REASONS.get(a.reason, "")) for a in full.attempts],
        "promises": [
            (p, words.promise_words(p, zone), words.CAUSES.get(p.cause, p.cause))
            for p in reversed(full.promises)
        ],
        "window": words.promise_words(full.order.promise, zone, order.service_date),
        "day": words.day_words(order.service_date),
        "happenings": words.happenings(events, zone, names),
        "zone": zone,
        "direction": words.DIRECTIONS.get(order.direction, order.direction),
        "handover": words.HANDOVERS.get(order.handover, "") if order.handover else "",
        "hub_way": words.HUB_WAYS.get(order.hub_choice, ""),
        "pin": words.PINS.get(full.order.place.pin_source, ""),
        "precision": words.PRECISIONS.get(full.order.place.precision, ""),
        "street_map": street_map_of([order.hub] if order.hub else hubs_of(principal)),
        "may_edit": may_edit,
        "can": {
            "change": may_edit and state not in ENDED,
            "promise": may_edit and state not in ENDED | {OrderState.AWAITING_COLLECTION},
            "pin": may_edit and state in OPEN | {OrderState.PLANNED},
            "cancel": may_edit and state in OPEN | {OrderState.PLANNED, OrderState.FAILED},
            "again": may_edit and state in {OrderState.FAILED, OrderState.AWAITING_COLLECTION},
        },
    }


@page(Act.ORDERS_VIEW)
@require_safe
def order_map(request: PageRequest, public_id: str) -> JsonResponse:
    """Where an order lies, as the map module reads it."""
    principal = request.principal
    order = fetch(orders_of(principal), public_id)
    place = order.place
    stops = [{"id": order.public_id, "lon": place.lon, "lat": place.lat, "state": order.state,
              "label": place.text}] if place.lat is not None else []  # fmt: skip
    hubs = [order.hub] if order.hub else list(hubs_of(principal))
    return JsonResponse({"routes": [], "stops": stops, "hubs": hub_marks(hubs)})


@page(Act.ORDERS_EDIT)
@require_http_methods(["GET", "POST"])
def new_order(request: PageRequest) -> HttpResponse:
    """Type an order in. Its number makes a form sent twice one order."""
    principal = request.principal
    form = NewOrderForm(principal, request.POST or None)
    order = apply_form(
        form,
        map_pointers(lambda: _add(form, principal), FIELDS),
    )
    if isinstance(order, Order):
        if order.state == OrderState.NEEDS_PIN and order.hub_id is not None:
            messages.warning(
                request, _("The order was created, but its address was not found. Set its pin.")
            )
            return redirect("orders:pin", order.public_id)
        messages.success(request, _("The order was created."))
        return redirect("orders:order", order.public_id)
    return render(request, "console/orders/new.html", {"form": form}, status=status_of(form))


def _add(form: NewOrderForm, principal: Principal) -> Order:
    """Look the address up first, then place the order in one transaction."""
    draft = form.draft()
    prepared = services.prepare_orders([draft], outside=True)
    return services.add_order(draft=draft, hubs=principal.hubs, prepared=prepared)
