"""Collection at banks of lockers and at counters: the options that have compartments.

Each near bank with room for all parcels is one offer: on the first day that its hub can still
serve it. Holding an offer reserves a compartment for each parcel.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.models import Handover, Order, Promise
from dispatch.slots import services as slots
from dispatch.slots.errors import HoldEnded
from dispatch.slots.models import Choice
from dispatch.slots.services import DeliveryRequest
from dispatch.slots.services.pricing import refuse_price
from dispatch.slots.states import ChoiceState
from lastmile.core import clock
from lastmile.core.tenancy import current_schema
from lastmile.worklist.services import point_once
from lockers import services
from lockers.policy import LockerPolicy, locker_policy
from lockers.selectors import BankOffer, BankSearch, bank_offers, banks
from lockers.selectors.offers import banks_with_room, deposit_by, order_until, window_of
from portal.choice.models import LockerHold
from portal.choice.near_banks import (
    may_be_left,
    offered_bank,
    parcels_of,
    refused_by,
    too_late_for,
)
from portal.choice.providers.base import (
    FoundOffer,
    HeldPlace,
    PriceChange,
    ProviderAnswer,
    Question,
    Wish,
)
from portal.choice.providers.locker_holds import (
    MARGIN_S,
    POINTER,
    REFUSALS,
    all_held,
    choice_terms,
    give_back,
    held_of,
    hold_again,
    hold_called,
    holds,
    lock_hold,
    refuse_unconfirmable,
    state_of,
    terms_of,
)
from portal.choice.states import PlaceState

P = PlaceState
#: The compartments of a choice stay this much longer for an order that comes just in time.
GRACE: Final = dt.timedelta(minutes=30)


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
        search = BankSearch(
            hub=request.hub,
            near=request.point,
            parcels=parcels,
            since=question.since,
            until=question.until,
        )
        return ProviderAnswer(
            offers=tuple(_offer(one, rules, request) for one in bank_offers(search))
        )

    def bookable(self, offers: Collection[str], question: Question) -> set[str]:
        """Return which of these banks are connected and have room for all parcels now."""
        parcels = parcels_of(question.request)
        if not parcels:
            return set()
        by_bank = {offer.partition(".")[0]: offer for offer in offers}
        rows = list(banks().filter(public_id__in=by_bank))
        free = banks_with_room(rows, parcels)
        return {by_bank[bank.public_id] for bank in rows if bank.pk in free}

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
            raise too_late_for(bank)
        opens_at, closes_at = window_of(bank, day, rules)
        row = LockerHold(
            session=question.session,
            offer=wish.offer,
            bank=bank,
            option=bank.option,
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
        return held_of(row, list(services.bundle_rows([row.public_id])))

    def holds_of(self, session: str) -> list[HeldPlace]:
        """Return the places that a session holds now, the newest last."""
        rows = list(holds().filter(session=session, order=None, released_at=None))
        return [held for held in all_held(rows) if held.state in {P.LIVE, P.KEPT}]

    def find_hold(self, hold: str) -> HeldPlace | None:
        """Return a hold by its public id, or None."""
        return next(iter(all_held(holds().filter(public_id=hold))), None)

    @transaction.atomic
    def release(self, hold: str) -> HeldPlace:
        """Give the compartments back, and end the choice that keeps them. Raises HoldEnded."""
        row = lock_hold(hold)
        rows = list(services.bundle_rows([row.public_id]))
        if state_of(row, rows) == P.PROMISED:
            raise HoldEnded(
                _("An order has this locker. Cancel the order, or choose another option for it.")
            )
        give_back(row)
        if row.choice is not None and row.choice.state != ChoiceState.CANCELLED:
            row.choice = slots.cancel_choice(choice=row.choice)
        return held_of(row, list(services.bundle_rows([row.public_id])))

    def reprice(self, hold: str, value_minor: int | None) -> PriceChange:
        """Note the new value of the basket; the price does not depend on it."""
        row = hold_called(hold)
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
        """Keep the compartments until the retailer's order comes. Raises LockerGone.

        A hold whose time is over is held again, if the bank still has room.
        """
        row = lock_hold(hold)
        state = state_of(row, list(services.bundle_rows([row.public_id])))
        if state == P.KEPT and row.choice is not None:
            return row.choice
        refuse_unconfirmable(row, state)
        if price_minor is not None:
            refuse_price(price_minor, row.price_minor, row.currency)
        hold_again(row)
        until = clock.now() + dt.timedelta(minutes=minutes)
        try:
            services.keep_bundle(bundle=row.public_id, until=until + GRACE)
        except REFUSALS as refused:
            raise refused_by(row.bank, refused) from refused
        row.choice = slots.keep_slotless_choice(
            terms=choice_terms(row), until=until, again=row.choice
        )
        row.save(update_fields=["choice"])
        point_once(
            schema=current_schema(), kind=POINTER, due_in_s=minutes * 60 + 1, margin_s=MARGIN_S
        )
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
        row = hold_called(hold)
        state = state_of(row, list(services.bundle_rows([row.public_id])))
        if row.order_id == order.pk and order.promise is not None and state == P.PROMISED:
            return order.promise
        refuse_unconfirmable(row, state)
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


def _offer(one: BankOffer, rules: LockerPolicy, request: DeliveryRequest) -> FoundOffer:
    return FoundOffer(
        provider=Lockers.name,
        offer=f"{one.bank.public_id}.{one.day.isoformat()}",
        option=one.bank.option,
        handovers=(Handover.CONTACTLESS.value,),
        service_date=one.day,
        opens_at=one.opens_at,
        closes_at=one.closes_at,
        book_until_at=one.book_until_at,
        price_minor=rules.choice_price_minor,
        currency=request.currency,
        price_parts=({"code": "base", "amount_minor": rules.choice_price_minor},),
        details={
            "bank": one.bank.public_id,
            "distance_m": one.distance_m,
            "walk_s": one.walk_s,
            "chance_percent": round(one.chance * 100),
            "ready_by": one.ready_at.isoformat(),
            "collect_until": one.collect_until.isoformat(),
        },
    )
