"""Reads incidents: the queue of staff, the most urgent first."""

from __future__ import annotations

from typing import Final

from django.db.models import Case, DateTimeField, QuerySet, SmallIntegerField, Value, When
from django.db.models.functions import Coalesce

from dispatch.live.models import Incident
from dispatch.live.states import URGENT, IncidentState

#: Open incidents first; then what can still be put right, by the time at which it matters.
URGENT_FIRST: Final = ("state", "rank", "due", "public_id")
LAST_SETTLED_FIRST: Final = ("-settled_at", "-public_id")


def incidents() -> QuerySet[Incident]:
    """Return incidents with what they concern, the most urgent first.

    ``rank`` is 0 for the kinds that can still be put right, else 1. ``due`` is the time at which
    the incident matters, or at which it was opened.
    """
    rows = Incident.objects.select_related(
        "hub", "order__shopper", "shift__vehicle", "driver", "device", "act"
    )
    return rows.annotate(
        rank=Case(
            When(kind__in=sorted(URGENT), then=Value(0)),
            default=Value(1),
            output_field=SmallIntegerField(),
        ),
        due=Coalesce("due_at", "opened_at", output_field=DateTimeField()),
    ).order_by(*URGENT_FIRST)


def open_incidents(hubs: frozenset[str] | None) -> int:
    """Return the number of open incidents of these hubs, or of all."""
    rows = Incident.objects.filter(state=IncidentState.OPEN)
    rows = rows if hubs is None else rows.filter(hub__public_id__in=hubs)
    return rows.count()
