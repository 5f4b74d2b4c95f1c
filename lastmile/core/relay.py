"""From committed events to handlers: the relay gives positions, workers run deliveries.

Relay, one at a time per retailer: give each committed event without a position the next one,
write a delivery row for each of its handlers, point at the lanes. A transaction that commits late
gets a later position; nobody who counts by position can pass it.

Deliver: lease up to 100 deliveries of one handler, run each in a transaction that also marks it
done: its effects and the mark commit together, so a handler takes effect once per event however
often it is tried. A failure keeps its error and waits longer each time, until it is dead.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable, Sequence
from typing import Final

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from lastmile.core.actor import acting_as
from lastmile.core.events import RELAY, as_domain_event
from lastmile.core.models import Delivery, DeliveryState
from lastmile.core.tenancy import current_schema
from lastmile.core.timing import backoff_s, in_seconds
from lastmile.core.wiring import followers_of, handlers_of, load, present_name
from lastmile.worklist.selectors import seen
from lastmile.worklist.services import clear, point

log = logging.getLogger(__name__)

RELAY_BATCH: Final = 1000
DELIVER_BATCH: Final = 100
MAX_ATTEMPTS: Final = 8  # with back-off: given up after about three hours
LEASE_S: Final = 60
OPEN: Final = (DeliveryState.WAITING, DeliveryState.LEASED)

_POSITION_SQL: Final = """
WITH chosen AS (
    SELECT id, subject, lane FROM core_event
    WHERE position IS NULL ORDER BY lane DESC, id LIMIT %s
), urgent AS (
    SELECT subject, max(id) AS last FROM chosen WHERE lane = 'person' GROUP BY subject
), taken AS (
    SELECT id FROM chosen
    UNION
    SELECT earlier.id FROM urgent JOIN core_event earlier
        ON earlier.subject = urgent.subject AND earlier.id < urgent.last
    WHERE earlier.position IS NULL
), batch AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n FROM taken
), top AS (
    SELECT coalesce(max(position), 0) AS position FROM core_event
)
UPDATE core_event event SET position = top.position + batch.n
FROM batch, top WHERE event.id = batch.id
RETURNING event.id, event.kind, event.lane, event.position,
    CASE WHEN event.kind = 'job.finished' THEN event.data ->> 'kind' END
"""


def lane_kind(lane: str) -> str:
    """Return the pointers' kind of a lane."""
    return f"deliver.{lane}"


def relay_batch() -> tuple[int, set[tuple[str, str]]]:
    """Position one batch of committed events; return their number and the (handler, lane) owed.

    A person's events go into the next batch, however many of the bulk wait, and take along the
    earlier waiting events of their subjects; within a batch the order is that of writing. So the
    events of one subject have their positions in the order of writing.

    Locks: the retailer's relay (advisory, until the commit). When another relay holds it, that
    one sees our events: it looks once more after it has let go. Returns (0, empty) then.
    """
    schema = current_schema()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"relay:{schema}"]
        )
        if not cursor.fetchone()[0]:
            return 0, set()
        pointers = seen(schema, RELAY)
        cursor.execute(_POSITION_SQL, [RELAY_BATCH])
        positioned = sorted(cursor.fetchall(), key=lambda row: row[3])
        owed = [
            Delivery(event_id=pk, handler=handler, lane=lane)
            for pk, kind, lane, _position, job in positioned
            for handler in (*handlers_of(kind), *followers_of(job))
        ]
        Delivery.objects.bulk_create(owed, batch_size=2000)
        for lane in sorted({delivery.lane for delivery in owed}):
            point(schema=schema, kind=lane_kind(lane))
        if len(positioned) < RELAY_BATCH:
            clear(pointer_ids=pointers)
    return len(positioned), {(delivery.handler, delivery.lane) for delivery in owed}


def owed_handlers(lane: str) -> list[str]:
    """Return the handlers with deliveries of this lane due now."""
    due = Delivery.objects.filter(lane=lane, state__in=OPEN, due_at__lte=Now())
    return list(due.order_by("handler").values_list("handler", flat=True).distinct())


def settle(lane: str) -> bool:
    """Clear the lane's due pointers when nothing of it is due; tell whether that was so.

    What waits for later, or is leased, has a pointer of its own at that later time.
    """
    schema = current_schema()
    with transaction.atomic():
        pointers = seen(schema, lane_kind(lane))
        if Delivery.objects.filter(lane=lane, state__in=OPEN, due_at__lte=Now()).exists():
            return False
        clear(pointer_ids=pointers)
    return True


def given_up(kind: str = "") -> QuerySet[Delivery]:
    """Return the deliveries that were given up, oldest event first; of one kind if it is named."""
    dead = Delivery.objects.filter(state=DeliveryState.DEAD).select_related("event")
    return (dead.filter(event__kind=kind) if kind else dead).order_by("event_id", "handler")


def revive(deliveries: Iterable[int]) -> int:
    """Let deliveries (pks) that were given up be tried again; return how many.

    Locks: those deliveries. Records: nothing. Raises: nothing of its own.
    """
    with transaction.atomic():
        dead = Delivery.objects.filter(pk__in=list(deliveries), state=DeliveryState.DEAD)
        lanes = sorted(set(dead.values_list("lane", flat=True)))
        revived = dead.update(state=DeliveryState.WAITING, attempts=0, due_at=Now())
        for lane in lanes:
            point(schema=current_schema(), kind=lane_kind(lane))
    return revived


def deliver_batch(handler: str, lane: str, *, until: float = float("inf")) -> int:
    """Run up to 100 due deliveries of one handler; return how many were leased.

    Those not begun by ``until`` (``time.monotonic()``) are handed back untried.
    """
    token = uuid.uuid4()
    leased, pointer = _lease(handler, lane, token)
    for place, delivery in enumerate(leased):
        if time.monotonic() >= until:
            _hand_back(leased[place:], lane, token)
            break
        _deliver(delivery, token)
    if leased:
        clear(pointer_ids=[pointer])
    return len(leased)


def _lease(handler: str, lane: str, token: uuid.UUID) -> tuple[Sequence[Delivery], int]:
    """Lease first tries in a batch, or one that was tried before, alone.

    Attempts are counted before running. A delivery that kills its worker takes the batch's
    neighbours with it once; after that it is alone, and it alone reaches the cap.
    """
    with transaction.atomic():
        due = (
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(handler=handler, lane=lane, state__in=OPEN, due_at__lte=Now())
            .select_related("event")
            .order_by("due_at", "id")
        )
        found = list(due.filter(attempts=0)[:DELIVER_BATCH])
        if not found:
            _bury_lost(handler, lane)
            found = list(due.filter(attempts__gt=0)[:1])
        if not found:
            return [], 0
        Delivery.objects.filter(pk__in=[one.pk for one in found]).update(
            state=DeliveryState.LEASED,
            lease_token=token,
            attempts=F("attempts") + 1,
            due_at=in_seconds(LEASE_S),
        )
        pointer = point(schema=current_schema(), kind=lane_kind(lane), due_in_s=LEASE_S)
    return found, pointer


def _bury_lost(handler: str, lane: str) -> None:
    """Give up deliveries whose last permitted attempt never came back."""
    lost = Delivery.objects.filter(
        handler=handler,
        lane=lane,
        state=DeliveryState.LEASED,
        attempts__gte=MAX_ATTEMPTS,
        due_at__lte=Now(),
    )
    lost.update(
        state=DeliveryState.DEAD,
        lease_token=None,
        error=f"Its worker died or hung in each of {MAX_ATTEMPTS} attempts.",
    )


def _hand_back(untried: Sequence[Delivery], lane: str, token: uuid.UUID) -> None:
    with transaction.atomic():
        Delivery.objects.filter(pk__in=[one.pk for one in untried], lease_token=token).update(
            state=DeliveryState.WAITING,
            lease_token=None,
            attempts=F("attempts") - 1,
            due_at=Now(),
        )
        point(schema=current_schema(), kind=lane_kind(lane))


def _deliver(delivery: Delivery, token: uuid.UUID) -> None:
    """Run the handler and mark the delivery done in one transaction, or keep why not.

    The mark comes first: it locks the row, so a worker whose lease ran out finds it taken, and
    nobody else takes it while the handler runs.
    """
    event = delivery.event
    try:
        with transaction.atomic(), acting_as(event.actor):
            mine = Delivery.objects.filter(pk=delivery.pk, lease_token=token).update(
                state=DeliveryState.DONE, lease_token=None, error=""
            )
            if mine:
                load(present_name(delivery.handler))(as_domain_event(event))
    except Exception as fault:
        log.exception("%s failed for %s", delivery.handler, event.public_id)
        _keep_fault(delivery, token, fault)


def _keep_fault(delivery: Delivery, token: uuid.UUID, fault: Exception) -> None:
    attempt = delivery.attempts + 1  # the row was read before this attempt was counted
    dead = attempt >= MAX_ATTEMPTS
    wait = backoff_s(attempt)
    with transaction.atomic():
        kept = Delivery.objects.filter(pk=delivery.pk, lease_token=token).update(
            state=DeliveryState.DEAD if dead else DeliveryState.WAITING,
            lease_token=None,
            due_at=in_seconds(wait),
            error=f"{type(fault).__name__}: {fault}"[:1000],
        )
        if kept and not dead:
            point(schema=current_schema(), kind=lane_kind(delivery.lane), due_in_s=wait)
