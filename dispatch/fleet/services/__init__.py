"""The services of the fleet: add, change and retire hubs, zones, vehicles, drivers and shifts."""

from dispatch.fleet.services.copying import Copied, copy_shifts
from dispatch.fleet.services.drivers import add_driver, change_driver, retire_driver
from dispatch.fleet.services.hubs import add_hub, change_hub, retire_hub
from dispatch.fleet.services.shifts import add_shift, cancel_shift, change_shift
from dispatch.fleet.services.vehicles import add_vehicle, change_vehicle, retire_vehicle
from dispatch.fleet.services.zones import add_zone, change_zone, remove_zone

__all__ = [
    "Copied",
    "add_driver",
    "add_hub",
    "add_shift",
    "add_vehicle",
    "add_zone",
    "cancel_shift",
    "change_driver",
    "change_hub",
    "change_shift",
    "change_vehicle",
    "change_zone",
    "copy_shifts",
    "remove_zone",
    "retire_driver",
    "retire_hub",
    "retire_vehicle",
]
