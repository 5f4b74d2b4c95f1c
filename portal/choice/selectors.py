"""Queries of delivery sessions and the offers that they showed."""

from __future__ import annotations

from django.db.models import F, QuerySet

from lastmile.core import clock
from portal.choice.models import Caller, DeliverySession, ShownOffer
from tenants.permissions import KeyRole, Kind, Principal, visible


def sessions() -> QuerySet[DeliverySession]:
    """Return all sessions with hub, zone and order."""
    return DeliverySession.objects.select_related("hub", "zone", "order")


def sessions_of(principal: Principal | None) -> QuerySet[DeliverySession]:
    """Return the sessions that a caller may see and that have not expired.

    A checkout key, which anybody can read, sees only the sessions that it opened. Other callers
    see the sessions of their hubs.
    """
    rows = visible(principal, sessions()).filter(expires_at__gt=clock.now())
    if principal is not None and _is_public(principal):
        rows = rows.filter(caller=Caller.CHECKOUT, principal=principal.public_id)
    return rows


def offers_of(session: DeliverySession) -> QuerySet[ShownOffer]:
    """Return the offers of a session's last round, by rank."""
    return ShownOffer.objects.filter(session=session, round=session.round).order_by("rank")


def shown_offers() -> QuerySet[ShownOffer]:
    """Return the offers of the last round of every session."""
    return ShownOffer.objects.filter(round=F("session__round")).select_related("session")


def _is_public(principal: Principal) -> bool:
    return principal.kind == Kind.KEY and principal.role == KeyRole.CHECKOUT
