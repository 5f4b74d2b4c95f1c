"""Takes the proofs that a driver gives after the delivery."""

from __future__ import annotations

import datetime as dt

from dispatch.live.models import DriverAct, Incident
from dispatch.live.policy import driver_policy
from dispatch.live.services.context import Taking
from dispatch.live.services.incidents import settle_itself
from dispatch.live.services.proofs import keep_proofs, lacking_of
from dispatch.live.states import IncidentKind, IncidentState, Over
from dispatch.orders.models import AccessNote, Order, Outcome


def add_proofs(taking: Taking, order: Order, access: AccessNote | None) -> None:
    """Keep proofs of a delivery that the driver made before, within the retailer's time.

    After that time, or for a visit that this driver did not end with a handover, the act is kept
    without effect and staff is told. An open incident about the missing proof is settled when
    nothing is missing any more.

    Locks: the incidents that are settled. Records: incident.opened, incident.settled. Raises:
    nothing of its own.
    """
    last = order.attempts.order_by("-number").first()
    shift = taking.shift
    is_own = last is not None and shift is not None and last.shift_id == shift.pk
    if last is None or not is_own or last.outcome == Outcome.FAILED:
        _without_effect(taking, order, IncidentKind.ORDER_NOT_ON_ROUTE)
        return
    allowed = dt.timedelta(minutes=driver_policy().correction_minutes)
    if taking.act.happened_at - last.departed_at > allowed:
        _without_effect(taking, order, IncidentKind.CORRECTED_TOO_LATE)
        return
    keep_proofs(taking, order, access)
    if not lacking_of(order, access, taking.run):
        missing = Incident.objects.filter(
            order=order, kind=IncidentKind.PROOF_MISSING, state=IncidentState.OPEN
        )
        settle_itself(incidents=missing, how=Over.PROOF_GIVEN)


def _without_effect(taking: Taking, order: Order, kind: IncidentKind) -> None:
    taking.act.data = {**taking.act.data, "counts": False}
    DriverAct.objects.filter(pk=taking.act.pk).update(data=taking.act.data)
    taking.open(kind, order=order, state=order.state)
