"""Reads what a courier needs at the banks of a route, also without a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from dispatch.live.acts import AT_BANK
from dispatch.live.models import DriverAct
from dispatch.live.states import Result
from dispatch.orders.models import CommonStop, Direction
from lockers.models import Compartment, LockerBank, LockerReservation
from lockers.states import HELD, INSIDE, Mode, ReservationState

S = ReservationState
#: Parcels that a courier takes out of their compartments.
TO_TAKE_OUT = sorted({S.COLLECT_EXPIRED.value, S.COURIER_TO_COLLECT.value})
_TO_PUT_IN = sorted(state.value for state in HELD | {S.QUEUED})
_INSIDE = sorted(state.value for state in INSIDE)
MOST_TAKEN_OUT = 200  # of all banks of a route


@dataclass(frozen=True, slots=True, kw_only=True)
class BankVisit:
    """The work of a courier at one bank.

    ``puts_in`` are the reservations of the route's orders, ``takes_out`` those whose parcels nobody
    collected in time. A bank to which only a return goes is emptied.
    """

    bank: LockerBank
    boxes: Sequence[Compartment]
    puts_in: Sequence[LockerReservation]
    takes_out: Sequence[LockerReservation]


def visits_of(orders: Iterable[str]) -> list[BankVisit]:
    """Return the work at the banks of a route, for its orders by public id.

    The number of queries does not grow with the number of banks.
    """
    rows = LockerReservation.objects.select_related("bank", "order", "parcel", "compartment")
    own = Q(order__public_id__in=list(orders), mode=Mode.HARD)
    puts_in = list(rows.filter(own, state__in=[*_TO_PUT_IN, *_INSIDE]).order_by("pk"))
    banks = {row.bank_id: row.bank for row in puts_in}
    pickups = CommonStop.objects.filter(
        order__public_id__in=list(orders), order__direction=Direction.RETURN
    )
    to_empty = LockerBank.objects.filter(public_id__in=pickups.values("key"))
    banks |= {bank.pk: bank for bank in to_empty.exclude(pk__in=banks).order_by("pk")}
    if not banks:
        return []
    over = rows.filter(bank__in=banks, state__in=TO_TAKE_OUT, order__isnull=False)
    takes_out = list(over.order_by("pk")[:MOST_TAKEN_OUT])
    boxes: dict[int, list[Compartment]] = {pk: [] for pk in banks}
    for box in Compartment.objects.filter(bank__in=banks).order_by("bank", "side", "number", "pk"):
        boxes[box.bank_id].append(box)
    return [
        BankVisit(
            bank=bank,
            boxes=boxes[pk],
            puts_in=[row for row in puts_in if row.bank_id == pk and row.state not in TO_TAKE_OUT],
            takes_out=[row for row in takes_out if row.bank_id == pk],
        )
        for pk, bank in banks.items()
    ]


def acts_of(rows: Iterable[LockerReservation]) -> Mapping[str, str]:
    """Return the kind of the last act that a driver did with each reservation, by public id."""
    orders = {row.order_id for row in rows if row.order_id}
    acts = DriverAct.objects.filter(order__in=orders, kind__in=sorted(AT_BANK))
    acts = acts.exclude(result=Result.REJECTED).order_by("happened_at", "pk")
    return {
        str(data.get("reservation", "")): kind for kind, data in acts.values_list("kind", "data")
    }
