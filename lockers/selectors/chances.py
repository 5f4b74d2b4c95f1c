"""Estimates how likely a bank still has a free compartment at the time of the deposit.

The model: compartments are taken at the rate of the last fourteen days, less those given back,
and independently of each other (a Poisson process). So the chance is that fewer are taken until
then than are free now. It is a model, not a promise: only a reservation keeps a compartment.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Final

from django.db.models import Count, Q

from lastmile.core import clock
from lockers import fitting
from lockers.fitting import Need, ParcelNeed
from lockers.models import LockerBank, LockerReservation
from lockers.selectors.nearest import free_boxes

LOOK_BACK: Final = dt.timedelta(days=14)
#: Compartments taken a day at a bank without a history. Chosen.
USUAL_A_DAY: Final = 0.5


def chances_free(
    banks: Sequence[LockerBank], parcels: Sequence[ParcelNeed], at: dt.datetime
) -> dict[int, float]:
    """Return the chance, 0 to 1, that each bank has a compartment for each parcel, by pk.

    A bank is sure to have none for a parcel that needs cooling or a low door if no such
    compartment is free now. For several parcels, the chance is that of the scarcest kind.

    Takes one statement for all banks, and one for each kind of need.
    """
    now = clock.now()
    days = max((at - now) / dt.timedelta(days=1), 0.0)
    rates = _net_a_day(banks, now)
    result = dict.fromkeys((bank.pk for bank in banks), 1.0)
    for need, count in _as_needed(parcels):
        free = _free_now(banks, need, now)
        for bank in banks:
            mean = rates.get(bank.pk, USUAL_A_DAY) * days
            has_room = chance(free.get(bank.pk, 0) - count + 1, mean)
            result[bank.pk] = min(result[bank.pk], has_room)
    return result


def _as_needed(parcels: Sequence[ParcelNeed]) -> list[tuple[Need, int]]:
    """Return each parcel's need, with how many parcels need at least as much."""
    needs = {one.need for one in parcels}
    return [(need, sum(_covers(one.need, need) for one in parcels)) for need in needs]


def _covers(one: Need, other: Need) -> bool:
    """Return True if a compartment for the first need also serves the second."""
    sides = zip(one.size.sides, other.size.sides, strict=True)
    is_large = all(first >= second for first, second in sides)
    return is_large and one.cooled >= other.cooled and one.low_door >= other.low_door


def _free_now(banks: Sequence[LockerBank], need: Need, now: dt.datetime) -> dict[int, int]:
    least, middle, most = fitting.needed(need.size)
    boxes = free_boxes(now).filter(
        bank__in=banks, least_mm__gte=least, middle_mm__gte=middle, most_mm__gte=most
    )
    if need.cooled:
        boxes = boxes.filter(cooled=True)
    if need.low_door:
        boxes = boxes.filter(low=True)
    return dict(boxes.order_by().values_list("bank").annotate(n=Count("pk")))


def chance(free: int, mean: float) -> float:
    """Return the chance that a Poisson number with this mean is below ``free``."""
    if free <= 0:
        return 0.0
    term = total = math.exp(-mean)
    for count in range(1, free):
        term *= mean / count
        total += term
    return min(total, 1.0)


def _net_a_day(banks: Sequence[LockerBank], now: dt.datetime) -> dict[int, float]:
    """Return how many more compartments are taken than given back a day, by bank; never below 0."""
    since = now - LOOK_BACK
    rows = (
        LockerReservation.objects.filter(bank__in=banks)
        .filter(Q(created_at__gte=since) | Q(ended_at__gte=since))
        .order_by()
        .values_list("bank")
        .annotate(
            taken=Count("pk", filter=Q(created_at__gte=since)),
            back=Count("pk", filter=Q(ended_at__gte=since)),
        )
    )
    days = LOOK_BACK / dt.timedelta(days=1)
    return {bank: max(taken - back, 0) / days for bank, taken, back in rows}
