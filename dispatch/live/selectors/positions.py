"""Reads the last positions of vehicles, as the board shows them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet

from dispatch.live.models import LastPosition


@dataclass(frozen=True, slots=True)
class VehiclePlace:
    """The last place of a vehicle on one run; None for a speed or heading that is not known."""

    run: str
    shift: str
    vehicle: str
    hub: str
    day: dt.date
    at: dt.datetime
    lat: float
    lon: float
    speed_mps: float | None
    heading_deg: int | None

    def as_json(self) -> dict[str, Any]:
        """Return the place as it is sent to boards, which know the hub and the day."""
        return {
            "run": self.run,
            "shift": self.shift,
            "vehicle": self.vehicle,
            "at": self.at,
            "lat": self.lat,
            "lon": self.lon,
            "speed_mps": self.speed_mps,
            "heading_deg": self.heading_deg,
        }


def places_of_day(hub: str, day: dt.date) -> list[VehiclePlace]:
    """Return the last places of the vehicles that work on a hub's day and have not ended."""
    rows = LastPosition.objects.filter(
        run__shift__hub__public_id=hub, run__shift__service_date=day, run__ended_at__isnull=True
    )
    return _places(rows)


def places_changed_since(since: dt.datetime) -> list[VehiclePlace]:
    """Return the last places that changed after an instant, of all hubs."""
    return _places(LastPosition.objects.filter(received_at__gt=since))


def _places(rows: QuerySet[LastPosition]) -> list[VehiclePlace]:
    run, shift = F("run__public_id"), F("run__shift__public_id")
    hub, vehicle = F("run__shift__hub__public_id"), F("run__shift__vehicle__name")
    values = rows.order_by("run_id").values_list(
        run, shift, vehicle, hub, "run__shift__service_date",
        "at", "lat", "lon", "speed_mps", "heading_deg",
    )  # fmt: skip
    return [VehiclePlace(*row) for row in values]
