"""What stands in fleet, for the walk over the whole house: its ledger and its invariants."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import F, Q
from django.utils.translation import gettext as _

from dispatch.fleet.models import Driver, Hub, Shift, Vehicle, Zone
from dispatch.fleet.states import ShiftState


def ledger() -> Mapping[str, object]:
    """Return the ids of everything acknowledged; shifts with their states."""
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
    """Return public id -> name of every hub, closed ones with a word that says so."""
    rows = Hub.objects.values_list("public_id", "name", "active")
    closed = _("%(name)s (closed)")
    return {i: name if active else closed % {"name": name} for i, name, active in rows}


def invariants() -> Mapping[str, list[str]]:
    """Return invariant -> ids of the rows that break it; empty lists when all is well."""
    scheduled = Shift.objects.filter(state=ShiftState.SCHEDULED)
    overlapping = scheduled.filter(
        Q(vehicle__shifts__starts_at__lt=F("ends_at"), vehicle__shifts__ends_at__gt=F("starts_at")),
        ~Q(vehicle__shifts__pk=F("pk")),
        vehicle__shifts__state=ShiftState.SCHEDULED,
    )
    return {
        "a vehicle stands in one shift at a time": _broken(overlapping),
        "a shift belongs to its vehicle's hub or was driven before the vehicle moved": _broken(
            scheduled.exclude(hub=F("vehicle__hub")).filter(ends_at__gt=F("vehicle__updated_at"))
        ),
    }


def _broken(shifts: object) -> list[str]:
    return sorted(set(shifts.values_list("public_id", flat=True)))  # type: ignore[attr-defined]
