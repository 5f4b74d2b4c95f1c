"""Read-only pages of the board: a hub's day, its routes, its orders and its map."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from dispatch.console.board import cards, words
from dispatch.console.board.progress import ProgressCard, progress_cards
from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import hubs_of, shifts_on
from dispatch.fleet.selectors.street_maps import street_map_of
from dispatch.orders.selectors import to_plan, waiting_for_pin_on
from dispatch.planning.models import Plan, Route
from dispatch.planning.selectors import (
    board_data,
    changes,
    explaining,
    lists,
    schedule,
    spots,
    tentative,
)
from dispatch.planning.states import DRAFT, PUBLISHED
from lastmile.core import clock
from lastmile.core.errors import NotFound
from lastmile.core.http import fetch
from lastmile.core.refusals import unknown
from tenants.permissions import Act, PageRequest, may, page, require, visible

SECONDS = (5, 15, 60, 180)


def id_in(values: QueryDict, name: str) -> str:
    """Return an id from the query string or the form, without NUL, which PostgreSQL rejects."""
    return str(values.get(name, "")).replace("\x00", "")[:40]


def hub_of(request: PageRequest, public_id: str) -> Hub:
    """Return one of the member's hubs. Raises NotFound."""
    return fetch(hubs_of(request.principal), public_id)


def plan_of(request: PageRequest, public_id: str) -> Plan:
    """Return a plan at one of the member's hubs. Raises NotFound."""
    return lists.get_plan(public_id, request.principal.hubs)


@page(Act.PLANS_VIEW)
@require_safe
def board(request: PageRequest) -> HttpResponse:
    """Redirect to a hub's day.

    Without a hub in the query string it is the first hub; without a date it is ``_first_day``.
    """
    hubs = hubs_of(request.principal).filter(active=True)
    hub = hubs.filter(public_id=id_in(request.GET, "hub")).first() or hubs.first()
    if hub is None:
        may_add = request.principal.may(Act.FLEET_EDIT) and request.principal.hubs is None
        return render(request, "console/board/no_hub.html", {"may_add": may_add})
    date = clock.read_date(request.GET.get("date", "")) or _first_day(hub)
    return redirect("console:board-day", hub=hub.public_id, date=date)


def _first_day(hub: Hub) -> dt.date:
    """Return the first day from today on that has a plan, else the last day with a plan.

    Return today if the hub has no plan at all.
    """
    today = clock.local_date(clock.now(), hub.zone)
    planned = Plan.objects.filter(hub=hub).order_by("service_date")
    nearest = planned.filter(service_date__gte=today).first() or planned.last()
    return nearest.service_date if nearest else today


@page(Act.PLANS_VIEW)
@require_safe
def day(request: PageRequest, hub: str, date: dt.date) -> HttpResponse:
    """Show a hub's day with the requested plan, else with the plan of ``plan_to_show``."""
    hub_row = hub_of(request, hub)
    plan_id = request.GET.get("plan")
    plan = plan_of(request, plan_id) if plan_id else lists.plan_to_show(hub_row, date)
    if plan is not None and (plan.hub_id, plan.service_date) != (hub_row.pk, date):
        return HttpResponseRedirect(address_of(plan))
    return show(request, "console/board/board.html", hub_row, date, plan)


@page(Act.PLANS_VIEW)
@require_safe
def body(request: PageRequest, hub: str, date: dt.date) -> HttpResponse:
    """Return the part of the board that depends on the plan, searched and filtered."""
    hub_row = hub_of(request, hub)
    plan_id = request.GET.get("plan")
    plan = plan_of(request, plan_id) if plan_id else lists.plan_to_show(hub_row, date)
    return show(request, "console/board/_board.html", hub_row, date, plan)


def show(
    request: PageRequest,
    template: str,
    hub: Hub,
    date: dt.date,
    plan: Plan | None,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """Render a template of the board, with times in the hub's time zone."""
    with timezone.override(clock.zone(hub.zone)):
        context = context_of(request, hub, date, plan) | more
        return render(request, template, context, status=status)


def address_of(plan: Plan) -> str:
    """Return the address of the board that shows a plan."""
    day = reverse("console:board-day", args=[plan.hub.public_id, plan.service_date])
    return f"{day}?plan={plan.public_id}"


def context_of(request: PageRequest, hub: Hub, date: dt.date, plan: Plan | None) -> dict[str, Any]:
    """Return the template context of the board of a hub's day, with the plan that it shows."""
    principal = request.principal
    today = clock.local_date(clock.now(), hub.zone)
    may_edit = may(principal, Act.PLANS_EDIT, hub.public_id)
    return {
        "member": principal.public_id,
        "hub": hub,
        "hubs": hubs_of(principal).filter(active=True),
        "date": date,
        "relative_day": words.relative_day(date, today),
        "today": today,
        "before": date - dt.timedelta(days=1),
        "after": date + dt.timedelta(days=1),
        "plan": plan,
        "versions": lists.versions(hub, date),
        "revision": board_data.revision(hub, date),
        "job": cards.job_card(board_data.job_of_day(hub, date)),
        "may_plan": may_edit,
        "may_edit": may_edit and plan is not None and plan.status == DRAFT,
        "may_publish": may(principal, Act.PLANS_PUBLISH, hub.public_id),
        "seconds": SECONDS,
        "changes": _change_texts(plan) if plan is not None else None,
        "need_pin": _need_pin(request, hub, date),
        "unplaced": cards.unplaced_card(tentative.unplaced_on(hub, date, plan)),
        "street_map": street_map_of([hub]),
        "center": f"{hub.lon:.6f},{hub.lat:.6f}",
        **(_waiting(hub, date) if plan is None else _plan_context(request, plan)),
    }


def _need_pin(request: PageRequest, hub: Hub, date: dt.date) -> int:
    """Return the number of the day's orders that cannot be planned because they need a pin."""
    return visible(request.principal, waiting_for_pin_on(hub, date)).count()


def _waiting(hub: Hub, date: dt.date) -> dict[str, Any]:
    """Return the counts of orders and shifts for a day without a plan."""
    return {"orders_waiting": to_plan(hub, date).count(), "shifts": shifts_on(hub, date).count()}


def _change_texts(plan: Plan) -> list[str] | None:
    """Return texts of the changes since a plan was made; None if the plan cannot be updated.

    Only drafts and published plans of today or later can be updated.
    """
    today = clock.local_date(clock.now(), plan.hub.zone)
    if plan.status not in {DRAFT, PUBLISHED} or plan.service_date < today:
        return None
    return words.change_texts(changes.count_changes(plan))


def _plan_context(request: PageRequest, plan: Plan) -> dict[str, Any]:
    filters = filter_of(request)
    routes = board_data.route_summaries(plan)
    if filters.only == "broken":
        routes = [r for r in routes if r.violations or r.late_count]  # type: ignore[attr-defined]
    if filters.only.startswith("rte_"):
        routes = [r for r in routes if r.public_id == filters.only]
    opened = [r for r in routes if filters.text or r.public_id in filters.opened]
    rows = board_data.search_rows(board_data.stops_of(plan, opened), filters.text) if opened else []
    stops = {pk: list(group) for pk, group in groupby(rows, key=lambda stop: stop.route_id)}
    if filters.text:
        routes = [r for r in routes if r.pk in stops]
    unserved = board_data.search_rows(board_data.unserved_in(plan), filters.text)
    return {
        "filters": filters,
        "routes": cards.route_cards(routes, stops, progress_cards(plan, routes)),
        "route_count": plan.routes.count(),
        "unserved": cards.unserved_cards(unserved) if filters.only in {"", "unserved"} else [],
        "show_routes": filters.only != "unserved",
        "undoable": plan.status == DRAFT and plan.edits.filter(undone=False).exists(),
        "travel_note": words.travel_note(plan),
        "against": board_data.publication_of(plan) if plan.status == DRAFT else None,
    }


def filter_of(request: PageRequest) -> cards.BoardFilter:
    """Return the filters of the request.

    A POST sends them along too, so that route cards stay open after a change.
    """
    params = request.POST if request.method == "POST" else request.GET
    return cards.BoardFilter(
        text=params.get("q", "").replace("\x00", "")[:200],
        only=params.get("only", "")[:40],
        opened=frozenset(params.getlist("open")[:100]),
    )


@page(Act.PLANS_VIEW)
@require_safe
def changes_since(request: PageRequest, public_id: str) -> HttpResponse:
    """Return the changes since a plan was made; an open board requests them once a minute."""
    plan = plan_of(request, public_id)
    may_plan = may(request.principal, Act.PLANS_EDIT, plan.hub.public_id)
    more = {"plan": plan, "changes": _change_texts(plan), "may_plan": may_plan}
    return render(request, "console/board/_changes.html", more)


@page(Act.PLANS_VIEW)
@require_safe
def route(request: PageRequest, public_id: str, route: str) -> HttpResponse:
    """Return the stops of one route; the browser loads them when the route's card is opened."""
    plan = plan_of(request, public_id)
    matches = [r for r in board_data.route_summaries(plan) if r.public_id == route]
    if not matches:
        raise unknown()
    stops = {matches[0].pk: list(board_data.stops_of(plan, matches))}
    may_edit = may(request.principal, Act.PLANS_EDIT, plan.hub.public_id)
    with timezone.override(clock.zone(plan.hub.zone)):
        (card,) = cards.route_cards(matches, stops, progress_cards(plan, matches))
        more = {"card": card, "plan": plan, "may_edit": may_edit and plan.status == DRAFT}
        return render(request, "console/board/_stops.html", more)


@page(Act.PLANS_VIEW)
@require_safe
def progress(request: PageRequest, public_id: str) -> HttpResponse:
    """Return the progress of routes, each to replace its place on an open board.

    Only the routes of ``?shift=`` if given; the stops of the routes that ``?open=`` names too.
    """
    plan = plan_of(request, public_id)
    routes = board_data.route_summaries(plan)
    shifts = {shift[:40] for shift in request.GET.getlist("shift")[:100]}
    if shifts:
        routes = [r for r in routes if r.shift.public_id in shifts]
    opened = filter_of(request).opened
    with timezone.override(clock.zone(plan.hub.zone)):
        progress_of_route = progress_cards(plan, routes)
        rows = [(r, progress_of_route.get(r.pk), r.public_id in opened) for r in routes]
        shown = [r for r in routes if r.public_id in opened and r.pk in progress_of_route]
        banks = _banks(plan, shown, progress_of_route) if shown else []
        more = {"rows": rows, "banks": banks}
        return render(request, "console/board/_progress_of_plan.html", more)


def _banks(
    plan: Plan, routes: list[Route], progress: Mapping[int, ProgressCard]
) -> list[cards.BankCard]:
    """Return the stops at banks of lockers on open route cards."""
    rows = board_data.stops_of(plan, routes)
    stops = {pk: list(group) for pk, group in groupby(rows, key=lambda stop: stop.route_id)}
    opened = cards.route_cards(routes, stops, progress)
    return [row for card in opened for row in card.stops or [] if isinstance(row, cards.BankCard)]


@page(Act.PLANS_VIEW)
@require_safe
def order(request: PageRequest, public_id: str, order: str) -> HttpResponse:
    """Show an order of a plan: its place, and what other places for it would cost."""
    plan = plan_of(request, public_id)
    row = board_data.order_in(plan, order)
    if row is None:
        raise NotFound(_("This order is no longer part of the plan. Reload the board."))
    principal = request.principal
    may_edit = may(principal, Act.PLANS_EDIT, plan.hub.public_id) and plan.status == DRAFT
    stop = board_data.stop_for(plan, order)
    unserved = board_data.unserved_in(plan).filter(order=row).first()
    with timezone.override(clock.zone(plan.hub.zone)):
        return render(request, "console/board/_order.html", {
            "plan": plan,
            "order": row,
            "stop": stop,
            "violations": cards.violation_texts(stop.violations) if stop else [],
            "leg_notes": cards.leg_note_texts(stop.leg_notes) if stop else [],
            "wait_s": schedule.wait_s(stop, schedule.breaks_of(stop.route)) if stop else 0,
            "unserved": cards.unserved_cards([unserved])[0] if unserved else None,
            "parcels": row.parcels.all()[:50],
            "may_edit": may_edit,
            "choices": spots.compared_spots(plan, order, stop) if may_edit else None,
            "filters": filter_of(request),
        })  # fmt: skip


@page(Act.PLANS_VIEW)
@require_safe
def why(request: PageRequest, public_id: str, order: str) -> HttpResponse:
    """Return why an order has its place, or what would let an unserved order into the plan.

    The explanation is calculated for each request.
    """
    plan = plan_of(request, public_id)
    may_edit = may(request.principal, Act.PLANS_EDIT, plan.hub.public_id)
    more = {
        "plan": plan,
        "why": cards.why_card(explaining.why(plan, order)),
        "priced": may_edit and plan.status == DRAFT,  # the drawer already shows priced places
    }
    with timezone.override(clock.zone(plan.hub.zone)):
        return render(request, "console/board/_why.html", more)


@page(Act.PLANS_PUBLISH)
@require_safe
def publication(request: PageRequest, public_id: str) -> HttpResponse:
    """Show what publishing a draft would change, so that the dispatcher can confirm it."""
    plan = plan_of(request, public_id)
    require(request.principal, Act.PLANS_PUBLISH, plan.hub.public_id)
    more = {
        "plan": plan,
        "change": board_data.publication_of(plan),
        "filters": filter_of(request),
        "hub": plan.hub,
        "date": plan.service_date,
        "need_pin": _need_pin(request, plan.hub, plan.service_date),
    }
    return render(request, "console/board/_publication.html", more)


@page(Act.PLANS_VIEW)
@require_safe
def drawing(request: PageRequest, public_id: str) -> HttpResponse:
    """Return the plan's map data, or 304 if the browser already has this version."""
    plan = plan_of(request, public_id)
    mark = f'"{plan.public_id}-{plan.version}"'
    headers = {"ETag": mark, "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == mark:
        return HttpResponse(status=304, headers=headers)
    compact = {"separators": (",", ":")}
    return JsonResponse(board_data.drawing_of(plan), json_dumps_params=compact, headers=headers)
