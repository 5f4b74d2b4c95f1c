"""Keeps the expected arrivals of runs up to date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from dispatch.live import eta, events
from dispatch.live.models import Arrival, Forecast, Run
from dispatch.live.policy import driver_policy
from dispatch.live.selectors.rest import Rest, RouteStop, rests_of
from dispatch.live.services.risks import late_from_s, reconcile_risks, risks_of
from dispatch.live.services.stays import note_stays
from lastmile.core.clock import now
from lastmile.core.events import Lane, NewEvent, record_many

#: A route is computed at most this often, unless something happened. Issue 13, section 4.
EVERY: Final = dt.timedelta(seconds=15)
#: A late order is told again when it will be this much later. Seconds, chosen.
LATER_S: Final = 600
#: Runs of one transaction: its locks are short, and its queries serve many. Chosen.
AT_ONCE: Final = 20
_COLUMNS: Final = (
    "run", "stop", "place_in_route", "stops_before", "expected_at", "low_at", "high_at",
    "computed_at", "position_at", "told_at", "told_before", "late_told_s",
)  # fmt: skip


def update_arrivals(run: Run) -> int:
    """Compute the expected arrivals of a run; return the number of its open stops.

    A run that is back or has ended has none.

    Locks: the run's forecast. Records: arrival.changed for arrivals that moved. Raises: nothing.
    """
    return update_arrivals_of([run.pk])


def update_due_arrivals() -> int:
    """Compute the arrivals of all runs under way that were not computed in the last 15 seconds.

    Before, it looks which vehicles stand at a door. Returns the number of runs.

    Locks: their forecasts, and as ``note_stays``. Records: arrival.changed for arrivals that moved;
    as ``note_stays``. Raises: nothing.
    """
    at = now()
    is_due = (
        Q(forecast__isnull=True)
        | Q(forecast__computed_at__lte=at - EVERY)
        | Q(forecast__computed_at__gt=at)  # the retailer's clock was set back
    )
    runs = Run.objects.filter(is_due, back_at__isnull=True, ended_at__isnull=True)
    runs = runs.filter(shift__ends_at__gte=at - WATCHED_AFTER)
    due = list(runs.order_by("pk").values_list("pk", flat=True))
    for first in range(0, len(due), AT_ONCE):
        note_stays(due[first : first + AT_ONCE])
        update_arrivals_of(due[first : first + AT_ONCE])
    return len(due)


#: A run that nobody ended is given up this long after its shift. Chosen, as for positions.
WATCHED_AFTER: Final = dt.timedelta(hours=2)


@transaction.atomic
def update_arrivals_of(runs: Collection[int]) -> int:
    """Compute the expected arrivals of runs, by pk; return the number of their open stops.

    Locks: the forecasts of the runs. Records: arrival.changed and arrival.late for arrivals that
    moved; incident.opened and incident.settled for what is foreseen. Raises: nothing of its own.
    """
    at = now()
    keys = sorted(runs)
    if not keys:
        return 0
    Forecast.objects.bulk_create(
        [Forecast(run_id=pk, computed_at=at) for pk in keys], ignore_conflicts=True
    )
    list(Forecast.objects.select_for_update().filter(run__in=keys).order_by("run"))
    rests = rests_of(keys, at)
    rules = driver_policy()
    expected = {
        pk: eta.expect(rest.stops, start=rest.start, now=at, early=rules.early)
        for pk, rest in rests.items()
    }
    _write_arrivals(keys, rests, expected, late_from_s(rules))
    _write_forecasts(keys, rests, expected, at)
    shifts = dict(Run.objects.filter(pk__in=keys).values_list("pk", "shift_id"))
    risks = [risk for pk, rest in rests.items() for risk in risks_of(rest, expected[pk], rules)]
    over = {shift for pk, shift in shifts.items() if pk not in rests}
    reconcile_risks(shifts=set(shifts.values()), risks=risks, over=over)
    return sum(len(rest.rows) for rest in rests.values())


def _write_forecasts(
    keys: Collection[int],
    rests: Mapping[int, Rest],
    expected: Mapping[int, list[eta.Expected]],
    at: dt.datetime,
) -> None:
    """Write when each run was computed; a run without a rest has no forecast."""
    rows = [
        Forecast(
            run_id=pk,
            computed_at=at,
            position_at=rest.position_at,
            pace_s_per_m=rest.pace_s_per_m,
            back_at=(expected[pk][-1].departs_at if expected[pk] else max(at, rest.start.at))
            + dt.timedelta(seconds=rest.way_back_s),
        )
        for pk, rest in rests.items()
    ]
    Forecast.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["run"],
        update_fields=["computed_at", "position_at", "pace_s_per_m", "back_at"],
    )
    ended = set(keys) - set(rests)
    if ended:
        Forecast.objects.filter(run__in=ended).delete()


def _write_arrivals(
    keys: Collection[int],
    rests: Mapping[int, Rest],
    expected: Mapping[int, list[eta.Expected]],
    late_s: int,
) -> None:
    """Write the arrivals of runs, delete those of ended stops, and record what moved."""
    orders = [stop.order_pk for rest in rests.values() for stop in rest.rows]
    known = {row.order_id: row for row in Arrival.objects.filter(order__in=orders)}
    fresh: list[Arrival] = []
    news: list[NewEvent] = []
    for pk, rest in rests.items():
        before = eta.stops_before(rest.stops)
        for place, (stop, one) in enumerate(zip(rest.rows, expected[pk], strict=True)):
            row = _arrival(rest, place, before[place], one)
            news += _news(row, stop, known.get(stop.order_pk), late_s)
            fresh.append(row)
    Arrival.objects.filter(run__in=keys).exclude(order__in=orders).delete()
    Arrival.objects.bulk_create(
        fresh, update_conflicts=True, unique_fields=["order"], update_fields=_COLUMNS
    )
    _record(news)


def _record(news: Sequence[NewEvent]) -> None:
    record_many(news, lane=Lane.PERSON)


def _arrival(rest: Rest, place: int, before: int, one: eta.Expected) -> Arrival:
    """Return the row of an order: its place on the way, and the number of stops before it."""
    stop = rest.rows[place]
    return Arrival(
        run=rest.run,
        order_id=stop.order_pk,
        stop=stop.stop,
        place_in_route=place + 1,
        stops_before=before,
        expected_at=one.expected_at,
        low_at=one.low_at,
        high_at=one.high_at,
        computed_at=rest.at,
        position_at=rest.position_at,
    )


def _news(row: Arrival, stop: RouteStop, before: Arrival | None, late_from: int) -> list[NewEvent]:
    """Return the events that an arrival needs; the row notes what was told.

    A vehicle that is still at the hub needs none, and a delay below ``late_from`` seconds neither.
    """
    if before is not None and before.run_id == row.run_id:
        row.told_at, row.told_before = before.told_at, before.told_before
        row.late_told_s = before.late_told_s
    if row.run.left_at is None:
        return []
    news = []
    if eta.is_news(
        expected_at=row.expected_at,
        told_at=row.told_at,
        stops_before=row.stops_before,
        told_before=row.told_before,
    ):
        row.told_at, row.told_before = row.expected_at, row.stops_before
        news.append(events.ARRIVAL_CHANGED.new(stop.order, events.ExpectedFacts(**_facts(row))))
    late_s = 0
    if stop.closes_at is not None:
        late_s = max(0, round((row.expected_at - stop.closes_at).total_seconds()))
    if stop.closes_at is None or late_s == 0:
        row.late_told_s = None
    elif late_s >= (late_from if row.late_told_s is None else row.late_told_s + LATER_S):
        row.late_told_s = late_s
        facts = events.LateFacts(
            **_facts(row), closes_at=stop.closes_at, late_minutes=max(1, round(late_s / 60))
        )
        news.append(events.ARRIVAL_LATE.new(stop.order, facts))
    return news


def _facts(row: Arrival) -> dict[str, Any]:
    shift = row.run.shift
    return {
        "run": row.run.public_id,
        "shift": shift.public_id,
        "hub": shift.hub.public_id,
        "service_date": shift.service_date,
        "low_at": row.low_at,
        "high_at": row.high_at,
        "stops_before": row.stops_before,
    }
