"""The hubs, zones, vehicles and drivers of the demo, with shifts for a week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from dispatch.fleet import services
from dispatch.fleet.breaks import Break
from dispatch.fleet.errors import ShiftOverlaps
from dispatch.fleet.models import Driver, Hub, Shift, Vehicle
from dispatch.fleet.selectors import shift_times
from dispatch.roads import demo_city
from dispatch.roads.store import available
from lastmile.core import clock
from lastmile.core.demo import Demo, shift_days
from lastmile.core.tenancy import current_retailer

Span = tuple[int, int]  # local minutes of the day
EARLY: Final[Span] = (8 * 60, 15 * 60)
LATE: Final[Span] = (15 * 60, 21 * 60 + 30)
DAY: Final[Span] = (9 * 60, 18 * 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoVehicle:
    """A vehicle of the demo and its drivers: ``crews`` are pairs (driver's name, span)."""

    id: str
    name: str
    fields: Mapping[str, Any]
    crews: Sequence[tuple[str, Span]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoHub:
    """A hub of the demo with its vehicles.

    ``box`` is its zone in degrees (west, south, east, north). None means that the hub has no zone
    and serves everywhere.
    """

    id: str
    name: str
    address: str
    lat: float
    lon: float
    box: tuple[float, float, float, float] | None
    loading_s: int
    vehicles: Sequence[DemoVehicle]


def _kind(profile: str, energy: str, capacity: tuple[int, int, int], costs: tuple[int, int, int],
          **more: Any) -> Mapping[str, Any]:  # fmt: skip
    weight_kg, volume_l, parcels = capacity
    fixed, per_km, per_hour = costs
    return {
        "profile": profile,
        "energy": energy,
        "weight_g": weight_kg * 1_000,
        "volume_cm3": volume_l * 1_000,
        "parcels": parcels,
        "fixed_cost_minor": fixed,
        "cost_per_km_minor": per_km,
        "cost_per_hour_minor": per_hour,
        **more,
    }


# The costs are per day, per kilometre and per hour, in Chilean pesos.
_VAN = _kind("van", "diesel", (900, 7_500, 64), (14_000, 190, 5_200))
_E_VAN = _kind("e_van", "electric", (750, 6_000, 60), (15_500, 70, 5_200), range_m=180_000,
               skills=["refrigerated"])  # fmt: skip
_BIKE = _kind("cargo_bike", "electric", (170, 1_300, 26), (3_000, 15, 3_800), range_m=60_000)
_SHOP_E_VAN = _kind("e_van", "electric", (350, 2_200, 55), (15_000, 65, 5_200), range_m=160_000)
_YARD_E_VAN = _kind("e_van", "electric", (350, 2_200, 36), (15_000, 65, 5_200), range_m=160_000)
_SHOP_BIKE = _kind("cargo_bike", "electric", (90, 500, 40), (5_200, 15, 4_700), range_m=55_000)
_SHOP_FOOT = _kind("foot", "muscle", (25, 120, 14), (0, 0, 4_500), range_m=14_000)

FLEETS: Final[Mapping[str, Sequence[DemoHub]]] = {
    "verdura": (
        DemoHub(
            id="vf-serena",
            name="Bodega La Serena",
            address="Avenida Balmaceda, La Serena",
            lat=-29.9110,
            lon=-71.2520,
            box=(-71.45, -29.940, -71.00, -29.70),
            loading_s=900,
            vehicles=(
                DemoVehicle(id="vf-van-1", name="Furgón 1", fields=_VAN,
                      crews=(("Marco Díaz", EARLY), ("Paula Cortés", LATE))),
                DemoVehicle(id="vf-ev-1", name="Furgón eléctrico 1", fields=_E_VAN,
                      crews=(("Jorge Olivares", EARLY), ("Camila Rivera", LATE))),
                DemoVehicle(id="vf-ev-2", name="Furgón eléctrico 2", fields=_E_VAN,
                      crews=(("Andrea Castillo", EARLY), ("Luis Barraza", LATE))),
                DemoVehicle(id="vf-bici-1", name="Bicicleta de carga 1", fields=_BIKE,
                      crews=(("Sofía Godoy", DAY),)),
            ),
        ),
        DemoHub(
            id="vf-coquimbo",
            name="Bodega Coquimbo",
            address="Avenida Videla, Coquimbo",
            lat=-29.9660,
            lon=-71.3330,
            box=(-71.45, -30.30, -71.00, -29.940),
            loading_s=900,
            vehicles=(
                DemoVehicle(id="vf-van-2", name="Furgón 2", fields=_VAN,
                      crews=(("Pedro Contreras", EARLY), ("Valeria Núñez", LATE))),
                DemoVehicle(id="vf-ev-4", name="Furgón eléctrico 4", fields=_E_VAN,
                      crews=(("Iván Pizarro", EARLY), ("Natalia Flores", LATE))),
                DemoVehicle(id="vf-ev-3", name="Furgón eléctrico 3", fields=_E_VAN,
                      crews=(("Diego Alfaro", EARLY), ("Marta Cisternas", LATE))),
                DemoVehicle(id="vf-bici-2", name="Bicicleta de carga 2", fields=_BIKE,
                      crews=(("Emilio Vergara", DAY),)),
            ),
        ),
    ),
    "faro": (
        DemoHub(
            id="lf-centro",
            name="Faro Centro",
            address="Calle Prat, La Serena",
            lat=-29.9036,
            lon=-71.2500,
            box=None,
            loading_s=600,
            vehicles=(
                DemoVehicle(id="lf-ev-1", name="E-van 1", fields=_SHOP_E_VAN,
                      crews=(("Ana Salinas", DAY),)),
                DemoVehicle(id="lf-ev-2", name="E-van 2", fields=_SHOP_E_VAN,
                      crews=(("Bruno Carvajal", DAY),)),
                DemoVehicle(id="lf-bike-1", name="Cargo bike 1", fields=_SHOP_BIKE,
                      crews=(("Julia Espinoza", DAY),)),
                DemoVehicle(id="lf-foot-1", name="Courier on foot", fields=_SHOP_FOOT,
                      crews=(("Nico Palma", DAY),)),
            ),
        ),
    ),
}  # fmt: skip
LUNCH_S: Final = 1_800

#: The hub of the demo drivers, whose shifts are around the present time (dispatch.live.demo). Its
#: zone is its own yard: only orders that name the hub belong to it. One vehicle cannot carry all.
MOVING_SCHEMA: Final = "verdura"
MOVING: Final = DemoHub(
    id="vf-patio",
    name="Patio Centro",
    address="Calle Balmaceda, La Serena",
    lat=-29.9060,
    lon=-71.2480,
    box=(-71.2482, -29.9062, -71.2478, -29.9058),
    loading_s=60,
    vehicles=(
        DemoVehicle(id="vf-patio-1", name="Furgón eléctrico 5", fields=_YARD_E_VAN,
              crews=(("Rocío Tapia", DAY),)),
        DemoVehicle(id="vf-patio-2", name="Furgón eléctrico 6", fields=_YARD_E_VAN,
              crews=(("Tomás Herrera", DAY),)),
    ),
)  # fmt: skip
MOVING_LASTS: Final = dt.timedelta(hours=2, minutes=30)
#: A moving shift with less time left is not begun.
MOVING_LEAST: Final = dt.timedelta(minutes=45)
_MINUTES: Final = 5  # moving shifts begin at full five minutes


def open_demo(demo: Demo) -> Mapping[str, Any]:
    """Download the street network of the demo. If that fails, report it and go on without it."""
    try:
        info = demo_city.fetch_demo_network(report=demo.report)
    except demo_city.DemoCityUnavailable as away:
        demo.report(f"{away.detail} Until then, travel times use straight lines.")
        return {"network": ""}
    return {"network": f"{info.name}@{info.version}"}


def seed_demo(demo: Demo) -> Mapping[str, Any]:
    """Add missing hubs, zones, vehicles and drivers, and shifts for a week.

    Runs in the context of a retailer. Records: hub.added, zone.added, vehicle.added, driver.added,
    shift.added; hub.changed if the street network became available since. Raises: nothing.
    """
    network = demo_network()
    demo_hubs = FLEETS.get(current_retailer().schema, ())
    added = 0
    for demo_hub in demo_hubs:
        hub = _hub(demo_hub, network)
        for demo_vehicle in demo_hub.vehicles:
            vehicle = _vehicle(demo_vehicle, hub)
            crews = [(_driver(demo_vehicle, n, name, hub), span) for n, (name, span) in
                     enumerate(demo_vehicle.crews, 1)]  # fmt: skip
            added += sum(_shifts(vehicle, crews, date) for date in shift_days())
    return {"hubs": len(demo_hubs), "shifts_added": added}


def demo_network() -> str:
    """Return the name of the demo's network, or "" if it is not built."""
    return demo_city.NAME if any(i.name == demo_city.NAME for i in available()) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingShifts:
    """The shifts around the present time, and whether they were added just now."""

    hub: Hub
    shifts: Sequence[Shift]
    is_new: bool


def moving_shifts() -> MovingShifts | None:
    """Lay the shifts of the demo drivers around the present time, unless they have them.

    Returns None if a person retired the hub, a vehicle or a driver, or if one of the vehicles
    still has a shift that is nearly over.

    Records: hub.added, zone.added, vehicle.added, driver.added, shift.added. Raises: nothing.
    """
    hub = _hub(MOVING, demo_network())
    at = clock.now()
    pairs = [(_vehicle(one, hub), _driver(one, 1, one.crews[0][0], hub)) for one in MOVING.vehicles]
    if not hub.active or not all(v.active and d.active for v, d in pairs):
        return None
    running = list(
        Shift.objects.filter(
            vehicle__in=[v for v, _d in pairs], starts_at__lte=at, ends_at__gt=at + MOVING_LEAST
        ).select_related("driver")
    )
    if len(running) == len(pairs):
        return MovingShifts(hub=hub, shifts=running, is_new=False)
    starts_at = at.replace(minute=at.minute - at.minute % _MINUTES, second=0, microsecond=0)
    try:
        with transaction.atomic():
            added = [
                services.add_shift(
                    vehicle=vehicle,
                    driver=driver,
                    starts_at=starts_at,
                    ends_at=starts_at + MOVING_LASTS,
                )
                for vehicle, driver in pairs
            ]
    except ShiftOverlaps:
        return None
    return MovingShifts(hub=hub, shifts=added, is_new=True)


def _hub(demo_hub: DemoHub, network: str) -> Hub:
    hub = Hub.objects.filter(external_id=demo_hub.id).first()
    if hub is None:
        hub = services.add_hub(
            external_id=demo_hub.id,
            name=demo_hub.name,
            address=demo_hub.address,
            lat=demo_hub.lat,
            lon=demo_hub.lon,
            zone=current_retailer().zone,
            loading_s=demo_hub.loading_s,
            network=network,
        )
        if demo_hub.box is not None:
            services.add_zone(
                external_id=demo_hub.id, name=demo_hub.name, hub=hub, polygon=_ring(demo_hub.box)
            )
    elif network and not hub.network:
        hub = services.change_hub(hub=hub, network=network)
    return hub


def _ring(box: tuple[float, float, float, float]) -> dict[str, Any]:
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def _vehicle(demo_vehicle: DemoVehicle, hub: Hub) -> Vehicle:
    existing = Vehicle.objects.select_related("hub").filter(external_id=demo_vehicle.id).first()
    return existing or services.add_vehicle(
        external_id=demo_vehicle.id, name=demo_vehicle.name, hub=hub, **demo_vehicle.fields
    )


def _driver(demo_vehicle: DemoVehicle, number: int, name: str, hub: Hub) -> Driver:
    external_id = f"{demo_vehicle.id}-{number}"
    existing = Driver.objects.select_related("hub").filter(external_id=external_id).first()
    return existing or services.add_driver(external_id=external_id, name=name, hub=hub)


def _shifts(vehicle: Vehicle, crews: Sequence[tuple[Driver, Span]], date: dt.date) -> int:
    """Add the shifts of a vehicle on a date, unless it has any; return how many were added."""
    if not (vehicle.active and vehicle.hub.active):
        return 0
    if Shift.objects.filter(vehicle=vehicle, service_date=date).exists():
        return 0
    added = 0
    for driver, span in crews:
        if not driver.active:
            continue
        starts_at, ends_at = shift_times(vehicle.hub, date, *span)
        try:
            services.add_shift(
                vehicle=vehicle,
                driver=driver,
                starts_at=starts_at,
                ends_at=ends_at,
                breaks=[_lunch(starts_at)],
            )
            added += 1
        except ShiftOverlaps:  # a person added a shift over midnight, or another for this driver
            continue
    return added


def _lunch(starts_at: dt.datetime) -> Break:
    return Break(
        opens_at=starts_at + dt.timedelta(hours=3),
        closes_at=starts_at + dt.timedelta(hours=4, minutes=30),
        duration_s=LUNCH_S,
    )
