"""Removes addresses from delivery sessions: of one person on request, of everybody by age."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet

from dispatch.slots.models import Choice, Hold
from dispatch.slots.services.erasing import forget_places_of
from lastmile.core import clock
from lastmile.core.erasing import Person, coarse, rows_naming
from portal.choice.models import DeliverySession, ShownOffer
from tenants.people.selectors import policy
from tenants.retention import Retention

BATCH = 5_000  # sessions that one run forgets


def erase_person(person: Person) -> dict[str, int]:
    """Remove the address from the sessions of a person's orders, and from those that name it.

    The holds and choices of these sessions lose it too, also those that never became an order.

    The offers that were shown stay without the ways to banks of lockers: windows, prices, grams.
    Locks: the sessions, the holds and the choices. Records: nothing. Raises: nothing of its own.
    """
    sessions = DeliverySession.objects.all()
    own = set(sessions.filter(order__public_id__in=person.orders).values_list("pk", flat=True))
    # The session of a checkout has no order, but its hold and its choice have.
    for model in (Hold, Choice):
        chosen = model.objects.filter(order__public_id__in=person.orders).exclude(session="")
        rows = sessions.filter(public_id__in=chosen.values("session"))
        own |= set(rows.values_list("pk", flat=True))
    for column in ("place_text", "place"):
        own |= set(rows_naming(sessions, column, person).values_list("pk", flat=True))
    names = list(sessions.filter(pk__in=own).values_list("public_id", flat=True))
    return {
        "delivery_sessions": _forget(sessions.filter(pk__in=own)),
        "session_places": forget_places_of(names),
    }


def forget_sessions() -> dict[str, int]:
    """Remove the address from sessions that are older than the retailer's retention time.

    Locks: the sessions. Records: nothing. Raises: nothing of its own.
    """
    age = dt.timedelta(days=policy(Retention).sessions_days)
    old = DeliverySession.objects.filter(created_at__lt=clock.now() - age)
    oldest = old.filter(forgotten_at__isnull=True).order_by("created_at").values("pk")[:BATCH]
    return {"delivery_sessions": _forget(DeliverySession.objects.filter(pk__in=oldest))}


def _forget(sessions: QuerySet[DeliverySession]) -> int:
    """Remove text and parts of the address and round the coordinates; return how many changed."""
    changed = 0
    unchanged = Q(forgotten_at__isnull=False)
    for session in sessions.exclude(unchanged).select_for_update(of=("self",)).order_by("pk"):
        values: dict[str, Any] = {
            "place_text": "",
            "place": {},
            "lat": coarse(session.lat),
            "lon": coarse(session.lon),
            "forgotten_at": clock.now(),
        }
        changed += DeliverySession.objects.filter(pk=session.pk).update(**values)
        # The ways to several banks of lockers would tell where the address was.
        ShownOffer.objects.filter(session=session).exclude(details={}).update(details={})
    return changed
