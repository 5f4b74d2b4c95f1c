"""REST v1 of hubs, zones, vehicles, drivers, shifts and emission factors."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch import emissions
from dispatch.api import finding, shapes_fleet
from dispatch.fleet import selectors, services
from dispatch.fleet.breaks import Break
from dispatch.fleet.states import ShiftState
from lastmile.core.errors import NotAllowed
from lastmile.core.geo import Point
from lastmile.core.http import id_param, named_in_body, params
from tenants.permissions import Act, Principal, RetailerAPIView, visible
from tenants.resources import Resource, ResourceListView, ResourceView, Rows, described

_HUB = OpenApiParameter("hub", OpenApiTypes.STR, description="Its `id`, or `external_id:…`.")
_ACTIVE = OpenApiParameter("active", OpenApiTypes.BOOL, description="Only those that are.")
_STATES = frozenset(state.value for state in ShiftState)


def _with_hub(principal: Principal, said: dict[str, Any]) -> dict[str, Any]:
    if "hub" in said:
        said["hub"] = finding.hub_in_body(principal, said["hub"])
    return said


def _hub_itself(principal: Principal, said: dict[str, Any]) -> dict[str, Any]:
    return said


def _narrow(request: Request, rows: Rows) -> Rows:
    """``?hub=`` and ``?active=``."""
    hub = id_param(request, "hub", selectors.hubs())
    active = params.yes_no_param(request, "active")
    rows = rows.filter(hub__public_id=hub) if hub else rows
    return rows if active is None else rows.filter(active=active)


def _narrow_hubs(request: Request, rows: Rows) -> Rows:
    active = params.yes_no_param(request, "active")
    return rows if active is None else rows.filter(active=active)


def _narrow_zones(request: Request, rows: Rows) -> Rows:
    """Also ``?lat=&lon=``: the zones that hold a place."""
    rows = _narrow(request, rows)
    lat, lon = params.number_param(request, "lat", 90), params.number_param(request, "lon", 180)
    if lat is None or lon is None:
        return rows
    return selectors.zones_holding(rows, Point(lat=lat, lon=lon))


def _narrow_shifts(request: Request, rows: Rows) -> Rows:
    hub = id_param(request, "hub", selectors.hubs())
    date = params.date_param(request, "service_date")
    states = params.words_param(request, "state", _STATES)
    rows = rows.filter(hub__public_id=hub) if hub else rows
    rows = rows.filter(service_date=date) if date else rows
    return rows.filter(state__in=states) if states else rows


def _means(principal: Principal, said: dict[str, Any]) -> dict[str, Any]:
    """Turn a shift's references into rows and its breaks into values."""
    if "vehicle" in said:
        seen = visible(principal, selectors.vehicles())
        said["vehicle"] = named_in_body(seen, said["vehicle"], "vehicle")
    if said.get("driver"):
        drivers = visible(principal, selectors.drivers())
        said["driver"] = named_in_body(drivers, said["driver"], "driver")
    if "breaks" in said:
        said["breaks"] = [Break(**pause) for pause in said["breaks"]]
    return said


HUBS = Resource(
    name="hubs",
    singular="a hub",
    rows=selectors.hubs,
    shape_in=shapes_fleet.HubIn,
    shape_out=shapes_fleet.HubOut,
    add=services.add_hub,
    change=lambda row, **said: services.change_hub(hub=row, **said),
    end=lambda row, **said: services.retire_hub(hub=row, **said),
    resolve=_hub_itself,
    hub_field="public_id",
    filter_rows=_narrow_hubs,
    parameters=(_ACTIVE,),
)
ZONES = Resource(
    name="zones",
    singular="a zone",
    rows=selectors.zones,
    shape_in=shapes_fleet.ZoneIn,
    shape_out=shapes_fleet.ZoneOut,
    add=services.add_zone,
    change=lambda row, **said: services.change_zone(zone=row, **said),
    end=lambda row, **said: services.remove_zone(zone=row, **said),
    resolve=_with_hub,
    filter_rows=_narrow_zones,
    parameters=(
        _HUB,
        _ACTIVE,
        OpenApiParameter("lat", OpenApiTypes.FLOAT, description="With lon: zones that hold it."),
        OpenApiParameter("lon", OpenApiTypes.FLOAT, description="With lat."),
    ),
)
VEHICLES = Resource(
    name="vehicles",
    singular="a vehicle",
    rows=selectors.vehicles,
    shape_in=shapes_fleet.VehicleIn,
    shape_out=shapes_fleet.VehicleOut,
    add=services.add_vehicle,
    change=lambda row, **said: services.change_vehicle(vehicle=row, **said),
    end=lambda row, **said: services.retire_vehicle(vehicle=row, **said),
    resolve=_with_hub,
    filter_rows=_narrow,
    parameters=(_HUB, _ACTIVE),
)
DRIVERS = Resource(
    name="drivers",
    singular="a driver",
    rows=selectors.drivers,
    shape_in=shapes_fleet.DriverIn,
    shape_out=shapes_fleet.DriverOut,
    add=services.add_driver,
    change=lambda row, **said: services.change_driver(driver=row, **said),
    end=lambda row, **said: services.retire_driver(driver=row, **said),
    resolve=_with_hub,
    filter_rows=_narrow,
    parameters=(_HUB, _ACTIVE),
)
SHIFTS = Resource(
    name="shifts",
    singular="a shift",
    rows=selectors.shifts,
    shape_in=shapes_fleet.ShiftIn,
    shape_out=shapes_fleet.ShiftOut,
    add=services.add_shift,
    change=lambda row, **said: services.change_shift(shift=row, **said),
    end=lambda row, **said: services.cancel_shift(shift=row, **said),
    resolve=_means,
    filter_rows=_narrow_shifts,
    parameters=(
        _HUB,
        OpenApiParameter("service_date", OpenApiTypes.DATE, description="Only of this day."),
        OpenApiParameter("state", OpenApiTypes.STR, description="scheduled, cancelled"),
    ),
)


class FleetListView(ResourceListView):
    """A list of the fleet."""

    acts = {"get": Act.FLEET_VIEW, "post": Act.FLEET_EDIT}


class FleetView(ResourceView):
    """One thing of the fleet."""

    acts = {"get": Act.FLEET_VIEW, "patch": Act.FLEET_EDIT, "delete": Act.FLEET_EDIT}


@described
class HubsView(FleetListView):
    """Hubs."""

    resource = HUBS

    def post(self, request: Request) -> Response:
        """Add a hub: for whom all hubs are open."""
        if self.principal.hubs is not None:
            raise NotAllowed(
                _(
                    "You have access to some hubs only. Ask someone with access to all hubs to "
                    "add a hub."
                )
            )
        return super().post(request)


@described
class HubView(FleetView):
    """One hub."""

    resource = HUBS


@described
class ZonesView(FleetListView):
    """Zones."""

    resource = ZONES


@described
class ZoneView(FleetView):
    """One zone."""

    resource = ZONES


@described
class VehiclesView(FleetListView):
    """Vehicles."""

    resource = VEHICLES


@described
class VehicleView(FleetView):
    """One vehicle."""

    resource = VEHICLES


@described
class DriversView(FleetListView):
    """Drivers."""

    resource = DRIVERS


@described
class DriverView(FleetView):
    """One driver."""

    resource = DRIVERS


@described
class ShiftsView(FleetListView):
    """Shifts."""

    resource = SHIFTS


@described
class ShiftView(FleetView):
    """One shift."""

    resource = SHIFTS


class FactorsView(RetailerAPIView):
    """Emission factors."""

    acts = {"get": Act.FLEET_VIEW}

    @extend_schema(operation_id="emissions_factors", responses=shapes_fleet.FactorsOut)
    def get(self, request: Request) -> Response:
        """List the emission factors of this installation with their provenance."""
        return self.shape_out(shapes_fleet.FactorsOut, {"items": list(emissions.FACTORS.values())})
