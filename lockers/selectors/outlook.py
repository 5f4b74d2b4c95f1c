"""The outlook of a bank: parcels that stay too long, misuse, and a forecast of what is free."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from lastmile.core.clock import now
from lockers.journal import EntryKind
from lockers.models import JournalEntry, LockerBank, LockerReservation
from lockers.selectors.occupancy import Occupancy, mean_dwell_s
from lockers.states import HELD, INSIDE, TAKING, EntryResult, ReservationState

S = ReservationState
#: Hours ahead of the forecast.
HORIZONS_H: Final = (12, 24, 48)
#: Days of the journal in which misuse is counted.
MISUSE_DAYS: Final = 30
MOST_LONG: Final = 50
_TAKING: Final = sorted(state.value for state in TAKING)
_INSIDE: Final = sorted(state.value for state in INSIDE)


def long_inside(bank: LockerBank) -> list[LockerReservation]:
    """Return the parcels that are inside although their time is over, the oldest first."""
    over = Q(collect_by__lte=now()) | Q(state__in=[S.COLLECT_EXPIRED, S.COURIER_TO_COLLECT])
    rows = LockerReservation.objects.filter(over, bank=bank, state__in=_INSIDE)
    return list(rows.select_related("compartment", "order").order_by("deposited_at")[:MOST_LONG])


@dataclass(frozen=True, slots=True, kw_only=True)
class Misuse:
    """The number of faults and of misuse at a bank in the last 30 days."""

    forced: int
    left_open: int
    locked_out: int
    sensor_faults: int
    disputed: int

    @property
    def total(self) -> int:
        return self.forced + self.left_open + self.locked_out + self.sensor_faults + self.disputed


def misuse_of(bank: LockerBank) -> Misuse:
    """Count forced and open doors, wrong codes, sensor faults and disputes. Takes one statement."""
    since = now() - dt.timedelta(days=MISUSE_DAYS)
    kinds = [EntryKind.LEFT_OPEN, EntryKind.LOCKED_OUT, EntryKind.SENSOR_FAULT]
    forced = Q(kind=EntryKind.OPENED) & ~Q(data__by__in=["code", "command"])
    disputed = Q(result=EntryResult.DISPUTED)
    rows = JournalEntry.objects.filter(
        forced | disputed | Q(kind__in=kinds), bank=bank, recorded_at__gte=since
    )
    counts: Counter[str] = Counter()
    for kind, result in rows.values_list("kind", "result")[:10_000]:
        counts[kind] += 1
        counts["disputed"] += result == EntryResult.DISPUTED
    return Misuse(
        forced=counts[EntryKind.OPENED],
        left_open=counts[EntryKind.LEFT_OPEN],
        locked_out=counts[EntryKind.LOCKED_OUT],
        sensor_faults=counts[EntryKind.SENSOR_FAULT],
        disputed=counts["disputed"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassOutlook:
    """The free compartments of a size class now, and expected after 12, 24 and 48 hours."""

    size_class: str
    total: int
    free: int
    expected: tuple[int, ...]


def forecast_of(bank: LockerBank, classes: list[Occupancy]) -> list[ClassOutlook]:
    """Return the forecast by class. It is a model, not a promise.

    A parcel that is inside leaves after the bank's mean time, or at the end of its time to collect.
    If both are over, it stays, because a courier must take it out. A hold is given back, or its
    parcel has left, one mean time after the end of the time for the deposit. New reservations are
    not known, so the real numbers are lower on a busy day. Takes two statements.
    """
    at = now()
    mean = dt.timedelta(seconds=mean_dwell_s(bank) or 0)
    leaves: dict[str, list[dt.datetime]] = defaultdict(list)
    rows = LockerReservation.objects.filter(compartment__bank=bank, state__in=_TAKING)
    for row in rows.select_related("compartment"):
        when = _leaves_at(row, mean, at)
        if when is not None and row.compartment is not None and row.compartment.state != "blocked":
            leaves[row.compartment.size_class].append(when)
    return [
        ClassOutlook(
            size_class=item.size_class,
            total=item.total,
            free=item.free,
            expected=tuple(
                min(item.total, item.free + sum(when <= at + dt.timedelta(hours=hours)
                    for when in leaves[item.size_class]))
                for hours in HORIZONS_H
            ),
        )
        for item in classes
    ]  # fmt: skip


def _leaves_at(row: LockerReservation, mean: dt.timedelta, at: dt.datetime) -> dt.datetime | None:
    """Return when a compartment is expected to be free again; None if nobody knows."""
    state = S(row.state)
    if state in HELD:
        if state == S.SOFT_HELD:
            return row.held_until
        return row.deposit_by + (mean or dt.timedelta(seconds=row.collect_within_s))
    if state not in {S.DEPOSITED, S.READY} or row.collect_by is None or row.deposited_at is None:
        return None
    usual = row.deposited_at + mean if mean else row.collect_by
    coming = [when for when in (usual, row.collect_by) if when > at]
    return min(coming) if coming else None
