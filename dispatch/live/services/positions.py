"""Takes positions in batches: judged by their own time, stored once, the newest one kept apart.

A batch costs one SELECT of runs, one INSERT and one upsert of the last positions, however many
points it has. Late points of runs that are over cost one UPDATE more: it marks these runs.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, transaction

from dispatch.live.models import Device
from dispatch.live.points import (
    BadPoint,
    PointDraft,
    PointFlag,
    PointResult,
    Read,
    newest,
    with_flags,
    with_true_time,
)
from dispatch.live.policy import driver_policy
from dispatch.live.selectors.working import (
    WorkSpan,
    span_at,
    spans_of_driver,
    spans_of_vehicles,
)
from dispatch.live.services.devices import note_refused
from dispatch.live.services.following import tell_boards_soon
from dispatch.live.services.partitions import keep_days
from dispatch.live.services.watching import ask_for_stays
from lastmile.core import clock
from lastmile.core.postgres.prepared import prepared_cursor

_INSERT: Final = """
    INSERT INTO live_position
           (day, source, client_id, run_id, at, received_at, lat, lon, accuracy_m, speed_mps,
            heading_deg, flags)
    SELECT new.day, %s, new.client_id, new.run_id, new.at, %s, new.lat, new.lon, new.accuracy_m,
           new.speed_mps, new.heading_deg, new.flags
      FROM unnest(%s::date[], %s::uuid[], %s::bigint[], %s::timestamptz[], %s::float8[],
                  %s::float8[], %s::float8[], %s::float8[], %s::int[], %s::int[])
           AS new (day, client_id, run_id, at, lat, lon, accuracy_m, speed_mps, heading_deg, flags)
     ORDER BY new.day, new.client_id
        ON CONFLICT DO NOTHING
    RETURNING client_id
"""
# The rows are sorted, so that two batches cannot wait for each other.
_UPSERT: Final = """
    INSERT INTO live_lastposition AS known
           (run_id, source, at, received_at, lat, lon, accuracy_m, speed_mps, heading_deg)
    SELECT new.run_id, %s, new.at, %s, new.lat, new.lon, new.accuracy_m, new.speed_mps,
           new.heading_deg
      FROM unnest(%s::bigint[], %s::timestamptz[], %s::float8[], %s::float8[], %s::float8[],
                  %s::float8[], %s::int[])
           AS new (run_id, at, lat, lon, accuracy_m, speed_mps, heading_deg)
     ORDER BY new.run_id
        ON CONFLICT (run_id) DO UPDATE SET
           source = EXCLUDED.source, at = EXCLUDED.at, received_at = EXCLUDED.received_at,
           lat = EXCLUDED.lat, lon = EXCLUDED.lon, accuracy_m = EXCLUDED.accuracy_m,
           speed_mps = EXCLUDED.speed_mps, heading_deg = EXCLUDED.heading_deg
     WHERE EXCLUDED.at > known.at
"""
# The record behind the hint: the beat looks for the stays of a run that is over and has this mark.
_MARK: Final = """
    UPDATE live_run SET late_positions_at = %s
     WHERE id IN (SELECT id FROM live_run WHERE id = ANY(%s::bigint[])
                   ORDER BY id FOR NO KEY UPDATE)
"""
_TRIES: Final = 2  # the second one after a missing partition was made


@dataclass(frozen=True, slots=True, kw_only=True)
class PointSource:
    """The sender of positions: a driver's device, or an API key with vehicles that it may name.

    Parameters
    ----------
    public_id : str
        Of the device or key. Ids of points are unique for it.
    driver_pk : int, optional
        The driver whose runs count. None: each point names a vehicle.
    vehicles : Mapping
        For API keys: what a point may name -> key of the vehicle's row.
    device : Device, optional
        The device, which notes what was refused.
    """

    public_id: str
    driver_pk: int | None = None
    vehicles: Mapping[str, int] | None = None
    device: Device | None = None


@dataclass(frozen=True, slots=True)
class _Placed:
    """A point with the span of work in which it was measured."""

    span: WorkSpan
    draft: PointDraft


def take_positions(
    *, source: PointSource, points: Sequence[Read], sent_at: dt.datetime | None = None
) -> list[PointResult]:
    """Store the positions that were measured at work; drop all others unread.

    A point counts by its own time, however late it comes. ``sent_at`` is the time of sending by
    the sender's clock. The answer has one item for each point, in the order of ``points``.

    Locks: the runs that are over, for late points; the last positions. Records: nothing. Raises:
    nothing of its own.
    """
    received_at = clock.now()
    answers: list[PointResult | None] = [_refused(point) for point in points]
    drafts = {
        place: with_true_time(point, sent_at, received_at)
        for place, point in enumerate(points)
        if isinstance(point, PointDraft)
    }
    placed = _placed(source, drafts, received_at)
    for place, draft in drafts.items():
        if place not in placed:
            known = source.vehicles is None or draft.vehicle in source.vehicles
            code = "not_at_work" if known else "vehicle_unknown"
            answers[place] = PointResult(str(draft.client_id), "rejected", code)
    if placed:
        flagged = _flagged(placed)
        fresh = _store(source, flagged, received_at)
        late = {one.span.run_pk for one in _late(flagged)}
        if late and fresh:
            ask_for_stays(late)
        for place, one in placed.items():
            is_new = one.draft.client_id in fresh
            fresh.discard(one.draft.client_id)  # a repetition within the batch is a duplicate
            status = "stored" if is_new else "duplicate"
            answers[place] = PointResult(str(one.draft.client_id), status)
    _note_malformed(source, points)
    return [answer for answer in answers if answer is not None]


def _refused(point: Read) -> PointResult | None:
    if isinstance(point, BadPoint):
        return PointResult(point.sent_id, "rejected", point.code)
    return None


def _placed(
    source: PointSource, drafts: Mapping[int, PointDraft], received_at: dt.datetime
) -> dict[int, _Placed]:
    """Return, by place in the batch, the points that were measured at work."""
    if not drafts:
        return {}
    spans = _spans(source, drafts)
    oldest = _oldest_day(spans, received_at)
    placed = {}
    for place, draft in drafts.items():
        vehicle = None if source.vehicles is None else source.vehicles.get(draft.vehicle, 0)
        own = [span for span in spans if vehicle is None or span.vehicle_pk == vehicle]
        span = span_at(own, draft.at)
        if span is not None and span.day >= oldest:
            placed[place] = _Placed(span, draft)
    return placed


def _oldest_day(spans: Sequence[WorkSpan], received_at: dt.datetime) -> dt.date:
    """Return the first day that is kept; older days were dropped. It is read if it matters."""
    recent = received_at.date() - dt.timedelta(days=1)
    if all(span.day >= recent for span in spans):
        return recent
    return received_at.date() - dt.timedelta(days=driver_policy().places_days)


def _spans(source: PointSource, drafts: Mapping[int, PointDraft]) -> list[WorkSpan]:
    """Return the runs that may have points of the batch."""
    times = [draft.at for draft in drafts.values()]
    if source.driver_pk is not None:
        return spans_of_driver(source.driver_pk, min(times), max(times))
    vehicles = source.vehicles or {}
    named = {vehicles[draft.vehicle] for draft in drafts.values() if draft.vehicle in vehicles}
    return spans_of_vehicles(named, min(times), max(times)) if named else []


def _flagged(placed: Mapping[int, _Placed]) -> list[_Placed]:
    """Return the points with their flags, each run in the order of time."""
    by_run: dict[int, list[_Placed]] = defaultdict(list)
    for one in placed.values():
        by_run[one.span.run_pk].append(one)
    return [
        _Placed(group[0].span, draft)
        for group in by_run.values()
        for draft in with_flags((one.draft for one in group), group[0].span.last)
    ]


def _store(source: PointSource, placed: Sequence[_Placed], received_at: dt.datetime) -> set[object]:
    """Write the points; return the ids of the new ones. A missing partition is made."""
    for left in reversed(range(_TRIES)):
        try:
            return _write(source, placed, received_at)
        except IntegrityError as fault:
            if not left or "no partition" not in str(fault):
                raise
            keep_days({one.span.day for one in placed})
    raise AssertionError  # pragma: no cover - the loop returns or raises


@transaction.atomic
def _write(source: PointSource, placed: Sequence[_Placed], received_at: dt.datetime) -> set[object]:
    with prepared_cursor() as cursor:
        cursor.execute(_INSERT, [source.public_id, received_at, *_columns(placed)])
        fresh: set[object] = {client_id for (client_id,) in cursor.fetchall()}
        over = {one.span.run_pk for one in _late(placed) if one.span.is_over}
        if over and fresh:
            cursor.execute(_MARK, [received_at, sorted(over)])
        last = _newest_of_each_run(placed)
        if last:
            _day, _ids, runs, *values, _flags = _columns(last)
            cursor.execute(_UPSERT, [source.public_id, received_at, runs, *values])
            if cursor.rowcount:
                tell_boards_soon()
    return fresh


def _late(placed: Sequence[_Placed]) -> list[_Placed]:
    return [one for one in placed if one.draft.flags & PointFlag.LATE]


def _columns(placed: Sequence[_Placed]) -> list[list[object]]:
    return [
        [one.span.day for one in placed],
        [one.draft.client_id for one in placed],
        [one.span.run_pk for one in placed],
        [one.draft.at for one in placed],
        [one.draft.lat for one in placed],
        [one.draft.lon for one in placed],
        [one.draft.accuracy_m for one in placed],
        [one.draft.speed_mps for one in placed],
        [one.draft.heading_deg for one in placed],
        [int(one.draft.flags) for one in placed],
    ]


def _newest_of_each_run(placed: Sequence[_Placed]) -> list[_Placed]:
    by_run: dict[int, list[_Placed]] = defaultdict(list)
    for one in placed:
        by_run[one.span.run_pk].append(one)
    rows = []
    for group in by_run.values():
        draft = newest([one.draft for one in group])
        if draft is not None:
            rows.append(_Placed(group[0].span, draft))
    return rows


def _note_malformed(source: PointSource, points: Sequence[Read]) -> None:
    """Tell the list of devices that a device sends what cannot be read; a lost fix is normal."""
    codes = [point.code for point in points if isinstance(point, BadPoint)]
    faults = [code for code in codes if code != "no_fix"]
    if source.device is not None and faults:
        note_refused(source.device, f"position_{faults[0]}")
