"""Erases comments, bays and cars: of a person on request, and by age."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Q

from lastmile.core import clock
from lastmile.core.erasing import Person
from portal.tracking.models import CurbsideArrival, Rating

KEPT = dt.timedelta(days=90)  # a car and a bay are of no use after the pickup


@transaction.atomic
def erase_person(person: Person) -> dict[str, int]:
    """Blank the comments, bays and cars of a person's orders. Stars and times stay.

    Locks: the changed rows. Records: nothing, because the whole erasure is audited. Raises:
    nothing of its own.
    """
    ratings = Rating.objects.filter(order__public_id__in=person.orders).exclude(comment="")
    return {
        "comments": ratings.update(comment="", updated_at=clock.now()),
        "arrivals": _blank(Q(order__public_id__in=person.orders)),
    }


@transaction.atomic
def forget_texts() -> dict[str, int]:
    """Blank bays and cars 90 days after the arrival.

    Locks: the changed rows. Records: nothing. Raises: nothing of its own.
    """
    return {"arrivals": _blank(Q(updated_at__lt=clock.now() - KEPT))}


def _blank(which: Q) -> int:
    rows = CurbsideArrival.objects.filter(which).exclude(bay="", car="")
    return rows.update(bay="", car="", updated_at=clock.now())
