"""Locks the rows of an act, in one order for all services of lockers.

The order: the device of a cabinet, the orders, the doors of the banks, the compartments, the
reservations, their codes. Rows of one table are locked by one statement, in the order of their pk.

- An act on a parcel or a hold that may change a compartment locks the doors of its bank: one such
  act at a time. Then it locks all that it may change (``lock_kept``, ``lock_rows``), and only then
  reads it.
- A new reservation alone does not lock the doors. It holds no compartment while it waits for one
  (``picking.lock_free``), and others go on meanwhile.
- An act of one reservation that changes no compartment, and the sweep, lock the order and the
  reservation.

No act gives locks back and waits again in one transaction. After a savepoint is undone, others may
still wait for the whole transaction, so they and it would wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from dispatch.orders.services.moves import lock_order
from lastmile.core.tenancy import current_schema
from lockers.models import Compartment, LockerReservation
from lockers.services.codes import lock_reservation
from lockers.services.picking import lock_compartments
from lockers.states import TAKING

_TAKING = sorted(state.value for state in TAKING)


@dataclass(frozen=True, slots=True)
class Kept:
    """A locked reservation, and the locked compartments of the act by pk."""

    row: LockerReservation
    boxes: dict[int, Compartment]

    @property
    def box(self) -> Compartment | None:
        """The compartment of the reservation."""
        return self.boxes.get(self.row.compartment_id or 0)


def lock_kept(reservation: LockerReservation, *, boxes: Iterable[int] = ()) -> Kept:
    """Lock a reservation with its order and its compartment, and more compartments by pk.

    Locks: the order, the doors of the bank, the compartments, the reservations in them and of the
    order. Records, Raises: nothing.
    """
    order = lock_order(reservation.order) if reservation.order is not None else None
    locked = lock_rows(banks=[reservation.bank_id], reservations=[reservation.pk], boxes=boxes)
    row = lock_reservation(reservation)
    row.order = order or row.order
    row.compartment = locked.get(row.compartment_id or 0, row.compartment)
    return Kept(row, locked)


def lock_rows(
    *, banks: Iterable[int], reservations: Iterable[int], boxes: Iterable[int] = ()
) -> dict[int, Compartment]:
    """Lock compartments, also those of reservations, then the reservations that an act may change.

    These are the named ones, the ones that take a locked compartment, and the others of the same
    orders. Call it with the orders locked; return the compartments by pk.

    Locks: the doors of the banks, the compartments, the reservations. Records, Raises: nothing.
    """
    named = set(reservations)
    lock_doors(banks)
    first = LockerReservation.objects.filter(pk__in=named)
    own = {pk for pk in first.values_list("compartment", flat=True) if pk is not None}
    locked = lock_compartments(set(boxes) | own)
    present = Q(compartment__in=list(locked), state__in=_TAKING)
    orders = first.filter(order__isnull=False).values("order")
    rows = LockerReservation.objects.select_for_update(of=("self",), no_key=True)
    kept = rows.filter(Q(pk__in=named) | present | Q(order__in=orders))
    list(kept.order_by("pk").values_list("pk", flat=True))
    return locked


def lock_doors(banks: Iterable[int]) -> None:
    """Lock the doors of banks by pk: no other act changes what is kept in a compartment there.

    Locks: the doors, until the end of the transaction. Records, Raises: nothing.
    """
    for bank in sorted(set(banks)):
        name = f"{current_schema()}:locker doors:{bank}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
