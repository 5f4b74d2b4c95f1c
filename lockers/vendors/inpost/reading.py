"""Reads InPost's JSON into the values of the protocol. Odd values are refused with their cause."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lastmile.core.geo import Point
from lockers.states import Capability, Rejection
from lockers.vendors.base import (
    PointPage,
    PointState,
    RefusedPoint,
    Room,
    VendorCall,
    VendorError,
    VendorPoint,
    VendorStatus,
)
from lockers.vendors.inpost.words import (
    ACCOUNT,
    COLLECTING,
    COOL,
    EVENTS,
    LOCKER_TYPES,
    POINT_STATES,
    POINT_TYPES,
    REASONS,
    ROOM,
    SIZES,
    STATUSES,
    TEMPORARY,
    WEEKDAYS,
)

LONGEST_WORD: Final = 64
MOST_OTHERS: Final = 10
DAY_MINUTES: Final = 24 * 60


class Unreadable(ValueError):
    """The JSON has not the documented shape; the text says where."""


def read_page(data: Any, *, wanted: int, country: str, zone: str) -> PointPage:
    """Return a page of points. Raises VendorError if it is no page or another one."""
    if not isinstance(data, dict) or not isinstance(data.get("items"), list):
        raise VendorError("its page has no list of points", permanent=False, code="odd_page")
    number = _whole(data.get("page"))
    pages = _whole(data.get("total_pages"))
    total = _whole(data.get("count"))
    if number != wanted or pages is None or total is None:
        raise VendorError("it returned another page", permanent=False, code="odd_page")
    points: list[VendorPoint] = []
    refused: list[RefusedPoint] = []
    for place, item in enumerate(data["items"]):
        try:
            points.append(read_point(item, country=country, zone=zone))
        except Unreadable as odd:
            name = _text(item.get("name")) if isinstance(item, dict) else ""
            refused.append(RefusedPoint(vendor_id=name[:LONGEST_WORD], place=place, cause=str(odd)))
    return PointPage(
        number=number, pages=pages, total=total, points=tuple(points), refused=tuple(refused)
    )


def read_point(item: Any, *, country: str, zone: str) -> VendorPoint:
    """Return a point. Raises Unreadable without a name or a place on Earth."""
    if not isinstance(item, dict):
        raise Unreadable("it is no object")
    name = _text(item.get("name"))
    if not name or len(name) > LONGEST_WORD:
        raise Unreadable("name is missing or too long")
    types, functions = _texts(item.get("type")), _texts(item.get("functions"))
    word = _text(item.get("status"))
    state = POINT_STATES.get(word, PointState.UNKNOWN)
    unknown = [f"type={one}" for one in types if one not in POINT_TYPES]
    if state == PointState.UNKNOWN:
        unknown.append(f"status={word}")
    room = _room(item.get("locker_availability"), unknown)
    hours, hours_text = _hours(item)
    description = [_text(item.get(f"location_description{end}")) for end in ("", "_1", "_2")]
    return VendorPoint(
        vendor_id=name,
        name=name,
        at=_place(item.get("location")),
        country=country,
        zone=zone,
        state=state,
        word=word[:LONGEST_WORD],
        is_locker=any(one in LOCKER_TYPES for one in types),
        takes_deliveries=not COLLECTING.isdisjoint(functions),
        address=_address(item),
        access=". ".join(filter(None, description)),
        hours=hours,
        hours_text=hours_text,
        payment=item.get("payment_available") is True,
        capabilities=_capabilities(item),
        sizes=SIZES if any(one in LOCKER_TYPES for one in types) else (),
        room=room,
        others=tuple(_texts(item.get("recommended_low_interest_box_machines_list"))[:MOST_OTHERS]),
        unknown=tuple(one[:LONGEST_WORD] for one in unknown),
    )


def read_status(data: Any) -> VendorStatus:
    """Return the state of a shipment. Raises Unreadable without id or status."""
    if not isinstance(data, dict):
        raise Unreadable("it is no object")
    number, word = _whole(data.get("id")), _text(data.get("status"))
    if number is None or not word:
        raise Unreadable("id or status is missing")
    status = status_of(str(number), word, tracking=_text(data.get("tracking_number")))
    failure = _failed_purchase(data.get("transactions"))
    if failure is None or status.state is not None:
        return status
    return VendorStatus(
        vendor_id=status.vendor_id,
        word=status.word,
        known=status.known,
        reason=Rejection.PROVIDER_ERROR,
        attention=True,
        code=failure,
        tracking=status.tracking,
    )


def status_of(vendor_id: str, word: str, *, tracking: str = "") -> VendorStatus:
    """Return the meaning of a status; an unknown one is kept, and staff look."""
    meaning = STATUSES.get(word)
    return VendorStatus(
        vendor_id=vendor_id,
        word=word[:LONGEST_WORD],
        known=meaning is not None,
        state=meaning.state if meaning else None,
        reason=meaning.reason if meaning else None,
        attention=meaning.attention if meaning else True,
        tracking=tracking[:LONGEST_WORD],
    )


def read_refusal(status: int, data: Any, wait_s: int | None) -> VendorError:
    """Return the error for an answer that is no success: {status, error, message, details}."""
    body = data if isinstance(data, dict) else {}
    code = _text(body.get("error"))[:LONGEST_WORD] or str(status)
    words = _text(body.get("message")) or _text(body.get("description"))
    reason = next((REASONS[name] for name in REASONS if name in _names(body.get("details"))), None)
    if reason is None and code not in ACCOUNT | TEMPORARY:
        reason = Rejection.PROVIDER_ERROR
    return VendorError(
        f"it refused with {status} {code}" if code.replace("_", "").isalnum() else f"{status}",
        permanent=code not in TEMPORARY and wait_s is None,
        reason=reason,
        code=code,
        words=words[:500],
        retry_after_s=wait_s,
    )


def read_call(body: bytes) -> VendorCall:
    """Return the content of a call to us. Raises ValueError for an odd body."""
    try:
        data = json.loads(body)
    except RecursionError as deep:
        raise Unreadable("it is nested too deeply") from deep
    if not isinstance(data, dict) or not isinstance(data.get("payload"), dict):
        raise Unreadable("payload is missing")
    event, payload = _text(data.get("event")), data["payload"]
    number = _whole(payload.get("shipment_id"))
    account = _whole(data.get("organization_id"))
    if not event or number is None or account is None:
        raise Unreadable("event, shipment_id or organization_id is missing")
    status = EVENTS.get(event, f"event:{event}")
    word = status if status is not None else _text(payload.get("status"))
    if not word or "\x00" in word:
        raise Unreadable("status is missing")
    return VendorCall(
        account=str(account),
        event=event[:LONGEST_WORD],
        status=status_of(str(number), word, tracking=_text(payload.get("tracking_number"))),
        occurred_at=_time(_text(data.get("event_ts"))),
    )


def _time(text: str) -> dt.datetime:
    """Return the time of an event such as ``2026-03-20 15:08:06 +0100``, or in ISO 8601."""
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        at = dt.datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise Unreadable("event_ts has no offset") from None
        return at


def _place(location: Any) -> Point:
    """Return the coordinates, which may be numbers or texts. 0, 0 is no place of a locker."""
    try:
        lat, lon = float(location["latitude"]), float(location["longitude"])
        point = Point(lat=lat, lon=lon)
    except (KeyError, TypeError, ValueError) as odd:
        raise Unreadable("location is no place on Earth") from odd
    if lat == 0 and lon == 0:
        raise Unreadable("location is 0, 0")
    return point


def _address(item: Mapping[str, Any]) -> str:
    lines = item.get("address")
    if not isinstance(lines, dict):
        return ""
    return ", ".join(filter(None, (_text(lines.get("line1")), _text(lines.get("line2")))))


def _capabilities(item: Mapping[str, Any]) -> frozenset[Capability]:
    degrees = item.get("supported_locker_temperatures")
    cool = {str(one) for one in degrees} if isinstance(degrees, list) else {str(degrees)}
    return frozenset(
        capability
        for capability, is_there in (
            (Capability.LOW_DOORS, item.get("easy_access_zone") is True),
            (Capability.COOLED, not COOL.isdisjoint(cool)),
        )
        if is_there
    )


def _room(value: Any, unknown: list[str]) -> Mapping[str, Room]:
    """Return the room by size; words that we do not know go to ``unknown``."""
    details = value.get("details") if isinstance(value, dict) else None
    if not isinstance(details, dict):
        return {}
    room: dict[str, Room] = {}
    for size in SIZES:
        word = _text(details.get(size.word))
        room[size.word] = ROOM.get(word, Room.UNKNOWN)
        if word and word not in ROOM:
            unknown.append(f"room {size.word}={word}")
    return room


def _hours(item: Mapping[str, Any]) -> tuple[str | None, str]:
    """Return the hours in OSM's form, or None, and InPost's own text.

    The text alone is free and has no documented form; only ``24/7`` is sure.
    """
    text = _text(item.get("opening_hours"))
    extended = item.get("operating_hours_extended")
    week = extended.get("customer") if isinstance(extended, dict) else None
    if isinstance(week, dict):
        return _week(week), text
    is_always = text == "24/7" or item.get("location_247") is True
    return ("24/7" if is_always else None), text


def _week(week: Mapping[str, Any]) -> str | None:
    """Return the hours of a week; None if one of them cannot be read.

    A day has spans in minutes after midnight. A day without spans is closed.
    """
    days: list[str] = []
    for name, short in WEEKDAYS.items():
        spans = week.get(name)
        if not isinstance(spans, list):
            return None
        texts = [_span(one) for one in spans]
        if None in texts:
            return None
        days.append(f"{short} {','.join(filter(None, texts)) or 'off'}")
    return "; ".join(days)


def _span(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    start, end = _whole(value.get("start")), _whole(value.get("end"))
    if start is None or end is None or not 0 <= start < end <= DAY_MINUTES:
        return None
    return f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"


def _failed_purchase(transactions: Any) -> str | None:
    """Return the error code of the last purchase if it failed."""
    last = transactions[-1] if isinstance(transactions, list) and transactions else None
    if not isinstance(last, dict) or last.get("status") != "failure":
        return None
    details = last.get("details")
    code = _text(details.get("error")) if isinstance(details, dict) else ""
    return code[:LONGEST_WORD] or "failure"


def _names(value: Any, depth: int = 0) -> frozenset[str]:
    """Return the names in the nested ``details`` of an error."""
    if depth > 6:
        return frozenset()
    inner: Iterable[Any] = value.values() if isinstance(value, dict) else ()
    if isinstance(value, list):
        inner = value
    own = frozenset(map(str, value)) if isinstance(value, dict) else frozenset()
    return own.union(*(_names(one, depth + 1) for one in inner))


def _text(value: Any) -> str:
    return " ".join(value.replace("\x00", "").split()) if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    entries = value if isinstance(value, list) else [value]
    return [text for text in map(_text, entries) if text]


def _whole(value: Any) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 <= value < 2**63 else None
