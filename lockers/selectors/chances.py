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
from lockers.fitting import Size
from lockers.models import LockerBank, LockerReservation
from lockers.selectors.nearest import free_boxes

LOOK_BACK: Final = dt.timedelta(days=14)
#: Compartments taken a day at a bank without a history. Chosen.
USUAL_A_DAY: Final = 0.5


def chances_free(
    banks: Sequence[LockerBank], size: Size, at: dt.datetime, *, needed: int = 1
) -> dict[int, float]:
    """Return the chance, 0 to 1, that ``needed`` compartments are free at each bank, by pk.

    Takes two statements for all banks.
    """
    now = clock.now()
    least, middle, most = fitting.needed(size)
    boxes = free_boxes(now).filter(
        bank__in=banks, least_mm__gte=least, middle_mm__gte=middle, most_mm__gte=most
    )
    free = dict(boxes.order_by().values_list("bank").annotate(n=Count("pk")))
    days = max((at - now) / dt.timedelta(days=1), 0.0)
    rates = _net_a_day(banks, now)
    return {
        bank.pk: chance(free.get(bank.pk, 0) - needed + 1, rates.get(bank.pk, USUAL_A_DAY) * days)
        for bank in banks
    }


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
