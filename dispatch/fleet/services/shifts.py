"""Shifts: add, change, cancel. One vehicle and one driver stand in one shift at a time."""

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
    """What a caller may say about a shift; its hub is the vehicle's, its date the hub's local."""

    external_id: str | None
    vehicle: Vehicle
    driver: Driver | None
    starts_at: dt.datetime
    ends_at: dt.datetime
    breaks: Sequence[Break]


def _instant(raw: Any) -> dt.datetime:
    if not isinstance(raw, dt.datetime) or raw.utcoffset() is None:
        raise Invalid(_("This must be a time with its offset, like 2026-11-22T08:00:00-03:00."))
    return raw.astimezone(dt.UTC)


RULES: dict[str, values.Rule] = {
    "external_id": values.external_id,
    "vehicle": values.as_it_is,
    "driver": values.as_it_is,
    "starts_at": _instant,
    "ends_at": _instant,
    "breaks": list,
}


def _settle(
    row: Shift | None, kept: dict[str, Any], vehicle: Vehicle, driver: Driver | None
) -> dict[str, Any]:
    """Check the shift as a whole and fill in what follows from it."""
    starts_at: dt.datetime = kept["starts_at"] if "starts_at" in kept else _of(row).starts_at
    ends_at: dt.datetime = kept["ends_at"] if "ends_at" in kept else _of(row).ends_at
    if not SHORTEST <= ends_at - starts_at <= LONGEST:
        problems = Problems()
        problems.add("/ends_at", _("A shift ends between 15 minutes and 24 hours after it starts."))
        problems.raise_if_any()
    pauses = kept.get("breaks")
    if pauses is None:
        pauses = [Break.from_json(kept_break) for kept_break in (row.breaks if row else [])]
    breaks.check(pauses, starts_at, ends_at)
    _refuse_retired(vehicle, driver)
    _refuse_overlap(row, vehicle, driver, starts_at, ends_at)
    return kept | {
        "hub": vehicle.hub,
        "vehicle": vehicle,
        "driver": driver,
        "service_date": clock.local_date(starts_at, vehicle.hub.zone),
        "breaks": [pause.as_json() for pause in sorted(pauses, key=lambda b: b.opens_at)],
    }


def _of(row: Shift | None) -> Shift:
    assert row is not None, "a new shift says when it starts and ends"
    return row


def _lock_means(vehicle: Vehicle, driver: Driver | None) -> tuple[Vehicle, Driver | None]:
    """Lock vehicle, then driver: the EXCLUDE constraint alone would deadlock under a race."""
    held = Vehicle.objects.select_for_update(no_key=True, of=("self",)).select_related("hub")
    drivers = Driver.objects.select_for_update(no_key=True)
    return held.get(pk=vehicle.pk), drivers.get(pk=driver.pk) if driver else None


def _refuse_retired(vehicle: Vehicle, driver: Driver | None) -> None:
    problems = Problems()
    if not vehicle.active:
        problems.add("/vehicle", _("This vehicle is out of service; choose another."))
    if not vehicle.hub.active:
        problems.add("/vehicle", _("The vehicle's hub is closed; move the vehicle first."))
    if driver and not driver.active:
        problems.add("/driver", _("This driver is off the list; choose another."))
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
    who = vehicle.name if other.vehicle_id == vehicle.pk else driver.name if driver else ""
    raise ShiftOverlaps(
        _("%(who)s already stands in another shift at that time; choose other times or cancel it.")
        % {"who": who},
        data={"shift": other.public_id},
    )


def _overlap_or(refused: IntegrityError) -> Conflict:
    if "shift_one_" in str(refused):
        return ShiftOverlaps(
            _("The vehicle or the driver already stands in another shift at that time.")
        )
    raise refused


@transaction.atomic
def add_shift(**fields: Unpack[ShiftFields]) -> Shift:
    """Put a vehicle, and perhaps a driver, on the road for a time.

    vehicle, starts_at and ends_at are required. Locks: vehicle, driver. Records: shift.added.
    Raises: Invalid, ShiftOverlaps, ExternalIdTaken.
    """
    kept = values.clean(fields, RULES, required=("vehicle", "starts_at", "ends_at"))
    vehicle, driver = _lock_means(kept["vehicle"], kept.get("driver"))
    settled = _settle(None, kept, vehicle, driver)
    try:
        return create(Shift, settled, ADDED["shift"])
    except IntegrityError as refused:
        raise _overlap_or(refused) from refused


@transaction.atomic
def change_shift(
    *, shift: Shift, version: int | None = None, **fields: Unpack[ShiftFields]
) -> Shift:
    """Change what is given of a scheduled shift.

    Locks: vehicle, driver, shift. Records: shift.changed, when something differs. Raises: Invalid,
    Stale, ShiftOverlaps, Conflict once cancelled.
    """
    kept = values.clean(fields, RULES)
    vehicle, driver = _lock_means(
        kept.get("vehicle", shift.vehicle), kept.get("driver", shift.driver)
    )
    row = locked(shift, version)
    if row.state != ShiftState.SCHEDULED:
        raise Conflict(_("This shift was cancelled; add a new one."))
    settled = _settle(row, kept, vehicle, driver)
    try:
        return write(row, settled, CHANGED["shift"])
    except IntegrityError as refused:
        raise _overlap_or(refused) from refused


@transaction.atomic
def cancel_shift(*, shift: Shift, version: int | None = None) -> Shift:
    """Call a shift off; planning takes its route away.

    Locks: the shift. Records: shift.cancelled. Raises: Stale; cancelling twice changes nothing.
    """
    row = locked(shift, version)
    if ShiftState.CANCELLED not in MOVES[ShiftState(row.state)]:
        return row
    return write(row, {"state": ShiftState.CANCELLED.value}, SHIFT_CANCELLED)
