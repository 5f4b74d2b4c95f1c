"""Finds and locks the smallest free compartment that fits.

The rule: lock the row first, then look again, then write. A free compartment whose row is locked
by another transaction is skipped; when all are, this one waits for one of them, because the other
transaction may roll back. While it waits it holds no compartment, or all doors of the bank
(``lockers.services.locking``), so two of them cannot deadlock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from lockers import fitting
from lockers.fitting import Need
from lockers.models import Compartment, LockerBank, LockerReservation
from lockers.states import TAKING, BoxState, DoorState

_TAKING: Final = sorted(state.value for state in TAKING)
#: Tries before a bank counts as full. Each try ends with one more compartment taken by somebody.
TURNS: Final = 1_100


class Busy(Exception):
    """All free compartments that fit are locked by others; ``box`` is the pk of one of them."""

    def __init__(self, box: int) -> None:
        super().__init__(box)
        self.box = box


class _Taken(Exception):
    """The compartment was taken while this transaction waited for its row."""


def free_compartments(bank: LockerBank, need: Need, at: dt.datetime) -> QuerySet[Compartment]:
    """Return the free compartments that fit, the smallest first; low doors last."""
    rows = fitting_compartments(bank, need).filter(state=BoxState.EMPTY, door=DoorState.CLOSED)
    taken = taking(at).filter(compartment=OuterRef("pk"))
    return rows.exclude(Exists(taken)).order_by("volume_mm3", "low", "pk")


def taking(at: dt.datetime) -> QuerySet[LockerReservation]:
    """Return the reservations that take their compartment at an instant."""
    still = Q(ends_at__isnull=True) | Q(ends_at__gt=at)
    return LockerReservation.objects.filter(still, state__in=_TAKING)


def fitting_compartments(bank: LockerBank, need: Need) -> QuerySet[Compartment]:
    """Return the compartments of a bank into which a parcel fits, free or not."""
    least, middle, most = fitting.needed(need.size)
    rows = Compartment.objects.filter(
        bank=bank, least_mm__gte=least, middle_mm__gte=middle, most_mm__gte=most
    )
    if need.above_mm3:
        rows = rows.filter(volume_mm3__gt=need.above_mm3)
    if need.cooled:
        rows = rows.filter(cooled=True)
    return rows.filter(low=True) if need.low_door else rows


def lock_free(
    bank: LockerBank, need: Need, at: dt.datetime, *, waits: bool = True
) -> Compartment | None:
    """Lock and return the smallest free compartment that fits; None if there is none.

    Call it in a transaction. It does not write: the caller makes the reservation. A caller that
    holds the codes of the bank, or a compartment without all doors of the bank, must not wait.

    Locks: one compartment. Records: nothing. Raises: Busy instead of a wait.
    """
    for _turn in range(TURNS):
        rows = free_compartments(bank, need, at)
        row = rows.select_for_update(of=("self",), no_key=True, skip_locked=True).first()
        if row is not None and _is_free(row, at):
            return row
        waited = rows.first()
        if waited is None:
            return None
        if not waits:
            raise Busy(waited.pk)
        try:
            with transaction.atomic():  # its end without success releases the row again
                locked = Compartment.objects.select_for_update(no_key=True).get(pk=waited.pk)
                if not _is_free(locked, at):
                    raise _Taken
        except _Taken:
            continue
        return locked
    return None


def _is_free(row: Compartment, at: dt.datetime) -> bool:
    """Return True if a locked compartment is still free. The look is newer than the lock."""
    is_usable = Compartment.objects.filter(
        pk=row.pk, state=BoxState.EMPTY, door=DoorState.CLOSED
    ).exists()
    return is_usable and not taking(at).filter(compartment=row.pk).exists()


def lock_compartments(pks: Iterable[int]) -> dict[int, Compartment]:
    """Lock compartments in pk order and return them by pk."""
    rows = Compartment.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=set(pks))
    rows = rows.select_related("bank")
    return {row.pk: row for row in rows.order_by(F("pk"))}
