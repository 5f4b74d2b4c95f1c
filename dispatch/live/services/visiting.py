"""The effects of what happened at a door: the order's attempt, or an incident.

Goods that were handed over count in every state of the order. A failed visit counts only
for the route that the order is on, so that it cannot end a visit of another vehicle or day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from dispatch.live import events
from dispatch.live.acts import ActKind
from dispatch.live.models import DriverAct
from dispatch.live.policy import driver_policy
from dispatch.live.proof import Flag
from dispatch.live.selectors.shifts import stop_of, was_on_route
from dispatch.live.services.context import Taking
from dispatch.live.services.distance import metres_too_far
from dispatch.live.services.runs import ReadVisit, read_visit, refresh_visit
from dispatch.live.states import IncidentKind, Result
from dispatch.orders.drafts import AttemptDraft
from dispatch.orders.models import Attempt, Direction, Order, Outcome
from dispatch.orders.services import (
    correct_attempt,
    lock_orders,
    mark_planned,
    note_arrival,
    record_attempt_of,
)
from dispatch.orders.states import OrderState
from lastmile.core.events import Lane, record

S = OrderState
_ON_PLAN: Final = frozenset({S.PLANNED, S.LOADED, S.OUT})
_DONE: Final = frozenset({S.DELIVERED, S.FAILED, S.RETURNED})


@dataclass(slots=True, kw_only=True)
class _Door:
    """An order at its door: where the published plan has it, and what the driver did."""

    taking: Taking
    order: Order
    stop: str
    is_mine: bool  # the published plan has the order on the route of this act
    elsewhere: str  # shift that the published plan has it on, if that is another one
    read: ReadVisit | None = None  # the visit, and what its acts say, as they are now

    @property
    def act(self) -> DriverAct:
        return self.taking.act

    @property
    def outcome(self) -> str:
        return self.taking.draft.outcome

    @property
    def is_handed_over(self) -> bool:
        return self.outcome != Outcome.FAILED

    @property
    def may_be_here(self) -> bool:
        """True if the order is of the driver's hub, or was on a route of this shift."""
        shift, driver = self.taking.shift, self.taking.device.driver
        if self.order.hub_id in {driver.hub_id, shift.hub_id if shift else driver.hub_id}:
            return True
        return was_on_route(self.order, shift)

    @property
    def wrong_route(self) -> IncidentKind:
        """The kind of the incident that the order is not on this route."""
        if self.elsewhere:
            return IncidentKind.DONE_BY_OTHER_VEHICLE
        return IncidentKind.ORDER_NOT_ON_ROUTE

    def open(self, kind: IncidentKind) -> None:
        self.taking.open(
            kind,
            order=self.order,
            state=self.order.state,
            outcome=self.outcome,
            reason=self.taking.draft.reason,
            other_shift=self.elsewhere,
        )


def arrive(taking: Taking, order: Order) -> None:
    """Store an arrival. An attempt whose arrival was not known gets it.

    An arrival that was told far from the door counts, and its distance is kept with it.

    Locks: the visit, and the attempt if there is one. Records: visit.arrived. Raises: nothing.
    """
    stop = _stop_on_route(taking, order)
    if taking.run is None:
        return
    far_m = metres_too_far(taking.draft, order)
    if far_m is not None:
        taking.act.data = {**taking.act.data, "far_m": far_m}
        DriverAct.objects.filter(pk=taking.act.pk).update(data=taking.act.data)
    visit = refresh_visit(taking.run, order, stop=stop)
    if visit.attempt and visit.arrived_at is not None:
        note_arrival(
            attempt=visit.attempt, arrived_at=visit.arrived_at, arrived_from=visit.arrived_from
        )


def act_at_bank(taking: Taking, order: Order) -> bool:
    """Keep what a driver did at a bank of lockers; the last parcel of an order ends its visit.

    The state of the order does not change here: the lockers follow the event, and they also have
    the report of the cabinet. A doubt opens an incident and stops nothing; only an act at an order
    of another hub has no effect. Return False for such an act.

    Locks: the visit. Records: visit.arrived, visit.at_bank, incident.opened. Raises: nothing.
    """
    planned = stop_of(order)
    shift = planned.route.shift if planned else None
    is_mine = shift is not None and taking.shift is not None and shift.pk == taking.shift.pk
    door = _Door(
        taking=taking,
        order=order,
        stop=planned.public_id if planned and is_mine else "",
        is_mine=is_mine,
        elsewhere=shift.public_id if shift and not is_mine else "",
    )
    if not _counts_at_bank(door):
        return False
    if taking.run is not None:
        refresh_visit(taking.run, order, stop=door.stop)
    facts = events.AtBankFacts(
        act=taking.act.public_id,
        kind=str(taking.draft.kind),
        reservation=str(taking.draft.data["reservation"]),
    )
    record(
        events.VISIT_AT_BANK,
        facts,
        subject=order.public_id,
        lane=Lane.PERSON,
        occurred_at=taking.act.happened_at,
    )
    return True


def _counts_at_bank(door: _Door) -> bool:
    """Tell staff of what is doubtful about an act at a bank; return False if it has no effect.

    A parcel that is taken out is of an earlier day, so its order is on no route.
    """
    if not door.is_mine and not door.may_be_here:
        door.open(door.wrong_route)
        _without_effect(door)
        return False
    if door.taking.draft.kind == ActKind.DEPOSITED:
        if door.order.state == S.CANCELLED:
            if not _told_before(door):
                door.open(IncidentKind.DELIVERED_AFTER_CANCEL)
        elif not door.is_mine:
            door.open(door.wrong_route)
    far_m = metres_too_far(door.taking.draft, door.order)
    if far_m is not None:
        door.act.data = {**door.act.data, "far_m": far_m}
        DriverAct.objects.filter(pk=door.act.pk).update(data=door.act.data)
        if not door.outcome:  # the proof of the last parcel says it for the visit
            flags = [str(Flag.FAR)]
            key = f"far_at_bank:{door.order.public_id}"
            door.taking.open(IncidentKind.PROOF_DOUBTFUL, order=door.order, key=key, flags=flags)
    return True


def end_visit(taking: Taking, order: Order) -> Attempt | None:
    """Record what happened at a door: an attempt, a correction, or an incident.

    Return the attempt, if one was recorded.

    Locks: the order. Records: as record_attempt and correct_attempt; visit.arrived;
    incident.opened. Raises: nothing of its own.
    """
    (row,) = lock_orders([order.pk])
    planned = stop_of(row)
    shift = planned.route.shift if planned else None
    is_mine = shift is not None and taking.shift is not None and shift.pk == taking.shift.pk
    door = _Door(
        taking=taking,
        order=row,
        stop=planned.public_id if planned and is_mine else "",
        is_mine=is_mine,
        elsewhere=shift.public_id if shift and not is_mine else "",
    )
    attempt = _attempt(door)
    if taking.run is not None:
        name = attempt.public_id if attempt else ""
        refresh_visit(taking.run, row, stop=door.stop, attempt=name, read=door.read)
    return attempt


def _attempt(door: _Door) -> Attempt | None:
    """Record the attempt of a door, if it counts; open the incidents that it needs."""
    state = S(door.order.state)
    if not door.is_mine and not door.may_be_here:
        door.open(door.wrong_route)
        _without_effect(door)
        return None
    if state == S.CANCELLED:
        _after_cancel(door)
        return None
    picked_up = state == S.LOADED and door.order.direction == Direction.RETURN
    if state in _DONE or picked_up:
        return _again(door)
    if state in _ON_PLAN:
        if not door.is_mine:
            door.open(door.wrong_route)
            if not door.is_handed_over:
                _without_effect(door)
                return None
        return record_attempt_of(row=door.order, draft=_draft(door))
    door.open(door.wrong_route)
    if state == S.READY and door.is_handed_over:
        (door.order,) = mark_planned(orders=[door.order.pk], plan="")
        return record_attempt_of(row=door.order, draft=_draft(door))
    if state == S.AWAITING_COLLECTION and door.outcome == Outcome.DELIVERED:
        return record_attempt_of(row=door.order, draft=_draft(door))
    _without_effect(door)
    return None


def _after_cancel(door: _Door) -> None:
    """Tell staff once that a cancelled order was visited."""
    if _told_before(door):
        return
    kinds = IncidentKind
    door.open(kinds.DELIVERED_AFTER_CANCEL if door.is_handed_over else kinds.ORDER_NOT_ON_ROUTE)


def _again(door: _Door) -> Attempt | None:
    """Handle an outcome of an order that has one: a repetition, a correction, or too late."""
    last = door.order.attempts.order_by("-number").first()
    if last is None:
        door.open(IncidentKind.ORDER_NOT_ON_ROUTE)
        _without_effect(door)
        return None
    shift = door.taking.shift
    same_vehicle = shift is not None and last.shift_id == shift.pk
    if (last.outcome, last.reason) == (door.outcome, door.taking.draft.reason):
        if not same_vehicle and not _told_before(door):
            door.open(IncidentKind.DONE_BY_OTHER_VEHICLE)
        return None
    if door.act.happened_at < last.departed_at and same_vehicle:
        return None  # it came late: what happened after it counts already
    newly_handed_over = door.is_handed_over and last.outcome == Outcome.FAILED
    if S(door.order.state) == S.RETURNED or (not same_vehicle and not newly_handed_over):
        door.open(door.wrong_route if same_vehicle else IncidentKind.DONE_BY_OTHER_VEHICLE)
        _without_effect(door)
        return None
    if not same_vehicle:
        door.open(IncidentKind.DONE_BY_OTHER_VEHICLE)
    is_visit = door.taking.draft.kind != ActKind.CORRECTED and newly_handed_over
    if not is_visit and not _in_time(door, last):
        door.open(IncidentKind.CORRECTED_TOO_LATE)
        _without_effect(door)
        return None
    return correct_attempt(order=door.order, draft=_draft(door))


def _in_time(door: _Door, last: Attempt) -> bool:
    allowed = dt.timedelta(minutes=driver_policy().correction_minutes)
    return door.act.happened_at - last.departed_at <= allowed


def _without_effect(door: _Door) -> None:
    """Note on the act that its outcome does not count for the visit."""
    door.read = None
    door.act.data = {**door.act.data, "counts": False}
    DriverAct.objects.filter(pk=door.act.pk).update(data=door.act.data)


def _told_before(door: _Door) -> bool:
    """Return True if staff was told the same outcome of this order before."""
    rows = DriverAct.objects.filter(
        order=door.order, data__outcome=door.outcome, result=Result.INCIDENT
    )
    return rows.exclude(pk=door.act.pk).exists()


def _draft(door: _Door) -> AttemptDraft:
    at = door.act.happened_at
    arrived_at, arrived_from = None, ""
    if door.taking.run is not None:
        door.read = read_visit(door.taking.run, door.order)
        arrived_at, arrived_from = door.read.state.arrived_at, door.read.state.arrived_from
    return AttemptDraft(
        outcome=door.outcome,
        reason=door.taking.draft.reason,
        arrived_at=min(arrived_at or at, at),
        arrived_from=arrived_from,
        departed_at=at,
        client_id=door.act.client_id,
        shift=door.taking.shift,
        stop=door.stop,
    )


def _stop_on_route(taking: Taking, order: Order) -> str:
    """Return the stop of an order on the route of the act, "" if it is not on it."""
    stop = stop_of(order)
    if stop is None or stop.route.shift != taking.shift:
        return ""
    return stop.public_id
