"""The selectors of the live day: devices, days of drivers, progress of routes, incidents."""

from dispatch.live.selectors.days import changes_of, day_of, run_state
from dispatch.live.selectors.devices import (
    device_of_id,
    device_of_key,
    devices_of,
    has_live_link,
    is_revoked,
)
from dispatch.live.selectors.progress import (
    RouteProgress,
    VisitLine,
    acts_of,
    get_incident,
    incidents,
    open_incidents,
    progress_of_day,
    runs_of,
)
from dispatch.live.selectors.shifts import shifts_around

__all__ = [
    "RouteProgress",
    "VisitLine",
    "acts_of",
    "changes_of",
    "day_of",
    "device_of_id",
    "device_of_key",
    "devices_of",
    "get_incident",
    "has_live_link",
    "incidents",
    "is_revoked",
    "open_incidents",
    "progress_of_day",
    "run_state",
    "runs_of",
    "shifts_around",
]
