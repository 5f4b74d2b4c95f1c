"""Queries of the fleet: rows for interfaces and planning, and the hub that serves a point."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import shapely
from django.db.models import QuerySet
from shapely.geometry import shape
from shapely.prepared import PreparedGeometry, prep

from dispatch import emissions
from dispatch.fleet import polygons
from dispatch.fleet.breaks import Break
from dispatch.fleet.hours import open_spans
from dispatch.fleet.models import Driver, Hub, Shift, Vehicle, Zone
from dispatch.fleet.states import ShiftState
from lastmile.core import clock
from lastmile.core.geo import Point, distance_m
from tenants.permissions import Principal, visible


def hubs() -> QuerySet[Hub]:
    """Return all hubs, sorted by name."""
    return Hub.objects.all()


def hubs_of(principal: Principal | None) -> QuerySet[Hub]:
    """Return the hubs that a principal works for, by name; no hubs without a principal."""
    return visible(principal, hubs(), field="public_id")


def zones() -> QuerySet[Zone]:
    """Return all zones with their hubs."""
    return Zone.objects.select_related("hub")


def zones_holding(queryset: QuerySet[Zone], point: Point) -> QuerySet[Zone]:
    """Return the zones that contain a point: a query by bounding box, then a check by polygon."""
    candidates = queryset.filter(
        min_lat__lte=point.lat,
        max_lat__gte=point.lat,
        min_lon__lte=point.lon,
        max_lon__gte=point.lon,
    )
    pks = [z.pk for z in candidates if polygons.contains(z.polygon, point.lat, point.lon)]
    return queryset.filter(pk__in=pks)


def vehicles() -> QuerySet[Vehicle]:
    """Return all vehicles with their hubs."""
    return Vehicle.objects.select_related("hub")


def drivers() -> QuerySet[Driver]:
    """Return all drivers with their hubs."""
    return Driver.objects.select_related("hub")


def driver_names(public_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of drivers by public id."""
    rows = Driver.objects.filter(public_id__in=list(public_ids))
    return dict(rows.values_list("public_id", "name"))


def shifts() -> QuerySet[Shift]:
    """Return all shifts with hub, vehicle and driver."""
    return Shift.objects.select_related("hub", "vehicle", "driver")


def shifts_on(hub: Hub, service_date: dt.date) -> QuerySet[Shift]:
    """Return the scheduled shifts of a hub on a date, earliest first. Planning uses them."""
    return shifts().filter(hub=hub, service_date=service_date, state=ShiftState.SCHEDULED)


def breaks_of(shift: Shift) -> list[Break]:
    """Return the breaks of a shift, earliest first."""
    return [Break.from_json(stored) for stored in shift.breaks]


def hub_open(hub: Hub, date: dt.date) -> list[tuple[dt.datetime, dt.datetime]]:
    """Return the opening hours of a hub on a local date, as instants [opens_at, closes_at)."""
    return open_spans(hub.hours, date, hub.zone)


def shift_times(
    hub: Hub, date: dt.date, start_minute: int, end_minute: int
) -> tuple[dt.datetime, dt.datetime]:
    """Return the start and end of a shift as instants, from local minutes of a date.

    An end that is not after the start means the next day.
    """
    if end_minute <= start_minute:
        end_minute += 1440
    return (
        clock.local_instant(date, start_minute, hub.zone),
        clock.local_instant(date, end_minute, hub.zone),
    )


def factor_of(vehicle: Vehicle) -> emissions.Factor:
    """Return the emission factor of a vehicle: its own factor, else the factor of its class."""
    return emissions.factor_for(
        vehicle.emission_class, vehicle.energy, own_wtw_mg_per_m=vehicle.own_co2_mg_per_m
    )


@dataclass(frozen=True, slots=True)
class ServingHub:
    """The hub that serves a point, and how it was chosen: zone, nearest, only or none."""

    hub: Hub | None
    choice: str


@dataclass(frozen=True)
class ServiceMap:
    """The active hubs and zones of a retailer, read once for many look-ups.

    A hub with zones serves only its zones. A hub without zones serves everywhere.
    """

    hubs: Sequence[Hub]
    zones: Sequence[Zone]

    @cached_property
    def _shapes(self) -> list[tuple[Zone, PreparedGeometry[shapely.Geometry]]]:
        smallest_first = sorted(self.zones, key=lambda zone: (zone.area_m2, zone.pk))
        return [(zone, prep(shape(zone.polygon))) for zone in smallest_first]

    @cached_property
    def _everywhere(self) -> list[Hub]:
        with_zones = {zone.hub_id for zone in self.zones}
        return [hub for hub in self.hubs if hub.pk not in with_zones]

    def zones_at(self, point: Point) -> list[Zone]:
        """Return the zones that contain a point, smallest first."""
        spot = shapely.Point(point.lon, point.lat)
        return [
            zone
            for zone, polygon in self._shapes
            if zone.min_lat <= point.lat <= zone.max_lat
            and zone.min_lon <= point.lon <= zone.max_lon
            and polygon.covers(spot)
        ]

    def serving(self, point: Point | None) -> ServingHub:
        """Choose the hub for a point: by zone, else the nearest hub that serves everywhere.

        Without a point, the hub is chosen only if the retailer has exactly one.
        """
        if point is None:
            return ServingHub(self.hubs[0], "only") if len(self.hubs) == 1 else ServingHub(None, "")
        zones = self.zones_at(point)
        by_pk = {hub.pk: hub for hub in self.hubs}
        if zones:
            return ServingHub(by_pk[zones[0].hub_id], "zone")
        if not self._everywhere:
            return ServingHub(None, "none")
        nearest = min(self._everywhere, key=lambda hub: (distance_m(hub.point, point), hub.pk))
        return ServingHub(nearest, "nearest")


def service_map() -> ServiceMap:
    """Read the active hubs and their active zones with two queries."""
    return ServiceMap(
        hubs=list(Hub.objects.filter(active=True).order_by("pk")),
        zones=list(Zone.objects.filter(active=True, hub__active=True).order_by("pk")),
    )
