"""Services of shifts: add, change, cancel. Shifts of a vehicle or of a driver never overlap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from dispatch.fleet import breaks, values
from dispatch.fleet.breaks import Break
from dispatch.fleet.errors import ShiftOverlaps
from dispatch.fleet.events import ADDED, CHANGED, SHIFT_CANCELLED
from dispatch.fleet.models import Driver, Shift, Vehicle
from dispatch.fleet.services.writing import create, locked, write
from dispatch.fleet.states import MOVES, ShiftState
from lastmile.core import clock
from lastmile.core.errors import Conflict, Invalid, Problems

SHORTEST, LONGEST = dt.timedelta(minutes=15), dt.timedelta(hours=24)


class ShiftFields(TypedDict, total=False):
    """The fields of a shift. Its hub is the hub of the vehicle, and its date is a local date."""

    external_id: str | None
    vehicle: Vehicle
    driver: Driver | None
    starts_at: dt.datetime
    ends_at: dt.datetime
    breaks: Sequence[Break]


def _instant(raw: Any) -> dt.datetime:
    if not isinstance(raw, dt.datetime) or raw.utcoffset() is None:
        raise Invalid(
            _("This must be a time with its offset from UTC, such as 2026-11-22T08:00:00-03:00.")
        )
    return raw.astimezone(dt.UTC)


RULES: dict[str, values.Rule] = {
    "external_id": values.external_id,
    "vehicle": values.unchanged,
    "driver": values.unchanged,
    "starts_at": _instant,
    "ends_at": _instant,
    "breaks": list,
}


def _complete(
    row: Shift | None, cleaned: dict[str, Any], vehicle: Vehicle, driver: Driver | None
) -> dict[str, Any]:
    """Check the shift as a whole and add the columns that depend on others."""
    starts_at: dt.datetime = (
        cleaned["starts_at"] if "starts_at" in cleaned else _existing(row).starts_at
    )
    ends_at: dt.datetime = cleaned["ends_at"] if "ends_at" in cleaned else _existing(row).ends_at
    if not SHORTEST <= ends_at - starts_at <= LONGEST:
        problems = Problems()
        problems.add(
            "/ends_at",
            _("A shift must last between 15 minutes and 24 hours. Check its start and end."),
        )
        problems.raise_if_any()
    pauses = cleaned.get("breaks")
    if pauses is None:
        pauses = [Break.from_json(stored) for stored in (row.breaks if row else [])]
    breaks.check(pauses, starts_at, ends_at)
    _refuse_inactive(vehicle, driver)
    _refuse_overlap(row, vehicle, driver, starts_at, ends_at)
    return cleaned | {
        "hub": vehicle.hub,
        "vehicle": vehicle,
        "driver": driver,
        "service_date": clock.local_date(starts_at, vehicle.hub.zone),
        "breaks": [pause.as_json() for pause in sorted(pauses, key=lambda b: b.opens_at)],
    }


def _existing(row: Shift | None) -> Shift:
    assert row is not None, "a new shift needs starts_at and ends_at"
    return row


def _lock_vehicle_and_driver(
    vehicle: Vehicle, driver: Driver | None
) -> tuple[Vehicle, Driver | None]:
    """Return the vehicle and the driver, locked in this order.

    Without the locks, two transactions could deadlock on the exclusion constraints.
    """
    vehicles = Vehicle.objects.select_for_update(no_key=True, of=("self",)).select_related("hub")
    drivers = Driver.objects.select_for_update(no_key=True)
    return vehicles.get(pk=vehicle.pk), drivers.get(pk=driver.pk) if driver else None


def _refuse_inactive(vehicle: Vehicle, driver: Driver | None) -> None:
    problems = Problems()
    if not vehicle.active:
        problems.add("/vehicle", _("This vehicle is inactive. Choose another vehicle."))
    if not vehicle.hub.active:
        problems.add(
            "/vehicle",
            _("The hub of this vehicle is inactive. Move the vehicle to an active hub first."),
        )
    if driver and not driver.active:
        problems.add("/driver", _("This driver is inactive. Choose another driver."))
    problems.raise_if_any()


def _refuse_overlap(
    row: Shift | None,
    vehicle: Vehicle,
    driver: Driver | None,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
) -> None:
    same = Q(vehicle=vehicle) | Q(driver=driver) if driver else Q(vehicle=vehicle)
    others = Shift.objects.filter(
        same, state=ShiftState.SCHEDULED, starts_at__lt=ends_at, ends_at__gt=starts_at
    )
    other = (others.exclude(pk=row.pk) if row else others).first()
    if other is None:
        return
    name = vehicle.name if other.vehicle_id == vehicle.pk else driver.name if driver else ""
    raise ShiftOverlaps(
        _("%(name)s already has another shift at that time. Change the times or cancel that shift.")
        % {"name": name},
        data={"shift": other.public_id},
    )


def _overlap_error(error: IntegrityError) -> Conflict:
    """Return the error for a broken exclusion constraint. Raises any other database error."""
    if "shift_one_" in str(error):
        return ShiftOverlaps(
            _("The vehicle or the driver already has another shift at that time. Change the times.")
        )
    raise error


@transaction.atomic
def add_shift(**fields: Unpack[ShiftFields]) -> Shift:
    """Add a shift of a vehicle, with or without a driver.

    vehicle, starts_at and ends_at are required. Locks: vehicle, driver. Records: shift.added.
    Raises: Invalid, ShiftOverlaps, ExternalIdTaken.
    """
    cleaned = values.clean(fields, RULES, required=("vehicle", "starts_at", "ends_at"))
    vehicle, driver = _lock_vehicle_and_driver(cleaned["vehicle"], cleaned.get("driver"))
    columns = _complete(None, cleaned, vehicle, driver)
    try:
        return create(Shift, columns, ADDED["shift"])
    except IntegrityError as error:
        raise _overlap_error(error) from error


@transaction.atomic
def change_shift(
    *, shift: Shift, version: int | None = None, **fields: Unpack[ShiftFields]
) -> Shift:
    """Change the given fields of a scheduled shift.

    Locks: vehicle, driver, shift. Records: shift.changed if a value differs. Raises: Invalid,
    Stale, ShiftOverlaps; Conflict if the shift is cancelled.
    """
    cleaned = values.clean(fields, RULES)
    vehicle, driver = _lock_vehicle_and_driver(
        cleaned.get("vehicle", shift.vehicle), cleaned.get("driver", shift.driver)
    )
    row = locked(shift, version)
    if row.state != ShiftState.SCHEDULED:
        raise Conflict(_("This shift was cancelled. Add a new shift."))
    columns = _complete(row, cleaned, vehicle, driver)
    try:
        return write(row, columns, CHANGED["shift"])
    except IntegrityError as error:
        raise _overlap_error(error) from error


@transaction.atomic
def cancel_shift(*, shift: Shift, version: int | None = None) -> Shift:
    """Cancel a shift; planning then removes its route. Cancelling it twice changes nothing.

    Locks: the shift. Records: shift.cancelled. Raises: Stale.
    """
    row = locked(shift, version)
    if ShiftState.CANCELLED not in MOVES[ShiftState(row.state)]:
        return row
    return write(row, {"state": ShiftState.CANCELLED.value}, SHIFT_CANCELLED)
