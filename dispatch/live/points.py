"""The shape of a position, the checks of what was sent, and its flags. PURE.

A position is read into a ``PointDraft``, or into a ``BadPoint`` that says what is wrong. A value
that a phone sends for "unknown" (null, NaN, -1, latitude and longitude 0) is never read as a
number.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from dispatch.live.phone_time import CLOCK_TOLERANCE, FUTURE_TOLERANCE, read_phone_time
from lastmile.core.geo import Point, distance_m

#: Old receivers count weeks in ten bits, so their date is 1,024 weeks too early.
WEEKS_LOST: Final = dt.timedelta(weeks=1024)
#: A point that arrives this much after its own time is late. Chosen.
LATE_AFTER: Final = dt.timedelta(minutes=2)
#: No delivery vehicle is faster, m/s (216 km/h). Chosen.
FASTEST_MPS: Final = 60.0
#: A move below this is never a jump, because receivers are not that exact. Chosen, metres.
JUMP_FROM_M: Final = 200.0
#: A point with a larger error, as from a radio cell, is not shown as the last position. Metres.
ROUGH_FROM_M: Final = 500.0
MOST_ACCURACY_M: Final = 100_000.0
MOST_SPEED_MPS: Final = 150.0
#: Decimals of degrees that are kept: 0.1 m.
_DECIMALS: Final = 6
_NAMES: Final = frozenset(
    {"id", "at", "lat", "lon", "accuracy_m", "speed_mps", "heading_deg", "vehicle"}
)


class PointFlag(IntFlag):
    """Odd things about a stored position. Values are stored, so they never change.

    - late: it came more than two minutes after its own time.
    - shuffled: a newer one was here before.
    - jump: the speed from the point before it is impossible.
    - clock_skew: the clock of the sender was wrong, and the time was corrected.
    - rough: its error is so large that it is not shown.
    """

    LATE = 1
    SHUFFLED = 2
    JUMP = 4
    CLOCK_SKEW = 8
    ROUGH = 16


NO_FLAG: Final = PointFlag(0)
#: A point with one of these flags is never the last position.
NOT_LAST: Final = PointFlag.JUMP | PointFlag.ROUGH


@dataclass(frozen=True, slots=True, kw_only=True)
class PointDraft:
    """A position after the check of its shape.

    Parameters
    ----------
    client_id : UUID
        The id that the sender gave to it; the same for a repetition.
    at : datetime
        When it was measured, by the sender's clock.
    lat, lon : float
        WGS 84 degrees.
    accuracy_m, speed_mps, heading_deg : optional
        None for unknown. The heading is clockwise from north, 0 to 359.
    vehicle : str
        Public id or ``external_id:…`` of the vehicle, for API keys; else "".
    flags : PointFlag
        What is odd about it.
    """

    client_id: UUID
    at: dt.datetime
    lat: float
    lon: float
    accuracy_m: float | None = None
    speed_mps: float | None = None
    heading_deg: int | None = None
    vehicle: str = ""
    flags: PointFlag = NO_FLAG

    @property
    def place(self) -> Point:
        """The place as a point."""
        return Point(lat=self.lat, lon=self.lon)


@dataclass(frozen=True, slots=True)
class BadPoint:
    """A position that cannot be used: the id that was sent, and the code of what is wrong."""

    sent_id: str
    code: str


Read = PointDraft | BadPoint


@dataclass(frozen=True, slots=True)
class PointResult:
    """The answer to one position: stored, duplicate or rejected with the code of the reason."""

    id: str
    status: str
    code: str = ""


def read_point(item: object) -> Read:
    """Read a position of ``POST /api/v1/positions/``."""
    if not isinstance(item, Mapping):
        return BadPoint("", "malformed")
    sent_id = item.get("id")
    try:
        client_id = UUID(sent_id if isinstance(sent_id, str) and len(sent_id) <= 45 else "")
    except ValueError:
        return BadPoint(str(sent_id)[:45] if sent_id is not None else "", "id_missing")
    if not _NAMES.issuperset(item):
        return BadPoint(str(sent_id), "field_unknown")
    vehicle = item.get("vehicle") or ""
    if not isinstance(vehicle, str) or len(vehicle) > 200:
        return BadPoint(str(sent_id), "vehicle_unknown")
    return measured(
        client_id=client_id,
        at=read_phone_time(item.get("at")),
        place=(item.get("lat"), item.get("lon")),
        accuracy_m=item.get("accuracy_m"),
        speed_mps=item.get("speed_mps"),
        heading_deg=item.get("heading_deg"),
        vehicle=vehicle,
    )


def measured(
    *,
    client_id: UUID,
    at: dt.datetime | None,
    place: tuple[object, object],
    accuracy_m: object = None,
    speed_mps: object = None,
    heading_deg: object = None,
    vehicle: str = "",
) -> Read:
    """Return a draft of raw values; unknown values become None, an unknown place a BadPoint."""
    if at is None:
        return BadPoint(str(client_id), "time_missing")
    lat, lon = number(place[0]), number(place[1])
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180 or (lat == 0 and lon == 0):
        return BadPoint(str(client_id), "no_fix")
    heading = number(heading_deg)
    return PointDraft(
        client_id=client_id,
        at=at,
        lat=round(lat, _DECIMALS),
        lon=round(lon, _DECIMALS),
        accuracy_m=_within(accuracy_m, MOST_ACCURACY_M),
        speed_mps=_within(speed_mps, MOST_SPEED_MPS),
        heading_deg=None if heading is None or not 0 <= heading <= 360 else round(heading) % 360,
        vehicle=vehicle,
    )


def number(value: object) -> float | None:
    """Return a finite number, also from text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > 40:
        return None
    try:
        parsed = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) else None


def id_of_place(sender: str, at: dt.datetime, lat: object, lon: object) -> UUID:
    """Return the id of a position from a client that gives none: the same for a repetition."""
    return uuid5(NAMESPACE_URL, f"lastmile:{sender}:{at.isoformat()}:{lat}:{lon}")


def with_true_time(
    draft: PointDraft, sent_at: dt.datetime | None, received_at: dt.datetime
) -> PointDraft:
    """Return the draft with the time at which it was really measured.

    ``sent_at`` is the time of sending by the sender's clock; its difference from ``received_at``
    is the error of that clock. Without it, a live point that is 1,024 weeks early, or a point in
    the future, gets the time of receipt.
    """
    at = draft.at
    error = dt.timedelta() if sent_at is None else received_at - sent_at
    skewed = abs(error) > CLOCK_TOLERANCE
    if skewed:
        at += error
    if abs(received_at - (at + WEEKS_LOST)) <= FUTURE_TOLERANCE or (
        at > received_at + FUTURE_TOLERANCE
    ):
        at, skewed = received_at, True
    flags = draft.flags
    if skewed:
        flags |= PointFlag.CLOCK_SKEW
    if received_at - at > LATE_AFTER:
        flags |= PointFlag.LATE
    if draft.accuracy_m is not None and draft.accuracy_m > ROUGH_FROM_M:
        flags |= PointFlag.ROUGH
    return replace(draft, at=at, flags=flags)


def with_flags(drafts: Iterable[PointDraft], last: PointDraft | None) -> list[PointDraft]:
    """Return the points of one run in order of time, with the flags for jumps and late order.

    ``last`` is the last position of the run that was known before. A point is compared with the
    nearest earlier one that is no jump; the first of the batch with ``last``.
    """
    checked: list[PointDraft] = []
    before = last
    for draft in sorted(drafts, key=lambda point: (point.at, str(point.client_id))):
        flags = draft.flags
        if last is not None and draft.at < last.at:
            flags |= PointFlag.SHUFFLED
        if before is not None and is_jump(before, draft):
            flags |= PointFlag.JUMP
        elif not flags & PointFlag.ROUGH:
            before = draft
        checked.append(replace(draft, flags=flags))
    return checked


def is_jump(before: PointDraft, after: PointDraft) -> bool:
    """Return True if no vehicle can have driven from one point to the other in the time."""
    slack_m = JUMP_FROM_M + (before.accuracy_m or 0) + (after.accuracy_m or 0)
    elapsed_s = abs((after.at - before.at).total_seconds())
    return distance_m(before.place, after.place) > slack_m + FASTEST_MPS * elapsed_s


def newest(drafts: Sequence[PointDraft]) -> PointDraft | None:
    """Return the newest point that may be shown as the last position."""
    shown = [draft for draft in drafts if not draft.flags & NOT_LAST]
    return max(shown, key=lambda point: point.at, default=None)


def flag_names(flags: int) -> list[str]:
    """Return the flags as words, such as ``["late", "jump"]``."""
    return [str(flag.name).lower() for flag in PointFlag if flags & flag]


def _within(value: Any, most: float) -> float | None:
    parsed = number(value)
    return None if parsed is None or not 0 <= parsed <= most else parsed
