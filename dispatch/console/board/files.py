"""Views that print or download a plan: manifest of a route, picking waves, stops as CSV."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.console.board import cards
from dispatch.console.board.pages import plan_of
from dispatch.console.words import ACCESS
from dispatch.intake.parse.tables import write_csv
from dispatch.orders.selectors import Access, access_notes
from dispatch.orders.services import reveal_code
from dispatch.planning.models import Plan, Stop
from dispatch.planning.selectors import board_data, lists, picking
from lastmile.core import clock
from lastmile.core.http.downloads import csv_download
from lastmile.core.http.forms import whole_number
from tenants.permissions import Act, PageRequest, page

HEADINGS = [
    "route", "vehicle", "driver", "stop", "arrives_at", "starts_at", "departs_at", "window_from",
    "window_to", "external_id", "order", "name", "phone", "address", "lat", "lon", "parcels",
    "weight_g", "volume_cm3", "notes", "direction",
]  # fmt: skip


@page(Act.PLANS_VIEW, post=Act.CODES_REVEAL)
@require_http_methods(["GET", "HEAD", "POST"])
def manifest(request: PageRequest, public_id: str) -> HttpResponse:
    """Show a route's manifest for printing, so that the driver can work without a phone.

    POST shows the access codes too. The audit log has an entry for each of them.
    """
    route = lists.get_route(public_id, request.principal.hubs)
    stops = list(board_data.stops_of(route.plan, [route]).prefetch_related("order__parcels"))
    zone = clock.zone(route.plan.hub.zone)
    notes = access_notes(stop.order_id for stop in stops)
    shown = request.method == "POST"
    with timezone.override(zone):
        answer = render(
            request,
            "console/board/manifest.html",
            {
                "route": route,
                "plan": route.plan,
                "stops": stops,
                "access": notes,
                "access_kinds": ACCESS,
                "coded": any(note.has_code for note in notes.values()),
                "codes": _codes(stops, notes) if shown else {},
                "rows": cards.stop_cards(route, stops, len(stops)),
            },
        )
    if shown:
        answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _codes(stops: Sequence[Stop], notes: Mapping[int, Access]) -> dict[int, str]:
    """Return the access codes of a route by the pks of its orders."""
    return {
        stop.order_id: reveal_code(order=stop.order)
        for stop in stops
        if stop.order_id in notes and notes[stop.order_id].has_code
    }


@page(Act.PLANS_VIEW)
@require_safe
def waves(request: PageRequest, public_id: str) -> HttpResponse:
    """Show a plan's picking waves for printing; the query string describes the pickers."""
    plan = plan_of(request, public_id)
    params = {name: request.GET.get(name, "") for name in picking.BOUNDS}
    pickers = picking.Pickers(
        **{
            name: whole_number(text, *picking.BOUNDS[name], name)
            for name, text in params.items()
            if text.strip()
        }
    )
    with timezone.override(clock.zone(plan.hub.zone)):
        return render(
            request,
            "console/board/waves.html",
            {"plan": plan, "who": pickers, "picking": picking.picking_of(plan, pickers)},
        )


@page(Act.PLANS_VIEW)
@require_safe
def route_csv(request: PageRequest, public_id: str) -> HttpResponse:
    """Download the stops of one route."""
    route = lists.get_route(public_id, request.principal.hubs)
    name = f"route-{route.plan.service_date}-{route.number}"
    return _csv(route.plan, name, list(board_data.stops_for_file(route.plan, [route])))


@page(Act.PLANS_VIEW)
@require_safe
def plan_csv(request: PageRequest, public_id: str) -> HttpResponse:
    """Download the stops of every route of a plan."""
    plan = plan_of(request, public_id)
    name = f"plan-{plan.service_date}-{plan.number}"
    return _csv(plan, name, list(board_data.stops_for_file(plan)))


def _csv(plan: Plan, name: str, stops: list[Stop]) -> HttpResponse:
    return csv_download(write_csv(HEADINGS, (_cells(plan, stop) for stop in stops)), f"{name}.csv")


def _cells(plan: Plan, stop: Stop) -> list[str]:
    """Return the cells of a stop; times are local times of the hub with their offset.

    ``write_csv`` makes cells harmless that a spreadsheet would read as formulas.
    """
    zone = clock.zone(plan.hub.zone)

    def local(instant: dt.datetime | None) -> str:
        return "" if instant is None else instant.astimezone(zone).isoformat(timespec="seconds")

    order, promise, route = stop.order, stop.order.promise, stop.route
    place = order.delivery_place
    return [
        "" if cell is None else str(cell)
        for cell in (
            route.number, route.vehicle.name, route.driver.name if route.driver else "",
            stop.position, local(stop.arrives_at), local(stop.starts_at), local(stop.departs_at),
            local(promise.opens_at if promise else None),
            local(promise.closes_at if promise else None),
            order.external_id or "", order.public_id, order.shopper.name, order.shopper.phone,
            place.text, place.lat, place.lon, order.parcel_count, order.weight_g,
            order.volume_cm3, order.notes, order.direction,
        )
    ]  # fmt: skip
