"""Records that a day has orders and no plan on the evening before."""

from __future__ import annotations

from django.db import transaction

from dispatch.planning.events import DAY_UNPLANNED, UnplannedFacts
from dispatch.planning.models import UnplannedDay
from dispatch.planning.selectors.unplanned import unplanned_days
from lastmile.core import clock
from lastmile.core.events import record


@transaction.atomic
def note_unplanned_days() -> int:
    """Record each of tomorrow's days that has orders and no published plan, once for each day.

    Locks: nothing; the row of a day is unique. Records: day.unplanned. Raises: nothing.
    """
    noted = 0
    for hub, service_date, orders in unplanned_days(clock.now()):
        _row, is_new = UnplannedDay.objects.get_or_create(
            hub=hub, service_date=service_date, defaults={"orders": orders}
        )
        if is_new:
            facts = UnplannedFacts(service_date=service_date, orders=orders)
            record(DAY_UNPLANNED, facts, subject=hub.public_id)
            noted += 1
    return noted
