"""Pages of hubs, zones, vehicles and drivers: a list and a form for each.

The pages of shifts are in ``shifts``.
"""

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
from dispatch.console.fleet.forms import DriverForm, FleetForm, HubForm, VehicleForm, ZoneForm
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
LOOKUPS = frozenset({"look", "find"})  # values of ``what`` that look up a place and save nothing
BY_NAME = ("name", "public_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of fleet record: its title, rows, form and services."""

    name: str
    rows: Callable[[], QuerySet[Any]]
    form: type[FleetForm]
    add: Callable[..., Any]
    change: Callable[..., Any]
    title: Lazy | str
    new: Lazy | str
    hub_field: str = "hub__public_id"

    def seen_by(self, principal: Principal) -> QuerySet[Any]:
        """Return the rows that belong to the principal's hubs."""
        return visible(principal, self.rows(), self.hub_field)


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            name="hubs", rows=selectors.hubs, form=HubForm, hub_field="public_id",
            add=services.add_hub, change=lambda row, **data: services.change_hub(hub=row, **data),
            title=gettext_lazy("Hubs"), new=gettext_lazy("Add hub"),
        ),
        Kind(
            name="zones", rows=selectors.zones, form=ZoneForm,
            add=services.add_zone,
            change=lambda row, **data: services.change_zone(zone=row, **data),
            title=gettext_lazy("Zones"), new=gettext_lazy("Add zone"),
        ),
        Kind(
            name="vehicles", rows=selectors.vehicles, form=VehicleForm, add=services.add_vehicle,
            change=lambda row, **data: services.change_vehicle(vehicle=row, **data),
            title=gettext_lazy("Vehicles"), new=gettext_lazy("Add vehicle"),
        ),
        Kind(
            name="drivers", rows=selectors.drivers, form=DriverForm, add=services.add_driver,
            change=lambda row, **data: services.change_driver(driver=row, **data),
            title=gettext_lazy("Drivers"), new=gettext_lazy("Add driver"),
        ),
    )
}  # fmt: skip


def may_add(principal: Principal, kind: Kind) -> bool:
    """Return True if a principal may add a record; to add a hub needs access to all hubs."""
    return principal.may(Act.FLEET_EDIT) and (kind.name != "hubs" or principal.hubs is None)


@page(Act.FLEET_VIEW)
@require_safe
def fleet(request: PageRequest) -> HttpResponse:
    """Redirect to the shifts, or to the hubs if there is no active hub yet."""
    has_hub = hubs_of(request.principal).filter(active=True).exists()
    return redirect("fleet:shifts") if has_hub else redirect("fleet:room", "hubs")


@page(Act.FLEET_VIEW)
@require_safe
def list_page(request: PageRequest, kind_name: str) -> HttpResponse:
    """Show the records of one kind, ordered by name."""
    kind, principal = KINDS[kind_name], request.principal
    rows, following = page_rows(request, kind.seen_by(principal), PAGE, order=BY_NAME)
    context = {
        "kind": kind,
        "kinds": KINDS.values(),
        "rows": rows,
        "next": following,
        "first": "cursor" not in request.GET,
        "may_add": may_add(principal, kind),
        "currency": current_retailer().currency,
        "profiles": words.PROFILES,
        "energies": words.ENERGIES,
        "street_map": street_map_of(hubs_of(principal)) if kind_name in {"hubs", "zones"} else None,
    }
    return render(request, "console/fleet/list.html", context)


@page(Act.FLEET_VIEW)
@require_safe
def list_map(request: PageRequest, kind_name: str) -> JsonResponse:
    """Return the hubs and zones in the form that the map module reads."""
    principal = request.principal
    zones = KINDS["zones"].seen_by(principal).filter(active=True)
    features = [{"id": z.public_id, "name": z.name, "geometry": z.polygon} for z in zones]
    return JsonResponse(
        {"hubs": hub_marks(hubs_of(principal).filter(active=True)), "zones": features}
    )


@page(Act.FLEET_EDIT)
@require_http_methods(["GET", "POST"])
def new_record(request: PageRequest, kind_name: str) -> HttpResponse:
    """Add a record of one kind."""
    kind, principal = KINDS[kind_name], request.principal
    if not may_add(principal, kind):
        raise NotAllowed(
            _(
                "You have access to some hubs only. Ask someone with access to all hubs to "
                "add a hub."
            )
        )
    if kind.form is HubForm and _is_lookup(request):
        return _look_up_place(request, kind, None)
    form = kind.form(principal, None, request.POST or None)
    row = apply_form(
        form, map_pointers(lambda: kind.add(**form.values()), kind.form.fields_by_pointer)
    )
    if row:
        messages.success(request, _("%(name)s was added.") % {"name": row.name})
        return redirect("fleet:room", kind_name)
    return _form_page(request, kind, form, None)


@page(Act.FLEET_VIEW, post=Act.FLEET_EDIT)
@require_http_methods(["GET", "POST"])
def record_page(request: PageRequest, kind_name: str, public_id: str) -> HttpResponse:
    """Show a record's form; POST changes the record, or removes a zone."""
    kind, principal = KINDS[kind_name], request.principal
    row = fetch(kind.seen_by(principal), public_id)
    if request.POST.get("what") == "remove" and kind_name == "zones":
        services.remove_zone(zone=row, version=version_of(request))
        messages.success(request, _("The zone was removed."))
        return redirect("fleet:room", kind_name)
    if kind.form is HubForm and _is_lookup(request):
        return _look_up_place(request, kind, row)
    form = kind.form(principal, row, request.POST or None)
    version = version_of(request)
    act = map_pointers(
        lambda: kind.change(row, version=version, **form.values()), kind.form.fields_by_pointer
    )
    if apply_form(form, act):
        messages.success(request, _("Saved."))
        return redirect("fleet:thing", kind_name, public_id)
    return _form_page(request, kind, form, row)


def _is_lookup(request: PageRequest) -> bool:
    return request.POST.get("what") in LOOKUPS or "pick" in request.POST


def _look_up_place(request: PageRequest, kind: Kind, row: Any) -> HttpResponse:
    """Show the hub form again after a look-up of its place; save nothing.

    The person chose another network, looked up the address, or picked one of the matches.
    """
    form = HubForm(request.principal, row)
    form.fill_from(request.POST)
    typed = form.initial  # a bound field caches its value, so change the initial values first
    typed.update(_picked(request.POST.get("pick", "")))
    matches: list[locating.AddressMatch] | None = None
    if request.POST.get("what") == "find":
        chosen = typed["network"] if typed["network"] in locating.network_titles() else ""
        matches = locating.look_up(str(typed["address"])[:500].replace("\x00", "").strip(), chosen)
        if len(matches) == 1 and matches[0].sure:
            typed.update(_picked(matches[0].value))
    if not typed["network"]:
        lat, lon = _degrees(typed["lat"]), _degrees(typed["lon"])
        if lat is not None and lon is not None:
            typed["network"] = locating.only_network_at(lat, lon)
    moved = typed["network"] != request.POST.get("network", "")
    return _form_page(request, kind, form, row, matches=matches, moved=moved)


def _picked(value: str) -> dict[str, Any]:
    """Return the coordinates and the network of a match's button; empty if the value is invalid."""
    lat, lon, name = (*value.split(",", 2), "", "", "")[:3]
    if _degrees(lat) is None or _degrees(lon) is None or name not in locating.network_titles():
        return {}
    return {"lat": lat, "lon": lon, "network": name}


def _degrees(value: Any) -> float | None:
    """Return typed degrees as a number, or None if the text is not a valid number."""
    try:
        degrees = float(str(value)[:40])
    except ValueError:
        return None
    return degrees if -180 <= degrees <= 180 else None


def _form_page(
    request: PageRequest, kind: Kind, form: FleetForm, row: Any, **more: Any
) -> HttpResponse:
    principal = request.principal
    context = {
        "kind": kind,
        "kinds": KINDS.values(),
        "form": form,
        "row": row,
        "may_edit": principal.may(Act.FLEET_EDIT),
        "currency": current_retailer().currency,
        "street_map": street_map_of(hubs_of(principal)),
        **more,
    }
    if isinstance(form, HubForm):
        context |= {
            "street_map": street_map_named(form.streets) if form.streets else NO_STREET_MAP,
            "center": locating.center_of(form.streets) if form.streets else "",
            "names": locating.network_titles(),
        }
    part = kind.form is HubForm and is_fragment(request)
    template = "console/fleet/_hub_place.html" if part else f"console/fleet/{kind.name[:-1]}.html"
    return render(request, template, context, status=status_of(form))
