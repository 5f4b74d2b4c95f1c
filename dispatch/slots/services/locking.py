"""Locks the places of several holds at once, in the order of every act on slots."""

from __future__ import annotations

from collections.abc import Collection

from dispatch.slots.models import Hold
from dispatch.slots.services.counting import lock_slots
from dispatch.slots.services.visits import Days, days_of_holds


def lock_places(holds: Collection[str]) -> None:
    """Lock the days and the slots of several holds, by public id, before an act on each of them.

    Two acts on the same places then wait for each other and never deadlock. Locks: the days, the
    slots. Records: nothing. Raises: nothing.
    """
    rows = list(Hold.objects.select_related("slot__hub").filter(public_id__in=list(holds)))
    Days(days_of_holds(rows))
    lock_slots(row.slot_id for row in rows)
