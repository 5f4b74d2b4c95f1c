"""Erase the places in holds and choices of a person, and forget those of old sessions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Round

from dispatch.slots.models import Choice, Hold
from lastmile.core import clock
from lastmile.core.erasing import COARSE_DECIMALS, Person, rows_naming

#: Days after which the place of a hold or choice without an order is deleted.
KEEP_DAYS = 30


def erase_person(person: Person) -> dict[str, int]:
    """Delete the address texts of a person's holds and choices; round coordinates to about 1 km.

    Those without an order are found by their text.

    Counts, prices and grams stay. Locks: the holds and choices. Records: nothing.
    Raises: nothing of its own.
    """
    orders = Q(order__public_id__in=person.orders)
    named = [
        Q(
            pk__in=rows_naming(
                model.objects.filter(order__isnull=True), "place_text", person
            ).values("pk")
        )
        for model in (Hold, Choice)
    ]
    choices = Choice.objects.filter(orders | Q(hold__order__public_id__in=person.orders) | named[1])
    return {
        "holds": Hold.objects.filter(orders | named[0]).update(**_coarse()),
        "choices": choices.update(**_coarse()),
    }


def forget_places_of(sessions: Collection[str]) -> int:
    """Delete the address texts of the holds and choices of sessions; return how many had one.

    Locks: the holds and choices. Records: nothing. Raises: nothing of its own.
    """
    changed = 0
    for model in (Hold, Choice):
        rows = model.objects.filter(session__in=sessions).exclude(session="").exclude(place_text="")
        changed += rows.update(**_coarse())
    return changed


def _coarse() -> dict[str, Any]:
    return {
        "place_text": "",
        "lat": Round("lat", COARSE_DECIMALS),
        "lon": Round("lon", COARSE_DECIMALS),
    }


@transaction.atomic
def forget_places() -> dict[str, int]:
    """Delete the places of old holds and choices that never became an order.

    Locks: the holds and choices. Records: nothing. Raises: nothing of its own.
    """
    before = clock.now() - dt.timedelta(days=KEEP_DAYS)
    old = Q(order__isnull=True, updated_at__lt=before) & (Q(lat__isnull=False) | ~Q(place_text=""))
    return {
        "holds": Hold.objects.filter(old).update(place_text="", lat=None, lon=None),
        "choices": Choice.objects.filter(old).update(place_text="", lat=None, lon=None),
    }
