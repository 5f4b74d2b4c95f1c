"""Gives committed events to their handlers: the relay of the outbox, and the deliveries.

Relay: one relay per retailer runs at a time. It gives each committed event the next position, adds
a delivery row for each of its handlers, and adds pointers to the lanes. An event that is committed
late gets a later position, so readers that continue from a position miss no event.

Deliver: a worker leases up to 100 deliveries of one handler and runs each in a transaction that
also marks the delivery as done. The effects and the mark are committed together, so a handler has
its effect once per event, even with several attempts. A failed delivery stores its error and is
retried after a growing delay, until it is given up (dead).

Many at once: a handler that the switchboard names in ``MANY`` gets new events in groups, and each
group is one transaction. If a group fails, nothing of it is kept, and its events run one by one.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from lastmile.core.actor import acting_as
from lastmile.core.events import RELAY, as_domain_event
from lastmile.core.models import Delivery, DeliveryState, Event
from lastmile.core.tenancy import current_schema
from lastmile.core.timing import backoff_s, in_seconds
from lastmile.core.wiring import followers_of, handlers_of, load, many_of, present_name
from lastmile.worklist.selectors import seen
from lastmile.worklist.services import clear, point

log = logging.getLogger(__name__)

RELAY_BATCH: Final = 1000
DELIVER_BATCH: Final = 100
MANY_AT_ONCE: Final = 50  # after a failure each of them runs alone, so not more
MAX_ATTEMPTS: Final = 8  # with the back-off, a delivery is given up after about three hours
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
    """Return the kind of pointers for the deliveries of a lane."""
    return f"deliver.{lane}"


def relay_batch() -> tuple[int, set[tuple[str, str]]]:
    """Give positions to one batch of committed events.

    Events of the lane PERSON are in the next batch even if many BULK events wait. Earlier waiting
    events of the same subjects are in the batch too, and within a batch events are in the order in
    which they were written. So the positions of one subject's events follow that order.

    Locks: the retailer's relay (an advisory lock until the commit). If another relay holds it,
    the result is (0, empty). That relay also handles these events, because it checks again after
    it has released the lock.

    Returns
    -------
    tuple of (int, set of (str, str))
        The number of events, and the (handler, lane) pairs that have new deliveries.
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


def has_unrelayed() -> bool:
    """Return True if a committed event has no position yet.

    The relay looks after it has released its lock: another one that did not get the lock has left
    its events to it.
    """
    return Event.objects.filter(position=None).exists()


def takes_many(handler: str) -> bool:
    """Return True if a handler takes many events at once."""
    return bool(many_of(present_name(handler)))


def owed_handlers(lane: str) -> list[str]:
    """Return the handlers that have deliveries of this lane due now."""
    due = Delivery.objects.filter(lane=lane, state__in=OPEN, due_at__lte=Now())
    return list(due.order_by("handler").values_list("handler", flat=True).distinct())


def settle(lane: str) -> bool:
    """Delete the due pointers of a lane if none of its deliveries is due; return True if so.

    A delivery that waits for a later time, or is leased, has another pointer for that time.
    """
    schema = current_schema()
    with transaction.atomic():
        pointers = seen(schema, lane_kind(lane))
        if Delivery.objects.filter(lane=lane, state__in=OPEN, due_at__lte=Now()).exists():
            return False
        clear(pointer_ids=pointers)
    return True


def given_up(kind: str = "") -> QuerySet[Delivery]:
    """Return the deliveries that were given up, of one event kind or of all, oldest event first."""
    dead = Delivery.objects.filter(state=DeliveryState.DEAD).select_related("event")
    return (dead.filter(event__kind=kind) if kind else dead).order_by("event_id", "handler")


def revive(deliveries: Iterable[int]) -> int:
    """Retry deliveries that were given up, by primary key; return how many.

    Locks: the deliveries. Records: nothing. Raises: nothing of its own.
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

    Deliveries that have not started by ``until`` (``time.monotonic()``) are released again.
    """
    token = uuid.uuid4()
    leased, pointer = _lease(handler, lane, token)
    groups = deque(_groups(leased, MANY_AT_ONCE if takes_many(handler) else 1))
    while groups:
        if time.monotonic() >= until:
            _hand_back([delivery for group in groups for delivery in group], lane, token)
            break
        group = groups.popleft()
        if len(group) == 1:
            _deliver(group[0], token)
        elif not _deliver_many(group, token):
            groups.extendleft(reversed(_groups(group, 1)))
    if leased:
        clear(pointer_ids=[pointer])
    return len(leased)


def _groups(deliveries: Sequence[Delivery], size: int) -> list[Sequence[Delivery]]:
    return [deliveries[at : at + size] for at in range(0, len(deliveries), size)]


def _lease(handler: str, lane: str, token: uuid.UUID) -> tuple[Sequence[Delivery], int]:
    """Lease a batch of new deliveries, or one delivery that was tried before.

    Attempts are counted before the handler runs. If a delivery kills its worker, the others of its
    batch lose one attempt too. After that it is leased alone, so only this delivery is given up.
    """
    with transaction.atomic():
        due = (
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(handler=handler, lane=lane, state__in=OPEN, due_at__lte=Now())
            .select_related("event")
            .order_by("due_at", "id")
        )
        deliveries = list(due.filter(attempts=0)[:DELIVER_BATCH])
        if not deliveries:
            _give_up_expired(handler, lane)
            deliveries = list(due.filter(attempts__gt=0)[:1])
        if not deliveries:
            return [], 0
        Delivery.objects.filter(pk__in=[one.pk for one in deliveries]).update(
            state=DeliveryState.LEASED,
            lease_token=token,
            attempts=F("attempts") + 1,
            due_at=in_seconds(LEASE_S),
        )
        pointer = point(schema=current_schema(), kind=lane_kind(lane), due_in_s=LEASE_S)
    return deliveries, pointer


def _give_up_expired(handler: str, lane: str) -> None:
    """Give up deliveries whose lease ran out in their last attempt."""
    expired = Delivery.objects.filter(
        handler=handler,
        lane=lane,
        state=DeliveryState.LEASED,
        attempts__gte=MAX_ATTEMPTS,
        due_at__lte=Now(),
    )
    expired.update(
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
    """Run the handler and mark the delivery as done in one transaction, or store the error.

    The mark is written first, because it locks the row. A worker whose lease has run out updates no
    row, and no other worker can lease the delivery while the handler runs.
    """
    event = delivery.event
    try:
        with transaction.atomic(), acting_as(event.actor):
            updated = Delivery.objects.filter(pk=delivery.pk, lease_token=token).update(
                state=DeliveryState.DONE, lease_token=None, error=""
            )
            if updated:
                load(present_name(delivery.handler))(as_domain_event(event))
    except Exception as fault:
        log.exception("%s failed for %s", delivery.handler, event.public_id)
        _keep_fault(delivery, token, fault)


def _deliver_many(group: Sequence[Delivery], token: uuid.UUID) -> bool:
    """Run a handler for many events in one transaction that marks them all as done.

    Return False if nothing was done: the function failed, or a lease has run out.
    """
    many = many_of(present_name(group[0].handler))
    pks = [delivery.pk for delivery in group]
    try:
        with transaction.atomic():
            updated = Delivery.objects.filter(pk__in=pks, lease_token=token).update(
                state=DeliveryState.DONE, lease_token=None, error=""
            )
            if updated < len(group):
                transaction.set_rollback(True)
                return False
            load(many)([as_domain_event(delivery.event) for delivery in group])
    except Exception:
        log.warning("%s failed for %d events; each runs alone.", many, len(group), exc_info=True)
        return False
    return True


def _keep_fault(delivery: Delivery, token: uuid.UUID, fault: Exception) -> None:
    attempt = delivery.attempts + 1  # the row was read before this attempt was counted
    dead = attempt >= MAX_ATTEMPTS
    wait = backoff_s(attempt)
    with transaction.atomic():
        updated = Delivery.objects.filter(pk=delivery.pk, lease_token=token).update(
            state=DeliveryState.DEAD if dead else DeliveryState.WAITING,
            lease_token=None,
            due_at=in_seconds(wait),
            error=f"{type(fault).__name__}: {fault}"[:1000],
        )
        if updated and not dead:
            point(schema=current_schema(), kind=lane_kind(delivery.lane), due_in_s=wait)
