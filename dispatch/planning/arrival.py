"""The planned arrival as a range that never claims more precision than a plan has.

A plan says one minute, but streets and earlier stops differ from the plan. So the page shows a
range around the planned start of the service:

- it reaches ``LEAST_S`` to both sides, and ``SHARE`` of the time since the route leaves the hub if
  that is more, because the uncertainty grows along the route;
- it is rounded outwards to whole ``STEP_S``;
- it begins no earlier than the promised window opens, because nobody comes before;
- there is none if the service is planned before the window opens: that plan was made for another
  promise, so its time means nothing;
- it ends no later than the window closes, as long as the plan keeps the promise (slack of 0 or
  more). If the plan is late, the range shows that.

`LEAST_S` and `SHARE` are assumptions until real arrivals are recorded. They are compared with the
measured differences then.

The module is PURE.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

LEAST_S: Final = 15 * 60
SHARE: Final = 0.15
STEP_S: Final = 5 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStop:
    """A stop of a published plan: when its route leaves, when the service starts, its slack."""

    leaves_at: dt.datetime
    starts_at: dt.datetime
    slack_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalRange:
    """The planned arrival: a range of instants. ``is_late`` if it is after the promised window."""

    low_at: dt.datetime
    high_at: dt.datetime
    is_late: bool = False


def range_of(
    stop: PlannedStop, *, opens_at: dt.datetime | None, closes_at: dt.datetime | None
) -> ArrivalRange | None:
    """Return the range of a planned arrival; the promised window limits it if there is one.

    None if the stop was planned for another window: it begins before this one opens.
    """
    if opens_at is not None and stop.starts_at < opens_at:
        return None
    since_start_s = max(0.0, (stop.starts_at - stop.leaves_at).total_seconds())
    spread = dt.timedelta(seconds=max(LEAST_S, SHARE * since_start_s))
    low = rounded(stop.starts_at - spread, up=False)
    high = rounded(stop.starts_at + spread, up=True)
    if opens_at is not None:
        low = max(low, opens_at)
    late = closes_at is not None and stop.starts_at >= closes_at
    if closes_at is not None and not late and stop.slack_s >= 0:
        high = min(high, closes_at)
    return ArrivalRange(low_at=low, high_at=max(high, low), is_late=late)


def rounded(instant: dt.datetime, *, up: bool) -> dt.datetime:
    """Return an instant rounded to a multiple of ``STEP_S`` since the epoch."""
    seconds = instant.timestamp()
    steps = -(-seconds // STEP_S) if up else seconds // STEP_S
    return dt.datetime.fromtimestamp(steps * STEP_S, dt.UTC)
