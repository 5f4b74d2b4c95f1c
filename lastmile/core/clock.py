"""The only clocks of the house: aware UTC instants, and local dates in a named zone.

``now()`` is business time: it follows the retailer's own clock, which runs apart from the real one
in a sandbox retailer only. It enters SQL as a parameter, never as SQL's own ``now()``.
``real_now()`` is for what real people and machines wait for: sessions, tickets, counted log-ins,
keys. Leases and back-off go by the database's clock (``core.timing``), one for all workers.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext as _

from lastmile.core.errors import Invalid
from lastmile.core.postgres import context

UTC = dt.UTC
_LAST = dt.datetime(2200, 1, 1, tzinfo=UTC)  # a fast clock stops here: dates stay dates
EARLIEST = dt.date(2000, 1, 1)  # no delivery is meant before; year 1 breaks time zones
LATEST = dt.date(2100, 12, 31)  # nor after; year 9999 breaks them too
_lock = threading.Lock()
_test_clock: tuple[float, dt.timedelta] | None = None


@dataclass(frozen=True, slots=True)
class RetailerClock:
    """A sandbox retailer's own clock: where it was set, and how fast it has run since.

    Parameters
    ----------
    set_at : datetime
        The real instant at which it was set.
    shows : datetime
        What it showed then.
    rate : float
        Seconds that it runs in a real second, above 0.
    """

    set_at: dt.datetime
    shows: dt.datetime
    rate: float = 1.0

    def at(self, real: dt.datetime) -> dt.datetime:
        """Return what it shows at a real instant."""
        left_s = (_LAST - self.shows).total_seconds()
        run_s = (real - self.set_at).total_seconds() * self.rate
        return self.shows + dt.timedelta(seconds=min(run_s, left_s))


def now() -> dt.datetime:
    """Return the present instant of the retailer at hand, aware, in UTC: business time."""
    place = context.current_schema_context()
    own = getattr(place.ref, "clock", None) if place is not None else None
    return real_now() if own is None else own.at(real_now())


def real_now() -> dt.datetime:
    """Return the present instant whatever clock a retailer has; only a test moves it."""
    return dt.datetime.now(UTC) + shift_for_tests()


def shift_for_tests() -> dt.timedelta:
    """Return how far TEST_CLOCK_FILE moves all clocks; nothing without ALLOW_TEST_CLOCK."""
    path = os.environ.get("TEST_CLOCK_FILE")
    if path and os.environ.get("ALLOW_TEST_CLOCK") == "1":
        return _offset_from(Path(path))
    return dt.timedelta(0)


def _offset_from(path: Path) -> dt.timedelta:
    """Offset of the test clock: the file holds an ISO 8601 instant that was "now" when written."""
    global _test_clock
    try:
        stamp = path.stat().st_mtime
    except FileNotFoundError:
        return dt.timedelta(0)
    with _lock:
        if _test_clock is None or _test_clock[0] != stamp:
            said = dt.datetime.fromisoformat(path.read_text(encoding="utf-8").strip())
            _test_clock = (stamp, said - dt.datetime.fromtimestamp(stamp, UTC))
        return _test_clock[1]


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """Return the IANA zone ``name``. Raises Invalid when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise Invalid(
            f"There is no time zone called {name!r}; use an IANA name such as Europe/Lisbon."
        ) from unknown


def is_supported_date(when: dt.date) -> bool:
    """Tell whether a date, or an aware instant, lies in the years 2000 to 2100.

    Every date and instant of a client is checked against this before it is used: outside of it a
    time zone overflows, or a list of days has no end.
    """
    if isinstance(when, dt.datetime):
        when = when.date()
    return EARLIEST <= when <= LATEST


def read_date(text: str) -> dt.date | None:
    """Return the date of ``2026-11-23``; None for anything else, and for a date out of reach."""
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return date if is_supported_date(date) else None


def _out_of_reach() -> Invalid:
    return Invalid(
        _("Write a date from %(first)s to %(last)s.") % {"first": EARLIEST, "last": LATEST}
    )


def local_instant(date: dt.date, minute_of_day: int, zone_name: str) -> dt.datetime:
    """Return the UTC instant of a wall-clock minute on a local date.

    ``minute_of_day`` may pass 1440 (a shift over midnight). In a DST gap the clock has jumped:
    the instant is the one the same number of minutes after the last valid wall time (PEP 495,
    fold=0). In an overlap the first of the two is meant. Raises Invalid for a date out of reach.
    """
    day, minute = divmod(minute_of_day, 1440)
    try:
        wall = dt.datetime.combine(
            date + dt.timedelta(days=day),
            dt.time(minute // 60, minute % 60),
            tzinfo=zone(zone_name),
        )
        return wall.astimezone(UTC)
    except OverflowError:
        raise _out_of_reach() from None


def local_date(instant: dt.datetime, zone_name: str) -> dt.date:
    """Return the calendar date of an instant in a zone. Raises Invalid for one out of reach."""
    try:
        return instant.astimezone(zone(zone_name)).date()
    except OverflowError:
        raise _out_of_reach() from None


def day_bounds(date: dt.date, zone_name: str) -> tuple[dt.datetime, dt.datetime]:
    """Return [start, end) of a local day as UTC instants (23, 24 or 25 hours apart)."""
    return local_instant(date, 0, zone_name), local_instant(date, 1440, zone_name)
