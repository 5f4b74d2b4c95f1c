"""The times of a phone, corrected by the difference of its clock. PURE."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

#: A phone's clock may differ by this much; a larger difference is corrected. Chosen.
CLOCK_TOLERANCE: Final = dt.timedelta(minutes=2)
#: A true time may be this far in the future. Chosen; orders allow the same.
FUTURE_TOLERANCE: Final = dt.timedelta(minutes=5)
#: Acts older than this are refused. A week offline is normal; two are not. Chosen.
OLDEST: Final = dt.timedelta(days=14)
_EARLIEST, _LATEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2101, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class TrueTime:
    """The true time of an act, and whether the phone's clock was corrected for it."""

    at: dt.datetime
    corrected: bool
    too_old: bool = False


def true_time(at: dt.datetime, phone_at: dt.datetime | None, now: dt.datetime) -> TrueTime:
    """Return when an act really happened.

    Parameters
    ----------
    at : datetime
        Time of the act by the phone's clock.
    phone_at : datetime or None
        Time of the sending by the same clock. Its difference from ``now`` is the clock's error.
    now : datetime
        The server's time.
    """
    error = dt.timedelta() if phone_at is None else now - phone_at
    corrected = abs(error) > CLOCK_TOLERANCE
    if corrected:
        at = min(max(at, _EARLIEST), _LATEST) + error
    if at > now + FUTURE_TOLERANCE:
        return TrueTime(now, corrected=True)
    return TrueTime(at, corrected=corrected, too_old=at < now - OLDEST)


def read_phone_time(value: object) -> dt.datetime | None:
    """Return an RFC 3339 time of a phone, in UTC; None for anything else."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        instant = dt.datetime.fromisoformat(value)
        if instant.utcoffset() is None:
            return None
        instant = instant.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return instant if dt.datetime(1970, 1, 1, tzinfo=dt.UTC) <= instant < _LATEST else None
