"""Finds the banks nearest to a place that suit a parcel and a time.

The index ``bank_nearest`` gives the banks in order of their distance in degrees. A degree of
longitude is shorter than one of latitude, so the search reads on until no bank that is left can be
nearer in metres. It looks at 2,000 banks at most, so that its cost has a limit.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, F, FloatField, Func, OuterRef, Q, QuerySet, Subquery, Value

from lastmile.core import clock
from lastmile.core.geo import EARTH_RADIUS_M, Point, distance_m
from lockers import fitting
from lockers.fitting import Size
from lockers.models import Compartment, LockerAccount, LockerBank, LockerReservation
from lockers.selectors.hours import is_open_at
from lockers.states import TAKING, BankKind, BankState, BoxState, DoorState

MOST_RADIUS_M: Final = 100_000
USUAL_RADIUS_M: Final = 10_000
_CHUNKS: Final = (64, 256, 680, 1000)  # banks read by one statement; 2,000 in all
_TAKING: Final = sorted(state.value for state in TAKING)
# A degree on the way between two points is not exactly as long as at their latitudes.
_SAFE: Final = 0.995


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A search for banks.

    With ``size``, ``low_door`` or ``cooled``, a bank must be connected, the account at its network
    be on, and a compartment free that suits. ``weight_g`` must not exceed the bank's limit. With
    ``open_at`` the bank must be open then.
    """

    near: Point
    radius_m: int = USUAL_RADIUS_M
    size: Size | None = None
    weight_g: int = 0
    low_door: bool = False
    cooled: bool = False
    open_at: dt.datetime | None = None

    @property
    def needs_compartment(self) -> bool:
        return self.size is not None or self.low_door or self.cooled


@dataclass(frozen=True, slots=True, kw_only=True)
class NearBank:
    """A bank and its distance from the place, as the crow flies."""

    bank: LockerBank
    distance_m: int


def nearest_banks(rows: QuerySet[LockerBank], wanted: Wanted, most: int) -> list[NearBank]:
    """Return the nearest active banks of ``rows`` that suit, the nearest first.

    Takes one statement in a usual case and four at most.
    """
    query, seen = _by_degrees(rows, wanted), 0
    waiting: list[NearBank] = []
    chosen: list[NearBank] = []
    for size in _CHUNKS:
        chunk = list(query[seen : seen + size])
        seen += len(chunk)
        is_last = len(chunk) < size or seen == sum(_CHUNKS)
        sure_m = wanted.radius_m if is_last else _least_m(chunk[-1].degrees, wanted)  # type: ignore[attr-defined]
        waiting = sorted([*waiting, *_suiting(chunk, wanted)], key=_order)
        while waiting and len(chosen) < most and waiting[0].distance_m <= sure_m:
            near = waiting.pop(0)
            if wanted.open_at is None or is_open_at(near.bank, wanted.open_at):
                chosen.append(near)
        if is_last or len(chosen) >= most or sure_m >= wanted.radius_m:
            break
    return chosen


def _order(near: NearBank) -> tuple[int, int]:
    return near.distance_m, near.bank.pk


def free_boxes(at: dt.datetime) -> QuerySet[Compartment]:
    """Return the compartments that are free at an instant: known to be empty, closed, not held."""
    still = Q(ends_at__isnull=True) | Q(ends_at__gt=at)
    taking = LockerReservation.objects.filter(still, compartment=OuterRef("pk"), state__in=_TAKING)
    rows = Compartment.objects.filter(state=BoxState.EMPTY, door=DoorState.CLOSED)
    return rows.exclude(Exists(taking))


def _by_degrees(rows: QuerySet[LockerBank], wanted: Wanted) -> QuerySet[LockerBank]:
    """Return the active banks in order of degrees, with ``suits``.

    There is no condition on the place: with one, PostgreSQL reads and sorts all banks around it.
    """
    spot = Func(F("lon"), F("lat"), function="point")
    center = _point(wanted.near.lon, wanted.near.lat)
    degrees = Func(
        spot, center, template="(%(expressions)s)", arg_joiner=" <-> ", output_field=FloatField()
    )
    around = rows.filter(active=True)
    if wanted.weight_g:
        around = around.filter(
            Q(most_weight_g__isnull=True) | Q(most_weight_g__gte=wanted.weight_g)
        )
    suits = Value(1)
    if wanted.needs_compartment:
        off = LockerAccount.objects.filter(is_on=False).values("vendor")
        around = around.filter(state=BankState.ONLINE).exclude(
            kind=BankKind.VENDOR, network__in=off
        )
        # Not Exists: PostgreSQL would read the compartments of all banks for it.
        suits = Subquery(_suitable(wanted).order_by().values("pk")[:1])  # type: ignore[assignment]
    return around.annotate(degrees=degrees, suits=suits).order_by("degrees", "pk")


def _suitable(wanted: Wanted) -> QuerySet[Compartment]:
    rows = free_boxes(clock.now()).filter(bank=OuterRef("pk"))
    if wanted.size is not None:
        least, middle, most = fitting.needed(wanted.size)
        rows = rows.filter(least_mm__gte=least, middle_mm__gte=middle, most_mm__gte=most)
    if wanted.low_door:
        rows = rows.filter(low=True)
    return rows.filter(cooled=True) if wanted.cooled else rows


def _suiting(banks: Iterable[LockerBank], wanted: Wanted) -> list[NearBank]:
    able = (bank for bank in banks if bank.suits is not None)  # type: ignore[attr-defined]
    near = (
        NearBank(bank=bank, distance_m=round(distance_m(wanted.near, bank.point))) for bank in able
    )
    return [bank for bank in near if bank.distance_m <= wanted.radius_m]


def _point(lon: float, lat: float) -> Func:
    return Func(
        Value(float(lon), output_field=FloatField()),
        Value(float(lat), output_field=FloatField()),
        function="point",
    )


def _half_degrees(wanted: Wanted) -> float:
    return math.degrees(wanted.radius_m / EARTH_RADIUS_M)


def _most_lat(wanted: Wanted) -> float:
    """Return the greatest latitude of the search, to either pole; below 90."""
    return min(89.0, abs(wanted.near.lat) + _half_degrees(wanted))


def _least_m(degrees: float, wanted: Wanted) -> float:
    """Return the least metres to a bank that is at least these degrees away."""
    shrink = math.cos(math.radians(_most_lat(wanted)))
    return math.radians(degrees) * EARTH_RADIUS_M * shrink * _SAFE
