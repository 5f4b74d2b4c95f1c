"""API views of hubs, zones, vehicles, drivers, shifts and emission factors."""

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
from lastmile.core.http import named_in_body, params
from tenants.permissions import Act, Principal, RetailerAPIView, visible
from tenants.resources import Resource, ResourceListView, ResourceView, Rows, described

_STATES = frozenset(state.value for state in ShiftState)


def _with_hub(principal: Principal, data: dict[str, Any]) -> dict[str, Any]:
    if "hub" in data:
        data["hub"] = finding.hub_in_body(principal, data["hub"])
    return data


def _unchanged(principal: Principal, data: dict[str, Any]) -> dict[str, Any]:
    return data


def _filter(request: Request, rows: Rows) -> Rows:
    """Filter rows by ``?hub=`` and ``?active=``."""
    return finding.if_active(request, finding.of_hub(request, rows))


def _filter_zones(request: Request, rows: Rows) -> Rows:
    """Filter zones by ``?hub=``, ``?active=`` and the place ``?lat=&lon=`` that they contain."""
    rows = _filter(request, rows)
    lat, lon = params.number_param(request, "lat", 90), params.number_param(request, "lon", 180)
    if lat is None or lon is None:
        return rows
    return selectors.zones_holding(rows, Point(lat=lat, lon=lon))


def _filter_shifts(request: Request, rows: Rows) -> Rows:
    rows = finding.of_hub(request, rows)
    date = params.date_param(request, "service_date")
    states = params.words_param(request, "state", _STATES)
    rows = rows.filter(service_date=date) if date else rows
    return rows.filter(state__in=states) if states else rows


def _resolve_shift(principal: Principal, data: dict[str, Any]) -> dict[str, Any]:
    """Replace the references of a shift by rows, and its breaks by ``Break`` values."""
    if "vehicle" in data:
        seen = visible(principal, selectors.vehicles())
        data["vehicle"] = named_in_body(seen, data["vehicle"], "vehicle")
    if data.get("driver"):
        drivers = visible(principal, selectors.drivers())
        data["driver"] = named_in_body(drivers, data["driver"], "driver")
    if "breaks" in data:
        data["breaks"] = [Break(**pause) for pause in data["breaks"]]
    return data


HUBS = Resource(
    name="hubs",
    singular="a hub",
    rows=selectors.hubs,
    shape_in=shapes_fleet.HubIn,
    shape_out=shapes_fleet.HubOut,
    add=services.add_hub,
    change=lambda row, **data: services.change_hub(hub=row, **data),
    end=lambda row, **data: services.retire_hub(hub=row, **data),
    resolve=_unchanged,
    hub_field="public_id",
    filter_rows=finding.if_active,
    parameters=(finding.ACTIVE,),
)
ZONES = Resource(
    name="zones",
    singular="a zone",
    rows=selectors.zones,
    shape_in=shapes_fleet.ZoneIn,
    shape_out=shapes_fleet.ZoneOut,
    add=services.add_zone,
    change=lambda row, **data: services.change_zone(zone=row, **data),
    end=lambda row, **data: services.remove_zone(zone=row, **data),
    resolve=_with_hub,
    filter_rows=_filter_zones,
    parameters=(
        finding.HUB,
        finding.ACTIVE,
        OpenApiParameter(
            "lat", OpenApiTypes.FLOAT, description="With `lon`: only zones that contain the place."
        ),
        OpenApiParameter("lon", OpenApiTypes.FLOAT, description="Required with `lat`."),
    ),
)
VEHICLES = Resource(
    name="vehicles",
    singular="a vehicle",
    rows=selectors.vehicles,
    shape_in=shapes_fleet.VehicleIn,
    shape_out=shapes_fleet.VehicleOut,
    add=services.add_vehicle,
    change=lambda row, **data: services.change_vehicle(vehicle=row, **data),
    end=lambda row, **data: services.retire_vehicle(vehicle=row, **data),
    resolve=_with_hub,
    filter_rows=_filter,
    parameters=(finding.HUB, finding.ACTIVE),
)
DRIVERS = Resource(
    name="drivers",
    singular="a driver",
    rows=selectors.drivers,
    shape_in=shapes_fleet.DriverIn,
    shape_out=shapes_fleet.DriverOut,
    add=services.add_driver,
    change=lambda row, **data: services.change_driver(driver=row, **data),
    end=lambda row, **data: services.retire_driver(driver=row, **data),
    resolve=_with_hub,
    filter_rows=_filter,
    parameters=(finding.HUB, finding.ACTIVE),
)
SHIFTS = Resource(
    name="shifts",
    singular="a shift",
    rows=selectors.shifts,
    shape_in=shapes_fleet.ShiftIn,
    shape_out=shapes_fleet.ShiftOut,
    add=services.add_shift,
    change=lambda row, **data: services.change_shift(shift=row, **data),
    end=lambda row, **data: services.cancel_shift(shift=row, **data),
    resolve=_resolve_shift,
    filter_rows=_filter_shifts,
    parameters=(
        finding.HUB,
        OpenApiParameter("service_date", OpenApiTypes.DATE, description="Only shifts of this day."),
        OpenApiParameter("state", OpenApiTypes.STR, description="`scheduled` or `cancelled`."),
    ),
)


class FleetListView(ResourceListView):
    """The base of the lists of fleet records."""

    acts = {"get": Act.FLEET_VIEW, "post": Act.FLEET_EDIT}


class FleetView(ResourceView):
    """The base of the views of a fleet record."""

    acts = {"get": Act.FLEET_VIEW, "patch": Act.FLEET_EDIT, "delete": Act.FLEET_EDIT}


@described
class HubsView(FleetListView):
    """The list of hubs."""

    resource = HUBS

    def post(self, request: Request) -> Response:
        """Add a hub. The caller needs access to all hubs."""
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
    """The view of one hub."""

    resource = HUBS


@described
class ZonesView(FleetListView):
    """The list of zones."""

    resource = ZONES


@described
class ZoneView(FleetView):
    """The view of one zone."""

    resource = ZONES


@described
class VehiclesView(FleetListView):
    """The list of vehicles."""

    resource = VEHICLES


@described
class VehicleView(FleetView):
    """The view of one vehicle."""

    resource = VEHICLES


@described
class DriversView(FleetListView):
    """The list of drivers."""

    resource = DRIVERS


@described
class DriverView(FleetView):
    """The view of one driver."""

    resource = DRIVERS


@described
class ShiftsView(FleetListView):
    """The list of shifts."""

    resource = SHIFTS


@described
class ShiftView(FleetView):
    """The view of one shift."""

    resource = SHIFTS


class FactorsView(RetailerAPIView):
    """The list of emission factors."""

    acts = {"get": Act.FLEET_VIEW}

    @extend_schema(operation_id="emissions_factors", responses=shapes_fleet.FactorsOut)
    def get(self, request: Request) -> Response:
        """List the emission factors of this installation with their sources."""
        return self.shape_out(shapes_fleet.FactorsOut, {"items": list(emissions.FACTORS.values())})
