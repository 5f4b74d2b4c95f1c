"""The part of a driver's day about banks of lockers, as JSON values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lastmile.core.clock import now
from lockers.fitting import Size, fits
from lockers.models import Compartment, LockerReservation
from lockers.selectors.courier import BankVisit, acts_of, visits_of
from lockers.selectors.nearest import free_boxes
from lockers.services import ShownCode
from lockers.services.courier_codes import courier_codes
from lockers.states import INSIDE, BankState, BoxState, CodeRole, Purpose, ReservationState

Codes = Mapping[str, ShownCode]
_INSIDE: Final = frozenset(state.value for state in INSIDE)


def part_of(orders: Sequence[str]) -> dict[str, Any]:
    """Return the banks of a route for its orders by public id: doors, parcels and codes.

    All of it works without a network: the courier's codes open the doors at a cabinet that has no
    connection either.
    """
    visits = visits_of(orders)
    if not visits:
        return {"banks": []}
    puts_in = [row for visit in visits for row in visit.puts_in]
    takes_out = [row for visit in visits for row in visit.takes_out]
    dropped = [row for row in takes_out if row.purpose != Purpose.DELIVERY]
    uncollected = [row for row in takes_out if row.purpose == Purpose.DELIVERY]
    acts = acts_of([*puts_in, *takes_out])
    codes = {
        **courier_codes(rows=[*puts_in, *dropped], role=CodeRole.COURIER),
        **courier_codes(rows=uncollected, role=CodeRole.RETURNER),
    }
    banks = [visit.bank for visit in visits]
    free = set(free_boxes(now()).filter(bank__in=banks).values_list("pk", flat=True))
    return {"banks": [_bank(visit, acts, codes, free) for visit in visits]}


def _bank(
    visit: BankVisit, acts: Mapping[str, str], codes: Codes, free: set[int]
) -> dict[str, Any]:
    bank = visit.bank
    used = {row.compartment_id for row in (*visit.puts_in, *visit.takes_out)}
    return {
        "id": bank.public_id,
        "name": bank.name,
        "access": bank.access,
        "is_online": bank.state != BankState.OFFLINE,
        "free": sum(box.pk in free for box in visit.boxes),
        "doors": [
            {"number": box.number, "side": box.side, "low": box.low, "size": box.size_class}
            for box in visit.boxes
            if box.pk in used
        ],
        "puts_in": [
            parcel_of(row, acts, codes) | {"at_loading": at_loading(row, visit.boxes)}
            for row in visit.puts_in
        ],
        "takes_out": [parcel_of(row, acts, codes) for row in visit.takes_out],
    }


def at_loading(row: LockerReservation, boxes: Sequence[Compartment]) -> str:
    """Return why a parcel should stay at the hub when the vehicle is loaded; "" if it may go.

    - site_left: its bank takes no parcels any more.
    - no_fit: it is too big for every door of its bank that works.
    - no_door: no door is kept for it.
    """
    if row.state in _INSIDE:
        return ""
    if not row.bank.active:
        return "site_left"
    size = _size_of(row)
    working = [box for box in boxes if box.state != BoxState.BLOCKED]
    if boxes and not any(fits(size, box.inside) for box in working):
        return "no_fit"
    return "" if row.compartment_id or not boxes else "no_door"


def _size_of(row: LockerReservation) -> Size:
    """Return the measured size of a parcel; without one, the size that was reserved for."""
    parcel = row.parcel
    if parcel and parcel.width_mm and parcel.height_mm and parcel.length_mm:
        return Size(width_mm=parcel.width_mm, height_mm=parcel.height_mm, depth_mm=parcel.length_mm)
    return Size(width_mm=row.width_mm, height_mm=row.height_mm, depth_mm=row.depth_mm)


def parcel_of(row: LockerReservation, acts: Mapping[str, str], codes: Codes) -> dict[str, Any]:
    """Return a parcel at a bank: its door, its state and the codes that open the door."""
    code = codes.get(row.public_id)
    order = row.order
    return {
        "reservation": row.public_id,
        "order": order.public_id if order else "",
        "name": (order.external_id or order.public_id) if order else row.parcel_ref,
        "parcel": row.parcel.public_id if row.parcel else "",
        "door": row.compartment.number if row.compartment else "",
        "is_inside": row.state in _INSIDE,
        "is_waiting": row.state == ReservationState.QUEUED,
        "told": acts.get(row.public_id, ""),
        "pin": code.pin if code else "",
        "token": code.token if code else "",
        "until": code.expires_at.isoformat() if code else "",
    }
