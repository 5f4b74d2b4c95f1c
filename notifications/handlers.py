"""The event handlers of messages: from a fact to the messages that tell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db import transaction

from dispatch.orders.models import Order
from lastmile.core.events import DomainEvent
from lastmile.core.wiring import load
from lastmile.worklist.services import point
from notifications.catalogue.kinds import Moment
from notifications.catalogue.moments import moments_of
from notifications.channels.registry import channels_on
from notifications.rules.values import values_of
from notifications.rules.who import recipients_of
from notifications.selectors.moments import moments_in_use
from notifications.services.intents import Batch, Fact, write_intents
from notifications.services.pointing import SEND, hint
from notifications.services.telling import withdraw
from tenants.people.selectors import policies_read_once
from tenants.selectors import by_public_id

RATING = "rating"
ORDER = "ord_"
LOCKER = "locker."
_PRESENT = ("shopper", "place", "hub", "promise__place")


def on_event(event: DomainEvent) -> None:
    """Write the messages of an event: for each moment that applies, and each recipient."""
    on_events([event])


@transaction.atomic(savepoint=False)
def on_events(events: Sequence[DomainEvent]) -> None:
    """Write the messages of many events: the same ones as for each event in its turn.

    What one event finds may depend on the messages of an earlier one about the same order. So
    events go in rounds, and no round has two moments of one order.
    """
    on = channels_on()
    if not on:
        return
    with policies_read_once():
        orders = _orders_of(events)
        in_use = moments_in_use()
        batch = Batch(on, [event.public_id for event in events])
        for round_ in _rounds(events):
            facts: list[Fact] = []
            for place, event, key in round_:
                order = orders.get(_order_of(event))
                is_of_order = event.subject.startswith(ORDER) or event.kind.startswith(LOCKER)
                if key in in_use and (order is not None or not is_of_order):
                    facts += _facts(in_use[key], event, order, place)
            if facts:
                write_intents(facts, batch)


def _order_of(event: DomainEvent) -> str:
    """Return the public id of the order of an event: its subject, or that of a locker; else ""."""
    if event.subject.startswith(ORDER):
        return event.subject
    return str(event.data.get("order") or "") if event.kind.startswith(LOCKER) else ""


def _orders_of(events: Sequence[DomainEvent]) -> dict[str, Order]:
    ids = {order for event in events if (order := _order_of(event))}
    if not ids:
        return {}
    rows = Order.objects.select_related(*_PRESENT).filter(public_id__in=ids)
    return {order.public_id: order for order in rows}


def _rounds(events: Sequence[DomainEvent]) -> list[list[tuple[int, DomainEvent, str]]]:
    """Return the moments of events in rounds, as (place, event, key of the moment).

    The moments of one subject are in different rounds, in their order.
    """
    rounds: list[list[tuple[int, DomainEvent, str]]] = []
    taken: Counter[str] = Counter()
    place = 0
    for event in events:
        # Staff get few messages, so all events of other subjects wait for each other.
        subject = _order_of(event)
        for moment in moments_of(event.kind):
            if taken[subject] == len(rounds):
                rounds.append([])
            rounds[taken[subject]].append((place, event, moment.key))
            taken[subject] += 1
            place += 1
    return rounds


def _facts(moment: Moment, event: DomainEvent, order: Order | None, place: int) -> list[Fact]:
    """Return the facts of a moment that an event starts: one for each recipient."""
    if moment.applies and not load(moment.applies)(event, order):
        return []
    return [
        Fact(
            moment=moment,
            origin=event.public_id,
            order=order,
            recipient=recipient,
            values=values_of(event),
            at=event.occurred_at,
            actor=event.actor,
            place=place,
        )
        for recipient in recipients_of(moment, event, order)
    ]


def on_rated(event: DomainEvent) -> None:
    """Take back the question for a rating, because the shopper has rated."""
    order = Order.objects.filter(public_id=event.subject).first()
    if order is not None:
        withdraw(order=order, moments=[RATING], reason="no_longer_true")


def on_clock_set(event: DomainEvent) -> None:
    """Look at a retailer's messages now: their times moved with its clock.

    The event is the operator's, and its subject is the retailer.
    """
    point(schema=by_public_id(event.subject).schema, kind=SEND)
    transaction.on_commit(hint)
