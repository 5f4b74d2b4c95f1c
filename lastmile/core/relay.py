"""Gives committed events to their handlers: the relay of the outbox, and the deliveries.

Relay: one relay per retailer runs at a time. It gives each committed event the next position, adds
a delivery row for each of its handlers, and adds pointers to the lanes. An event that is committed
late gets a later position, so readers that continue from a position miss no event.

Deliver: a worker leases up to 100 deliveries of one handler and runs each in a transaction that
also marks the delivery as done. The effects and the mark are committed together, so a handler has
its effect once per event, even with several attempts. A failed delivery stores its error and is
retried after a growing delay, until it is given up (dead). Deliveries that the relay's own process
runs next are leased when they are added (``core.outbox``).

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

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from lastmile.core.actor import acting_as
from lastmile.core.models import Delivery, DeliveryState
from lastmile.core.outbox import (
    EVENT_COLUMNS,
    OPEN,
    RELAY_BATCH,
    Leased,
    Relayed,
    as_event,
    has_unrelayed,
    lane_kind,
    owed_handlers,
    relay_batch,
    relay_some,
)
from lastmile.core.postgres.prepared import prepared_cursor
from lastmile.core.tenancy import current_schema
from lastmile.core.timing import backoff_s, in_seconds
from lastmile.core.wiring import DeliverAlone, load, many_of, present_name
from lastmile.worklist.selectors import seen
from lastmile.worklist.services import clear, point

__all__ = [
    "MANY_AT_ONCE",
    "RELAY_BATCH",
    "deliver_batch",
    "deliver_here",
    "given_up",
    "has_unrelayed",
    "lane_kind",
    "owed_handlers",
    "relay_batch",
    "relay_some",
    "revive",
    "settle",
    "takes_many",
]

log = logging.getLogger(__name__)

DELIVER_BATCH: Final = 100
MANY_AT_ONCE: Final = 50  # after a failure each of them runs alone, so not more
MAX_ATTEMPTS: Final = 8  # with the back-off, a delivery is given up after about three hours
LEASE_S: Final = 60

_LEASE_SQL: Final = """
WITH due AS (
    SELECT id, event_id, due_at, attempts FROM core_delivery
    WHERE handler = %s AND lane = %s AND state IN ('waiting', 'leased')
      AND due_at <= statement_timestamp() AND @which
    ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE core_delivery delivery
    SET state = 'leased', lease_token = %s, attempts = delivery.attempts + 1,
        due_at = statement_timestamp() + make_interval(secs => %s::float8)
    FROM due WHERE delivery.id = due.id
)
SELECT due.id, due.attempts + 1, @event
FROM due JOIN core_event event ON event.id = due.event_id ORDER BY due.due_at, due.id
"""
_LEASE_NEW_SQL: Final = _LEASE_SQL.replace("@which", "attempts = 0").replace(
    "@event", EVENT_COLUMNS
)
_LEASE_TRIED_SQL: Final = _LEASE_SQL.replace("@which", "attempts > 0").replace(
    "@event", EVENT_COLUMNS
)
_DONE_SQL: Final = """
UPDATE core_delivery SET state = 'done', lease_token = NULL, error = ''
WHERE id = ANY(%s::bigint[]) AND lease_token = %s
"""


def takes_many(handler: str) -> bool:
    """Return True if a handler takes many events at once."""
    return bool(many_of(present_name(handler)))


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
    _run(leased, token, until)
    if leased:
        clear(pointer_ids=[pointer])
    return len(leased)


def deliver_here(relayed: Relayed, *, until: float = float("inf")) -> None:
    """Run the deliveries that the relay has leased for this process, handler by handler.

    Those that have not started by ``until`` (``time.monotonic()``) are released again.
    """
    of_handler: dict[str, list[Leased]] = {}
    for delivery in relayed.here:
        of_handler.setdefault(delivery.handler, []).append(delivery)
    for handler in sorted(of_handler):
        _run(of_handler[handler], relayed.token, until)
    clear(pointer_ids=relayed.pointers)


def _run(leased: Sequence[Leased], token: uuid.UUID, until: float) -> None:
    """Run the leased deliveries of one handler, in groups if it takes many at once."""
    if not leased:
        return
    groups = deque(_groups(leased, MANY_AT_ONCE if takes_many(leased[0].handler) else 1))
    while groups:
        if time.monotonic() >= until:
            _hand_back([delivery for group in groups for delivery in group], token)
            break
        group = groups.popleft()
        if len(group) == 1:
            _deliver(group[0], token)
        else:
            groups.extendleft(reversed(_groups(_deliver_many(group, token), 1)))


def _groups(deliveries: Sequence[Leased], size: int) -> list[Sequence[Leased]]:
    return [deliveries[at : at + size] for at in range(0, len(deliveries), size)]


def _lease(handler: str, lane: str, token: uuid.UUID) -> tuple[Sequence[Leased], int]:
    """Lease a batch of new deliveries, or one delivery that was tried before.

    Attempts are counted before the handler runs. If a delivery kills its worker, the others of its
    batch lose one attempt too. After that it is leased alone, so only this delivery is given up.
    """
    with transaction.atomic():
        leased = _take(_LEASE_NEW_SQL, handler, lane, DELIVER_BATCH, token)
        if not leased:
            _give_up_expired(handler, lane)
            leased = _take(_LEASE_TRIED_SQL, handler, lane, 1, token)
        if not leased:
            return [], 0
        pointer = point(schema=current_schema(), kind=lane_kind(lane), due_in_s=LEASE_S)
    return leased, pointer


def _take(sql: str, handler: str, lane: str, most: int, token: uuid.UUID) -> list[Leased]:
    with prepared_cursor() as cursor:
        cursor.execute(sql, [handler, lane, most, token, LEASE_S])
        rows = cursor.fetchall()
    return [Leased(pk, handler, lane, attempts, as_event(row)) for pk, attempts, *row in rows]


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


def _hand_back(untried: Sequence[Leased], token: uuid.UUID) -> None:
    with transaction.atomic():
        Delivery.objects.filter(pk__in=[one.pk for one in untried], lease_token=token).update(
            state=DeliveryState.WAITING,
            lease_token=None,
            attempts=F("attempts") - 1,
            due_at=Now(),
        )
        point(schema=current_schema(), kind=lane_kind(untried[0].lane))


def _deliver(delivery: Leased, token: uuid.UUID) -> None:
    """Run the handler and mark the delivery as done in one transaction, or store the error.

    The mark is written first, because it locks the row. A worker whose lease has run out updates no
    row, and no other worker can lease the delivery while the handler runs.
    """
    event = delivery.event
    try:
        with transaction.atomic(), acting_as(event.actor):
            if _mark_done([delivery], token):
                load(present_name(delivery.handler))(event)
    except Exception as fault:
        log.exception("%s failed for %s", delivery.handler, event.public_id)
        _keep_fault(delivery, token, fault)


def _mark_done(group: Sequence[Leased], token: uuid.UUID) -> int:
    """Mark deliveries as done; return how many of them this process still has leased."""
    with prepared_cursor() as cursor:
        cursor.execute(_DONE_SQL, [[delivery.pk for delivery in group], token])
        return int(cursor.rowcount)


def _deliver_many(group: Sequence[Leased], token: uuid.UUID) -> Sequence[Leased]:
    """Run a handler for many events in one transaction that marks them all as done.

    Return the deliveries that still have to run alone: those that the function names, or all if it
    failed or a lease has run out.
    """
    many = many_of(present_name(group[0].handler))
    try:
        with transaction.atomic():
            if _mark_done(group, token) < len(group):
                transaction.set_rollback(True)
                return group
            load(many)([delivery.event for delivery in group])
    except DeliverAlone as answer:
        alone = [one for one in group if one.event.public_id in answer.ids]
        others = [one for one in group if one.event.public_id not in answer.ids]
        return [*alone, *(_deliver_many(others, token) if alone and others else others)]
    except Exception:
        log.warning("%s failed for %d events; each runs alone.", many, len(group), exc_info=True)
        return group
    return []


def _keep_fault(delivery: Leased, token: uuid.UUID, fault: Exception) -> None:
    dead = delivery.attempts >= MAX_ATTEMPTS
    wait = backoff_s(delivery.attempts)
    with transaction.atomic():
        updated = Delivery.objects.filter(pk=delivery.pk, lease_token=token).update(
            state=DeliveryState.DEAD if dead else DeliveryState.WAITING,
            lease_token=None,
            due_at=in_seconds(wait),
            error=f"{type(fault).__name__}: {fault}"[:1000],
        )
        if updated and not dead:
            point(schema=current_schema(), kind=lane_kind(delivery.lane), due_in_s=wait)
