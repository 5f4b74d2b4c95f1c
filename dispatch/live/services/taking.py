"""Takes the acts of drivers, each once and in a transaction of its own."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import prefetch_related_objects

from dispatch.live.acts import (
    AT_BANK,
    HANDED_OVER,
    ActDraft,
    ActKind,
    ActResult,
    BadAct,
)
from dispatch.live.models import Device, DriverAct, Incident
from dispatch.live.phone_time import TrueTime, true_time
from dispatch.live.selectors.shifts import route_of_shift, shift_of_act
from dispatch.live.services.context import Taking
from dispatch.live.services.custody import note_back, note_bank, note_door, note_loading
from dispatch.live.services.devices import note_refused
from dispatch.live.services.incidents import IncidentDraft, open_incident
from dispatch.live.services.later import add_proofs
from dispatch.live.services.leaving import leave, load, report_missing, tell_defect
from dispatch.live.services.proofs import access_before, keep_photos, keep_proofs
from dispatch.live.services.runs import lock_run, refresh_run
from dispatch.live.services.telling import note_delivered
from dispatch.live.services.visiting import act_at_bank, arrive, end_visit
from dispatch.live.states import IncidentKind, Result
from dispatch.live.words import problem_text
from dispatch.orders.models import Direction, Order, Outcome
from lastmile.core.actor import acting_as
from lastmile.core.clock import now
from lastmile.core.events import stored_together

logger = logging.getLogger(__name__)
Draft = ActDraft | BadAct


def take_acts(
    *, device: Device, drafts: Sequence[Draft], phone_at: dt.datetime | None = None
) -> list[ActResult]:
    """Take the acts of a phone in the order in which it sent them; return one answer for each.

    ``phone_at`` is the time of the phone at sending. A fault in one act does not stop the others.
    When the database does not answer, the rest is not taken, and the phone sends it again.

    Locks, Records: as take_act. Raises: OperationalError, InterfaceError.
    """
    taken = _taken_before(drafts)
    orders = _orders_of([draft for draft in drafts if draft.client_id not in taken])
    return [
        _repeated(taken[draft.client_id], draft)
        if draft.client_id in taken
        else _take_safely(device, draft, phone_at, orders)
        for draft in drafts
    ]


def _taken_before(drafts: Sequence[Draft]) -> dict[UUID, DriverAct]:
    """Return the acts of a batch that were taken before: a phone that heard no answer repeats."""
    rows = DriverAct.objects.filter(client_id__in=[draft.client_id for draft in drafts])
    taken = {row.client_id: row for row in rows}
    with_incident = [row for row in taken.values() if row.result != Result.APPLIED]
    prefetch_related_objects(with_incident, "incidents")
    return taken


def _orders_of(drafts: Sequence[Draft]) -> dict[str, Order]:
    """Return the orders of a batch of new acts, by their public id."""
    named = {draft.order for draft in drafts if isinstance(draft, ActDraft)} - {""}
    if not named:
        return {}
    rows = Order.objects.select_related("hub", "access", "place", "promise__place")
    rows = rows.filter(public_id__in=named).prefetch_related("parcels")
    return {order.public_id: order for order in rows}


def _take_safely(
    device: Device, draft: Draft, phone_at: dt.datetime | None, orders: dict[str, Order]
) -> ActResult:
    try:
        return take_act(device=device, draft=draft, phone_at=phone_at, orders=orders)
    except (InterfaceError, OperationalError):
        raise
    except Exception:
        if isinstance(draft, BadAct):
            raise
        logger.exception("An act of the kind %s had no effect.", draft.kind)
    return _keep_without_effect(device=device, draft=draft, phone_at=phone_at)


def take_act(
    *,
    device: Device,
    draft: Draft,
    phone_at: dt.datetime | None = None,
    orders: dict[str, Order] | None = None,
) -> ActResult:
    """Take one act of a driver. A repeated act has no effect and gets the answer "duplicate".

    A malformed act is rejected, and staff is told. An act that does not fit the state of its order
    or plan is kept, with an incident. ``orders`` are orders of the batch that no act of it has
    changed yet; the order of this act is taken out.

    Locks: the run, then the orders. Records: run.started, run.left, run.back, run.ended,
    visit.arrived, visit.at_bank, incident.opened, order.loaded, order.out, proof.checked, and as
    record_attempt. Raises: nothing of its own.
    """
    with acting_as(device.driver.public_id):
        try:
            with transaction.atomic(), stored_together():
                return _take_new(device, draft, phone_at, orders or {})
        except IntegrityError:  # it was taken before, perhaps over another connection just now
            before = _stored(draft)
            if before is None:
                raise
            return _repeated(before, draft)


def _take_new(
    device: Device, draft: Draft, phone_at: dt.datetime | None, orders: dict[str, Order]
) -> ActResult:
    if isinstance(draft, BadAct):
        return _reject(device, draft, draft.code)
    time = true_time(draft.at, phone_at, now())
    order = orders.pop(draft.order, None) or _orders_of([draft]).get(draft.order)
    code = _fault(draft, order, time)
    if code:
        return _reject(device, draft, code)
    return _take(device, draft, order, time)


def _take(device: Device, draft: ActDraft, order: Order | None, time: TrueTime) -> ActResult:
    shift = shift_of_act(device.driver, time.at, named=draft.shift, order=order)
    run = None
    is_new = False
    if shift is not None:
        run, is_new = lock_run(shift, device=device, kind=draft.kind, at=time.at)
    columns = _columns(device, draft, time) | {"run": run, "order": order}
    act = DriverAct.objects.create(client_id=draft.client_id, **columns)
    taking = Taking(act=act, draft=draft, device=device, shift=shift, run=run)
    _apply(taking, order, is_new=is_new)
    if taking.incidents:
        act.result = Result.INCIDENT
        act.save(update_fields=["result"])
    return _answer(act, draft, "stored", taking.incidents)


def _apply(taking: Taking, order: Order | None, *, is_new: bool) -> None:
    kind, run = taking.draft.kind, taking.run
    fresh: frozenset[str] = frozenset()
    if run is not None:
        fresh = refresh_run(run, is_new=is_new, kind=kind, at=taking.act.happened_at)
    if "left_at" in fresh or kind == ActKind.LEFT_HUB:
        leave(taking)
    if kind == ActKind.LOADED:
        load(taking)
        note_loading(taking)
    elif kind == ActKind.NOT_LOADED:
        report_missing(taking)
        note_loading(taking)
    elif kind == ActKind.BACK_AT_HUB:
        note_back(taking)
    elif kind == ActKind.PLAN_CONFIRMED and run is not None:
        _confirm_plan(taking)
    elif kind == ActKind.VEHICLE_CHECKED and not taking.draft.data["ok"]:
        _report_defect(taking)
    elif order is not None:
        _apply_at_stop(taking, order)


def _apply_at_stop(taking: Taking, order: Order) -> None:
    kind = taking.draft.kind
    if kind == ActKind.ARRIVED:
        arrive(taking, order)
    elif kind in AT_BANK:
        if act_at_bank(taking, order):
            note_bank(taking, order)
            if taking.draft.outcome:
                keep_proofs(taking, order, access_before(order))
    elif taking.draft.outcome:
        access = access_before(order)
        attempt = end_visit(taking, order)
        note_door(taking, order)
        if taking.draft.outcome in HANDED_OVER and not keep_proofs(taking, order, access):
            is_new = attempt is not None and attempt.outcome == Outcome.DELIVERED
            note_delivered(order, is_new=is_new)
    elif kind == ActKind.PROOF_ADDED:
        add_proofs(taking, order, access_before(order))


def _report_defect(taking: Taking) -> None:
    keep_photos(taking)
    route = None if taking.shift is None else route_of_shift(taking.shift)
    taking.open(
        IncidentKind.VEHICLE_DEFECT,
        key=f"vehicle_defect:{taking.act.client_id}",
        due_at=route.starts_at if route else None,
    )
    if taking.run is not None:  # the check may come after the act of leaving
        tell_defect(taking, taking.run)


def _confirm_plan(taking: Taking) -> None:
    run, number = taking.run, int(taking.draft.data["number"])
    if run is not None and number > (run.confirmed_plan or 0):
        run.confirmed_plan = number
        run.save(update_fields=["confirmed_plan"])


def _fault(draft: ActDraft, order: Order | None, time: TrueTime) -> str:
    """Return why an act is malformed although its shape is right; "" if it is not."""
    if time.too_old:
        return "too_old"
    if draft.order and order is None:
        return "order_unknown"
    if order is not None and draft.outcome:
        is_return = order.direction == Direction.RETURN
        if draft.outcome == ("delivered" if is_return else "picked_up"):
            return "outcome_wrong"
    return ""


@transaction.atomic
def _keep_without_effect(
    *, device: Device, draft: ActDraft, phone_at: dt.datetime | None
) -> ActResult:
    """Keep an act whose effect failed, and tell staff, so that the acts behind it go on."""
    before = _stored(draft)
    if before is not None:
        return _repeated(before, draft)
    time = true_time(draft.at, phone_at, now())
    order = Order.objects.select_related("hub").filter(public_id=draft.order).first()
    values = _columns(device, draft, time) | {"order": order, "result": Result.INCIDENT}
    act = DriverAct.objects.create(client_id=draft.client_id, **values)
    taking = Taking(act=act, draft=draft, device=device, shift=None, run=None)
    taking.open(
        IncidentKind.ACT_FAILED,
        order=order,
        key=f"act_failed:{draft.client_id}",
        outcome=draft.outcome,
        reason=draft.reason,
    )
    return _answer(act, draft, "stored", taking.incidents)


def _reject(device: Device, draft: Draft, code: str) -> ActResult:
    """Keep a malformed act without effect; the phone and staff see why."""
    problem = {"code": code, "detail": str(problem_text(code))}
    if isinstance(draft, BadAct):
        columns: dict[str, Any] = {
            "device": device,
            "driver": device.driver,
            "kind": draft.kind,
            "happened_at": draft.at or now(),
            "phone_at": draft.at,
        }
    else:
        columns = _columns(device, draft, TrueTime(draft.at, corrected=False))
    act, created = DriverAct.objects.get_or_create(
        client_id=draft.client_id,
        defaults=columns | {"result": Result.REJECTED, "problem": problem},
    )
    if not created:
        return _repeated(act, draft)
    note_refused(device, code)
    incident = open_incident(
        draft=IncidentDraft(
            kind=IncidentKind.ACT_REFUSED,
            hub=device.driver.hub,
            driver=device.driver,
            device=device,
            act=act,
            params={"act": act.kind, "code": code},
            key=f"act_refused:{act.client_id}",
        )
    )
    return _answer(act, draft, "rejected", [incident])


def _columns(device: Device, draft: ActDraft, time: TrueTime) -> dict[str, Any]:
    data = dict(draft.data)
    if draft.outcome:
        data |= {"outcome": draft.outcome, "reason": draft.reason}
    return {
        "device": device,
        "driver": device.driver,
        "kind": draft.kind,
        "happened_at": time.at,
        "phone_at": draft.at,
        "clock_corrected": time.corrected,
        "data": data,
        "note": draft.note or None,
        "lat": draft.lat,
        "lon": draft.lon,
        "accuracy_m": draft.accuracy_m,
    }


def _stored(draft: Draft) -> DriverAct | None:
    return DriverAct.objects.filter(client_id=draft.client_id).first()


def _repeated(act: DriverAct, draft: Draft) -> ActResult:
    status = "rejected" if act.result == Result.REJECTED else "duplicate"
    incidents: list[Incident] = []
    if act.result != Result.APPLIED:  # others have none
        incidents = sorted(act.incidents.all(), key=lambda one: one.pk)
    return _answer(act, draft, status, incidents)


def _answer(act: DriverAct, draft: Draft, status: str, incidents: Sequence[Incident]) -> ActResult:
    sent_id = draft.sent_id if isinstance(draft, BadAct) else ""
    return ActResult(
        id=sent_id or str(draft.client_id),
        status=status,
        problem=act.problem,
        incident=incidents[0].public_id if incidents else None,
    )
