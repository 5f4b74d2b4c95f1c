"""Begins runs, and brings their times and visits up to date with the acts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Max, Min, Q

from dispatch.fleet.models import Shift
from dispatch.live import events
from dispatch.live.acts import AT_DOOR, ActKind
from dispatch.live.driving import RunTimes, Stood, VisitAct, VisitState, run_times, visit_state
from dispatch.live.models import Device, DriverAct, Run, VisitProgress
from dispatch.live.selectors.shifts import plan_at
from dispatch.live.services.partitions import keep_days
from dispatch.live.states import Result
from dispatch.live.stays import Stay
from dispatch.orders.models import Order
from dispatch.planning.services import note_progress
from lastmile.core.events import Lane, record

#: Acts that begin no run: a driver can do them at home.
BEGIN_NO_RUN: Final = frozenset(
    {ActKind.PLAN_CONFIRMED, ActKind.NOTE, ActKind.CODE_LOOKED, ActKind.PROOF_ADDED}
)
_KINDS = {
    "started_at": events.RUN_STARTED,
    "left_at": events.RUN_LEFT,
    "back_at": events.RUN_BACK,
    "ended_at": events.RUN_ENDED,
}


def lock_run(
    shift: Shift, *, device: Device, kind: ActKind, at: dt.datetime
) -> tuple[Run | None, bool]:
    """Return the run of a shift, locked, and True if it is new.

    An act of work begins it if there is none.
    """
    rows = Run.objects.select_for_update(of=("self",), no_key=True).select_related(
        "shift__hub", "shift__vehicle", "driver"
    )
    run = rows.filter(shift=shift).first()
    if run is not None or kind in BEGIN_NO_RUN:
        return run, False
    plan = plan_at(shift, at)
    _run, is_new = Run.objects.get_or_create(
        shift=shift,
        defaults={
            "driver": device.driver,
            "device": device,
            "started_at": at,
            "confirmed_plan": plan.number if plan else None,
        },
    )
    if is_new:  # the first position comes seconds later
        keep_days([shift.service_date])
    return rows.get(shift=shift), is_new


def refresh_run(run: Run, *, is_new: bool, kind: ActKind, at: dt.datetime) -> frozenset[str]:
    """Write the times of a locked run as its acts say them; return the names of the new ones.

    ``kind`` and ``at`` are those of its newest act. Most acts change no time; then nothing is read.

    Locks: the progress of the shift in planning. Records: run.started, run.left, run.back,
    run.ended. Raises: nothing of its own.
    """
    if not is_new and _changes_no_time(run, kind, at):
        return frozenset()
    acts = DriverAct.objects.filter(run=run).exclude(result=Result.REJECTED)
    rows = acts.values("kind").annotate(first=Min("happened_at"), last=Max("happened_at"))
    times = run_times({row["kind"]: (row["first"], row["last"]) for row in rows.order_by("kind")})
    if times.started_at is None:
        times = RunTimes(started_at=run.started_at)
    before = {name: getattr(run, name) for name in _KINDS}
    after = {name: getattr(times, name) for name in _KINDS}
    if before != after:
        for name, value in after.items():
            setattr(run, name, value)
        run.save(update_fields=[*_KINDS])
    if is_new or (before["left_at"], before["back_at"]) != (run.left_at, run.back_at):
        note_progress(shift=run.shift, left_at=run.left_at, back_at=run.back_at)
    fresh = {name for name, value in after.items() if value is not None and before[name] is None}
    if is_new:
        fresh.add("started_at")
    for name in _KINDS:
        if name in fresh:
            _record(run, name)
    return frozenset(fresh)


def _changes_no_time(run: Run, kind: ActKind, at: dt.datetime) -> bool:
    """Return True if an act cannot change the times of a run that has those of its other acts.

    It is an act at a stop of a run that is under way, after its vehicle left. Its times are the
    first ones of some acts, and an act on the road keeps a vehicle from being back.
    """
    if run.left_at is None or run.back_at is not None or run.ended_at is not None:
        return False
    return kind in AT_DOOR and run.started_at <= at and run.left_at <= at


def note_day_fetched(*, shift: str, number: int) -> None:
    """Store the number of the plan that the phone fetched last, if the run has begun.

    Locks: the run, if the number is new. Records: nothing. Raises: nothing of its own.
    """
    is_new = ~Q(reported_plan=number) | Q(reported_plan__isnull=True)
    Run.objects.filter(is_new, shift__public_id=shift).update(reported_plan=number)


@dataclass(frozen=True, slots=True)
class ReadVisit:
    """The visit of an order on a locked run, None before the first act, and what its acts say."""

    row: VisitProgress | None
    state: VisitState


def read_visit(run: Run, order: Order) -> ReadVisit:
    """Return a visit, and what a run's acts and its stay at the door say about it."""
    row = VisitProgress.objects.filter(run=run, order=order).first()
    stood = None
    if row is not None and row.stood_from_at is not None:
        stood = Stood(row.stood_from_at, row.stood_until_at)
    return ReadVisit(row, visit_state(_visit_acts(run, order), stood))


def refresh_visit(
    run: Run, order: Order, *, stop: str, attempt: str = "", read: ReadVisit | None = None
) -> VisitProgress:
    """Write the progress of a visit of a locked run as its acts say it.

    ``read`` is the visit, if the caller has read it after the last change of an act.

    Locks: the row of the visit. Records: visit.arrived when the arrival is new. Raises: nothing.
    """
    read = read or read_visit(run, order)
    visit, state = read.row, read.state
    is_arrival = state.arrived_at is not None and (visit is None or visit.arrived_at is None)
    visit = visit or VisitProgress(run=run, order=order)
    visit.arrived_at, visit.departed_at = state.arrived_at, state.departed_at
    visit.arrived_from, visit.arrived_far_m = state.arrived_from, state.arrived_far_m
    visit.outcome, visit.reason = state.outcome, state.reason
    visit.stop = stop or visit.stop
    visit.attempt = attempt or visit.attempt
    visit.save()
    if is_arrival and state.arrived_at is not None:
        facts = events.ArrivedFacts(
            **_run_facts(run), at=state.arrived_at, source=state.arrived_from
        )
        record(
            events.VISIT_ARRIVED,
            facts,
            subject=order.public_id,
            lane=Lane.PERSON,
            occurred_at=state.arrived_at,
        )
    return visit


def record_left(run: Run, order: Order, stay: Stay) -> None:
    """Record that a vehicle has left a door.

    Locks: nothing. Records: visit.left, if the stay has an end. Raises: nothing.
    """
    if stay.left_at is None:
        return
    facts = events.LeftDoorFacts(
        **_run_facts(run), stood_from_at=stay.arrived_at, stood_until_at=stay.left_at
    )
    record(
        events.VISIT_LEFT,
        facts,
        subject=order.public_id,
        lane=Lane.PERSON,
        occurred_at=stay.left_at,
    )


def _run_facts(run: Run) -> dict[str, Any]:
    """Return the facts of a run that all facts about its visits have."""
    return {
        "run": run.public_id,
        "shift": run.shift.public_id,
        "hub": run.shift.hub.public_id,
        "service_date": run.shift.service_date,
    }


def _visit_acts(run: Run, order: Order) -> list[VisitAct]:
    rows = DriverAct.objects.filter(run=run, order=order).exclude(result=Result.REJECTED)
    return [
        VisitAct(
            kind=kind,
            at=at,
            outcome=data.get("outcome", ""),
            reason=data.get("reason", ""),
            counts=data.get("counts", True),
            far_m=data.get("far_m"),
        )
        for kind, at, data in rows.values_list("kind", "happened_at", "data")
    ]


def _record(run: Run, name: str) -> None:
    at = getattr(run, name)
    facts = events.RunFacts(
        shift=run.shift.public_id,
        driver=run.driver.public_id,
        hub=run.shift.hub.public_id,
        service_date=run.shift.service_date,
        at=at,
    )
    record(_KINDS[name], facts, subject=run.public_id, lane=Lane.PERSON, occurred_at=at)
