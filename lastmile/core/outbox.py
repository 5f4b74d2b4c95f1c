"""Gives committed events their positions and adds their deliveries: the relay of the outbox.

The deliveries that the relay's own process runs next are leased at once, so they need no second
round to be leased. All others wait for a worker (``core.relay``).
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection, transaction
from django.db.models.functions import Now

from lastmile.core.events import RELAY, DomainEvent
from lastmile.core.models import Delivery, DeliveryState, Event, Lane
from lastmile.core.postgres.prepared import prepared_cursor
from lastmile.core.tenancy import current_schema
from lastmile.core.wiring import followers_of, handlers_of
from lastmile.worklist.selectors import seen
from lastmile.worklist.services import clear, point

RELAY_BATCH: Final = 250  # an event for which a person waits, waits for a batch of others
HERE_LEASE_S: Final = 25  # of the deliveries that the relay's own process starts within 15 seconds
OPEN: Final = (DeliveryState.WAITING, DeliveryState.LEASED)

_POSITION: Final = """
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
RETURNING event.position, event.id,
    CASE WHEN event.kind = 'job.finished' THEN event.data ->> 'kind' END, @event
"""
#: The columns of an event that ``as_event`` reads.
EVENT_COLUMNS: Final = """event.public_id, event.kind, event.subject, event.actor,
    event.occurred_at, event.data, event.position, event.lane, event.version"""
_POSITION_SQL: Final = _POSITION.replace("@event", EVENT_COLUMNS)
_OWE_SQL: Final = """
INSERT INTO core_delivery (event_id, handler, lane, state, attempts, due_at, lease_token, error)
SELECT event, handler, lane, CASE WHEN is_leased THEN 'leased' ELSE 'waiting' END, is_leased::int,
    statement_timestamp() + make_interval(secs => CASE WHEN is_leased THEN %s::float8 ELSE 0 END),
    CASE WHEN is_leased THEN %s::uuid END, ''
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bool[])
    WITH ORDINALITY AS owed (event, handler, lane, is_leased, place)
ORDER BY place
RETURNING id, event_id, handler, lane
"""


@dataclass(frozen=True, slots=True)
class Leased:
    """A delivery that this process has leased; ``attempts`` counts this attempt too."""

    pk: int
    handler: str
    lane: str
    attempts: int
    event: DomainEvent


@dataclass(frozen=True, slots=True)
class Relayed:
    """The result of one batch of the relay.

    Parameters
    ----------
    count : int
        The number of events.
    waiting : set of (str, str)
        The (handler, lane) pairs with new deliveries that wait for a worker.
    here : list of Leased
        The new deliveries that are leased with ``token``, for ``deliver_here``.
    pointers : list of int
        The pointers to ``here``, for the case that this process dies.
    """

    count: int = 0
    waiting: set[tuple[str, str]] = field(default_factory=set)
    here: list[Leased] = field(default_factory=list)
    token: uuid.UUID = field(default_factory=uuid.uuid4)
    pointers: list[int] = field(default_factory=list)


def lane_kind(lane: str) -> str:
    """Return the kind of pointers for the deliveries of a lane."""
    return f"deliver.{lane}"


def relay_batch() -> tuple[int, set[tuple[str, str]]]:
    """Give positions to one batch of committed events; all their deliveries wait for a worker.

    Returns
    -------
    tuple of (int, set of (str, str))
        The number of events, and the (handler, lane) pairs that have new deliveries.
    """
    relayed = relay_some(lambda _handler, _lane, _count: False)
    return relayed.count, relayed.waiting


def relay_some(is_here: Callable[[str, str, int], bool]) -> Relayed:
    """Give positions to one batch of committed events.

    Events of the lane PERSON are in the next batch even if many BULK events wait. Earlier waiting
    events of the same subjects are in the batch too, and within a batch events are in the order in
    which they were written. So the positions of one subject's events follow that order.

    Locks: the retailer's relay (an advisory lock until the commit). If another relay holds it,
    no event is relayed. That relay may not have seen these events, so the caller looks again if
    there are any.

    Parameters
    ----------
    is_here : callable
        Says for a handler, a lane and the number of its new deliveries whether this process runs
        them next. Then they are leased at once, unless earlier ones of the handler wait.
    """
    schema = current_schema()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"relay:{schema}"]
            )
            if not cursor.fetchone()[0]:
                return Relayed()
        pointers = seen(schema, RELAY)
        with prepared_cursor() as cursor:
            cursor.execute(_POSITION_SQL, [RELAY_BATCH])
            positioned = sorted(cursor.fetchall(), key=lambda row: row[0])
        relayed = _owe(positioned, is_here)
        if len(positioned) < RELAY_BATCH:
            clear(pointer_ids=pointers)
    return relayed


def _owe(
    positioned: Sequence[tuple[Any, ...]], is_here: Callable[[str, str, int], bool]
) -> Relayed:
    """Add the deliveries of events that have just got their position, and pointers to them."""
    events = {pk: as_event(row) for _position, pk, _job, *row in positioned}
    owed = [
        (pk, handler, events[pk].lane.value)
        for _position, pk, job, *_row in positioned
        for handler in (*handlers_of(events[pk].kind), *followers_of(job))
    ]
    if not owed:
        return Relayed(len(positioned))
    counts = Counter((handler, lane) for _pk, handler, lane in owed)
    pairs = set(counts)
    here = {pair for pair, count in counts.items() if is_here(*pair, count)}
    for lane in {lane for _handler, lane in here}:
        here -= {(handler, lane) for handler in owed_handlers(lane)}
    token, schema = uuid.uuid4(), current_schema()
    columns = [list(column) for column in zip(*owed, strict=True)]
    leased = [pair[1:] in here for pair in owed]
    with prepared_cursor() as cursor:
        cursor.execute(_OWE_SQL, [HERE_LEASE_S, token, *columns, leased])
        rows = sorted(cursor.fetchall())
    for lane in sorted({lane for _handler, lane in pairs - here}):
        point(schema=schema, kind=lane_kind(lane))
    pointers = [
        point(schema=schema, kind=lane_kind(lane), due_in_s=HERE_LEASE_S)
        for lane in sorted({lane for _handler, lane in here})
    ]
    return Relayed(
        count=len(positioned),
        waiting=pairs - here,
        here=[
            Leased(pk, handler, lane, 1, events[event])
            for pk, event, handler, lane in rows
            if (handler, lane) in here
        ],
        token=token,
        pointers=pointers,
    )


def as_event(row: Sequence[Any]) -> DomainEvent:
    public_id, kind, subject, actor, occurred_at, data, position, lane, version = row
    return DomainEvent(
        public_id=public_id,
        kind=kind,
        subject=subject,
        actor=actor,
        occurred_at=occurred_at,
        data=json.loads(data),
        position=position,
        lane=Lane(lane),
        version=version,
    )


def has_unrelayed() -> bool:
    """Return True if a committed event has no position yet.

    A relay that did not get the lock looks: the other one may not have seen these events.
    """
    return Event.objects.filter(position=None).exists()


def owed_handlers(lane: str) -> list[str]:
    """Return the handlers that have deliveries of this lane due now."""
    due = Delivery.objects.filter(lane=lane, state__in=OPEN, due_at__lte=Now())
    return list(due.order_by("handler").values_list("handler", flat=True).distinct())
