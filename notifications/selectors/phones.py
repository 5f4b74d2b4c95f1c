"""Reads what the Null channel kept, for the page that shows it like the inbox of a phone."""

from __future__ import annotations

from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from notifications.models import KeptMessage
from tenants.permissions import Principal, visible

NEWEST_FIRST: Final = ("-kept_at", "-public_id")


def kept_messages(principal: Principal) -> QuerySet[KeptMessage]:
    """Return the kept messages that a member may see, with message, order and contact."""
    rows = KeptMessage.objects.select_related("message__order__shopper", "contact")
    return visible(principal, rows.filter(contact__isnull=False), "message__hub_id")


def inboxes(principal: Principal) -> QuerySet[KeptMessage]:
    """Return the newest kept message of each contact, in no order."""
    rows = kept_messages(principal)
    newer = Q(kept_at__gt=OuterRef("kept_at")) | Q(
        kept_at=OuterRef("kept_at"), public_id__gt=OuterRef("public_id")
    )
    same = kept_messages(principal).filter(contact=OuterRef("contact"))
    return rows.filter(~Exists(same.filter(newer)))


def inbox(principal: Principal, contact: str) -> QuerySet[KeptMessage]:
    """Return the kept messages of one contact (public id), in no order."""
    return kept_messages(principal).filter(contact__public_id=contact)
