"""Says when the proof of a delivery is checked, so that its shopper can be told."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction

from dispatch.live import events
from dispatch.live.models import Incident, Photo, Proof
from dispatch.live.selectors.proof import is_check_missing, is_proof_open
from dispatch.live.services.incidents import IncidentDraft, open_incident
from dispatch.live.states import IncidentKind, PhotoState
from dispatch.orders.models import Order
from dispatch.orders.states import OrderState
from lastmile.core.clock import now
from lastmile.core.events import Lane, record

#: A photo that has not arrived after this time no longer holds the message back. Chosen.
WAITED_FOR: Final = dt.timedelta(minutes=30)
MOST_AT_ONCE: Final = 500


def note_checked(order: Order, *, waited: bool = False) -> None:
    """Record that the proof of an order is checked, unless a photo or an incident is open.

    ``waited`` means that a photo did not arrive in time.

    Locks: nothing. Records: proof.checked. Raises: nothing of its own.
    """
    if waited or not is_proof_open(order):
        facts = events.ProofFacts(complete=not waited)
        record(events.PROOF_CHECKED, facts, subject=order.public_id, lane=Lane.PERSON)


def note_delivered(order: Order, *, is_new: bool) -> None:
    """Record that the proof of a delivery is checked if it has nothing that must be checked.

    So each delivery by a driver is followed by one such event, at once or later. ``is_new`` means
    that the order was delivered by the present act, so nothing can have said so.

    Locks: nothing. Records: proof.checked. Raises: nothing of its own.
    """
    if is_new or (_is_delivered(order) and is_check_missing(order)):
        note_checked(order)


def _is_delivered(order: Order) -> bool:
    return Order.objects.filter(pk=order.pk, state=OrderState.DELIVERED).exists()


@transaction.atomic
def note_late_photos() -> int:
    """Tell staff of deliveries whose photos do not arrive, and let their shoppers be told.

    Each delivery is told once. Returns how many there were.

    Locks: nothing. Records: incident.opened, proof.checked. Raises: nothing of its own.
    """
    late = Photo.objects.filter(
        state=PhotoState.EXPECTED, made_at__lt=now() - WAITED_FOR, proofs__order__isnull=False
    )
    opened = set(Incident.objects.filter(key__startswith=_LATE).values_list("key", flat=True))
    orders = Order.objects.select_related("hub").filter(proofs__photo__in=late).distinct()
    fresh = [order for order in orders.order_by("pk") if _LATE + order.public_id not in opened]
    for order in fresh[:MOST_AT_ONCE]:
        _note_late(order)
    return len(fresh[:MOST_AT_ONCE])


_LATE: Final = "photo_late:"


def _note_late(order: Order) -> None:
    rows = Proof.objects.select_related("act__driver__hub", "act__device", "run__shift")
    proof = rows.filter(order=order).first()
    if proof is None:
        return
    driver = proof.act.driver
    open_incident(
        draft=IncidentDraft(
            kind=IncidentKind.PROOF_MISSING,
            hub=order.hub or driver.hub,
            order=order,
            shift=proof.run.shift if proof.run else None,
            driver=driver,
            device=proof.act.device,
            params={"act": proof.act.kind, "missing": ["photo"], "late": True},
            key=_LATE + order.public_id,
        )
    )
    note_checked(order, waited=True)
