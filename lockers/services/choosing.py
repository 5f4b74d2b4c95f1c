"""Holds compartments for the parcels of a shopper who chooses, and gives them to the order.

The compartments of one choice have the same ``bundle``. Two transactions that each need several
compartments of one bank lock its doors, so they go one after the other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from dispatch.orders.models import Cause, CommonStop, Order
from dispatch.orders.services.moves import lock_order
from dispatch.slots.services import vacate_slot
from lastmile.core import clock
from lockers.errors import NoFreeCompartment, ReservationMoveNotAllowed, ReservationRefused
from lockers.fitting import ParcelNeed
from lockers.models import LockerBank, LockerReservation
from lockers.services.changing import move
from lockers.services.generations import give_generation
from lockers.services.holding import displace, extend_collection
from lockers.services.locking import lock_doors, lock_rows
from lockers.services.reserving import (
    CollectionTerms,
    ReservationDraft,
    need_of,
    promise_collection,
    refuse_bank,
    reject,
    reserve,
)
from lockers.services.stops import refresh_stops
from lockers.states import HELD, INSIDE, BoxState, Mode, Purpose, Rejection, ReservationState

S = ReservationState
#: How far a shopper extends the time to collect, in one step. Chosen.
LONGER: Final = dt.timedelta(days=1)
#: The least time that parcels wait in a queue whose deposit time is near. Chosen.
_LEAST_QUEUE: Final = dt.timedelta(hours=1)


@transaction.atomic
def hold_parcels(
    *, bank: LockerBank, parcels: Sequence[ParcelNeed], bundle: str, deposit_by: dt.datetime
) -> list[LockerReservation]:
    """Hold a compartment of one bank for each parcel, for some minutes. All or none.

    Locks: the doors of the bank if there are several parcels, the compartments. Records:
    locker.reservation.created and held for each. Raises: as ``reserve``.
    """
    if len(parcels) > 1:
        lock_doors([bank.pk])
    largest_first = sorted(parcels, key=lambda one: -one.need.size.volume_mm3)
    drafts = [
        ReservationDraft(
            bank=bank,
            need=parcel.need,
            mode=Mode.SOFT,
            weight_g=parcel.weight_g,
            bundle=bundle,
            deposit_by=deposit_by,
        )
        for parcel in largest_first
    ]
    return [reserve(draft=draft) for draft in drafts]


@transaction.atomic
def keep_bundle(*, bundle: str, until: dt.datetime) -> list[LockerReservation]:
    """Keep the soft holds of a bundle until a later time.

    The bank and each compartment are looked at again, as by ``take_bundle``.

    Locks: the reservations. Records: nothing. Raises: ReservationMoveNotAllowed if a hold has
    ended; ReservationRefused, NoFreeCompartment.
    """
    rows = _locked(bundle)
    _refuse_ended(rows)
    for row in rows:
        _look_again(row)
        row.held_until = row.ends_at = until
        row.version += 1
        row.save(update_fields=["held_until", "ends_at", "version"])
    return rows


@transaction.atomic
def take_bundle(
    *, bundle: str, order: Order, terms: CollectionTerms, cause: str
) -> list[LockerReservation]:
    """Make the holds of a bundle hard, give them to an order, and promise the collection there.

    The bank and each compartment are looked at again: a bank that was closed, lost its connection
    or has lost the compartment meanwhile is refused, and nothing changes. Holds of the order at
    other banks are cancelled. A second call changes nothing.

    Locks: the order, the doors, the compartments, the reservations, the codes. Records:
    locker.reservation.held for each, locker.reservation.cancelled for others, order.promised.
    Raises: ReservationMoveNotAllowed if a hold has ended; ReservationRefused, NoFreeCompartment;
    as ``set_promise``.
    """
    own = lock_order(order)
    rows = _locked(bundle)
    if rows and all(row.order_id == own.pk and row.mode == Mode.HARD for row in rows):
        return rows
    _refuse_ended(rows)
    parcels = list(own.parcels.order_by("-volume_cm3", "pk"))
    for place, row in enumerate(rows):
        row.order = own
        row.parcel = parcels[place] if len(parcels) == len(rows) else None
        row.save(update_fields=["order", "parcel"])
        _look_again(row)
    for row in rows:
        give_generation(row)
        move(row, S.HARD_HELD, cause="confirmed", also={"mode": Mode.HARD, "held_until": None})
    leave_lockers(order=own, but=bundle)
    promise_collection(rows[0], cause=cause, terms=terms)
    return rows


def _look_again(row: LockerReservation) -> None:
    """Refuse a bank or a compartment that can no longer take the parcel (field row L08)."""
    draft = ReservationDraft(bank=row.bank, need=need_of(row), weight_g=row.weight_g)
    refuse_bank(row.bank, replace(draft, mode=Mode.HARD))
    box = row.compartment
    if box is None or box.state == BoxState.EMPTY:
        return
    displace(row, cause="compartment_in_use")
    if row.compartment is None:
        raise NoFreeCompartment(
            _("The compartment is no longer free. Choose another locker."),
            data={"reason": Rejection.NO_CAPACITY, "bank": row.bank.public_id, "alternates": []},
        )


@transaction.atomic
def leave_bundle(*, bundle: str, cause: str = "shopper") -> list[LockerReservation]:
    """Give back the compartments of a bundle that no order has taken.

    Locks: the reservations. Records: locker.reservation.cancelled. Raises: nothing.
    """
    rows = _locked(bundle)
    for row in rows:
        if row.order_id is None and S(row.state) in HELD | {S.QUEUED}:
            move(row, S.CANCELLED, cause=cause)
    return rows


@transaction.atomic
def drop_bundle(*, bundle: str, cause: str) -> list[LockerReservation]:
    """Give the compartments of a bundle back, and let others have its name; return the old rows.

    The ended reservations keep their history.

    Locks, Records: as ``leave_bundle``. Raises: nothing.
    """
    rows = leave_bundle(bundle=bundle, cause=cause)
    LockerReservation.objects.filter(pk__in=[row.pk for row in rows]).update(bundle="")
    return rows


@transaction.atomic
def queue_bundle(
    *, bundle: str, order: Order, terms: CollectionTerms, cause: str
) -> list[LockerReservation]:
    """Let the parcels of an order wait at their bank, because its compartments are gone.

    If the bank takes no such parcels any more, each reservation is rejected with the reason, so
    that the shopper is told and can choose again.

    Locks: the order, the reservations, compartments. Records: locker.reservation.created, and held
    if a compartment is free, or rejected. Raises: nothing of its own.
    """
    own = lock_order(order)
    old = drop_bundle(bundle=bundle, cause="time_over")
    new = [_wait(row, own, bundle, terms, cause) for row in old]
    refresh_stops([own.pk])
    return new


def _wait(
    before: LockerReservation, order: Order, bundle: str, terms: CollectionTerms, cause: str
) -> LockerReservation:
    """Reserve again what a reservation had, in the queue if need be, or note the refusal."""
    at = clock.now()
    wait = max(before.deposit_by - at, _LEAST_QUEUE)
    draft = ReservationDraft(
        bank=before.bank,
        need=need_of(before),
        weight_g=before.weight_g,
        order=order,
        bundle=bundle,
        deposit_by=at + wait,
        queue_s=int(wait.total_seconds()),
        cause=cause,
        terms=terms,
    )
    try:
        with transaction.atomic():
            return reserve(draft=draft)
    except ReservationRefused as refused:
        return reject(draft=draft, reason=Rejection(str(refused.data["reason"])))


@transaction.atomic
def leave_lockers(*, order: Order, but: str = "", cause: str = "superseded") -> int:
    """Cancel the holds of an order without a parcel inside, except the bundle ``but``.

    Call it when the order gets another promise. Locks: the order, the reservations. Records:
    locker.reservation.cancelled for each. Raises: nothing.
    """
    own = lock_order(order)
    rows = _rows().filter(order=own, state__in=[s.value for s in HELD | {S.QUEUED}])
    left = list((rows.exclude(bundle=but) if but else rows).order_by("pk"))
    for row in left:
        row.order = own
        move(row, S.CANCELLED, cause=cause)
    return len(left)


@transaction.atomic
def move_order(
    *,
    order: Order,
    bank: LockerBank,
    terms: CollectionTerms,
    deposit_by: dt.datetime,
    cause: str = Cause.SHOPPER,
) -> list[LockerReservation]:
    """Move all holds of an order to another bank, with new terms. All or nothing.

    An order on a published route leaves that plan, because its van has another way now. If the
    van cannot use the new bank on that day, nothing changes.

    Locks: the days, the order, the reservations, compartments of the other bank. Records:
    locker.reservation.moved for each; order.promised; order.ready, if it was planned. Raises:
    TooLate once the van has left; as ``reserve``; ReservationMoveNotAllowed if a parcel is inside,
    or if the bank is closed to the van; VisitNotPrepared if the order moved to another day
    meanwhile: repeat the transaction.
    """
    own = vacate_slot(order=order, hub=bank.hub, service_date=terms.service_date)
    rows = list(_rows().filter(order=own, mode=Mode.HARD, purpose=Purpose.DELIVERY).order_by("pk"))
    inside = [row for row in rows if S(row.state) in INSIDE]
    held = [row for row in rows if S(row.state) in HELD | {S.QUEUED}]
    if inside or not held:
        raise ReservationMoveNotAllowed(
            _("A parcel is in the locker already, so the order can no longer go to another one."),
            data={"order": own.public_id},
        )
    lock_doors([bank.pk, *(row.bank_id for row in held)])
    new = [
        _reserve_there(row, own, bank, terms, deposit_by, cause, waits=row is held[0])
        for row in held
    ]
    for row in held:
        row.order = own
        move(row, S.MOVED, cause="other_bank")
    promise_collection(new[0], cause=cause, terms=terms)
    refresh_stops([own.pk])
    stop = CommonStop.objects.filter(order=own).first()
    if stop is not None and stop.refused:
        raise ReservationMoveNotAllowed(
            _("No van can bring your order to this locker on that day. Choose another one."),
            data={"order": own.public_id, "bank": bank.public_id, "reason": stop.refused},
        )
    return new


def _reserve_there(
    row: LockerReservation,
    order: Order,
    bank: LockerBank,
    terms: CollectionTerms,
    deposit_by: dt.datetime,
    cause: str,
    *,
    waits: bool,
) -> LockerReservation:
    draft = ReservationDraft(
        bank=bank,
        need=need_of(row),
        purpose=row.purpose,
        weight_g=row.weight_g,
        order=order,
        parcel=row.parcel,
        parcel_ref=row.parcel_ref,
        bundle=row.bundle,
        deposit_by=deposit_by,
        collect_within=dt.timedelta(seconds=row.collect_within_s),
        cause=cause,
        moved_from=row,
        terms=terms,
    )
    return reserve(draft=draft, waits=waits)


@transaction.atomic
def extend_order(*, order: Order) -> list[LockerReservation]:
    """Keep all parcels of an order that wait in lockers for a day longer.

    Locks: the order, the reservations. Records: locker.parcel.ready if the time was over. Raises:
    ReservationMoveNotAllowed if no parcel waits, or if the time was extended before.
    """
    own = lock_order(order)
    rows = list(_rows().filter(order=own, state__in=[S.READY, S.COLLECT_EXPIRED]).order_by("pk"))
    if not rows:
        raise ReservationMoveNotAllowed(
            _("No parcel waits in a locker now, so there is nothing to keep longer."),
            data={"order": own.public_id},
        )
    return [extend_collection(reservation=row, by=LONGER) for row in rows]


def bundle_rows(bundles: Sequence[str]) -> QuerySet[LockerReservation]:
    """Return the reservations of bundles, with bank and order, the oldest first."""
    rows = LockerReservation.objects.filter(bundle__in=bundles).exclude(bundle="")
    return rows.select_related("bank__hub", "order", "compartment").order_by("pk")


def _rows() -> QuerySet[LockerReservation]:
    rows = LockerReservation.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("bank__hub", "compartment", "order")


def _locked(bundle: str) -> list[LockerReservation]:
    """Lock the compartments of a bundle, then its reservations."""
    first = LockerReservation.objects.filter(bundle=bundle).exclude(bundle="")
    pairs = list(first.values_list("pk", "bank"))
    lock_rows(banks=[bank for _pk, bank in pairs], reservations=[pk for pk, _bank in pairs])
    return list(_rows().filter(bundle=bundle).exclude(bundle="").order_by("pk"))


def _refuse_ended(rows: Sequence[LockerReservation]) -> None:
    """Raise ReservationMoveNotAllowed unless each row is a soft hold whose time is not over."""
    now = clock.now()
    live = [
        row
        for row in rows
        if row.state == S.SOFT_HELD and row.held_until is not None and row.held_until > now
    ]
    if not rows or len(live) < len(rows):
        state = rows[0].state if rows else ""
        raise ReservationMoveNotAllowed(
            _("The locker is no longer kept for you. Choose again."), data={"state": state}
        )
