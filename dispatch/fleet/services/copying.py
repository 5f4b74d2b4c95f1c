"""A day's shifts again on another day, at the same times on the wall."""

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
    """What came of it: the new shifts, and those left out with the sentence why."""

    added: list[Shift]
    skipped: list[tuple[Shift, str]]


@transaction.atomic
def copy_shifts(*, hub: Hub, since: dt.date, to: dt.date) -> Copied:
    """Copy the scheduled shifts of a hub from one date to another.

    Wall-clock times stay though the clock changes between the dates. A shift whose vehicle or
    driver is taken or retired by then is left out, so that copying twice adds nothing. Locks:
    vehicles and drivers. Records: shift.added for each. Raises: nothing of its own.
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
                        breaks=[_moved_break(one, since, to, hub.zone) for one in breaks_of(shift)],
                    )
                )
        except DomainError as refused:
            skipped.append((shift, refused.errors[0].detail if refused.errors else refused.detail))
    return Copied(added=added, skipped=skipped)


def _moved(instant: dt.datetime, since: dt.date, to: dt.date, zone: str) -> dt.datetime:
    """The same time on the wall, as many days after ``to`` as it was after ``since``."""
    local = instant.astimezone(clock.zone(zone))
    date = to + (local.date() - since)
    return clock.local_instant(date, local.hour * 60 + local.minute, zone)


def _moved_break(pause: Break, since: dt.date, to: dt.date, zone: str) -> Break:
    return replace(
        pause,
        opens_at=_moved(pause.opens_at, since, to, zone),
        closes_at=_moved(pause.closes_at, since, to, zone),
    )
