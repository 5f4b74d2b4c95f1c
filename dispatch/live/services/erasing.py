"""Removes personal data from what drivers did: on request, and by age."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction
from django.db.models import Q

from dispatch.live.models import Arrival, DriverAct, Forecast, Proof
from dispatch.live.policy import driver_policy
from dispatch.live.services.partitions import erase_positions
from dispatch.live.services.photos import erase_photos
from lastmile.core.clock import now
from lastmile.core.erasing import Person

#: Arrivals are computed again while their run is under way. Older ones mean nothing. Chosen.
ARRIVALS_KEPT: Final = dt.timedelta(days=2)
_EMPTY = {"note": None, "lat": None, "lon": None, "accuracy_m": None}
_TELLING = Q(note__isnull=False) | Q(lat__isnull=False)


@transaction.atomic
def erase_person(person: Person) -> dict[str, int]:
    """Delete notes, places, positions, photos, receivers and expected arrivals at a person's doors.

    The times of what happened stay.

    Locks: the acts and the photos. Records: nothing. Raises: nothing of its own.
    """
    rows = DriverAct.objects.filter(_TELLING, order__public_id__in=person.orders)
    proofs = Proof.objects.filter(order__public_id__in=person.orders)
    photos = erase_photos(proofs.filter(photo__isnull=False).values_list("photo", flat=True))
    names = proofs.filter(name__isnull=False).update(name=None)
    arrivals, _by_model = Arrival.objects.filter(order__public_id__in=person.orders).delete()
    counts = {
        "arrivals": arrivals,
        "driver_acts": rows.update(**_EMPTY),
        "photos": photos,
        "receivers": names,
    }
    return counts | erase_positions(person)


def forget_places() -> dict[str, int]:
    """Delete the notes and places of old acts. What happened and when stays.

    Locks: the acts. Records: nothing. Raises: nothing of its own.
    """
    before = now() - dt.timedelta(days=driver_policy().places_days)
    rows = DriverAct.objects.filter(_TELLING, happened_at__lt=before)
    return {"driver_acts": rows.update(**_EMPTY)}


def forget_arrivals() -> dict[str, int]:
    """Delete the expected arrivals of runs whose end nobody reported.

    Locks: the rows. Records: nothing. Raises: nothing of its own.
    """
    before = now() - ARRIVALS_KEPT
    arrivals, _by_model = Arrival.objects.filter(computed_at__lt=before).delete()
    Forecast.objects.filter(computed_at__lt=before).delete()
    return {"arrivals": arrivals}
