"""Stores that a vehicle has left the hub or is back, as its driver reported."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from dispatch.fleet.models import Shift
from dispatch.planning.models import ShiftProgress
from dispatch.planning.services.tentative import request_reconciling


@transaction.atomic
def note_progress(
    *, shift: Shift, left_at: dt.datetime | None, back_at: dt.datetime | None = None
) -> None:
    """Store when a shift's vehicle left and was back; None means that it has not.

    The call says that the driver has begun. Until the vehicle leaves, its route still takes
    visits, for a while after the planned start. The tentative plan of the day is brought up to
    date when the departure changes.

    Locks: the row of the shift's progress. Records: nothing. Raises: nothing of its own.
    """
    row, created = ShiftProgress.objects.select_for_update().get_or_create(
        shift=shift, defaults={"left_at": left_at, "back_at": back_at}
    )
    if not created and (row.left_at, row.back_at) == (left_at, back_at):
        return
    moved = created or row.left_at != left_at
    row.left_at, row.back_at = left_at, back_at
    row.save(update_fields=["left_at", "back_at"])
    if moved:
        request_reconciling(hub=shift.hub, service_date=shift.service_date)
