"""All clocks: aware UTC instants, and local dates in a named time zone.

``now()`` is business time: it follows the retailer's own clock, which differs from the real time
in a sandbox retailer only. It is passed to SQL as a parameter; SQL's own ``now()`` is not used.
``real_now()`` is for sessions, tickets, limits on sign-ins, and keys. Leases and back-off use the
clock of the database (``core.timing``), which is the same for all workers.
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
_LAST = dt.datetime(2200, 1, 1, tzinfo=UTC)  # a fast clock stops here, before dates overflow
EARLIEST = dt.date(2000, 1, 1)  # no delivery is earlier; year 1 overflows in time zones
LATEST = dt.date(2100, 12, 31)  # no delivery is later; year 9999 overflows in time zones
_lock = threading.Lock()
_test_clock: tuple[float, dt.timedelta] | None = None


@dataclass(frozen=True, slots=True)
class RetailerClock:
    """The clock of a sandbox retailer that has its own time and speed.

    Parameters
    ----------
    set_at : datetime
        The real instant at which the clock was set.
    shows : datetime
        The time that the clock showed at that instant.
    rate : float
        Speed of the clock: its seconds per real second, above 0.
    """

    set_at: dt.datetime
    shows: dt.datetime
    rate: float = 1.0

    def at(self, real: dt.datetime) -> dt.datetime:
        """Return the time that the clock shows at a real instant."""
        max_s = (_LAST - self.shows).total_seconds()
        elapsed_s = (real - self.set_at).total_seconds() * self.rate
        return self.shows + dt.timedelta(seconds=min(elapsed_s, max_s))


def now() -> dt.datetime:
    """Return the business time of the current retailer, aware, in UTC."""
    own = _own_clock()
    return real_now() if own is None else own.at(real_now())


def _own_clock() -> RetailerClock | None:
    place = context.current_schema_context()
    own: RetailerClock | None = getattr(place.ref, "clock", None) if place is not None else None
    return own


def real_now() -> dt.datetime:
    """Return the real time in UTC, independent of the retailer's clock. Only tests change it."""
    return dt.datetime.now(UTC) + shift_for_tests()


def real_time_of(at: dt.datetime) -> dt.datetime:
    """Return the real instant at which the retailer's clock shows a time."""
    own = _own_clock()
    return at if own is None else own.set_at + (at - own.shows) / own.rate


def shift_for_tests() -> dt.timedelta:
    """Return by how much TEST_CLOCK_FILE moves all clocks; zero without ALLOW_TEST_CLOCK."""
    path = os.environ.get("TEST_CLOCK_FILE")
    if path and os.environ.get("ALLOW_TEST_CLOCK") == "1":
        return _offset_from(Path(path))
    return dt.timedelta(0)


def _offset_from(path: Path) -> dt.timedelta:
    """Return the offset of the test clock.

    The file has an ISO 8601 instant, which is the time that the clock showed when the file was
    written.
    """
    global _test_clock
    try:
        stamp = path.stat().st_mtime
    except FileNotFoundError:
        return dt.timedelta(0)
    with _lock:
        if _test_clock is None or _test_clock[0] != stamp:
            set_to = dt.datetime.fromisoformat(path.read_text(encoding="utf-8").strip())
            _test_clock = (stamp, set_to - dt.datetime.fromtimestamp(stamp, UTC))
        return _test_clock[1]


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """Return the IANA time zone ``name``. Raises Invalid for an unknown name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise Invalid(
            f"There is no time zone {name!r}. Use an IANA name such as Europe/Lisbon."
        ) from unknown


def is_supported_date(when: dt.date) -> bool:
    """Return True if a date or an aware instant is in the years 2000 to 2100.

    Every date and instant from a client is checked with this function before use. Other years may
    overflow in a time zone, or make a list of days endless.
    """
    if isinstance(when, dt.datetime):
        when = when.date()
    return EARLIEST <= when <= LATEST


def read_date(text: str) -> dt.date | None:
    """Return the date of ``2026-11-23``; None for any other text or a year outside 2000 to 2100."""
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

    ``minute_of_day`` may exceed 1440, as in a shift over midnight. In a DST gap, where the wall
    time does not exist, the offset before the change applies (PEP 495, fold=0): 02:30 becomes
    03:30. In an overlap the first of the two instants is returned. Raises Invalid for a date that
    overflows.
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
    """Return the calendar date of an instant in a time zone. Raises Invalid if it overflows."""
    try:
        return instant.astimezone(zone(zone_name)).date()
    except OverflowError:
        raise _out_of_reach() from None


def day_bounds(date: dt.date, zone_name: str) -> tuple[dt.datetime, dt.datetime]:
    """Return [start, end) of a local day as UTC instants, 23, 24 or 25 hours apart."""
    return local_instant(date, 0, zone_name), local_instant(date, 1440, zone_name)
