"""Keeps the expected arrivals of runs up to date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from dispatch.live import eta, events
from dispatch.live.models import Arrival, Forecast, Run
from dispatch.live.selectors.rest import Rest, rest_of_run
from dispatch.planning.models import Stop
from lastmile.core.clock import now
from lastmile.core.events import Lane, record


@transaction.atomic
def update_arrivals(run: Run) -> int:
    """Compute the expected arrivals of a run; return the number of its open stops.

    A run that is back or has ended has none.

    Locks: the run's forecast. Records: arrival.changed for arrivals that moved. Raises: nothing.
    """
    at = now()
    Forecast.objects.get_or_create(run=run, defaults={"computed_at": at})
    forecast = Forecast.objects.select_for_update(of=("self",)).get(run=run)
    rest = rest_of_run(run.pk, at)
    if rest is None:
        Arrival.objects.filter(run=run).delete()
        forecast.delete()
        return 0
    expected = eta.expect(rest.stops, start=rest.start, now=at)
    _write(rest, expected, at)
    Forecast.objects.filter(pk=run.pk).update(
        computed_at=at,
        position_at=rest.position_at,
        pace_s_per_m=rest.pace_s_per_m,
        back_at=(expected[-1].departs_at if expected else rest.start.at) + rest.way_back,
    )
    return len(expected)


def _write(rest: Rest, expected: Sequence[eta.Expected], at: dt.datetime) -> None:
    """Write the rows of a run's arrivals, and record what moved."""
    orders = [stop.order_id for stop in rest.rows]
    Arrival.objects.filter(run=rest.run).exclude(order__in=orders).delete()
    known = {row.order_id: row for row in Arrival.objects.filter(order__in=orders)}
    fresh = []
    for before, (stop, one) in enumerate(zip(rest.rows, expected, strict=True)):
        row = known.get(stop.order_id) or Arrival(order=stop.order)
        is_other = row.run_id != rest.run.pk
        row.run, row.stop = rest.run, stop.public_id
        row.place_in_route, row.stops_before = before + 1, before
        row.expected_at, row.low_at, row.high_at = one.expected_at, one.low_at, one.high_at
        row.computed_at, row.position_at = at, rest.position_at
        if is_other:
            row.told_at = row.told_before = row.late_told_s = None
        if rest.run.left_at is not None and eta.is_news(
            expected_at=row.expected_at,
            told_at=row.told_at,
            stops_before=before,
            told_before=row.told_before,
        ):
            row.told_at, row.told_before = row.expected_at, before
            _tell(row, stop)
        fresh.append(row)
    Arrival.objects.bulk_create(
        fresh,
        update_conflicts=True,
        unique_fields=["order"],
        update_fields=[
            "run", "stop", "place_in_route", "stops_before", "expected_at", "low_at", "high_at",
            "computed_at", "position_at", "told_at", "told_before", "late_told_s",
        ],
    )  # fmt: skip


def _tell(row: Arrival, stop: Stop) -> None:
    shift = row.run.shift
    facts = events.ExpectedFacts(
        run=row.run.public_id,
        shift=shift.public_id,
        hub=shift.hub.public_id,
        service_date=shift.service_date,
        low_at=row.low_at,
        high_at=row.high_at,
        stops_before=row.stops_before,
    )
    record(events.ARRIVAL_CHANGED, facts, subject=stop.order.public_id, lane=Lane.PERSON)
