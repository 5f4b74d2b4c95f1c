"""Finds the run in which a position was measured, by the time of the position alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import F, Q

from dispatch.live.models import LastPosition, Run
from dispatch.live.points import PointDraft

#: A driver at work is followed at most this long before and after the planned shift. Chosen.
AROUND_SHIFT: Final = dt.timedelta(hours=2)
NO_ID: Final = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSpan:
    """The time of one run in which positions count, and what is known of the run.

    ``driver_pk`` and ``vehicle_pk`` are keys of rows; ``from_at`` and ``until_at`` are inclusive.
    """

    run_pk: int
    day: dt.date
    hub: str
    driver_pk: int
    vehicle_pk: int
    from_at: dt.datetime
    until_at: dt.datetime
    last: PointDraft | None


def work_spans(whose: Q, first_at: dt.datetime, last_at: dt.datetime) -> list[WorkSpan]:
    """Return the spans of work that meet a period, the latest begun first.

    ``whose`` selects runs by driver or vehicle. A span goes from the act that starts the shift to
    the act that ends it, at most two hours around the planned shift.
    """
    rows = (
        Run.objects.filter(
            whose,
            Q(ended_at__isnull=True) | Q(ended_at__gte=first_at),
            started_at__lte=last_at,
            shift__starts_at__lte=last_at + AROUND_SHIFT,
            shift__ends_at__gte=first_at - AROUND_SHIFT,
        )
        .select_related("shift", "last_position")
        .annotate(hub_id_of_run=F("shift__hub__public_id"))
        .order_by("-started_at", "-pk")
    )
    return [_span(run) for run in rows]


def span_at(spans: Iterable[WorkSpan], at: dt.datetime) -> WorkSpan | None:
    """Return the span that holds an instant; of two the one that began later."""
    return next((span for span in spans if span.from_at <= at <= span.until_at), None)


def _span(run: Run) -> WorkSpan:
    shift = run.shift
    latest = shift.ends_at + AROUND_SHIFT
    last = getattr(run, "last_position", None)
    return WorkSpan(
        run_pk=run.pk,
        day=shift.service_date,
        hub=run.hub_id_of_run,  # type: ignore[attr-defined]
        driver_pk=run.driver_id,
        vehicle_pk=shift.vehicle_id,
        from_at=max(run.started_at, shift.starts_at - AROUND_SHIFT),
        until_at=latest if run.ended_at is None else min(run.ended_at, latest),
        last=None if last is None else _as_draft(last),
    )


def _as_draft(last: LastPosition) -> PointDraft:
    return PointDraft(
        client_id=NO_ID,
        at=last.at,
        lat=last.lat,
        lon=last.lon,
        accuracy_m=last.accuracy_m,
    )
