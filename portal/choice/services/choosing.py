"""Confirms a held place: as a choice that waits for the order, or as the promise of an order."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.models import Cause, Order, Promise
from dispatch.slots import services as slots
from dispatch.slots.models import Choice
from dispatch.slots.policy import slots_policy
from dispatch.slots.states import ChoiceState
from lastmile.core import clock
from lockers.selectors import WITH_COMPARTMENT
from lockers.services import leave_lockers
from portal.choice.errors import BasketChanged, LockerGone
from portal.choice.models import DeliverySession, ShownOffer
from portal.choice.providers import provider_of_hold
from portal.choice.providers.base import HeldPlace
from portal.choice.selectors import offers_of
from portal.choice.services.asking import lock_session
from portal.choice.services.holding import (
    NEEDS_ANOTHER,
    cancel_kept,
    has_room_for,
    with_alternatives,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyChoice:
    """A held place that is about to be confirmed, with what its provider prepared."""

    held: HeldPlace
    prepared: object = None


def prepare_choice(*, held: HeldPlace) -> ReadyChoice:
    """Do the slow part of ``confirm_choice``. Call it outside any transaction.

    Locks: nothing. Records: nothing. Raises: as the provider.
    """
    return ReadyChoice(held=held, prepared=provider_of_hold(held.hold).prepare_keep(held.hold))


@transaction.atomic
def confirm_choice(
    *, session: DeliverySession | None, ready: ReadyChoice, price_minor: int | None = None
) -> Choice:
    """Keep a held place until the retailer's order comes; the last choice of a session counts.

    ``price_minor`` is the price that the shopper saw; another price is refused. Earlier choices of
    the session that still wait are cancelled, so an order can only come for the last one.

    Locks: the session, then as the provider. Records: choice.kept, choice.cancelled. Raises:
    BasketChanged if the goods have grown since; PriceChanged; SlotPassed, SlotClosed, HoldEnded
    with other offers; VisitNotPrepared if the day changed meanwhile: leave the transaction, call
    ``prepare_choice`` and repeat it.
    """
    held = ready.held
    if session is not None:
        lock_session(session)
        waiting = Choice.objects.filter(session=session.public_id, state=ChoiceState.WAITING)
        others = waiting.filter(hold__isnull=False).values_list("hold__public_id", flat=True)
        slots.lock_places([held.hold, *others])
    if session is not None and not has_room_for(held, session):
        raise BasketChanged(
            _("The basket has grown since this time was held. Hold the offer again, then confirm."),
            data={"hold": held.hold, "offer": held.offer},
        )
    try:
        choice = provider_of_hold(held.hold).keep(
            held.hold,
            minutes=slots_policy().choice_minutes,
            price_minor=price_minor,
            prepared=ready.prepared,
        )
    except NEEDS_ANOTHER as refused:
        shown = _shown(held)
        if session is None or shown is None:
            raise
        raise with_alternatives(refused, session, shown) from refused
    if session is not None:
        earlier = Choice.objects.filter(session=session.public_id, state=ChoiceState.WAITING)
        for row in earlier.exclude(pk=choice.pk).order_by("pk"):
            cancel_kept(row)
    _mark_chosen(held)
    return choice


def cancel_choice(*, choice: Choice) -> Choice:
    """Cancel a choice and give its place back. Locks, Records, Raises: as the provider."""
    return cancel_kept(choice)


def prepare_order_choice(*, order: Order, held: HeldPlace) -> ReadyChoice:
    """Do the slow part of ``choose_for_order``. Call it outside any transaction.

    Locks: nothing. Records: nothing. Raises: as the provider.
    """
    prepared = provider_of_hold(held.hold).prepare_promise(held.hold, order)
    return ReadyChoice(held=held, prepared=prepared)


@transaction.atomic
def choose_for_order(
    *, order: Order, ready: ReadyChoice, handover: str = "", cause: str = Cause.SHOPPER
) -> Promise:
    """Give an existing order the promise of a held place; its old place is given back.

    The old place is a place in a slot or compartments of a bank of lockers. All is one
    transaction, so the order never has two places and never none.

    Locks, Records: as the provider. Raises: as the provider; VisitNotPrepared if the day changed
    meanwhile: leave the transaction, call ``prepare_order_choice`` and repeat it.
    """
    held = ready.held
    provider = provider_of_hold(held.hold)
    try:
        promise = provider.promise(
            held.hold,
            order,
            handover=handover or held.handover,
            cause=cause,
            prepared=ready.prepared,
        )
    except LockerGone as refused:
        session, shown = DeliverySession.objects.get(public_id=held.session), _shown(held)
        if shown is None:
            raise
        raise with_alternatives(refused, session, shown) from refused
    if promise.option not in WITH_COMPARTMENT:
        leave_lockers(order=order)
    _mark_chosen(held)
    return promise


def _shown(held: HeldPlace) -> ShownOffer | None:
    session = DeliverySession.objects.filter(public_id=held.session).first()
    return None if session is None else offers_of(session).filter(offer=held.offer).first()


def _mark_chosen(held: HeldPlace) -> None:
    """Store when an offer was chosen, on the row from which it was held."""
    rows = ShownOffer.objects.filter(session__public_id=held.session, hold=held.hold)
    rows.update(chosen_at=clock.now())
