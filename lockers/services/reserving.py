"""Makes reservations: a compartment for one parcel, or a place in the queue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.drafts import PromisedPlace, PromiseDraft
from dispatch.orders.models import Cause, Handover, Option, Order, Parcel
from dispatch.orders.services import set_promise
from dispatch.orders.services.moves import lock_order
from lastmile.core import clock
from lastmile.core.events import Lane, record
from lockers import events
from lockers.errors import NoFreeCompartment, ReservationRefused
from lockers.fitting import Need, Size
from lockers.models import Compartment, LockerBank, LockerReservation
from lockers.policy import LockerPolicy, locker_policy
from lockers.selectors.lost import WITH_COMPARTMENT
from lockers.services.changing import move, note
from lockers.services.generations import give_generation
from lockers.services.network_calls import tell_network
from lockers.services.picking import Busy, fitting_compartments, lock_free
from lockers.services.stops import is_at_hub, refresh_stops
from lockers.states import (
    BankKind,
    BankState,
    Capability,
    Mode,
    Purpose,
    Rejection,
    ReservationState,
)
from lockers.vendors.registry import is_switched_off

#: A promise is at most so long (dispatch.orders.windows).
LONGEST_PROMISE: Final = dt.timedelta(days=7)
S = ReservationState


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationDraft:
    """A reservation to make.

    ``order`` is our own order, if any; a hard hold gives it the promise to collect at the bank.
    None for a time means the retailer's setting. ``alternates`` are public ids of banks that the
    caller would take instead, the best first. ``queue_s`` above 0 means: wait so long if no
    compartment is free. ``moved_from`` is the reservation that this one replaces. ``terms`` are
    those of the promise, None for the usual ones.
    """

    bank: LockerBank
    need: Need
    mode: str = Mode.HARD
    purpose: str = Purpose.DELIVERY
    weight_g: int = 0
    order: Order | None = None
    parcel: Parcel | None = None
    parcel_ref: str = ""
    external_id: str | None = None
    bundle: str = ""
    deposit_by: dt.datetime | None = None
    collect_within: dt.timedelta | None = None
    alternates: Sequence[str] = ()
    queue_s: int = 0
    cause: str = Cause.API
    moved_from: LockerReservation | None = None
    terms: CollectionTerms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionTerms:
    """The terms of a promise to collect at a bank, as its shopper saw them."""

    opens_at: dt.datetime
    closes_at: dt.datetime
    service_date: dt.date
    option: str = Option.LOCKER
    price_minor: int | None = None
    currency: str = ""
    co2_g: int | None = None


@transaction.atomic
def reserve(*, draft: ReservationDraft, waits: bool = True) -> LockerReservation:
    """Reserve the smallest free compartment that fits, or join the queue.

    Without ``waits`` a bank whose free compartments are all locked by others counts as full: see
    ``picking.lock_free``.

    Locks: the order, one compartment, the codes of the bank. Records:
    locker.reservation.created and held; order.promised with a hard hold of an order. Raises:
    NoFreeCompartment; ReservationRefused with a reason of the closed list; what ``set_promise``
    raises.
    """
    order = lock_order(draft.order) if draft.order is not None else None
    bank = LockerBank.objects.select_related("hub").get(pk=draft.bank.pk)
    refuse_bank(bank, draft)
    at = clock.now()
    try:
        box = lock_free(bank, draft.need, at, waits=waits)
    except Busy:
        box = None
    if box is None and not draft.queue_s:
        _refuse_full(bank, draft)
    row = _row_of(bank, draft, box, at)
    row.save()
    row.order = order
    if row.mode == Mode.HARD and box is not None:
        give_generation(row)
    note(row, before="", after=row.state, cause="reserved")
    facts = reservation_facts(row)
    record(events.CREATED, facts, subject=row.public_id, lane=Lane.PERSON)
    if box is not None:
        record(events.HELD, facts, subject=row.public_id, lane=Lane.PERSON)
        tell_network(row)
        promise_collection(row, cause=draft.cause, terms=draft.terms)
    return row


@transaction.atomic
def reject(*, draft: ReservationDraft, reason: Rejection) -> LockerReservation:
    """Write a reservation of an order that its bank refused, so that its history tells why.

    Locks: nothing. Records: locker.reservation.created and rejected. Raises: nothing.
    """
    row = _row_of(draft.bank, draft, None, clock.now())
    row.save()
    note(row, before="", after=row.state, cause="reserved")
    record(events.CREATED, reservation_facts(row), subject=row.public_id, lane=Lane.PERSON)
    move(row, S.REJECTED, cause="bank_refused", also={"reason": reason, "queued_until": None})
    return row


def _row_of(
    bank: LockerBank, draft: ReservationDraft, box: Compartment | None, at: dt.datetime
) -> LockerReservation:
    rules = locker_policy()
    soft = draft.mode == Mode.SOFT
    held_until = at + dt.timedelta(minutes=rules.soft_hold_minutes) if soft else None
    state = S.QUEUED if box is None else S.SOFT_HELD if soft else S.HARD_HELD
    size = draft.need.size
    return LockerReservation(
        external_id=draft.external_id,
        bank=bank,
        compartment=box,
        purpose=draft.purpose,
        mode=draft.mode,
        state=state,
        order=draft.order,
        parcel=draft.parcel,
        parcel_ref=draft.parcel_ref,
        bundle=draft.bundle,
        width_mm=size.width_mm,
        height_mm=size.height_mm,
        depth_mm=size.depth_mm,
        weight_g=draft.weight_g,
        cooled=draft.need.cooled,
        low_door=draft.need.low_door,
        starts_at=at,
        ends_at=held_until if box is not None else None,
        held_until=held_until if box is not None else None,
        queued_until=at + dt.timedelta(seconds=draft.queue_s) if box is None else None,
        deposit_by=draft.deposit_by or at + dt.timedelta(hours=rules.deposit_hours),
        collect_within_s=_collect_within_s(draft, rules),
        alternates=list(draft.alternates),
        moved_from=draft.moved_from,
    )


def _collect_within_s(draft: ReservationDraft, rules: LockerPolicy) -> int:
    within = draft.collect_within or dt.timedelta(hours=rules.collect_hours)
    return int(within.total_seconds())


def need_of(row: LockerReservation) -> Need:
    """Return what the parcel of a reservation needs."""
    size = fitting_size(row)
    return Need(size=size, cooled=row.cooled, low_door=row.low_door)


def fitting_size(row: LockerReservation) -> Size:
    """Return the size of the parcel of a reservation."""
    return Size(width_mm=row.width_mm, height_mm=row.height_mm, depth_mm=row.depth_mm)


def refuse_bank(bank: LockerBank, draft: ReservationDraft) -> None:
    """Raise ReservationRefused if the bank cannot take such a parcel at all."""
    state = BankState(bank.state)
    closed_to = {BankState.OFFLINE, BankState.DEGRADED} if draft.mode == Mode.SOFT else {
        BankState.OFFLINE
    }  # fmt: skip
    if not bank.active:
        refuse(bank, Rejection.SITE_UNKNOWN, draft.alternates)
    if bank.kind == BankKind.OWN and state in closed_to:
        refuse(bank, Rejection.SITE_OFFLINE, draft.alternates)
    if bank.kind == BankKind.VENDOR and is_switched_off(bank.network):
        refuse(bank, Rejection.SITE_OFFLINE, draft.alternates)
    if bank.most_weight_g is not None and draft.weight_g > bank.most_weight_g:
        refuse(bank, Rejection.WEIGHT_EXCEED, draft.alternates)
    lacks_cold = draft.need.cooled and Capability.COOLED not in bank.capabilities
    has_low = Capability.LOW_DOORS in bank.capabilities
    if lacks_cold or (draft.need.low_door and not has_low):
        refuse(bank, Rejection.CAPABILITY_MISSING, draft.alternates)
    if not fitting_compartments(bank, draft.need).exists():
        refuse(bank, Rejection.DIMENSIONS_EXCEED, draft.alternates)


def refuse(bank: LockerBank, reason: Rejection, alternates: Sequence[str]) -> NoReturn:
    """Raise ReservationRefused with a reason of the closed list."""
    texts = {
        Rejection.SITE_UNKNOWN: _("This bank is no longer in use. Choose another bank."),
        Rejection.SITE_OFFLINE: _(
            "This bank has no connection now, so it takes no new parcels. Choose another bank."
        ),
        Rejection.WEIGHT_EXCEED: _("The parcel is too heavy for this bank. Choose another bank."),
        Rejection.CAPABILITY_MISSING: _(
            "This bank has no cooled compartments, or no low doors. Choose another bank."
        ),
        Rejection.DIMENSIONS_EXCEED: _(
            "The parcel is too large for every compartment of this bank. Choose another bank."
        ),
    }
    raise ReservationRefused(
        texts[reason],
        data={"reason": reason, "bank": bank.public_id, "alternates": list(alternates)},
    )


def _refuse_full(bank: LockerBank, draft: ReservationDraft) -> NoReturn:
    raise NoFreeCompartment(
        _("No compartment of this bank is free for this parcel. Choose another bank, or ask again "
          "with a queue."),
        data={
            "reason": Rejection.NO_CAPACITY,
            "bank": bank.public_id,
            "alternates": list(draft.alternates),
        },
    )  # fmt: skip


def promise_collection(
    row: LockerReservation, *, cause: str, terms: CollectionTerms | None = None
) -> None:
    """Promise the order of a hard hold that its shopper collects it at the bank.

    A parcel that a shopper drops, to return it or to send it, has no promise to collect.

    Without ``terms``, the window of an earlier promise stays, and the price if it was for a locker;
    without such a promise the window is from now until the end of collecting.

    Locks: the order. Records: order.promised; order.changed with its common stop. Raises: as
    ``set_promise``.
    """
    order, bank = row.order, row.bank
    if order is None or row.mode != Mode.HARD or row.purpose != Purpose.DELIVERY:
        return
    agreed = terms or _usual_terms(row, order)
    place = PromisedPlace(reference=bank.public_id, text=bank.place_text, point=bank.point)
    set_promise(
        order=order,
        draft=PromiseDraft(
            opens_at=agreed.opens_at,
            closes_at=agreed.closes_at,
            service_date=agreed.service_date if terms else None,
            cause=cause,
            option=agreed.option,
            handover=Handover.CONTACTLESS,
            place=place,
            price_minor=agreed.price_minor,
            currency=agreed.currency,
            co2_g=agreed.co2_g,
        ),
    )
    refresh_stops([order.pk])


def _usual_terms(row: LockerReservation, order: Order) -> CollectionTerms:
    before = order.promise
    opens_at = before.opens_at if before else clock.now()
    until = row.deposit_by + dt.timedelta(seconds=row.collect_within_s)
    usual = CollectionTerms(
        opens_at=opens_at,
        closes_at=before.closes_at if before else min(until, opens_at + LONGEST_PROMISE),
        service_date=clock.local_date(opens_at, row.bank.zone),
        # A van drives to a counter that is not at its hub, as to a bank of lockers.
        option=row.bank.option if is_at_hub(row.bank) else Option.LOCKER,
    )
    if before is None or before.option not in WITH_COMPARTMENT:
        return usual
    return replace(
        usual, price_minor=before.price_minor, currency=before.currency, co2_g=before.co2_g
    )


def reservation_facts(row: LockerReservation) -> events.ReservationFacts:
    """Return the facts of a reservation before the deposit."""
    return events.ReservationFacts(
        bank=row.bank.public_id,
        state=row.state,
        compartment=row.compartment.public_id if row.compartment else None,
        order=row.order.public_id if row.order else None,
        reason=row.reason,
    )
