"""Pages of incidents: the queue of what staff must look at, and settling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.console import incident_words as words
from dispatch.fleet.selectors import hubs_of
from dispatch.live import selectors, services
from dispatch.live.errors import IncidentSettled
from dispatch.live.models import Incident
from dispatch.live.selectors.proof import content_of, photos_of_act
from dispatch.live.states import IncidentKind, IncidentState
from lastmile.core import clock
from lastmile.core.errors import Stale
from lastmile.core.http import fetch, page_rows
from lastmile.core.http.forms import status_of, version_of
from lastmile.core.http.htmx import is_fragment
from lastmile.core.refusals import unknown
from lastmile.core.templatetags.look import safe_url
from tenants.people import selectors as people
from tenants.permissions import Act, PageRequest, may, page, visible

PAGE = 50
VIEWS = {
    "open": (IncidentState.OPEN, selectors.URGENT_FIRST),
    "settled": (IncidentState.SETTLED, selectors.LAST_SETTLED_FIRST),
}


class SettleForm(forms.Form):
    """The form to settle an incident: what was done, in a word or a sentence."""

    how = forms.CharField(
        label=gettext_lazy("What was done?"),
        max_length=200,
        widget=forms.TextInput({"dir": "auto"}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentCard:
    """An incident as a row of the queue."""

    row: Incident
    text: words.ShownText
    link: str
    link_text: str
    settled_by: str
    settled_how: str
    due: str
    is_late: bool
    may_settle: bool
    form: SettleForm
    photos: list[str]


@page(Act.INCIDENTS_VIEW, post=Act.INCIDENTS_EDIT)
@require_http_methods(["GET", "POST"])
def queue(request: PageRequest) -> HttpResponse:
    """Show the open incidents, the most urgent first, or the settled ones. POST settles one."""
    if request.method != "POST":
        return _show(request)
    incident = fetch(_visible(request), request.POST.get("incident", ""))
    version = version_of(request)
    form = SettleForm(request.POST, prefix=incident.public_id)
    if not form.is_valid():
        return _show(request, incident, form)
    how = form.cleaned_data["how"]
    try:
        services.settle_incident(incident=incident, how=how, version=version)
    except (Stale, IncidentSettled) as late:
        messages.error(request, late.detail)
    else:
        messages.success(request, _("The incident is settled."))
    return redirect(f"{request.path}?{request.GET.urlencode()}")


@page(Act.INCIDENTS_VIEW)
@require_safe
def news(request: PageRequest) -> HttpResponse:
    """Say that incidents came after the newest one on an open page; the page asks now and then."""
    if not is_fragment(request):
        return redirect("incidents:list")
    newest = request.GET.get("newest", "")
    hub = _hub(request)
    context = {
        "newest": newest,
        "hub": hub,
        "is_new": _newest(request, hub) != newest,
        "open_everywhere": selectors.open_incidents(request.principal.hubs),
    }
    return render(request, "console/incidents/_news.html", context)


def _newest(request: PageRequest, hub: str) -> str:
    """Return the public id of the newest incident that a page could show, "" without one."""
    rows = _visible(request)
    rows = rows.filter(hub__public_id=hub) if hub else rows
    return rows.order_by("-pk").values_list("public_id", flat=True).first() or ""


def _hub(request: PageRequest) -> str:
    return request.GET.get("hub", "").replace("\x00", "")[:40]


@page(Act.INCIDENTS_VIEW)
@require_safe
def open_of(request: PageRequest, public_id: str) -> HttpResponse:
    """Show how many incidents of a hub are open, as a fragment; the menu's number goes along."""
    hub = fetch(hubs_of(request.principal), public_id)
    if not is_fragment(request):
        return redirect(f"{reverse('incidents:list')}?hub={hub.public_id}")
    context = {
        "hub": hub,
        "open": selectors.open_incidents(frozenset({hub.public_id})),
        "open_everywhere": selectors.open_incidents(request.principal.hubs),
    }
    return render(request, "console/incidents/_open.html", context)


@page(Act.INCIDENTS_VIEW)
@require_safe
def photo(request: PageRequest, public_id: str, photo: str) -> HttpResponse:
    """Show a photo of a defect to those who may see its incident."""
    incident = fetch(_visible(request), public_id)
    content = content_of(fetch(photos_of_act(incident.act_id or 0), photo))
    if content is None:
        raise unknown()
    headers = {"Cache-Control": "private, no-store", "Content-Disposition": "inline"}
    return HttpResponse(content, content_type="image/jpeg", headers=headers)


def _visible(request: PageRequest) -> Any:
    return visible(request.principal, selectors.incidents())


def _view(request: PageRequest) -> str:
    view = request.GET.get("state", "open")
    return view if view in VIEWS else "open"


def _show(
    request: PageRequest, refused: Incident | None = None, form: SettleForm | None = None
) -> HttpResponse:
    """Show the queue; ``refused`` is the incident whose form was not accepted."""
    view = _view(request)
    state, order = VIEWS[view]
    hub = _hub(request)
    rows = _visible(request).filter(state=state)
    rows = rows.filter(hub__public_id=hub) if hub else rows
    shown, following = page_rows(request, rows, PAGE, order=order)
    names = people.names_of({row.settled_by for row in shown})
    routes = selectors.published_routes(row.shift for row in shown if row.shift)
    context = {
        "cards": [
            _card(request, row, names, routes, form if row == refused else None) for row in shown
        ],
        "next": following,
        "first": "cursor" not in request.GET,
        "view": view,
        "hub": hub,
        "newest": _newest(request, hub),
        "hubs": hubs_of(request.principal),
        "open_count": selectors.open_incidents(request.principal.hubs),
    }
    status = 200 if form is None else status_of(form)
    return render(request, "console/incidents/incidents.html", context, status=status)


def _card(
    request: PageRequest,
    row: Incident,
    names: dict[str, str],
    routes: dict[int, str],
    form: SettleForm | None,
) -> IncidentCard:
    text = words.text_of(row)
    where, link = _link(row, text.where, routes)
    principal = request.principal
    return IncidentCard(
        row=row,
        text=text,
        link=link,
        link_text=str(words.LINKS[where]) if link else "",
        settled_by=names.get(row.settled_by, ""),
        settled_how=words.settled_text(row),
        due=words.due_text(row, clock.now()),
        is_late=row.due_at is not None and row.due_at <= clock.now(),
        may_settle=row.state == IncidentState.OPEN
        and may(principal, Act.INCIDENTS_EDIT, row.hub.public_id),
        form=form or SettleForm(prefix=row.public_id),
        photos=_photos(row),
    )


def _photos(row: Incident) -> list[str]:
    """Return the photos of a defect by public id; other incidents have none of their own."""
    if row.kind != IncidentKind.VEHICLE_DEFECT or row.act_id is None:
        return []
    return list(photos_of_act(row.act_id).values_list("public_id", flat=True))


def _link(row: Incident, where: str, routes: dict[int, str]) -> tuple[str, str]:
    """Return the page on which the next step is done, and its address; "" without one."""
    if where == words.ORDER and row.order is not None:
        return where, reverse("orders:order", args=[row.order.public_id])
    if where == words.PHONES and row.driver is not None:
        return where, reverse("fleet:phones", args=[row.driver.public_id])
    if where == words.LOCKERS:
        reservation, bank = row.params.get("reservation"), row.params.get("bank")
        name = "lockers:reservation" if reservation else "lockers:bank"
        return where, safe_url(name, reservation or bank) if reservation or bank else ""
    if row.shift is not None:
        day = reverse("console:board-day", args=[row.hub.public_id, row.shift.service_date])
        route = routes.get(row.shift.pk)
        return words.BOARD, f"{day}?open={route}#{route}" if route else day
    return where, ""
