"""Pages of the board: a hub's day, its routes, its orders, its map. Reading only."""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from dispatch.console.board import cards, words
from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import hubs_of, shifts_on
from dispatch.fleet.selectors.street_maps import street_map_of
from dispatch.orders.selectors import to_plan, waiting_for_pin_on
from dispatch.planning.models import Plan
from dispatch.planning.selectors import board_data, changes, explaining, lists, schedule, spots
from dispatch.planning.states import DRAFT, PUBLISHED
from lastmile.core import clock
from lastmile.core.errors import NotFound
from lastmile.core.http import fetch
from lastmile.core.refusals import unknown
from tenants.permissions import Act, PageRequest, may, page, require, visible

SECONDS = (5, 15, 60, 180)


def id_in(values: QueryDict, name: str) -> str:
    """An id of the address or the form; a NUL, which no id has, never reaches a query."""
    return str(values.get(name, "")).replace("\x00", "")[:40]


def hub_of(request: PageRequest, public_id: str) -> Hub:
    """One of the member's hubs. Raises NotFound."""
    return fetch(hubs_of(request.principal), public_id)


def plan_of(request: PageRequest, public_id: str) -> Plan:
    """A plan at one of the member's hubs. Raises NotFound."""
    return lists.get_plan(public_id, request.principal.hubs)


@page(Act.PLANS_VIEW)
@require_safe
def board(request: PageRequest) -> HttpResponse:
    """Lead to a hub's day: the hub and date asked for, else the first hub and today there."""
    mine = hubs_of(request.principal).filter(active=True)
    hub = mine.filter(public_id=id_in(request.GET, "hub")).first() or mine.first()
    if hub is None:
        may_add = request.principal.may(Act.FLEET_EDIT) and request.principal.hubs is None
        return render(request, "console/board/no_hub.html", {"may_add": may_add})
    date = clock.read_date(request.GET.get("date", "")) or _first_day(hub)
    return redirect("console:board-day", hub=hub.public_id, date=date)


def _first_day(hub: Hub) -> dt.date:
    """Today, or the next day with a plan when today has none, else the last day with one."""
    today = clock.local_date(clock.now(), hub.zone)
    planned = Plan.objects.filter(hub=hub).order_by("service_date")
    coming = planned.filter(service_date__gte=today).first() or planned.last()
    return coming.service_date if coming else today


@page(Act.PLANS_VIEW)
@require_safe
def day(request: PageRequest, hub: str, date: dt.date) -> HttpResponse:
    """Show a hub's day: the plan asked for, else the one a dispatcher looks at first."""
    where = hub_of(request, hub)
    asked = request.GET.get("plan")
    plan = plan_of(request, asked) if asked else lists.plan_to_show(where, date)
    if plan is not None and (plan.hub_id, plan.service_date) != (where.pk, date):
        return HttpResponseRedirect(address_of(plan))
    return show(request, "console/board/board.html", where, date, plan)


@page(Act.PLANS_VIEW)
@require_safe
def body(request: PageRequest, hub: str, date: dt.date) -> HttpResponse:
    """Return the part of the board that follows the plan, searched and filtered."""
    where = hub_of(request, hub)
    asked = request.GET.get("plan")
    plan = plan_of(request, asked) if asked else lists.plan_to_show(where, date)
    return show(request, "console/board/_board.html", where, date, plan)


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
    """Render a template of the board, with times on the hub's own clock."""
    with timezone.override(clock.zone(hub.zone)):
        context = context_of(request, hub, date, plan) | more
        return render(request, template, context, status=status)


def address_of(plan: Plan) -> str:
    """Where a plan is shown."""
    day = reverse("console:board-day", args=[plan.hub.public_id, plan.service_date])
    return f"{day}?plan={plan.public_id}"


def context_of(request: PageRequest, hub: Hub, date: dt.date, plan: Plan | None) -> dict[str, Any]:
    """Everything that the board's templates speak of."""
    who = request.principal
    today = clock.local_date(clock.now(), hub.zone)
    may_edit = may(who, Act.PLANS_EDIT, hub.public_id)
    return {
        "member": who.public_id,
        "hub": hub,
        "hubs": hubs_of(who).filter(active=True),
        "date": date,
        "date_said": words.date_said(date, today),
        "today": today,
        "before": date - dt.timedelta(days=1),
        "after": date + dt.timedelta(days=1),
        "plan": plan,
        "versions": lists.versions(hub, date),
        "revision": board_data.revision(hub, date),
        "job": cards.job_card(board_data.job_of_day(hub, date)),
        "may_plan": may_edit,
        "may_edit": may_edit and plan is not None and plan.status == DRAFT,
        "may_publish": may(who, Act.PLANS_PUBLISH, hub.public_id),
        "seconds": SECONDS,
        "news": _news(plan) if plan is not None else None,
        "need_pin": _need_pin(request, hub, date),
        "street_map": street_map_of([hub]),
        "center": f"{hub.lon:.6f},{hub.lat:.6f}",
        **(_waiting(hub, date) if plan is None else _plan_context(request, plan)),
    }


def _need_pin(request: PageRequest, hub: Hub, date: dt.date) -> int:
    """How many orders of the day no plan can hold, because they need a pin."""
    return visible(request.principal, waiting_for_pin_on(hub, date)).count()


def _waiting(hub: Hub, date: dt.date) -> dict[str, Any]:
    """What waits to be planned on a day without a plan."""
    return {"orders_waiting": to_plan(hub, date).count(), "shifts": shifts_on(hub, date).count()}


def _news(plan: Plan) -> list[str] | None:
    """What came in, fell away or changed since a plan was made; None where none can be fitted."""
    today = clock.local_date(clock.now(), plan.hub.zone)
    if plan.status not in {DRAFT, PUBLISHED} or plan.service_date < today:
        return None
    return words.news_said(changes.count_changes(plan))


def _plan_context(request: PageRequest, plan: Plan) -> dict[str, Any]:
    shown = shown_of(request)
    routes = board_data.route_summaries(plan)
    if shown.only == "broken":
        routes = [r for r in routes if r.violations or r.late_count]  # type: ignore[attr-defined]
    if shown.only.startswith("rte_"):
        routes = [r for r in routes if r.public_id == shown.only]
    opened = [r for r in routes if shown.text or r.public_id in shown.opened]
    rows = board_data.search_rows(board_data.stops_of(plan, opened), shown.text) if opened else []
    stops = {pk: list(found) for pk, found in groupby(rows, key=lambda stop: stop.route_id)}
    if shown.text:
        routes = [r for r in routes if r.pk in stops]
    left = board_data.search_rows(board_data.unserved_in(plan), shown.text)
    return {
        "shown": shown,
        "routes": cards.route_cards(routes, stops),
        "route_count": plan.routes.count(),
        "unserved": cards.left_cards(left) if shown.only in {"", "unserved"} else [],
        "show_routes": shown.only != "unserved",
        "undoable": plan.status == DRAFT and plan.edits.filter(undone=False).exists(),
        "travel_note": words.travel_note(plan),
        "against": board_data.publication_of(plan) if plan.status == DRAFT else None,
    }


def shown_of(request: PageRequest) -> cards.Shown:
    """What of the plan the reader asks for; an act carries it along, so that nothing folds up."""
    said = request.POST if request.method == "POST" else request.GET
    return cards.Shown(
        text=said.get("q", "").replace("\x00", "")[:200],
        only=said.get("only", "")[:40],
        opened=frozenset(said.getlist("open")[:100]),
    )


@page(Act.PLANS_VIEW)
@require_safe
def changes_since(request: PageRequest, public_id: str) -> HttpResponse:
    """Return what changed since a plan was made: an open board asks once a minute."""
    plan = plan_of(request, public_id)
    may_plan = may(request.principal, Act.PLANS_EDIT, plan.hub.public_id)
    more = {"plan": plan, "news": _news(plan), "may_plan": may_plan}
    return render(request, "console/board/_changes.html", more)


@page(Act.PLANS_VIEW)
@require_safe
def route(request: PageRequest, public_id: str, route: str) -> HttpResponse:
    """Return a route's stops: what its card holds once it is opened."""
    plan = plan_of(request, public_id)
    found = [r for r in board_data.route_summaries(plan) if r.public_id == route]
    if not found:
        raise unknown()
    stops = {found[0].pk: list(board_data.stops_of(plan, found))}
    (card,) = cards.route_cards(found, stops)
    may_edit = may(request.principal, Act.PLANS_EDIT, plan.hub.public_id)
    with timezone.override(clock.zone(plan.hub.zone)):
        more = {"card": card, "plan": plan, "may_edit": may_edit and plan.status == DRAFT}
        return render(request, "console/board/_stops.html", more)


@page(Act.PLANS_VIEW)
@require_safe
def order(request: PageRequest, public_id: str, order: str) -> HttpResponse:
    """Show one order of a plan: where it stands, and where else it could go at what price."""
    plan = plan_of(request, public_id)
    found = board_data.order_in(plan, order)
    if found is None:
        raise NotFound(_("This order is no longer part of the plan. Reload the board."))
    who = request.principal
    may_edit = may(who, Act.PLANS_EDIT, plan.hub.public_id) and plan.status == DRAFT
    stop = board_data.stop_for(plan, order)
    left = board_data.unserved_in(plan).filter(order=found).first()
    with timezone.override(clock.zone(plan.hub.zone)):
        return render(request, "console/board/_order.html", {
            "plan": plan,
            "order": found,
            "stop": stop,
            "violations": cards.said(stop.violations) if stop else [],
            "wait_s": schedule.wait_s(stop, schedule.breaks_of(stop.route)) if stop else 0,
            "left": cards.left_cards([left])[0] if left else None,
            "parcels": found.parcels.all()[:50],
            "may_edit": may_edit,
            "choices": spots.compared_spots(plan, order, stop) if may_edit else None,
            "shown": shown_of(request),
        })  # fmt: skip


@page(Act.PLANS_VIEW)
@require_safe
def why(request: PageRequest, public_id: str, order: str) -> HttpResponse:
    """Return why an order stands where it stands, or what would let it in: worked out on asking."""
    plan = plan_of(request, public_id)
    may_edit = may(request.principal, Act.PLANS_EDIT, plan.hub.public_id)
    more = {
        "plan": plan,
        "why": cards.why_card(explaining.why(plan, order)),
        "priced": may_edit and plan.status == DRAFT,  # the drawer prices the places already
    }
    with timezone.override(clock.zone(plan.hub.zone)):
        return render(request, "console/board/_why.html", more)


@page(Act.PLANS_PUBLISH)
@require_safe
def publication(request: PageRequest, public_id: str) -> HttpResponse:
    """Show what publishing a draft would change, before it is done."""
    plan = plan_of(request, public_id)
    require(request.principal, Act.PLANS_PUBLISH, plan.hub.public_id)
    more = {
        "plan": plan,
        "change": board_data.publication_of(plan),
        "shown": shown_of(request),
        "hub": plan.hub,
        "date": plan.service_date,
        "need_pin": _need_pin(request, plan.hub, plan.service_date),
    }
    return render(request, "console/board/_publication.html", more)


@page(Act.PLANS_VIEW)
@require_safe
def drawing(request: PageRequest, public_id: str) -> HttpResponse:
    """Return the map's drawing of a plan; a version that the browser has is not sent again."""
    plan = plan_of(request, public_id)
    mark = f'"{plan.public_id}-{plan.version}"'
    headers = {"ETag": mark, "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == mark:
        return HttpResponse(status=304, headers=headers)
    compact = {"separators": (",", ":")}
    return JsonResponse(board_data.drawing_of(plan), json_dumps_params=compact, headers=headers)
