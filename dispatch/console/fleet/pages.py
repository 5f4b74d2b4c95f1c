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

from dispatch.console.fleet import locating, words
from dispatch.console.fleet.forms import DriverForm, HubForm, NounForm, VehicleForm, ZoneForm
from dispatch.fleet import selectors, services
from dispatch.fleet.selectors import hubs_of
from dispatch.fleet.selectors.street_maps import (
    NO_STREET_MAP,
    hub_marks,
    street_map_named,
    street_map_of,
)
from lastmile.core.errors import NotAllowed
from lastmile.core.http import fetch, page_rows
from lastmile.core.http.forms import apply_form, map_pointers, status_of, version_of
from lastmile.core.http.htmx import is_fragment
from lastmile.core.tenancy import current_retailer
from tenants.permissions import Act, PageRequest, Principal, page, visible

PAGE = 100
LOOKS = frozenset({"look", "find"})  # what the hub form is asked to do instead of saving
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
    rows, following = page_rows(request, of.seen_by(principal), PAGE, order=BY_NAME)
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
        "street_map": street_map_of(hubs_of(principal)) if room in {"hubs", "zones"} else None,
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
            _(
                "You have access to some hubs only. Ask someone with access to all hubs to "
                "add a hub."
            )
        )
    if of.form is HubForm and _looks(request):
        return _look(request, of, None)
    form = of.form(principal, None, request.POST or None)
    row = apply_form(form, map_pointers(lambda: of.add(**form.said()), of.form.fields_of))
    if row:
        messages.success(request, _("%(name)s was added.") % {"name": row.name})
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
        messages.success(request, _("The zone was removed."))
        return redirect("fleet:room", room)
    if of.form is HubForm and _looks(request):
        return _look(request, of, row)
    form = of.form(principal, row, request.POST or None)
    version = version_of(request)
    act = map_pointers(lambda: of.change(row, version=version, **form.said()), of.form.fields_of)
    if apply_form(form, act):
        messages.success(request, _("Saved."))
        return redirect("fleet:thing", room, public_id)
    return _form_page(request, of, form, row)


def _looks(request: PageRequest) -> bool:
    return request.POST.get("what") in LOOKS or "pick" in request.POST


def _look(request: PageRequest, of: Room, row: Any) -> HttpResponse:
    """Show the hub's place again: other streets, the address looked up, an answer taken.

    Nothing is kept: this is the form as it was typed, with what is known of its place.
    """
    form = HubForm(request.principal, row)
    form.take(request.POST)
    typed = form.initial  # a field of the form keeps what it has read once: so change this first
    typed.update(_picked(request.POST.get("pick", "")))
    spots: list[locating.Spot] | None = None
    if request.POST.get("what") == "find":
        chosen = typed["network"] if typed["network"] in locating.names() else ""
        spots = locating.look_up(str(typed["address"])[:500].replace("\x00", "").strip(), chosen)
        if len(spots) == 1 and spots[0].sure:
            typed.update(_picked(spots[0].value))
    if not typed["network"]:
        lat, lon = _degrees(typed["lat"]), _degrees(typed["lon"])
        if lat is not None and lon is not None:
            typed["network"] = locating.only_network_at(lat, lon)
    moved = typed["network"] != request.POST.get("network", "")
    return _form_page(request, of, form, row, spots=spots, moved=moved)


def _picked(value: str) -> dict[str, Any]:
    """Latitude, longitude and streets of an answer's button; nothing for any other text."""
    lat, lon, name = (*value.split(",", 2), "", "", "")[:3]
    if _degrees(lat) is None or _degrees(lon) is None or name not in locating.names():
        return {}
    return {"lat": lat, "lon": lon, "network": name}


def _degrees(value: Any) -> float | None:
    """A number of degrees that somebody typed, None for anything else."""
    try:
        found = float(str(value)[:40])
    except ValueError:
        return None
    return found if -180 <= found <= 180 else None


def _form_page(
    request: PageRequest, of: Room, form: NounForm, row: Any, **more: Any
) -> HttpResponse:
    principal = request.principal
    shown = {
        "room": of,
        "rooms": ROOMS.values(),
        "form": form,
        "row": row,
        "may_edit": principal.may(Act.FLEET_EDIT),
        "currency": current_retailer().currency,
        "street_map": street_map_of(hubs_of(principal)),
        **more,
    }
    if isinstance(form, HubForm):
        shown |= {
            "street_map": street_map_named(form.streets) if form.streets else NO_STREET_MAP,
            "center": locating.middle_of(form.streets) if form.streets else "",
            "names": locating.names(),
        }
    part = of.form is HubForm and is_fragment(request)
    template = "console/fleet/_hub_place.html" if part else f"console/fleet/{of.name[:-1]}.html"
    return render(request, template, shown, status=status_of(form))
