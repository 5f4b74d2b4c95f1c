"""Delivery in a time window and curbside collection: the options that have slots."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db.models import QuerySet

from dispatch.orders.models import Option, Order, Promise
from dispatch.slots import services
from dispatch.slots.models import Choice, Hold, Slot
from dispatch.slots.policy import slots_policy
from dispatch.slots.selectors import still_free
from dispatch.slots.services import Offer, PreparedHold, Terms
from dispatch.slots.services.counting import closed
from dispatch.slots.services.holding import amounts_of
from dispatch.slots.services.promising import prepare_again
from dispatch.slots.services.visits import PreparedVisit, not_prepared
from dispatch.slots.states import ChoiceState, HoldState
from lastmile.core import clock
from lastmile.core.refusals import unknown
from portal.choice.models import Caller
from portal.choice.providers.base import (
    FoundOffer,
    HeldPlace,
    Missing,
    PriceChange,
    ProviderAnswer,
    Question,
    Wish,
)

EXPIRED: Final = "expired"
_WAITING: Final = (HoldState.LIVE.value, HoldState.KEPT.value)


class Slots:
    """The provider of options that have slots."""

    name = "slots"
    hold_prefix = "hld"

    def find(self, question: Question) -> ProviderAnswer:
        """Return the slots that can truly be kept: by their counts and by the router."""
        answer = services.find_offers(
            request=question.request,
            since=question.since,
            until=question.until,
            session=question.session,
            caller=question.caller,
        )
        return ProviderAnswer(
            offers=tuple(_offer_of(offer) for offer in answer.offers),
            missing=tuple(
                Missing(
                    offer=item.slot or "",
                    service_date=item.service_date,
                    option=item.option,
                    opens_at=item.opens_at,
                    closes_at=item.closes_at,
                    reason=item.reason,
                    params=item.params,
                )
                for item in answer.not_offered
            ),
            not_ready=answer.not_ready,
            more_from=answer.more_from,
        )

    def bookable(self, offers: Collection[str], question: Question) -> set[str]:
        """Return which of these slots can still be booked by their counts."""
        checkout = question.caller == Caller.CHECKOUT
        share = slots_policy().checkout_share_percent if checkout else 100
        wanted = amounts_of(question.request)
        return still_free(offers, wanted, clock.now(), checkout_share=share)

    def prepare(self, question: Question, offer: str) -> PreparedHold:
        """Compute the travel times of a hold."""
        return services.prepare_hold(
            slot=_slot(offer), request=question.request, session=question.session
        )

    def hold(
        self, question: Question, wish: Wish, *, replaces: str = "", prepared: object = None
    ) -> HeldPlace:
        """Keep a place in a slot. Raises VisitNotPrepared without travel times for the day."""
        if not isinstance(prepared, PreparedHold):
            raise not_prepared()
        held = services.hold_prepared(
            slot=_slot(wish.offer),
            request=question.request,
            session=question.session,
            caller=question.caller,
            terms=Terms(
                price_minor=wish.price_minor,
                currency=wish.currency,
                price_parts=tuple(wish.price_parts),
                handover=wish.handover,
                co2_g=wish.co2_g,
                added_s=wish.added_s,
                added_m=wish.added_m,
                cost_minor=wish.cost_minor,
            ),
            replaces=_hold(replaces) if replaces else None,
            ready=prepared,
        )
        return _held(held)

    def holds_of(self, session: str) -> list[HeldPlace]:
        """Return the places that a session holds now, the newest last."""
        rows = _holds().filter(session=session, state__in=_WAITING, expires_at__gt=clock.now())
        return [_held(row) for row in rows.order_by("created_at", "pk")]

    def find_hold(self, hold: str) -> HeldPlace | None:
        """Return a hold by its public id, or None."""
        row = _holds().filter(public_id=hold).first()
        return None if row is None else _held(row)

    def release(self, hold: str) -> HeldPlace:
        """Give a place back."""
        return _held(services.release_hold(hold=_hold(hold)))

    def reprice(self, hold: str, value_minor: int | None) -> PriceChange:
        """Give a hold the price for a basket of another value."""
        change = services.reprice_hold(hold=_hold(hold), value_minor=value_minor)
        return PriceChange(
            old_minor=change.old_minor,
            new_minor=change.new_minor,
            currency=change.currency,
            code=change.code,
            why=change.why,
        )

    def prepare_keep(self, hold: str) -> PreparedVisit | None:
        """Compute the travel times of a hold that expired."""
        return prepare_again(_hold(hold))

    def keep(
        self, hold: str, *, minutes: int, price_minor: int | None, prepared: object = None
    ) -> Choice:
        """Keep a hold as a choice. The caller has locked its day already."""
        return services.keep_hold(
            hold=_hold(hold),
            minutes=minutes,
            price_minor=price_minor,
            prepared=prepared if isinstance(prepared, PreparedVisit) else None,
            again=False,
        )

    def prepare_promise(self, hold: str, order: Order) -> PreparedVisit | None:
        """Compute the travel times of a promise whose hold has no visit."""
        return services.prepare_promise(hold=_hold(hold), order=order)

    def promise(
        self, hold: str, order: Order, *, handover: str, cause: str, prepared: object = None
    ) -> Promise:
        """Give an order the promise of a hold. Raises VisitNotPrepared as ``hold`` does."""
        return services.promise_hold(
            hold=_hold(hold),
            order=order,
            handover=handover,
            cause=cause,
            prepared=prepared if isinstance(prepared, PreparedVisit) else None,
            again=False,
        )


PROVIDER: Final = Slots()


def _slot(public_id: str) -> Slot:
    """Return a slot that was offered. Raises SlotClosed if a rule has removed it since."""
    row = Slot.objects.select_related("hub", "zone").filter(public_id=public_id).first()
    if row is None:
        raise closed(public_id)
    return row


def _holds() -> QuerySet[Hold]:
    return Hold.objects.select_related("slot__hub", "order", "choice")


def _hold(public_id: str) -> Hold:
    row = _holds().filter(public_id=public_id).first()
    if row is None:
        raise unknown()
    return row


def _offer_of(offer: Offer) -> FoundOffer:
    return FoundOffer(
        provider=Slots.name,
        offer=offer.slot,
        option=offer.option,
        handovers=offer.handovers,
        service_date=offer.service_date,
        opens_at=offer.opens_at,
        closes_at=offer.closes_at,
        book_until_at=offer.book_until_at,
        price_minor=offer.price_minor,
        currency=offer.currency,
        price_parts=offer.price_parts,
        added_s=offer.added_s,
        added_m=offer.added_m,
        cost_minor=offer.cost_minor,
        co2_g=offer.co2_g,
        travel_source=offer.travel_source,
    )


def _held(row: Hold) -> HeldPlace:
    slot = row.slot
    state = row.state
    if state in _WAITING and row.expires_at is not None and row.expires_at <= clock.now():
        state = EXPIRED
    choice = Choice.objects.filter(hold=row).exclude(state=ChoiceState.CANCELLED).first()
    return HeldPlace(
        hold=row.public_id,
        session=row.session,
        offer=slot.public_id,
        hub=slot.hub.public_id,
        time_zone=slot.hub.zone,
        state=state,
        expires_at=row.expires_at,
        option=slot.option,
        handover=row.handover,
        service_date=slot.service_date,
        opens_at=slot.opens_at,
        closes_at=slot.closes_at,
        price_minor=row.price_minor,
        currency=row.currency,
        price_parts=row.price_parts,
        value_minor=row.value_minor,
        weight_g=row.weight_g,
        volume_cm3=row.volume_cm3,
        parcels=row.parcels,
        co2_g=row.co2_g,
        place_text=row.place_text if slot.option == Option.WINDOW else slot.hub.place_text,
        choice=choice.public_id if choice else "",
        order=row.order.public_id if row.order else "",
    )
