"""Turns holds into choices and promises.

Anybody can read a checkout key, so a checkout only keeps a hold (``keep_hold``). The retailer's
order with the id of the choice makes the promise (``use_choice``). See ADR 0030.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.models import Cause, Order, Promise
from dispatch.slots.counts import WAITING, Amounts
from dispatch.slots.errors import ChoiceGone, HoldEnded, SlotClosed, SlotPassed
from dispatch.slots.events import CHOICE_CANCELLED, CHOICE_KEPT, CHOICE_USED
from dispatch.slots.models import Choice, Hold
from dispatch.slots.policy import slots_policy
from dispatch.slots.rules.grams import shown_grams
from dispatch.slots.selectors import alternatives
from dispatch.slots.services.counting import choice_facts, give_back, lock_slots
from dispatch.slots.services.holding import lock_hold, promised_hold
from dispatch.slots.services.matching import refuse_difference
from dispatch.slots.services.pricing import refuse_other_price
from dispatch.slots.services.promising import (
    ensure_taken,
    ensure_visit,
    own_visit,
    prepare_again,
    promise_hold,
)
from dispatch.slots.services.slotless import use_slotless_choice
from dispatch.slots.services.visits import (
    TRIES,
    Days,
    PreparedVisit,
    VisitNotPrepared,
    days_of_holds,
    days_of_visits,
)
from dispatch.slots.states import ChoiceState, HoldState
from lastmile.core import clock
from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.events import record

LONGEST_MINUTES = 24 * 60


def keep_hold(
    *,
    hold: Hold,
    minutes: int,
    price_minor: int | None = None,
    prepared: PreparedVisit | None = None,
    again: bool = True,
) -> Choice:
    """Keep a hold until the retailer's order comes, for at most ``minutes``, as a choice.

    Keeping a kept hold again returns its choice. A hold that expired is kept if its place still
    fits. ``price_minor`` is the price that the shopper confirmed. A choice ends at the latest when
    its slot opens.

    If ``prepared`` is no longer enough, the travel is computed again without a lock. ``again`` is
    False where the caller's transaction has locked the day already: then that is refused.

    Locks: the day, the slot, the hold. Records: choice.kept. Raises: SlotPassed, SlotClosed;
    HoldEnded with the nearest slots; PriceChanged if ``price_minor`` is not the price of the hold;
    VisitNotPrepared if the day changes all the time, or without ``again``.
    """
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                return _keep(hold, minutes, price_minor, prepared)
        except VisitNotPrepared:
            if not left or not again:
                raise
            prepared = prepare_again(hold)
    raise AssertionError("The last try returns or raises.")


def _keep(
    hold: Hold, minutes: int, price_minor: int | None, prepared: PreparedVisit | None
) -> Choice:
    """Keep a hold in this transaction. Raises: as ``keep_hold``."""
    days = Days(days_of_holds([hold]))
    slot, at = lock_slots([hold.slot_id])[hold.slot_id], clock.now()
    row = lock_hold(hold)
    kept = Choice.objects.filter(hold=row, state=ChoiceState.WAITING, expires_at__gt=at).first()
    if kept is not None and row.state == HoldState.KEPT:
        return kept
    refuse_other_price(row, price_minor)
    if slot.book_until_at <= at:
        raise SlotPassed(
            _("This time window can no longer be booked. Choose a later one."),
            data=alternatives(slot, Amounts.of_hold(row), at),
        )
    share = slots_policy().checkout_share_percent
    days.drop_expired(at, but=own_visit(row))
    row = ensure_taken(row, slot, at=at, checkout_share=share)
    last = at + dt.timedelta(minutes=max(1, min(minutes, LONGEST_MINUTES)))
    row.state, row.expires_at = HoldState.KEPT, min(last, slot.opens_at)
    row.save(update_fields=["state", "expires_at"])
    ensure_visit(row, slot, days, prepared, at=at)
    days.extend(row)
    choice = _write_choice(row)
    record(CHOICE_KEPT, choice_facts(choice), subject=choice.public_id)
    return choice


@transaction.atomic
def cancel_choice(*, choice: Choice) -> Choice:
    """Cancel a choice and give its place back. A choice that ended before stays as it is.

    Locks: the day, the slot, the hold. Records: choice.cancelled, hold.released. Raises: ChoiceGone
    for a choice that an order has used: cancel the order instead.
    """
    hold = choice.hold
    days = Days(days_of_holds([hold] if hold else []))
    row = None
    if hold is not None:
        lock_slots([hold.slot_id])
        row = lock_hold(hold)
    present = Choice.objects.select_for_update(of=("self",)).get(pk=choice.pk)
    if present.state == ChoiceState.USED:
        raise ChoiceGone(_("An order has used this choice. Cancel or change the order instead."))
    if present.state == ChoiceState.CANCELLED:
        return present
    Choice.objects.filter(pk=present.pk).update(state=ChoiceState.CANCELLED, updated_at=clock.now())
    present.state = ChoiceState.CANCELLED
    if row is not None and row.state in WAITING:
        days.remove(row)
        give_back([row], reason="shopper")
    record(CHOICE_CANCELLED, choice_facts(present), subject=present.public_id)
    return present


def prepare_choice(choice_id: str) -> PreparedVisit | None:
    """Compute the travel times of a choice whose visit is gone because it expired.

    Call it outside a transaction, before ``use_choice``. Return None if nothing is to be computed.
    Locks: nothing. Records: nothing. Raises: nothing.
    """
    choice = Choice.objects.select_related("hold__slot__hub", "hold__slot__zone").filter(
        public_id=choice_id, state__in=[ChoiceState.WAITING, ChoiceState.EXPIRED]
    )
    hold = next((row.hold for row in choice), None)
    return prepare_again(hold) if hold is not None else None


def lock_days_of_choices(choice_ids: Collection[str], external_ids: Collection[str] = ()) -> None:
    """Lock the days of choices and of existing orders, before these orders are written.

    Days are always locked before orders. Call it first in the transaction that places orders.
    Locks: the days. Records: nothing. Raises: nothing.
    """
    holds = Hold.objects.filter(choice__public_id__in=list(choice_ids))
    days = days_of_holds(holds.select_related("slot__hub"))
    orders = Order.objects.filter(external_id__in=list(external_ids))
    Days([*days, *days_of_visits(orders.values_list("public_id", flat=True))])


@transaction.atomic
def use_choice(
    *,
    order: Order,
    choice_id: str,
    value_minor: int | None = None,
    price_minor: int | None = None,
    prepared: PreparedVisit | None = None,
) -> Promise:
    """Give an order the promise that its shopper chose. Call it where the order is placed.

    The same order may name its choice again. An expired choice is kept if its place still fits.
    ``value_minor`` is the value of the order's goods and ``price_minor`` the price that the shopper
    paid for the delivery; None means what the order says. A value that is not known is not
    compared.

    Locks: the days, the order, the slots, the hold. Records: choice.used, order.promised. Raises:
    Invalid for an unknown choice; ChoiceGone with up to three near slots; ChoiceDiffers for other
    goods or another address; PriceChanged; VisitNotPrepared if its travel must be computed
    again: call ``prepare_choice`` and repeat the transaction.
    """
    choice = _choice(choice_id)
    if choice.state == ChoiceState.USED and choice.order_id == order.pk:
        promise = order.promises.order_by("-number").first()
        if promise is not None:
            return promise
    if choice.hold is None and choice.place_ref:
        paid = order.price_minor if price_minor is None else price_minor
        return use_slotless_choice(order=order, choice=choice, price_minor=paid)
    hold = _usable_hold(choice)
    refuse_difference(order, hold)
    if order.currency == hold.currency:
        value_minor = order.value_minor if value_minor is None else value_minor
        price_minor = order.price_minor if price_minor is None else price_minor
    refuse_other_price(hold, price_minor, value_minor)
    try:
        promise = promise_hold(
            hold=hold,
            order=order,
            handover=choice.handover,
            cause=Cause.CHOICE,
            prepared=prepared,
            again=False,
        )
    except (HoldEnded, SlotClosed, SlotPassed) as gone:
        present = _choice(choice_id)
        if present.state == ChoiceState.USED:  # by another order, while this one waited
            raise _unusable(present) from gone
        raise ChoiceGone(gone.detail, data=gone.data) from gone
    updated = Choice.objects.filter(
        pk=choice.pk, state__in=[ChoiceState.WAITING, ChoiceState.EXPIRED]
    ).update(state=ChoiceState.USED, order=order, hold=promised_hold(order), updated_at=clock.now())
    if not updated:
        raise _unusable(_choice(choice_id))
    choice.state, choice.order = ChoiceState.USED, order
    record(CHOICE_USED, choice_facts(choice), subject=choice.public_id)
    return promise


def _choice(public_id: str) -> Choice:
    """Return a choice by its public id. Raises Invalid if there is none."""
    choice = (
        Choice.objects.select_related("hold__slot__hub", "hold__slot__zone")
        .filter(public_id=public_id)
        .first()
    )
    if choice is None:
        text = _("This choice is unknown. Send the id that the checkout got when it confirmed.")
        raise Invalid(text, errors=[FieldProblem("/choice", text, "unknown_choice")])
    return choice


def _usable_hold(choice: Choice) -> Hold:
    """Return the hold of a choice that an order may still use. Raises ChoiceGone."""
    hold = choice.hold
    if choice.state not in {ChoiceState.WAITING, ChoiceState.EXPIRED} or hold is None:
        raise _unusable(choice)
    expired = hold.state == HoldState.RELEASED and hold.expires_at is not None
    if hold.state not in WAITING and not expired:
        raise _unusable(choice)
    return hold


def _unusable(choice: Choice) -> ChoiceGone:
    if choice.state == ChoiceState.USED:
        text = _("Another order has used this choice already. Let the shopper choose again.")
    else:
        text = _("This choice was cancelled. Let the shopper choose again.")
    data: dict[str, Any] = {"choice": choice.public_id, "state": choice.state}
    if choice.hold is not None:
        data |= alternatives(choice.hold.slot, Amounts.of_hold(choice.hold), clock.now())
    return ChoiceGone(text, data=data)


def _write_choice(hold: Hold) -> Choice:
    """Write the choice of a hold; a choice that expired waits again."""
    slot = hold.slot
    assert hold.expires_at is not None, "a kept hold ends at a time"
    terms = {
        "session": hold.session,
        "state": ChoiceState.WAITING,
        "expires_at": hold.expires_at,
        "option": slot.option,
        "handover": hold.handover,
        "slot": slot.public_id,
        "place_text": hold.place_text,
        "lat": hold.lat,
        "lon": hold.lon,
        "opens_at": slot.opens_at,
        "closes_at": slot.closes_at,
        "price_minor": hold.price_minor,
        "currency": hold.currency,
        "co2_g": shown_grams(hold.co2_g),
        "value_minor": hold.value_minor,
    }
    choice, _new = Choice.objects.update_or_create(hold=hold, defaults=terms)
    return choice
