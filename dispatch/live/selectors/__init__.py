"""The selectors of the live day: devices, days of drivers, progress, arrivals, incidents."""

from dispatch.live.selectors.arrivals import (
    ExpectedArrival,
    arrival_of_order,
    arrivals_of_day,
    arrivals_of_orders,
)
from dispatch.live.selectors.days import changes_of, day_of, run_state
from dispatch.live.selectors.devices import (
    device_of_id,
    device_of_key,
    devices,
    devices_of,
    has_live_link,
    is_revoked,
    tracker_of_key,
)
from dispatch.live.selectors.incidents import (
    LAST_SETTLED_FIRST,
    URGENT_FIRST,
    incidents,
    open_incidents,
)
from dispatch.live.selectors.labels import FoundParcel, parcel_of_label
from dispatch.live.selectors.positions import VehiclePlace, places_of_day
from dispatch.live.selectors.progress import (
    RouteProgress,
    VisitLine,
    acts_of,
    progress_of_day,
    progress_of_shifts,
    runs_of,
    standings,
)
from dispatch.live.selectors.shifts import published_routes, shifts_around

__all__ = [
    "LAST_SETTLED_FIRST",
    "URGENT_FIRST",
    "ExpectedArrival",
    "FoundParcel",
    "RouteProgress",
    "VehiclePlace",
    "VisitLine",
    "acts_of",
    "arrival_of_order",
    "arrivals_of_day",
    "arrivals_of_orders",
    "changes_of",
    "day_of",
    "device_of_id",
    "device_of_key",
    "devices",
    "devices_of",
    "has_live_link",
    "incidents",
    "is_revoked",
    "open_incidents",
    "parcel_of_label",
    "places_of_day",
    "progress_of_day",
    "progress_of_shifts",
    "published_routes",
    "run_state",
    "runs_of",
    "shifts_around",
    "standings",
    "tracker_of_key",
]
