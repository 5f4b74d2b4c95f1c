"""Finds stays at a door in the positions of a vehicle. PURE.

A vehicle that drives past is not a stay. The radius around the door grows with the inexactness of
the positions, so that a rough receiver still sees the driver arrive.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lastmile.core.geo import Point, distance_m

#: A vehicle that is parked at least this long near a door has stopped there. Seconds, chosen: a
#: vehicle at 50 km/h needs 18 s through the largest usual circle, a quick hand-over takes 40 s.
LEAST_S: Final = 30
#: Radius around a door for exact positions: a van parks this far off. Metres, chosen.
RADIUS_M: Final = 60
#: The radius grows by this many times the accuracy, up to a bound. Chosen by simulation
#: (tests/dispatch/live/test_stays.py).
PER_ACCURACY: Final = 1.5
MOST_RADIUS_M: Final = 200
#: Accuracy of a position that says nothing about it. Metres, chosen.
USUAL_ACCURACY_M: Final = 20.0
#: A phone's accuracy is the radius that holds 68 % of the errors: 1.5 standard deviations.
#: Source: Android, Location.getAccuracy.
ACCURACY_PER_DEVIATION: Final = 1.5
#: Movement that counts as standing, m/s: a driver walks around the vehicle. Chosen.
STANDING_MPS: Final = 1.5
#: A measured speed from which the vehicle drives, m/s. Chosen.
DRIVING_MPS: Final = 5.0
#: This many positions in a row outside the circle mean that the vehicle has left; one is enough
#: when it is twice as far away. Chosen, so that one bad position ends no stay.
OUTSIDE: Final = 2
#: Farther than this from a door no position is near it.
FAR_M: Final = 2 * MOST_RADIUS_M + 100.0
_FAR_DEG: Final = FAR_M / 111_000


@dataclass(frozen=True, slots=True)
class Seen:
    """A position of a vehicle: when and where, its accuracy, and its speed if measured."""

    at: dt.datetime
    place: Point
    accuracy_m: float | None = None
    speed_mps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A stay at a door. ``left_at`` is None while the vehicle is still there.

    ``distance_m`` is the mean distance of the positions from the door.
    """

    arrived_at: dt.datetime
    left_at: dt.datetime | None
    distance_m: float


@dataclass(slots=True)
class _Near:
    """A position within the circle, in metres east and north of the door."""

    seen: Seen
    east_m: float
    north_m: float
    distance_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A door of a run. ``departed_at`` is when the driver told of the outcome there."""

    key: int
    point: Point
    departed_at: dt.datetime | None = None


def stays_of_run(doors: Sequence[Door], positions: Sequence[Seen]) -> dict[int, Stay]:
    """Return the stay at each door of a run, by key; doors without one are not in it.

    At a door with an outcome it is the last stay that began before, and after the outcome before
    it: of several visits from one place to park, each begins when the one before it has ended.
    A stay near several doors without an outcome is at the nearest of them.
    """
    ends = sorted(door.departed_at for door in doors if door.departed_at is not None)
    stays: dict[int, Stay] = {}
    to_come: list[tuple[Stay, int]] = []
    for door in doors:
        end = door.departed_at
        before = [one for one in ends if end is None or one < end]
        since = [seen for seen in positions if not before or seen.at >= before[-1]]
        own = [
            stay for stay in stays_at(door.point, since) if end is None or stay.arrived_at <= end
        ]
        if own and end is None:
            to_come.append((own[-1], door.key))
        elif own and end is not None:
            stays[door.key] = _until_next(own[-1], end, [one for one in ends if one > end])
    for stay, key in sorted(to_come, key=lambda one: one[0].distance_m):
        if not any(_meet(stay, stays[other]) for _stay, other in to_come if other in stays):
            stays[key] = stay
    return stays


def _until_next(stay: Stay, end: dt.datetime, later: Sequence[dt.datetime]) -> Stay:
    """Return a stay that ends with its outcome if the driver served the next door on foot."""
    is_shared = later and (stay.left_at is None or later[0] <= stay.left_at)
    return replace(stay, left_at=end) if is_shared else stay


def _meet(one: Stay, other: Stay) -> bool:
    """Return True if two stays are at the same time."""
    return (other.left_at is None or one.arrived_at <= other.left_at) and (
        one.left_at is None or other.arrived_at <= one.left_at
    )


def stays_at(door: Point, positions: Iterable[Seen]) -> list[Stay]:
    """Return the stays at a door, in the order of time; only the last one may have no end.

    ``positions`` are those of one vehicle in the order of time, without impossible ones.
    """
    stays: list[Stay] = []
    near: list[_Near] = []
    outside = 0
    for seen in positions:
        radius_m = radius_of(seen)
        is_far_north = abs(seen.place.lat - door.lat) > _FAR_DEG  # most are; it saves the distance
        away_m = FAR_M if is_far_north else distance_m(door, seen.place)
        if away_m <= radius_m:
            near.append(_near(door, seen, away_m))
            outside = 0
            continue
        outside += 1
        if near and (outside >= OUTSIDE or away_m > 2 * radius_m):
            stays += _ended(near)
            near = []
    if near:
        stays += _under_way(near)
    return stays


def radius_of(seen: Seen) -> float:
    """Return the radius around a door within which a position is at the door."""
    accuracy_m = USUAL_ACCURACY_M if seen.accuracy_m is None else seen.accuracy_m
    return min(MOST_RADIUS_M, RADIUS_M + PER_ACCURACY * accuracy_m)


def _ended(near: Sequence[_Near]) -> list[Stay]:
    span = _standing(near)
    if span is None:
        return []
    first, last = span
    return [_stay(near[first : last + 1], left_at=near[last].seen.at)]


def _under_way(near: Sequence[_Near]) -> list[Stay]:
    """Return the stay of a vehicle that has not left; it may still be driving through."""
    span = _standing(near)
    return [] if span is None else [_stay(near[span[0] :], left_at=None)]


def _stay(near: Sequence[_Near], *, left_at: dt.datetime | None) -> Stay:
    away_m = sum(one.distance_m for one in near) / len(near)
    return Stay(arrived_at=near[0].seen.at, left_at=left_at, distance_m=away_m)


def _standing(near: Sequence[_Near]) -> tuple[int, int] | None:
    """Return the first and the last position of the time in which the vehicle was parked."""
    first = last = None
    end = 0
    for start in range(len(near)):
        while end < len(near) and _seconds(near[start], near[end]) < LEAST_S:
            end += 1
        if end == len(near):
            break
        if _stands(near[start : end + 1]):
            first, last = (start if first is None else first), end
    return None if first is None or last is None else (first, last)


def _stands(near: Sequence[_Near]) -> bool:
    """Return True if the positions move no faster than their inexactness explains.

    A line by least squares uses all positions, so that the errors of single ones do not count.
    """
    if any((one.seen.speed_mps or 0) >= DRIVING_MPS for one in near[1:-1]):
        return False
    times = [_seconds(near[0], one) for one in near]
    mean_s = sum(times) / len(near)
    spread = sum((time - mean_s) ** 2 for time in times)
    east = sum((t - mean_s) * one.east_m for t, one in zip(times, near, strict=True)) / spread
    north = sum((t - mean_s) * one.north_m for t, one in zip(times, near, strict=True)) / spread
    accuracy_m = max(one.seen.accuracy_m or USUAL_ACCURACY_M for one in near)
    error_mps = accuracy_m / ACCURACY_PER_DEVIATION / spread**0.5
    return bool((east**2 + north**2) ** 0.5 <= STANDING_MPS + 1.5 * error_mps)


def _near(door: Point, seen: Seen, away_m: float) -> _Near:
    north = distance_m(door, Point(lat=seen.place.lat, lon=door.lon))
    east = distance_m(door, Point(lat=door.lat, lon=seen.place.lon))
    return _Near(
        seen,
        east if seen.place.lon >= door.lon else -east,
        north if seen.place.lat >= door.lat else -north,
        away_m,
    )


def _seconds(first: _Near, last: _Near) -> float:
    return (last.seen.at - first.seen.at).total_seconds()
