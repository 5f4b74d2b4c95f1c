"""Judges whether a driver's act was done at the door of its order."""

from __future__ import annotations

from typing import Final

from dispatch.live.acts import ActDraft
from dispatch.orders.models import Order
from lastmile.core.geo import distance_m, point_or_none

#: An act farther from the door is doubtful. Chosen, as the issue says.
FAR_M: Final = 150
#: A place that the phone knows less exactly than this says little.
MOST_ACCURACY_M: Final = 100


def metres_too_far(draft: ActDraft, order: Order) -> int | None:
    """Return the distance of an act from its door if that is too far, else None.

    The distance counts only beyond what the inexactness of the phone explains. Without a place of
    the phone or of the door nothing is known.
    """
    here, door = point_or_none(draft.lat, draft.lon), order.delivery_place.point
    if here is None or door is None:
        return None
    away_m = distance_m(here, door)
    inexact_m = min(draft.accuracy_m or 0, MOST_ACCURACY_M)
    return round(away_m) if away_m - inexact_m > FAR_M else None
