"""The one mechanism for "later" and "elsewhere": ``record()`` a fact where it becomes true.

The row is outbox, timeline, webhook source and measure source in one. After the commit the relay
gives it its position and every wired handler its delivery (``core.relay``).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from lastmile.core.actor import current_actor
from lastmile.core.clock import now
from lastmile.core.hints import Hint, after_commit
from lastmile.core.models import Event, Lane
from lastmile.core.tenancy import current_schema
from lastmile.worklist.services import point

__all__ = ["DomainEvent", "Lane", "events_since", "record", "record_many", "timeline"]

RELAY: Final = "relay"  # the pointers' kind
RELAY_TASK: Final = "core.relay"
_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_PAGE: Final = 1000


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
    )


def record(
    kind: str,
    *,
    subject: str,
    data: Mapping[str, Any] | None = None,
    lane: Lane = Lane.BULK,
    occurred_at: dt.datetime | None = None,
) -> Event:
    """Write down that something has become true, in the transaction that makes it true.

    Locks: nothing. Records: the event. Raises: RuntimeError outside a transaction, ValueError for
    a kind that is not ``noun.verb`` or an instant without a zone.

    Parameters
    ----------
    kind : str
        Noun and past verb, ``order.placed``.
    subject : str
        Public id of the noun whose timeline this belongs to.
    data : Mapping, optional
        JSON ids and facts; nothing that erasing a shopper would have to find here.
    lane : Lane
        ``PERSON`` when somebody waits for the consequence.
    occurred_at : datetime, optional
        When it happened in the world, if not now (an offline driver's proof).
    """
    (event,) = record_many([(kind, subject, data or {})], lane=lane, occurred_at=occurred_at)
    return event


def record_many(
    facts: Iterable[tuple[str, str, Mapping[str, Any]]],
    *,
    lane: Lane = Lane.BULK,
    occurred_at: dt.datetime | None = None,
) -> list[Event]:
    """Write many facts ``(kind, subject, data)`` with one INSERT and one pointer.

    Locks, Records, Raises: as ``record``.
    """
    items = list(facts)
    _check(items, occurred_at)
    if not items:
        return []
    schema = current_schema()
    recorded_at = now()
    events = Event.objects.bulk_create(
        Event(
            kind=kind,
            subject=subject,
            actor=current_actor(),
            data=dict(data),
            lane=lane,
            occurred_at=occurred_at or recorded_at,
            recorded_at=recorded_at,
        )
        for kind, subject, data in items
    )
    if after_commit(Hint(RELAY_TASK, "hot", (("schema", schema),))):
        point(schema=schema, kind=RELAY)
    return events


def _check(
    items: Iterable[tuple[str, str, Mapping[str, Any]]], occurred_at: dt.datetime | None
) -> None:
    kinds = {kind for kind, _subject, _data in items}
    if not connection.in_atomic_block:
        raise RuntimeError(
            f"record({', '.join(sorted(kinds))}) outside a transaction: the fact and its event "
            "could part. Call it inside the service's transaction.atomic()."
        )
    for kind in kinds:
        if not _KIND.fullmatch(kind):
            raise ValueError(f"{kind!r} is not an event kind; use noun.verb such as order.placed.")
    if occurred_at is not None and occurred_at.utcoffset() is None:
        raise ValueError("occurred_at needs a zone; use core.clock.now().")


def events_since(position: int, limit: int = 100) -> list[DomainEvent]:
    """Return the events after a position, in order; who keeps the last position misses none."""
    rows = Event.objects.filter(position__gt=position).order_by("position")
    return [as_domain_event(event) for event in rows[: max(1, min(limit, _PAGE))]]


def timeline(subject: str) -> list[Event]:
    """Return what happened to one noun, oldest first, events not yet relayed included."""
    return list(Event.objects.filter(subject=subject).order_by("occurred_at", "id")[:_PAGE])
