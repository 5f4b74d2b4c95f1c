"""Finds the run in which a position was measured, by the time of the position alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from dispatch.live.points import PointDraft
from lastmile.core.postgres.prepared import prepared_cursor

#: A driver at work is followed at most this long before and after the planned shift. Chosen.
AROUND_SHIFT: Final = dt.timedelta(hours=2)
NO_ID: Final = UUID(int=0)

# Each batch of positions reads it, so the ORM does not build it each time.
_SPANS: Final = """
    SELECT run.id, shift.service_date, run.driver_id, shift.vehicle_id, run.started_at,
           run.ended_at, run.back_at, shift.starts_at, shift.ends_at, known.at, known.lat,
           known.lon, known.accuracy_m
      FROM live_run AS run
      JOIN fleet_shift AS shift ON shift.id = run.shift_id
      LEFT JOIN live_lastposition AS known ON known.run_id = run.id
     WHERE {whose}
       AND (run.ended_at IS NULL OR run.ended_at >= %(first_at)s) AND run.started_at <= %(last_at)s
       AND shift.starts_at <= %(last_start)s AND shift.ends_at >= %(first_end)s
     ORDER BY run.started_at DESC, run.id DESC
"""
_OF_DRIVER: Final = _SPANS.format(whose="run.driver_id = %(driver)s")
_OF_VEHICLES: Final = _SPANS.format(whose="shift.vehicle_id = ANY(%(vehicles)s::bigint[])")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSpan:
    """The time of one run in which positions count, and what is known of the run.

    ``driver_pk`` and ``vehicle_pk`` are keys of rows; ``from_at`` and ``until_at`` are inclusive.
    ``is_over`` : the run has ended, or its vehicle is back at the hub.
    """

    run_pk: int
    day: dt.date
    driver_pk: int
    vehicle_pk: int
    from_at: dt.datetime
    until_at: dt.datetime
    is_over: bool
    last: PointDraft | None


def spans_of_driver(driver_pk: int, first_at: dt.datetime, last_at: dt.datetime) -> list[WorkSpan]:
    """Return the spans of a driver's work that meet a period, the latest begun first.

    A span goes from the act that starts the shift to the act that ends it, at most two hours
    around the planned shift.
    """
    return _spans(_OF_DRIVER, {"driver": driver_pk}, first_at, last_at)


def spans_of_vehicles(
    vehicle_pks: Iterable[int], first_at: dt.datetime, last_at: dt.datetime
) -> list[WorkSpan]:
    """Return the spans of work with these vehicles, as ``spans_of_driver`` does."""
    return _spans(_OF_VEHICLES, {"vehicles": sorted(set(vehicle_pks))}, first_at, last_at)


def span_at(spans: Iterable[WorkSpan], at: dt.datetime) -> WorkSpan | None:
    """Return the span that holds an instant; of two the one that began later."""
    return next((span for span in spans if span.from_at <= at <= span.until_at), None)


def _spans(
    question: str, whose: dict[str, Any], first_at: dt.datetime, last_at: dt.datetime
) -> list[WorkSpan]:
    values = whose | {
        "first_at": first_at,
        "last_at": last_at,
        "last_start": last_at + AROUND_SHIFT,
        "first_end": first_at - AROUND_SHIFT,
    }
    with prepared_cursor() as cursor:
        cursor.execute(question, values)
        return [_span(*row) for row in cursor.fetchall()]


def _span(run_pk: int, day: dt.date, driver_pk: int, vehicle_pk: int, *rest: Any) -> WorkSpan:
    started_at, ended_at, back_at, starts_at, ends_at, *last = rest
    latest = ends_at + AROUND_SHIFT
    return WorkSpan(
        run_pk=run_pk,
        day=day,
        driver_pk=driver_pk,
        vehicle_pk=vehicle_pk,
        from_at=max(started_at, starts_at - AROUND_SHIFT),
        until_at=latest if ended_at is None else min(ended_at, latest),
        is_over=ended_at is not None or back_at is not None,
        last=None if last[0] is None else _as_draft(*last),
    )


def _as_draft(at: dt.datetime, lat: float, lon: float, accuracy_m: float | None) -> PointDraft:
    return PointDraft(client_id=NO_ID, at=at, lat=lat, lon=lon, accuracy_m=accuracy_m)
