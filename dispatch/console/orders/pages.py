"""Pages of orders: the list, an order with its history, a new order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dispatch.console.orders import words
from dispatch.console.orders.cards import act_lines, attempt_lines
from dispatch.console.orders.forms import (
    AccessForm,
    AgainForm,
    CancelForm,
    ChangeOrderForm,
    NewOrderForm,
    PromiseForm,
)
from dispatch.console.words import ACCESS
from dispatch.fleet.selectors import driver_names, hubs_of
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
    """Show the orders, newest first, filtered by the query string."""
    principal = request.principal
    filters = _filters(request)
    visible_orders = orders_of(principal)
    page_orders, following = page_rows(
        request, selectors.filter_orders(visible_orders, filters), PAGE
    )
    context = {
        "rows": [
            (row, words.promise_words(row.promise, words.zone_of(row), row.service_date))
            for row in page_orders
        ],
        "next": following,
        "first": "cursor" not in request.GET,
        "hubs": hubs_of(principal),
        "filters": filters,
        "states": STATES,
        "import": _batch(request),
        "today": today(),
        "needs_pin": visible(principal, selectors.waiting_for_pin()).count(),
        "filtered": any(request.GET.get(name) for name in _FILTER_NAMES),
    }
    return render(request, "console/orders/orders.html", context)


_FILTER_NAMES = ("q", "state", "hub", "since", "until", "unpromised", "import")


def _batch(request: PageRequest) -> str:
    """Return the id of the import to filter by; empty if the query string has no valid id."""
    batch_id = request.GET.get("import", "")
    return batch_id if looks_like(batch_id, "imp") else ""


def _filters(request: PageRequest) -> OrderFilter:
    """Return the filters of the query string; invalid values are ignored."""
    params = request.GET
    batch = _batch(request)
    return OrderFilter(
        text=params.get("q", "")[:200].replace("\x00", ""),
        states=[state for state in params.getlist("state") if state in STATES],
        hub=params.get("hub", "")[:40],
        since=clock.read_date(params.get("since", "")),
        until=clock.read_date(params.get("until", "")),
        unpromised=True if params.get("unpromised") else None,
        source=f"import:{batch}" if batch else "",
    )


@page(Act.ORDERS_VIEW, post=Act.ORDERS_EDIT)
@require_http_methods(["GET", "POST"])
def order_page(request: PageRequest, public_id: str) -> HttpResponse:
    """Show an order: the content of the drawer for htmx, else its page with all forms.

    POST submits one of the forms; the field ``what`` names it.
    """
    principal = request.principal
    order = fetch(orders_of(principal), public_id)
    zone = words.zone_of(order)
    action = request.POST.get("what", "")
    access = selectors.access_notes([order.pk]).get(order.pk)
    forms = {
        "access": AccessForm(access, request.POST if action == "access" else None),
        "change": ChangeOrderForm(principal, order, request.POST if action == "change" else None),
        "promise": PromiseForm(order, zone, request.POST if action == "promise" else None),
        "cancel": CancelForm(request.POST if action == "cancel" else None),
        "again": AgainForm(
            request.POST if action == "again" else None, initial={"service_date": today()}
        ),
    }
    with timezone.override(zone):
        if request.method == "POST" and _apply(request, action, order, forms):
            return redirect("orders:order", order.public_id)
        fragment = is_fragment(request)
        template = "console/orders/_drawer.html" if fragment else "console/orders/order.html"
        context = _context(principal, order, zone) | {"forms": forms, "access": access}
        status = max(status_of(form) for form in forms.values())
        return render(request, template, context, status=status)


def _window(opens_at: dt.datetime, closes_at: dt.datetime) -> PromiseDraft:
    return PromiseDraft(opens_at=opens_at, closes_at=closes_at, cause=Cause.DISPATCHER)


def _apply(request: PageRequest, action: str, order: Order, forms: dict[str, Any]) -> bool:
    """Apply the submitted form; return False and keep the errors in the form if it is refused."""
    version, zone = version_of(request), words.zone_of(order)
    form = forms.get(action)
    if action == "return":
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
        "access": (
            lambda: services.set_access(order=order, version=version, **form.note()),
            _("Saved."),
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
    act, message = acts[action]
    if not apply_form(form, map_pointers(act, FIELDS)):
        return False
    messages.success(request, message)
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


def _context(principal: Principal, order: Order, zone: str) -> dict[str, Any]:
    """Return the context of the page of an order."""
    full = selectors.history(order)
    events = selectors.timeline(order)
    actors = {event.actor for event in events}
    names = people.names_of(actors) | driver_names(actors)
    state = OrderState(order.state)
    may_edit = principal.may(Act.ORDERS_EDIT)
    return {
        "order": full.order,
        "parcels": full.parcels,
        "attempts": attempt_lines(order, full.attempts),
        "acts": act_lines(order),
        "promises": [
            (p, words.promise_words(p, zone), words.CAUSES.get(p.cause, p.cause))
            for p in reversed(full.promises)
        ],
        "window": words.promise_words(full.order.promise, zone, order.service_date),
        "day": words.day_words(order.service_date),
        "timeline": words.timeline_lines(events, zone, names),
        "zone": zone,
        "direction": words.DIRECTIONS.get(order.direction, order.direction),
        "access_kinds": ACCESS,
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


@page(Act.CODES_REVEAL)
@require_POST
def access_code(request: PageRequest, public_id: str) -> HttpResponse:
    """Show the access code of an order. The audit log names the reader."""
    order = fetch(orders_of(request.principal), public_id)
    code = services.reveal_code(order=order)
    template = "_code.html" if is_fragment(request) else "code.html"
    answer = render(request, f"console/orders/{template}", {"order": order, "code": code})
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@page(Act.ORDERS_VIEW)
@require_safe
def order_map(request: PageRequest, public_id: str) -> JsonResponse:
    """Return the position of an order in the form that the map module reads."""
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
    """Create an order from a form.

    The form contains the order number, so sending it twice creates only one order.
    """
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
    """Look up the address, then place the order; the look-up is outside the transaction."""
    draft = form.draft()
    prepared = services.prepare_orders([draft], outside=True)
    return services.add_order(draft=draft, hubs=principal.hubs, prepared=prepared)
