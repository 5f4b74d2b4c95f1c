"""The one mechanism for "later" and "elsewhere": ``record()`` a fact where it becomes true.

The row is outbox, timeline, webhook source and measure source in one. After the commit the relay
gives it its position and every wired handler its delivery (``core.relay``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from django.db import connection

from lastmile.core.actor import current_actor
from lastmile.core.clock import now
from lastmile.core.hints import Hint, after_commit
from lastmile.core.kinds import F, FieldDoc, Kind, NewEvent
from lastmile.core.models import Event, Lane
from lastmile.core.tenancy import current_schema
from lastmile.core.wiring import refuse_undeclared
from lastmile.worklist.services import point

__all__ = [
    "JOB_FINISHED",
    "DomainEvent",
    "Lane",
    "NewEvent",
    "events_since",
    "record",
    "record_many",
    "timeline",
]

RELAY: Final = "relay"  # the pointers' kind
RELAY_TASK: Final = "core.relay"
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFinishedFacts:
    """A job ended: it succeeded, failed or was cancelled. The subject is the job."""

    kind: Annotated[str, FieldDoc("Kind of the job.", "planning.solve")]
    subject: Annotated[str, FieldDoc("Public id of what it worked on.", "hub_01jq3v5k7m")]
    state: Annotated[str, FieldDoc("succeeded, failed or cancelled.", "succeeded")]
    reason: Annotated[str, FieldDoc("Word for why it failed; empty when it did not.", "")]
    attempt: Annotated[int, FieldDoc("Number of the attempt that ended it, from 1.", 1)]


JOB_FINISHED = Kind("job.finished", facts=JobFinishedFacts)


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """What a handler is given and a feed shows: ids and facts, never names, texts or codes.

    ``position`` counts the retailer's events from 1 without a gap, in the order in which the
    relay saw them committed.
    """

    public_id: str
    kind: str
    subject: str
    actor: str
    occurred_at: dt.datetime
    data: Mapping[str, Any]
    position: int
    lane: Lane
    version: int = 1


def as_domain_event(event: Event) -> DomainEvent:
    """Return a positioned row as what handlers and feeds see."""
    if event.position is None:
        raise ValueError(f"{event.public_id} has no position yet; only the relay gives one.")
    return DomainEvent(
        public_id=event.public_id,
        kind=event.kind,
        subject=event.subject,
        actor=event.actor,
        occurred_at=event.occurred_at,
        data=event.data,
        position=event.position,
        lane=Lane(event.lane),
        version=event.version,
    )


def record(
    kind: Kind[F],
    facts: F,
    *,
    subject: str,
    lane: Lane = Lane.BULK,
    occurred_at: dt.datetime | None = None,
) -> Event:
    """Write down that something has become true, in the transaction that makes it true.

    Locks: nothing. Records: the event. Raises: RuntimeError outside a transaction, NotWired for a
    kind that no events module of the switchboard declares, ValueError for a text among the facts
    or an instant without a zone.

    Parameters
    ----------
    kind : Kind
        Declared in the app's ``events.py``.
    facts : dataclass
        The kind's facts: nothing that erasing a shopper would have to find here.
    subject : str
        Public id of the noun whose timeline this belongs to.
    lane : Lane
        ``PERSON`` when somebody waits for the consequence.
    occurred_at : datetime, optional
        When it happened in the world, if not now (an offline driver's proof).
    """
    (event,) = record_many([kind.new(subject, facts)], lane=lane, occurred_at=occurred_at)
    return event


def record_many(
    events: Iterable[NewEvent],
    *,
    lane: Lane = Lane.BULK,
    occurred_at: dt.datetime | None = None,
) -> list[Event]:
    """Write many events, each made by ``Kind.new``, with one INSERT and one pointer.

    Locks, Records, Raises: as ``record``.
    """
    items = list(events)
    _check(items, occurred_at)
    if not items:
        return []
    schema = current_schema()
    recorded_at = now()
    rows = Event.objects.bulk_create(
        Event(
            kind=item.kind.name,
            version=item.kind.version,
            subject=item.subject,
            actor=current_actor(),
            data=item.kind.encode(item.facts),
            lane=lane,
            occurred_at=occurred_at or recorded_at,
            recorded_at=recorded_at,
        )
        for item in items
    )
    if after_commit(Hint(RELAY_TASK, "hot", (("schema", schema),))):
        point(schema=schema, kind=RELAY)
    return rows


def _check(items: Iterable[NewEvent], occurred_at: dt.datetime | None) -> None:
    kinds = {item.kind.name: item.kind for item in items}
    if not connection.in_atomic_block:
        raise RuntimeError(
            f"record({', '.join(sorted(kinds))}) outside a transaction: the fact and its event "
            "could part. Call it inside the service's transaction.atomic()."
        )
    for kind in kinds.values():
        refuse_undeclared(kind)
    if occurred_at is not None and occurred_at.utcoffset() is None:
        raise ValueError("occurred_at needs a zone; use core.clock.now().")


def events_since(position: int, limit: int = 100) -> list[DomainEvent]:
    """Return the events after a position, in order; who keeps the last position misses none."""
    rows = Event.objects.filter(position__gt=position).order_by("position")
    return [as_domain_event(event) for event in rows[: max(1, min(limit, _PAGE))]]


def timeline(subject: str) -> list[Event]:
    """Return what happened to one noun, oldest first, events not yet relayed included."""
    return list(Event.objects.filter(subject=subject).order_by("occurred_at", "id")[:_PAGE])
