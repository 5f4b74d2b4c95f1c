"""Copies the shifts of a day to another day, at the same local times."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from django.db import transaction

from dispatch.fleet.breaks import Break
from dispatch.fleet.models import Hub, Shift
from dispatch.fleet.selectors import breaks_of, shifts_on
from dispatch.fleet.services.shifts import add_shift
from lastmile.core import clock
from lastmile.core.errors import DomainError


@dataclass(frozen=True, slots=True)
class Copied:
    """The result of a copy: the new shifts, and the skipped shifts, each with the reason."""

    added: list[Shift]
    skipped: list[tuple[Shift, str]]


@transaction.atomic
def copy_shifts(*, hub: Hub, since: dt.date, to: dt.date) -> Copied:
    """Copy the scheduled shifts of a hub from one date to another.

    Local times stay the same, even if the clock changes between the dates. A shift is skipped if
    its vehicle or driver is busy or inactive, so copying twice adds nothing. Locks: vehicles and
    drivers. Records: shift.added for each new shift. Raises: nothing of its own.
    """
    added: list[Shift] = []
    skipped: list[tuple[Shift, str]] = []
    for shift in shifts_on(hub, since):
        try:
            with transaction.atomic():
                added.append(
                    add_shift(
                        vehicle=shift.vehicle,
                        driver=shift.driver,
                        starts_at=_moved(shift.starts_at, since, to, hub.zone),
                        ends_at=_moved(shift.ends_at, since, to, hub.zone),
                        breaks=[_moved_break(b, since, to, hub.zone) for b in breaks_of(shift)],
                    )
                )
        except DomainError as fault:
            skipped.append((shift, fault.errors[0].detail if fault.errors else fault.detail))
    return Copied(added=added, skipped=skipped)


def _moved(instant: dt.datetime, since: dt.date, to: dt.date, zone: str) -> dt.datetime:
    """Return an instant with the same local time, moved by the days from ``since`` to ``to``."""
    local = instant.astimezone(clock.zone(zone))
    date = to + (local.date() - since)
    return clock.local_instant(date, local.hour * 60 + local.minute, zone)


def _moved_break(pause: Break, since: dt.date, to: dt.date, zone: str) -> Break:
    return replace(
        pause,
        opens_at=_moved(pause.opens_at, since, to, zone),
        closes_at=_moved(pause.closes_at, since, to, zone),
    )
