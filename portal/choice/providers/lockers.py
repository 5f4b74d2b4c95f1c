"""Collection at banks of lockers and at counters: the options that have compartments.

Each near bank with room for all parcels is one offer: on the first day that its hub can still
serve it. Holding an offer reserves a compartment for each parcel.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from dispatch.orders.models import Handover, Order, Promise
from dispatch.slots import services as slots
from dispatch.slots.models import Choice
from dispatch.slots.services import DeliveryRequest
from dispatch.slots.services.pricing import refuse_price
from lastmile.core import clock
from lastmile.core.geo import Point
from lastmile.core.refusals import unknown
from lockers import services
from lockers.errors import NoFreeCompartment, ReservationMoveNotAllowed, ReservationRefused
from lockers.models import LockerReservation
from lockers.policy import LockerPolicy, locker_policy
from lockers.selectors import NearBank, chances_free
from lockers.services import CollectionTerms, ParcelNeed
from lockers.services.reserving import need_of
from lockers.states import ReservationState
from portal.choice.models import LockerHold
from portal.choice.near_banks import (
    active_banks,
    banks_near,
    collect_until,
    deposit_by,
    first_day,
    largest,
    may_be_left,
    no_longer,
    offered_bank,
    opens_within,
    option_of,
    order_until,
    parcels_of,
    ready_at,
    refused_by,
    walk_s,
    window_of,
)
from portal.choice.providers.base import (
    FoundOffer,
    HeldPlace,
    PriceChange,
    ProviderAnswer,
    Question,
    Wish,
)

S = ReservationState
LIVE, KEPT, PROMISED, RELEASED, EXPIRED = "live", "kept", "promised", "released", "expired"
#: The compartments of a choice stay this much longer for an order that comes just in time.
GRACE: Final = dt.timedelta(minutes=30)
#: What a bank refuses while somebody chooses it.
REFUSALS: Final = (NoFreeCompartment, ReservationMoveNotAllowed, ReservationRefused)


class Lockers:
    """The provider of options that have compartments."""

    name = "lockers"
    hold_prefix = "lkh"

    def find(self, question: Question) -> ProviderAnswer:
        """Return the near banks that have room for all parcels now."""
        request, rules = question.request, locker_policy()
        parcels = parcels_of(request)
        if not rules.in_choice or not parcels or not may_be_left(request):
            return ProviderAnswer()
        day = first_day(request.hub, question.since, question.until, rules)
        if day is None:
            return ProviderAnswer()
        near = banks_near(request, rules.choice_banks)
        at = ready_at(request.hub.zone, day, rules)
        until = collect_until(at, rules)
        near = [one for one in near if opens_within(one.bank, at, until)]
        size = largest(parcels)
        chances = chances_free([one.bank for one in near], size, at, needed=len(parcels))
        return ProviderAnswer(
            offers=tuple(
                _offer(one, day, rules, request, chances[one.bank.pk])
                for one in near
                if chances[one.bank.pk] > 0
            )
        )

    def bookable(self, offers: Collection[str], question: Question) -> set[str]:
        """Return which of these banks have room for all parcels now."""
        parcels = parcels_of(question.request)
        if not parcels:
            return set()
        by_bank = {offer.partition(".")[0]: offer for offer in offers}
        banks = list(active_banks().filter(public_id__in=by_bank))
        chances = chances_free(banks, largest(parcels), clock.now(), needed=len(parcels))
        return {by_bank[bank.public_id] for bank in banks if chances[bank.pk] > 0}

    def prepare(self, question: Question, offer: str) -> object:
        """Return nothing: a compartment is held without any slow part."""
        return None

    @transaction.atomic
    def hold(
        self, question: Question, wish: Wish, *, replaces: str = "", prepared: object = None
    ) -> HeldPlace:
        """Hold a compartment for each parcel. Raises LockerGone."""
        bank, day = offered_bank(wish.offer)
        request, rules = question.request, locker_policy()
        if order_until(bank.hub, day, rules) <= clock.now():
            raise no_longer(
                _("This locker can no longer be reached on that day. Look again."), bank
            )
        opens_at, closes_at = window_of(bank, day, rules)
        row = LockerHold(
            session=question.session,
            offer=wish.offer,
            bank=bank,
            option=option_of(bank),
            handover=Handover.CONTACTLESS,
            service_date=day,
            opens_at=opens_at,
            closes_at=closes_at,
            price_minor=wish.price_minor,
            currency=wish.currency,
            price_parts=list(wish.price_parts),
            value_minor=request.value_minor,
            weight_g=request.weight_g,
            volume_cm3=request.volume_cm3,
            parcels=request.parcels,
            co2_g=wish.co2_g,
        )
        if replaces:
            self.release(replaces)
        try:
            services.hold_parcels(
                bank=bank,
                parcels=parcels_of(request),
                bundle=row.public_id,
                deposit_by=deposit_by(closes_at, rules),
            )
        except REFUSALS as refused:
            raise refused_by(bank, refused) from refused
        row.save()
        services.point_to_next_look()
        return _held(row, list(services.bundle_rows([row.public_id])))

    def holds_of(self, session: str) -> list[HeldPlace]:
        """Return the places that a session holds now, the newest last."""
        rows = list(_holds().filter(session=session, order=None))
        return [held for held in _all_held(rows) if held.state in {LIVE, KEPT}]

    def find_hold(self, hold: str) -> HeldPlace | None:
        """Return a hold by its public id, or None."""
        return next(iter(_all_held(_holds().filter(public_id=hold))), None)

    def release(self, hold: str) -> HeldPlace:
        """Give the compartments back. Those of an order stay."""
        row = _hold(hold)
        return _held(row, services.leave_bundle(bundle=row.public_id))

    def reprice(self, hold: str, value_minor: int | None) -> PriceChange:
        """Note the new value of the basket; the price does not depend on it."""
        row = _hold(hold)
        row.value_minor = value_minor
        row.save(update_fields=["value_minor"])
        return PriceChange(
            old_minor=row.price_minor,
            new_minor=row.price_minor,
            currency=row.currency,
            code="unchanged",
            why="",
        )

    def prepare_keep(self, hold: str) -> object:
        """Return nothing: keeping has no slow part."""
        return None

    @transaction.atomic
    def keep(
        self, hold: str, *, minutes: int, price_minor: int | None, prepared: object = None
    ) -> Choice:
        """Keep the compartments until the retailer's order comes. Raises LockerGone."""
        row = LockerHold.objects.select_for_update(of=("self",)).get(pk=_hold(hold).pk)
        if price_minor is not None:
            refuse_price(price_minor, row.price_minor, row.currency)
        until = clock.now() + dt.timedelta(minutes=minutes)
        if row.choice is not None and row.choice.expires_at > clock.now():
            return row.choice
        try:
            services.keep_bundle(bundle=row.public_id, until=until + GRACE)
        except REFUSALS as refused:
            raise refused_by(row.bank, refused) from refused
        row.choice = _choice(row, until)
        row.save(update_fields=["choice"])
        return row.choice

    def prepare_promise(self, hold: str, order: Order) -> object:
        """Return nothing: a promise has no slow part."""
        return None

    @transaction.atomic
    def promise(
        self, hold: str, order: Order, *, handover: str, cause: str, prepared: object = None
    ) -> Promise:
        """Give an order the compartments and their promise; its slot is given back.

        Raises LockerGone if the bank can no longer take the parcels; TooLate; VisitNotPrepared if
        the order moved to another day meanwhile.
        """
        row = _hold(hold)
        if row.order_id == order.pk and order.promise is not None:
            return order.promise
        own = slots.vacate_slot(order=order, hub=row.bank.hub, service_date=row.service_date)
        hold_again(row)
        try:
            services.take_bundle(bundle=row.public_id, order=own, terms=terms_of(row), cause=cause)
        except REFUSALS as refused:
            raise refused_by(row.bank, refused) from refused
        LockerHold.objects.filter(pk=row.pk).update(order=own, updated_at=clock.now())
        services.point_to_next_look()
        own.refresh_from_db()
        assert own.promise is not None, "take_bundle() gives the order a promise"
        return own.promise


PROVIDER: Final = Lockers()


def state_of(row: LockerHold, rows: Sequence[LockerReservation]) -> str:
    """Return the state of a hold from the states of its compartments."""
    if row.order_id is not None:
        return PROMISED
    now = clock.now()
    states = {S(one.state) for one in rows}
    if states and states <= {S.SOFT_HELD}:
        if all(one.held_until is not None and one.held_until > now for one in rows):
            return LIVE if row.choice_id is None else KEPT
        return EXPIRED
    return EXPIRED if S.HOLD_EXPIRED in states else RELEASED


def _offer(
    near: NearBank, day: dt.date, rules: LockerPolicy, request: DeliveryRequest, chance: float
) -> FoundOffer:
    bank = near.bank
    ready = ready_at(bank.hub.zone, day, rules)
    opens_at, closes_at = window_of(bank, day, rules)
    return FoundOffer(
        provider=Lockers.name,
        offer=f"{bank.public_id}.{day.isoformat()}",
        option=option_of(bank),
        handovers=(Handover.CONTACTLESS.value,),
        service_date=day,
        opens_at=opens_at,
        closes_at=closes_at,
        book_until_at=order_until(bank.hub, day, rules),
        price_minor=rules.choice_price_minor,
        currency=request.currency,
        price_parts=({"code": "base", "amount_minor": rules.choice_price_minor},),
        details={
            "bank": bank.public_id,
            "distance_m": near.distance_m,
            "walk_s": walk_s(near.distance_m),
            "chance_percent": round(chance * 100),
            "ready_by": ready.isoformat(),
            "collect_until": collect_until(ready, rules).isoformat(),
        },
    )


def terms_of(row: LockerHold) -> CollectionTerms:
    return CollectionTerms(
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        service_date=row.service_date,
        option=row.option,
        price_minor=row.price_minor,
        currency=row.currency,
        co2_g=row.co2_g,
    )


def _choice(row: LockerHold, until: dt.datetime) -> Choice:
    """Write the choice of a hold, with which the retailer's order will come."""
    point: Point = row.bank.point
    return Choice.objects.create(
        session=row.session,
        expires_at=until,
        option=row.option,
        handover=row.handover,
        place_ref=row.bank.public_id,
        place_text=row.bank.place_text,
        lat=point.lat,
        lon=point.lon,
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


def _holds() -> QuerySet[LockerHold]:
    return LockerHold.objects.select_related("bank__hub", "order", "choice").order_by("pk")


def _hold(public_id: str) -> LockerHold:
    row = _holds().filter(public_id=public_id).first()
    if row is None:
        raise unknown()
    return row


def _all_held(rows: Iterable[LockerHold]) -> list[HeldPlace]:
    """Return holds with the states of their compartments, in one query for all."""
    holds = list(rows)
    if not holds:
        return []
    by_hold: dict[str, list[LockerReservation]] = {row.public_id: [] for row in holds}
    for one in services.bundle_rows(list(by_hold)):
        by_hold[one.bundle].append(one)
    return [_held(row, by_hold[row.public_id]) for row in holds]


def _held(row: LockerHold, rows: Sequence[LockerReservation]) -> HeldPlace:
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
        choice=row.choice.public_id if row.choice else "",
        order=row.order.public_id if row.order else "",
    )


def _expires_at(row: LockerHold, ends: Sequence[dt.datetime]) -> dt.datetime | None:
    if row.choice is not None:
        return row.choice.expires_at
    return min(ends, default=None)


def hold_again(row: LockerHold) -> None:
    """Hold the compartments again if their time is over and the bank still has room.

    Locks, Records: as ``hold_parcels``. Raises: LockerGone.
    """
    rows = list(services.bundle_rows([row.public_id]))
    if state_of(row, rows) != EXPIRED:
        return
    needs = [ParcelNeed(need=need_of(one), weight_g=one.weight_g) for one in rows]
    services.leave_bundle(bundle=row.public_id, cause="time_over")
    # The ended reservations keep their history; the new ones get the name of the hold.
    LockerReservation.objects.filter(bundle=row.public_id).update(bundle="")
    try:
        services.hold_parcels(
            bank=row.bank, parcels=needs, bundle=row.public_id, deposit_by=rows[0].deposit_by
        )
    except REFUSALS as refused:
        raise refused_by(row.bank, refused) from refused
