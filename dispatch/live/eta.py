"""Expected arrivals at the remaining stops of a run, with a low and a high bound. PURE.

The vehicle goes on from where it was last seen, in the order of its route. Each stop adds the
driving time to it, a break that is due before it, the wait until its window opens, and its service
time. So every wait and every break that is not yet taken delays all stops behind it.

The bounds are modelled, not learnt: they come from the constants below until real arrivals are
compared with what was expected. The span from the last sign of the vehicle to the expected time is
the base, so the bounds widen with the distance and while nothing is heard.

Times never fall along the route, and ``low_at <= expected_at <= high_at``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: A position older than this no longer says where the vehicle is. Chosen: about two short legs.
FRESH: Final = dt.timedelta(minutes=10)
#: The bounds of an arrival that is due at once, seconds before and after it. Chosen.
LEAST_EARLY_S: Final = 60
LEAST_LATE_S: Final = 120
#: A stop may be earlier or later by this share of the remaining time. Vehicles lose time more
#: easily than they make it up. Chosen: the promised spans of published tracking pages are 20 to 40
#: minutes for a stop that is an hour away.
EARLY_SHARE: Final = 0.10
LATE_SHARE: Final = 0.25
#: A change above this is told (DESIGN: an event when it changes an ETA range).
TOLD_S: Final = 60
#: Stops further away than this many are told only of changes above ``FAR_TOLD_S``. Their times move
#: with each stop before them, and nobody waits at the door yet. Chosen.
NEAR_STOPS: Final = 10
FAR_TOLD_S: Final = 300
#: Below this distance the pace of the rest of a leg says nothing. Metres, chosen.
LEAST_LEG_M: Final = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The beginning of the rest of a run.

    Parameters
    ----------
    at : datetime
        When the vehicle goes on from its place: the time of its position, or of the departure from
        its last stop, or the end of a break.
    seen_at : datetime
        The time of the last sign of the vehicle.
    """

    at: dt.datetime
    seen_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStop:
    """A stop that is still to come.

    Parameters
    ----------
    key : str
        Its order.
    leg_s : int
        Driving time from the stop before, or from the start.
    service_s : int
        Planned time at the stop.
    opens_at : datetime, optional
        Service does not begin before.
    break_s : int
        Breaks that are taken before this stop.
    arrived_at : datetime, optional
        The vehicle is there since then. Only the first stop can have it.
    is_same_stop : bool
        The order is at the same place as the one before, so that both are one stop of the route.
    """

    key: str
    leg_s: int
    service_s: int
    opens_at: dt.datetime | None = None
    break_s: int = 0
    arrived_at: dt.datetime | None = None
    is_same_stop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The expected begin of the service at a stop with its bounds, and the departure from it."""

    key: str
    expected_at: dt.datetime
    low_at: dt.datetime
    high_at: dt.datetime
    departs_at: dt.datetime


def expect(
    stops: Sequence[OpenStop], *, start: Start, now: dt.datetime, early: bool = False
) -> list[Expected]:
    """Return the expected arrivals at stops, in the order of visiting.

    Nothing that is still to come is expected before ``now``. ``early`` allows service before the
    window opens.
    """
    arrivals: list[Expected] = []
    free_at = start.at
    low = high = dt.datetime.min.replace(tzinfo=dt.UTC)
    for stop in stops:
        opens_at = None if early else stop.opens_at
        if stop.arrived_at is not None:
            begins_at = free_low = free_high = max(filter(None, (stop.arrived_at, opens_at)))
            free_at = max(now, begins_at + _s(stop.service_s))
        else:
            there_at = max(now, free_at + _s(stop.leg_s + stop.break_s))
            begins_at = max(there_at, opens_at or there_at)
            free_at = begins_at + _s(stop.service_s)
            span_s = max(0.0, (begins_at - start.seen_at).total_seconds())
            free_low = begins_at - _s(LEAST_EARLY_S + EARLY_SHARE * span_s)
            free_low = max(free_low, now, opens_at or now)
            free_high = begins_at + _s(LEAST_LATE_S + LATE_SHARE * span_s)
        low, high = max(low, min(free_low, begins_at)), max(high, free_high)
        arrivals.append(
            Expected(
                key=stop.key,
                expected_at=begins_at,
                low_at=low,
                high_at=high,
                departs_at=free_at,
            )
        )
    return arrivals


def stops_before(stops: Sequence[OpenStop]) -> list[int]:
    """Return for each order how many stops come first; orders at one place are one stop."""
    counts: list[int] = []
    for stop in stops:
        before = counts[-1] if counts else -1
        counts.append(before + (not stop.is_same_stop))
    return counts


def is_news(
    *,
    expected_at: dt.datetime,
    told_at: dt.datetime | None,
    stops_before: int,
    told_before: int | None,
) -> bool:
    """Return True if a change of an arrival has to be told.

    ``told_…`` are the values of the last event of this arrival; None without one. A far stop gets
    an event for a large change alone, and when it comes near for another number of stops too.
    """
    if told_at is None or told_before is None:
        return True
    moved_s = abs((expected_at - told_at).total_seconds())
    if stops_before > NEAR_STOPS:
        return moved_s > FAR_TOLD_S
    return moved_s > TOLD_S or stops_before != told_before


def pace(leg_s: float, distance_m: float) -> float:
    """Return the driving time of a leg by its distance in a straight line, in s/m."""
    return max(leg_s, 1.0) / max(distance_m, LEAST_LEG_M)


def has_moved(
    *,
    expected_at: dt.datetime,
    opens_at: dt.datetime | None,
    position_at: dt.datetime,
    distance_m: float,
    pace_s_per_m: float,
) -> bool:
    """Return True if a new position moves the next arrival by more than a minute.

    It is an estimate without the streets: the rest of the leg at the pace of its last computation.
    """
    arrives_at = position_at + _s(distance_m * pace_s_per_m)
    begins_at = max(arrives_at, opens_at or arrives_at)
    return abs((begins_at - expected_at).total_seconds()) > TOLD_S


def _s(seconds: float) -> dt.timedelta:
    return dt.timedelta(seconds=seconds)
