"""Holds of banks of lockers: their state, their terms, and their compartments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from dispatch.orders.drafts import PromisedPlace
from dispatch.slots.services import SlotlessTerms
from dispatch.slots.states import ChoiceState
from lastmile.core import clock
from lastmile.core.refusals import unknown
from lockers import services
from lockers.errors import NoFreeCompartment, ReservationMoveNotAllowed, ReservationRefused
from lockers.models import LockerReservation
from lockers.policy import locker_policy
from lockers.selectors.offers import order_until
from lockers.services import CollectionTerms, ParcelNeed
from lockers.services.reserving import need_of
from lockers.states import ReservationState
from portal.choice.models import LockerHold
from portal.choice.near_banks import no_longer, refused_by, too_late_for
from portal.choice.providers.base import HeldPlace
from portal.choice.states import CONFIRMABLE, PlaceState, place_state

P, S = PlaceState, ReservationState
#: The kind of the pointers to choices whose order has come, or whose time is over.
POINTER: Final = "choice.take"
#: A transaction that keeps a choice is shorter than this, in seconds.
MARGIN_S: Final = 60.0
#: What a bank refuses while somebody chooses it.
REFUSALS: Final = (NoFreeCompartment, ReservationMoveNotAllowed, ReservationRefused)


def state_of(row: LockerHold, rows: Sequence[LockerReservation]) -> PlaceState:
    """Return the state of a hold from its choice and the states of its compartments."""
    now, choice = clock.now(), row.choice
    is_used = choice is not None and choice.state == ChoiceState.USED
    return place_state(
        frozenset(S(one.state) for one in rows),
        is_released=row.released_at is not None,
        has_order=row.order_id is not None or is_used,
        has_choice=choice is not None,
        is_over=any(one.held_until is not None and one.held_until <= now for one in rows)
        or (choice is not None and choice.expires_at <= now),
    )


def refuse_unconfirmable(row: LockerHold, state: PlaceState) -> None:
    """Refuse to confirm a hold that was given back or has an order, or whose time has passed."""
    if state not in CONFIRMABLE:
        raise no_longer(_("The locker is no longer kept for you. Choose again."), row.bank)
    if order_until(row.bank.hub, row.service_date, locker_policy()) <= clock.now():
        raise too_late_for(row.bank)


def give_back(row: LockerHold, cause: str = "shopper") -> None:
    """Give the compartments of a locked hold back for good.

    Locks, Records: as ``leave_bundle``. Raises: nothing.
    """
    services.leave_bundle(bundle=row.public_id, cause=cause)
    if row.released_at is None:
        row.released_at = row.updated_at = clock.now()
        row.save(update_fields=["released_at", "updated_at"])


def terms_of(row: LockerHold) -> CollectionTerms:
    """Return the terms of the promise of a hold."""
    return CollectionTerms(
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        service_date=row.service_date,
        option=row.option,
        price_minor=row.price_minor,
        currency=row.currency,
        co2_g=row.co2_g,
    )


def choice_terms(row: LockerHold) -> SlotlessTerms:
    """Return the terms of the choice with which the retailer's order will come."""
    bank = row.bank
    return SlotlessTerms(
        session=row.session,
        option=row.option,
        handover=row.handover,
        place=PromisedPlace(reference=bank.public_id, text=bank.place_text, point=bank.point),
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        price_minor=row.price_minor,
        currency=row.currency,
        value_minor=row.value_minor,
        co2_g=row.co2_g,
        weight_g=row.weight_g,
        volume_cm3=row.volume_cm3,
        parcel_count=row.parcels,
    )


def holds() -> QuerySet[LockerHold]:
    """Return all holds with bank, order and choice, the oldest first."""
    return LockerHold.objects.select_related("bank__hub", "order", "choice").order_by("pk")


def hold_called(public_id: str) -> LockerHold:
    """Return a hold by its public id. Raises NotFound."""
    row = holds().filter(public_id=public_id).first()
    if row is None:
        raise unknown()
    return row


def lock_hold(public_id: str) -> LockerHold:
    """Return the present row of a hold, locked."""
    return holds().select_for_update(of=("self",)).get(pk=hold_called(public_id).pk)


def all_held(rows: Iterable[LockerHold]) -> list[HeldPlace]:
    """Return holds with the states of their compartments, in one query for all."""
    holds = list(rows)
    if not holds:
        return []
    by_hold: dict[str, list[LockerReservation]] = {row.public_id: [] for row in holds}
    for one in services.bundle_rows(list(by_hold)):
        by_hold[one.bundle].append(one)
    return [held_of(row, by_hold[row.public_id]) for row in holds]


def held_of(row: LockerHold, rows: Sequence[LockerReservation]) -> HeldPlace:
    """Return a hold as choice shows it."""
    state = state_of(row, rows)
    ends = [one.held_until for one in rows if one.held_until is not None]
    return HeldPlace(
        hold=row.public_id,
        session=row.session,
        offer=row.offer,
        hub=row.bank.hub.public_id,
        time_zone=row.bank.hub.zone,
        state=state,
        expires_at=_expires_at(row, ends),
        option=row.option,
        handover=row.handover,
        service_date=row.service_date,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        price_minor=row.price_minor,
        currency=row.currency,
        price_parts=row.price_parts,
        value_minor=row.value_minor,
        weight_g=row.weight_g,
        volume_cm3=row.volume_cm3,
        parcels=row.parcels,
        co2_g=row.co2_g,
        place_text=row.bank.place_text,
        choice=_shown_choice(row),
        order=row.order.public_id if row.order else "",
    )


def _shown_choice(row: LockerHold) -> str:
    choice = row.choice
    return "" if choice is None or choice.state == ChoiceState.CANCELLED else choice.public_id


def _expires_at(row: LockerHold, ends: Sequence[dt.datetime]) -> dt.datetime | None:
    if row.choice is not None:
        return row.choice.expires_at
    return min(ends, default=None)


def hold_again(row: LockerHold) -> None:
    """Hold the compartments again if their time is over and the bank still has room.

    Locks, Records: as ``hold_parcels``. Raises: LockerGone.
    """
    rows = list(services.bundle_rows([row.public_id]))
    now = clock.now()
    if all(
        one.state == S.SOFT_HELD and one.held_until is not None and one.held_until > now
        for one in rows
    ):
        return
    needs = [ParcelNeed(need=need_of(one), weight_g=one.weight_g) for one in rows]
    services.drop_bundle(bundle=row.public_id, cause="time_over")
    try:
        services.hold_parcels(
            bank=row.bank, parcels=needs, bundle=row.public_id, deposit_by=rows[0].deposit_by
        )
    except REFUSALS as refused:
        raise refused_by(row.bank, refused) from refused
