"""Events: ``record()`` stores a fact in the transaction that makes it true (transactional outbox).

The table of events is also the source of timelines, webhooks and measures. After the commit the
relay gives each event its position, and each handler of its kind a delivery (``core.relay``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
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
    "stored_together",
    "timeline",
]

RELAY: Final = "relay"  # the kind of pointers to unrelayed events
RELAY_TASK: Final = "core.relay"
GATHER_S: Final = (
    0.25  # an event that follows another one so soon waits, and many are relayed at once
)
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFinishedFacts:
    """A job ended: it succeeded, failed or was cancelled. The subject is the job."""

    kind: Annotated[str, FieldDoc("Kind of the job.", "planning.solve")]
    subject: Annotated[str, FieldDoc("Public id of the job's subject.", "hub_01jq3v5k7m")]
    state: Annotated[str, FieldDoc("succeeded, failed or cancelled.", "succeeded")]
    reason: Annotated[str, FieldDoc("Code for the reason of a failure, else empty.", "")]
    attempt: Annotated[int, FieldDoc("Number of the last attempt, from 1.", 1)]


JOB_FINISHED = Kind("job.finished", facts=JobFinishedFacts)


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """An event as handlers and feeds get it: ids and facts, never names, texts or codes.

    ``position`` counts the retailer's events from 1 without gaps, in the order in which the relay
    saw their commits.
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
    """Return a row that has a position as a DomainEvent. Raises ValueError without a position."""
    if event.position is None:
        raise ValueError(f"{event.public_id} has no position yet; only the relay gives it one.")
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
    hinted: bool = True,
) -> Event:
    """Store an event in the transaction that makes its fact true.

    Locks: nothing. Records: the event. Raises: RuntimeError outside a transaction; NotWired for a
    kind that no events module of the switchboard declares; ValueError for a text among the facts
    or an instant without a time zone.

    Parameters
    ----------
    kind : Kind
        Declared in the app's ``events.py``.
    facts : dataclass
        The facts of the kind, without anything that identifies a shopper.
    subject : str
        Public id of the object whose timeline the event belongs to.
    lane : Lane
        ``PERSON`` if a person waits for the result of the handlers.
    occurred_at : datetime, optional
        The time at which it happened, if not now (as for the proof of an offline driver).
    hinted : bool
        False if nothing waits for it: it is relayed with the retailer's next event, or by the
        sweep some seconds later. Each hint is a task.
    """
    (event,) = record_many(
        [kind.new(subject, facts)], lane=lane, occurred_at=occurred_at, hinted=hinted
    )
    return event


def record_many(
    events: Iterable[NewEvent],
    *,
    lane: Lane = Lane.BULK,
    occurred_at: dt.datetime | None = None,
    hinted: bool = True,
) -> list[Event]:
    """Store many events, each made by ``Kind.new``, with one INSERT and one pointer.

    Locks, Records, Raises: as ``record``.
    """
    items = list(events)
    _check(items, occurred_at)
    if not items:
        return []
    recorded_at = now()
    rows = [
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
    ]
    together = _together.get()
    if together is None:
        _store(rows, hinted=hinted)
    else:
        together.rows += rows
        together.hinted = together.hinted or hinted
    return rows


def _store(rows: list[Event], *, hinted: bool) -> None:
    schema = current_schema()
    Event.objects.bulk_create(rows)
    hint = Hint(RELAY_TASK, "hot", (("schema", schema),), gather_s=GATHER_S)
    if not hinted or after_commit(hint):
        point(schema=schema, kind=RELAY)


@dataclass(slots=True)
class _Together:
    """The events of a block that are not stored yet."""

    rows: list[Event]
    hinted: bool = False


_together: ContextVar[_Together | None] = ContextVar("events_stored_together", default=None)


@contextmanager
def stored_together() -> Iterator[None]:
    """Store the events that a block records with one INSERT, at its end and in their order.

    Use it inside the transaction. Within the block the events are not in the table yet, and a
    part of the block that is rolled back by itself must record none. After an exception none is
    stored, so let it end the transaction.
    """
    together = _Together([])
    token = _together.set(together)
    try:
        yield
    finally:
        _together.reset(token)
    if together.rows:
        _store(together.rows, hinted=together.hinted)


def _check(items: Iterable[NewEvent], occurred_at: dt.datetime | None) -> None:
    kinds = {item.kind.name: item.kind for item in items}
    if not connection.in_atomic_block:
        raise RuntimeError(
            f"record({', '.join(sorted(kinds))}) was called outside a transaction. Call it inside "
            "the service's transaction.atomic(), so that fact and event are committed together."
        )
    for kind in kinds.values():
        refuse_undeclared(kind)
    if occurred_at is not None and occurred_at.utcoffset() is None:
        raise ValueError("occurred_at needs a zone; use core.clock.now().")


def events_since(position: int, limit: int = 100) -> list[DomainEvent]:
    """Return the events after a position, in order.

    A caller that stores the last position and continues from it misses no event.
    """
    rows = Event.objects.filter(position__gt=position).order_by("position")
    return [as_domain_event(event) for event in rows[: max(1, min(limit, _PAGE))]]


def timeline(subject: str) -> list[Event]:
    """Return the events of one subject, oldest first, including those not yet relayed."""
    return list(Event.objects.filter(subject=subject).order_by("occurred_at", "id")[:_PAGE])
