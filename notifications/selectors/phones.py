"""Reads what the Null channel kept, for the page that shows it like the inbox of a phone."""

from __future__ import annotations

from typing import Final

from django.db.models import Max, QuerySet

from notifications.models import KeptMessage
from tenants.permissions import Principal, visible

NEWEST_FIRST: Final = ("-kept_at", "-public_id")


def kept_messages(principal: Principal) -> QuerySet[KeptMessage]:
    """Return the kept messages that a member may see, with message, order and contact."""
    rows = KeptMessage.objects.select_related("message__order__shopper", "contact")
    return visible(principal, rows, "message__hub_id")


def inboxes(principal: Principal) -> QuerySet[KeptMessage]:
    """Return the newest kept message of each recipient, in no order.

    One person has one phone, on which text messages, e-mails and notices arrive.
    """
    of_each = kept_messages(principal).order_by().values("message__recipient")
    newest = of_each.annotate(newest=Max("pk")).values("newest")
    return kept_messages(principal).filter(pk__in=newest)


def inbox(principal: Principal, recipient: str) -> QuerySet[KeptMessage]:
    """Return the kept messages of one recipient (public id), in no order."""
    return kept_messages(principal).filter(message__recipient=recipient)
