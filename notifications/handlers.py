"""The event handlers of messages: from a fact to the messages that tell it."""

from __future__ import annotations

from django.db import transaction

from dispatch.orders.models import Order
from lastmile.core.events import DomainEvent
from lastmile.core.wiring import load
from lastmile.worklist.services import point
from notifications.catalogue.moments import moments_of
from notifications.rules.values import values_of
from notifications.rules.who import recipients_of
from notifications.selectors.moments import moment_in_use
from notifications.services.pointing import SEND, hint
from notifications.services.telling import any_account_on, tell, withdraw
from tenants.people.selectors import policies_read_once
from tenants.selectors import by_public_id

RATING = "rating"
ORDER = "ord_"
_PRESENT = ("shopper", "place", "hub", "promise__place")


def on_event(event: DomainEvent) -> None:
    """Write the messages of an event: for each moment that applies, and each recipient."""
    if not any_account_on():
        return
    with policies_read_once():
        _tell_all(event)


def _tell_all(event: DomainEvent) -> None:
    order = None
    if event.subject.startswith(ORDER):
        order = Order.objects.select_related(*_PRESENT).filter(public_id=event.subject).first()
        if order is None:
            return
    for declared in moments_of(event.kind):
        moment = moment_in_use(declared)
        if moment is None or (moment.applies and not load(moment.applies)(event, order)):
            continue
        for recipient in recipients_of(moment, event, order):
            tell(
                moment=moment,
                origin=event.public_id,
                order=order,
                recipient=recipient,
                values=values_of(event),
                at=event.occurred_at,
            )


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
