"""The shape of a driver's day: what the phone shows and keeps. PURE.

No telephone number of a shopper and no access code is in it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DayHub:
    """The hub of a day."""

    name: str
    address: str
    lat: float
    lon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRun:
    """The run of a day: ``state`` is before, loading, on_road, back or ended."""

    shift: str
    state: str
    started_at: dt.datetime | None = None
    left_at: dt.datetime | None = None
    back_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayVehicle:
    """The vehicle of a route; ``range_m`` None means without a limit."""

    name: str
    plate: str
    profile: str
    energy: str
    range_m: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBreak:
    """A planned break; ``after`` is the number of stops served before it."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRoute:
    """The route of a day. ``plan`` is the public id of its plan, ``number`` the plan's number.

    ``geometry`` is one line of [lon, lat] points.
    """

    id: str
    plan: str
    number: int
    vehicle: DayVehicle
    starts_at: dt.datetime
    ends_at: dt.datetime
    distance_m: int
    geometry: Sequence[Any]
    breaks: Sequence[DayBreak]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayWindow:
    """A promised time window."""

    opens_at: dt.datetime
    closes_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DayParcel:
    """A parcel of a stop. ``name`` is its own number or code, else that of its order."""

    id: str
    name: str
    external_id: str | None
    barcode: str
    weight_g: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayWords:
    """A code with its words in the reader's language."""

    code: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayHandover:
    """The handover of a stop: attended, contactless or "", with its words."""

    kind: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayAccess:
    """The way in, or the place where the goods may be left; ``kind`` "" is text alone."""

    kind: str
    words: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayStop:
    """A stop of a driver's day. ``state`` is the state of the order.

    ``arrived_at``, ``departed_at``, ``outcome`` and ``reason`` are what the server has received.
    ``proof`` are the kinds of proof that the delivery needs, ``proof_given`` those that the server
    has. ``age_check`` is the least age; None means that no age is checked. ``is_mine`` is False
    when the outcome is from another vehicle. Stops with the same ``common`` place are one visit.
    """

    stop: str
    order: str
    external_id: str | None
    position: int
    direction: str
    name: str
    address: str
    lat: float | None
    lon: float | None
    window: DayWindow | None
    arrives_at: dt.datetime
    starts_at: dt.datetime
    departs_at: dt.datetime
    service_s: int
    parcels: Sequence[DayParcel]
    handover: DayHandover
    access: DayAccess | None
    notes: str
    has_code: bool
    age_check: int | None
    signature: bool
    proof: Sequence[str]
    proof_given: Sequence[str]
    state: str
    arrived_at: dt.datetime | None = None
    departed_at: dt.datetime | None = None
    outcome: str = ""
    reason: str = ""
    is_mine: bool = True
    common: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayChanges:
    """The difference between the plan that the driver confirmed and the present one.

    ``before`` and ``after`` are plan numbers; the lists are public ids of orders.
    """

    before: int
    after: int
    added: Sequence[str]
    removed: Sequence[str]
    moved: Sequence[str]

    @property
    def is_empty(self) -> bool:
        """True if the route is the same in both plans."""
        return not (self.added or self.removed or self.moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherShift:
    """Another shift of the driver around this time."""

    shift: str
    hub: str
    starts_at: dt.datetime
    ends_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverDay:
    """The day of a driver. ``empty`` is "", ``no_shift``, ``no_plan`` or ``no_stops``.

    ``loaded`` and ``missing`` are parcels by public id. ``break_since`` is the present break.
    """

    driver: str
    driver_name: str
    zone: str
    hub: DayHub
    run: DayRun | None
    route: DayRoute | None
    stops: Sequence[DayStop]
    reasons: Sequence[DayWords]
    changes: DayChanges | None
    other_shifts: Sequence[OtherShift]
    loaded: Sequence[str] = ()
    missing: Sequence[str] = ()
    is_checked: bool = False
    break_since: dt.datetime | None = None
    empty: str = ""
    empty_words: str = ""


def as_json(day: DriverDay) -> dict[str, Any]:
    """Return the day as JSON values: times in RFC 3339 with Z, ids and words."""
    body: dict[str, Any] = _plain(asdict(day))
    body["driver"] = {"id": body.pop("driver"), "name": body.pop("driver_name")}
    if body["changes"] is not None:
        body["changes"]["from"] = body["changes"].pop("before")
        body["changes"]["to"] = body["changes"].pop("after")
    return body


def etag_of(body: dict[str, Any]) -> str:
    """Return the entity tag of a day's JSON: a hash of its content, in quotation marks."""
    content = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'


def changed_stops(
    before: Sequence[str], after: Sequence[str]
) -> tuple[list[str], list[str], list[str]]:
    """Return the orders that were added, removed and moved between two sequences of orders.

    Moved are the orders outside the longest common sequence, so that one order that was dragged
    is one order that moved.
    """
    added = [order for order in after if order not in set(before)]
    removed = [order for order in before if order not in set(after)]
    kept_before = [order for order in before if order in set(after)]
    kept_after = [order for order in after if order in set(before)]
    place = {order: number for number, order in enumerate(kept_before)}
    stay = _longest_rise([place[order] for order in kept_after])
    moved = [order for order in kept_after if place[order] not in stay]
    return added, removed, moved


def _longest_rise(numbers: Sequence[int]) -> set[int]:
    """Return the members of a longest increasing subsequence."""
    rises: list[list[int]] = []
    for number in numbers:
        before: list[int] = []
        for rise in rises:
            if rise[-1] < number and len(rise) > len(before):
                before = rise
        rises.append([*before, number])
    longest: list[int] = []
    for rise in rises:
        longest = rise if len(rise) > len(longest) else longest
    return set(longest)


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
