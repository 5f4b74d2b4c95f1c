"""Pages of fleet: hubs, zones, vehicles and drivers, each a list and a form. Shifts are beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.console.fleet import words
from dispatch.console.fleet.forms import DriverForm, HubForm, NounForm, VehicleForm, ZoneForm
from dispatch.fleet import selectors, services
from dispatch.fleet.selectors import hubs_of
from dispatch.fleet.selectors.ground import ground_of, hub_marks
from lastmile.core.errors import NotAllowed
from lastmile.core.http import cut, fetch
from lastmile.core.http.forms import pointed, status_of, tried, version_of
from lastmile.core.tenancy import current_retailer
from tenants.permissions import Act, PageRequest, Principal, page, visible

PAGE = 100
BY_NAME = ("name", "public_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One kind of thing in the fleet: how it is read, shown and written."""

    name: str
    rows: Callable[[], QuerySet[Any]]
    form: type[NounForm]
    add: Callable[..., Any]
    change: Callable[..., Any]
    title: Lazy | str
    new: Lazy | str
    hub_field: str = "hub__public_id"

    def seen_by(self, principal: Principal) -> QuerySet[Any]:
        """What lies in the principal's hubs."""
        return visible(principal, self.rows(), self.hub_field)


ROOMS = {
    room.name: room
    for room in (
        Room(
            name="hubs", rows=selectors.hubs, form=HubForm, hub_field="public_id",
            add=services.add_hub, change=lambda row, **said: services.change_hub(hub=row, **said),
            title=gettext_lazy("Hubs"), new=gettext_lazy("New hub"),
        ),
        Room(
            name="zones", rows=selectors.zones, form=ZoneForm,
            add=services.add_zone,
            change=lambda row, **said: services.change_zone(zone=row, **said),
            title=gettext_lazy("Zones"), new=gettext_lazy("New zone"),
        ),
        Room(
            name="vehicles", rows=selectors.vehicles, form=VehicleForm, add=services.add_vehicle,
            change=lambda row, **said: services.change_vehicle(vehicle=row, **said),
            title=gettext_lazy("Vehicles"), new=gettext_lazy("New vehicle"),
        ),
        Room(
            name="drivers", rows=selectors.drivers, form=DriverForm, add=services.add_driver,
            change=lambda row, **said: services.change_driver(driver=row, **said),
            title=gettext_lazy("Drivers"), new=gettext_lazy("New driver"),
        ),
    )
}  # fmt: skip


def may_add(principal: Principal, room: Room) -> bool:
    """Whether somebody may add one: a hub only who works for all of them."""
    return principal.may(Act.FLEET_EDIT) and (room.name != "hubs" or principal.hubs is None)


@page(Act.FLEET_VIEW)
@require_safe
def fleet(request: PageRequest) -> HttpResponse:
    """The first page of fleet: shifts, or hubs while there is none."""
    there = hubs_of(request.principal).filter(active=True).exists()
    return redirect("fleet:shifts") if there else redirect("fleet:room", "hubs")


@page(Act.FLEET_VIEW)
@require_safe
def room_page(request: PageRequest, room: str) -> HttpResponse:
    """The list of one kind, by name."""
    of, principal = ROOMS[room], request.principal
    rows, following = cut(request, of.seen_by(principal), PAGE, order=BY_NAME)
    shown = {
        "room": of,
        "rooms": ROOMS.values(),
        "rows": rows,
        "next": following,
        "first": "cursor" not in request.GET,
        "may_add": may_add(principal, of),
        "currency": current_retailer().currency,
        "profiles": words.PROFILES,
        "energies": words.ENERGIES,
        "ground": ground_of(hubs_of(principal)) if room in {"hubs", "zones"} else None,
    }
    return render(request, "console/fleet/list.html", shown)


@page(Act.FLEET_VIEW)
@require_safe
def room_map(request: PageRequest, room: str) -> JsonResponse:
    """Hubs and zones as the map module reads them."""
    principal = request.principal
    zones = ROOMS["zones"].seen_by(principal).filter(active=True)
    drawn = [{"id": z.public_id, "name": z.name, "geometry": z.polygon} for z in zones]
    return JsonResponse({"hubs": hub_marks(hubs_of(principal).filter(active=True)), "zones": drawn})


@page(Act.FLEET_EDIT)
@require_http_methods(["GET", "POST"])
def new_thing(request: PageRequest, room: str) -> HttpResponse:
    """Add one."""
    of, principal = ROOMS[room], request.principal
    if not may_add(principal, of):
        raise NotAllowed(
            _("You work for some hubs only; ask somebody who works for all to add another.")
        )
    form = of.form(principal, None, request.POST or None)
    row = tried(form, pointed(lambda: of.add(**form.said()), of.form.fields_of))
    if row:
        messages.success(request, _("%(name)s is added.") % {"name": row.name})
        return redirect("fleet:room", room)
    return _form_page(request, of, form, None)


@page(Act.FLEET_VIEW, post=Act.FLEET_EDIT)
@require_http_methods(["GET", "POST"])
def thing(request: PageRequest, room: str, public_id: str) -> HttpResponse:
    """One of them: change it, take it out of use, remove a zone."""
    of, principal = ROOMS[room], request.principal
    row = fetch(of.seen_by(principal), public_id)
    if request.POST.get("what") == "remove" and room == "zones":
        services.remove_zone(zone=row, version=version_of(request))
        messages.success(request, _("The zone is removed."))
        return redirect("fleet:room", room)
    form = of.form(principal, row, request.POST or None)
    version = version_of(request)
    act = pointed(lambda: of.change(row, version=version, **form.said()), of.form.fields_of)
    if tried(form, act):
        messages.success(request, _("Saved."))
        return redirect("fleet:thing", room, public_id)
    return _form_page(request, of, form, row)


def _form_page(request: PageRequest, of: Room, form: NounForm, row: Any) -> HttpResponse:
    principal = request.principal
    near = [row] if of.name == "hubs" and row else hubs_of(principal)
    shown = {
        "room": of,
        "rooms": ROOMS.values(),
        "form": form,
        "row": row,
        "may_edit": principal.may(Act.FLEET_EDIT),
        "currency": current_retailer().currency,
        "ground": ground_of(near),
    }
    template = f"console/fleet/{of.name[:-1]}.html"
    return render(request, template, shown, status=status_of(form))
