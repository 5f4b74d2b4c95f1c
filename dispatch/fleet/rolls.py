"""The ledger, the invariants and the hub names of the fleet, which the switchboard lists.

Commands and pages that cover all apps call them through the switchboard.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import F, Q
from django.utils.translation import gettext as _

from dispatch.fleet.models import Driver, Hub, Shift, Vehicle, Zone
from dispatch.fleet.states import ShiftState


def ledger() -> Mapping[str, object]:
    """Return the ids of all hubs, zones, vehicles and drivers, and the state of each shift."""
    return {
        "hubs": _ids(Hub),
        "zones": _ids(Zone),
        "vehicles": _ids(Vehicle),
        "drivers": _ids(Driver),
        "shifts": dict(Shift.objects.values_list("public_id", "state")),
    }


def _ids(model: type[Hub] | type[Zone] | type[Vehicle] | type[Driver]) -> list[str]:
    return list(model.objects.order_by("pk").values_list("public_id", flat=True))


def hub_names() -> Mapping[str, str]:
    """Return public id -> name of every hub; the name of an inactive hub says so."""
    rows = Hub.objects.values_list("public_id", "name", "active")
    inactive = _("%(name)s (inactive)")
    return {i: name if active else inactive % {"name": name} for i, name, active in rows}


def invariants() -> Mapping[str, list[str]]:
    """Return, by invariant, the ids of the rows that break it."""
    scheduled = Shift.objects.filter(state=ShiftState.SCHEDULED)
    overlapping = scheduled.filter(
        Q(vehicle__shifts__starts_at__lt=F("ends_at"), vehicle__shifts__ends_at__gt=F("starts_at")),
        ~Q(vehicle__shifts__pk=F("pk")),
        vehicle__shifts__state=ShiftState.SCHEDULED,
    )
    return {
        "the shifts of a vehicle do not overlap": _broken(overlapping),
        "a shift has the hub of its vehicle, unless it ended before the vehicle moved": _broken(
            scheduled.exclude(hub=F("vehicle__hub")).filter(ends_at__gt=F("vehicle__updated_at"))
        ),
    }


def _broken(shifts: object) -> list[str]:
    return sorted(set(shifts.values_list("public_id", flat=True)))  # type: ignore[attr-defined]
