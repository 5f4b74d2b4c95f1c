"""Gives an order the promise of a hold, and gives its old place back, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from dispatch.orders.drafts import PromisedPlace, PromiseDraft
from dispatch.orders.models import Handover, Order, Promise
from dispatch.orders.services import (
    change_order,
    lock_orders,
    mark_unplanned,
    set_promise,
    try_again,
)
from dispatch.orders.services.promising import COLLECTED
from dispatch.orders.states import OrderState
from dispatch.planning.selectors.lists import published
from dispatch.slots.counts import DIMENSIONS, WAITING, Amounts
from dispatch.slots.errors import HoldEnded, OrderMoved, SlotClosed, SlotFull, SlotPassed
from dispatch.slots.events import HOLD_PLACED
from dispatch.slots.models import Caller, Choice, Hold, Slot
from dispatch.slots.rules.grams import shown_grams
from dispatch.slots.selectors import alternatives
from dispatch.slots.services.counting import (
    give_back,
    give_back_expired,
    lock_slots,
    set_amounts,
    stop_counting_as_held,
    take,
)
from dispatch.slots.services.holding import has_day, hold_facts, lock_hold, promised_hold
from dispatch.slots.services.leaving import refuse_too_late
from dispatch.slots.services.matching import same_door
from dispatch.slots.services.requests import DeliveryRequest, request_for_order
from dispatch.slots.services.visits import (
    Days,
    HubDay,
    PreparedVisit,
    VisitDoesNotFit,
    VisitNotPrepared,
    days_of_holds,
    days_of_visits,
    is_on_another_day,
    is_visit_for,
    needs_visit,
    not_prepared,
    prepare_visit,
)
from dispatch.slots.states import ChoiceState, HoldState
from lastmile.core import clock
from lastmile.core.events import record

#: Tries of a promise whose order moves to another day at the same time. Chosen.
TURNS: Final = 4
#: A hold that ends sooner may lose its visit before it is confirmed. Chosen.
_SOON: Final = dt.timedelta(minutes=1)


class _OnAnotherDay(Exception):
    """The order has a visit on a day that is not locked."""


def prepare_promise(*, hold: Hold, order: Order) -> PreparedVisit | None:
    """Compute the travel times of a promise whose hold has no visit: it expired, or exchanges one.

    Call it outside a transaction. Return None if the hold's own visit will be used.
    Locks: nothing. Records: nothing. Raises: AddressUnknown, OutsideEveryZone.
    """
    if not needs_visit(hold.slot) or _has_visit(hold, order):
        return None
    return _prepare(hold, order)


def _prepare(hold: Hold, order: Order) -> PreparedVisit | None:
    request = request_for_order(
        order, place=hold.point, place_text=hold.place_text, hub=hold.slot.hub
    )
    return prepare_visit(key=order.public_id, slot=hold.slot, request=request)


def promise_hold(
    *,
    hold: Hold,
    order: Order,
    handover: str,
    cause: str,
    place: PromisedPlace | None = None,
    prepared: PreparedVisit | None = None,
    again: bool = True,
) -> Promise:
    """Give an order the promise of a hold. The place of its old promise is given back.

    The order moves to the hub and the date of the slot; if a plan contains it on another day, it
    leaves that plan. ``handover`` "" keeps the handover of the promise before. ``place`` is the
    place of the promise if it is not the place of the hold. The same promise again changes nothing.

    If ``prepared`` is no longer enough, the travel is computed again without a lock. ``again`` is
    False where the caller's transaction has locked days and orders already. Then it can neither
    wait for travel nor lock the day to which the order has moved: repeat the transaction.

    Locks: the days, the order, the slots, the holds. Records: order.promised, order.changed,
    order.ready, hold.released. Raises: HoldEnded with the nearest slots if the hold has ended and
    its place no longer fits; SlotPassed, SlotClosed; TooLate once the van has left; OrderMoved;
    VisitNotPrepared.
    """
    for _turn in range(TURNS):
        wanted = _days(hold, order)
        try:
            with transaction.atomic():
                return _promise_on(wanted, hold, order, (handover, cause, place), prepared)
        except VisitNotPrepared:
            if not again:
                raise
            prepared = _prepare(hold, order)
        except (_OnAnotherDay, IntegrityError) as moved:
            if isinstance(moved, IntegrityError) and not is_on_another_day(moved):
                raise
            if not again:
                raise not_prepared() from moved
    raise OrderMoved(_("The order is being changed elsewhere at the same time. Try again."))


def _promise_on(
    wanted: list[HubDay],
    hold: Hold,
    order: Order,
    terms: tuple[str, str, PromisedPlace | None],
    prepared: PreparedVisit | None,
) -> Promise:
    """Promise with these days locked. Raises: as ``promise_hold``; _OnAnotherDay.

    The days of the order were read before they were locked, so it may have moved since.
    """
    days = Days(wanted)
    (row,) = lock_orders([order.pk])
    if days.lack(row.public_id):
        raise _OnAnotherDay
    old = promised_hold(row)
    slots = lock_slots({hold.slot_id} | ({old.slot_id} if old else set()))
    slot, at = slots[hold.slot_id], clock.now()
    present = lock_hold(hold)
    if present.state == HoldState.PROMISED and present.order_id == row.pk and row.promise:
        return row.promise
    if present.order_id not in (None, row.pk):
        raise _ended(present, slot, at)
    refuse_too_late(row, at)
    _refuse_passed(present, slot, row, at)
    days.drop_expired(at, but=own_visit(present))
    taken = ensure_taken(present, slot, at=at, late=has_day(row, slot))
    _take_rest(taken, old, slot, row, at)
    _move_visit(taken, slot, row, days, prepared, at)
    if old is not None:
        give_back([lock_hold(old)], reason="superseded")
    promise = _promise(row, taken, _terms(row, taken, *terms))
    set_amounts(taken, order_amounts(row))
    stop_counting_as_held(taken)
    taken.state, taken.order, taken.expires_at = HoldState.PROMISED, row, None
    taken.handover = promise.handover
    taken.save()
    return promise


def ensure_taken(
    hold: Hold, slot: Slot, *, at: dt.datetime, late: bool = False, checkout_share: int = 100
) -> Hold:
    """Return a locked hold whose place is certainly counted.

    A hold whose place was given back because it expired is live again with the same terms, if the
    slot still has a place. A hold whose choice was cancelled or used never is. ``checkout_share``
    is the share of the slot in per cent that checkouts may hold.
    Locks: expired holds. Records: hold.released, hold.placed. Raises: HoldEnded with the nearest
    slots, SlotPassed, SlotClosed.
    """
    if hold.state in WAITING:
        return hold
    if hold.state != HoldState.RELEASED or hold.expires_at is None or _is_over(hold):
        raise _ended(hold, slot, at)
    give_back_expired([slot], at)
    share = checkout_share if hold.caller == Caller.CHECKOUT else None
    with _naming_slots_near(hold, slot, at):
        take(slot, Amounts.of_hold(hold), at=at, late=late, checkout_share=share)
    hold.state = HoldState.LIVE
    hold.save(update_fields=["state"])
    record(HOLD_PLACED, hold_facts(hold), subject=hold.public_id)
    return hold


def _is_over(hold: Hold) -> bool:
    """Return True if the choice of a locked hold was cancelled or used."""
    over = [ChoiceState.CANCELLED, ChoiceState.USED]
    return Choice.objects.filter(hold=hold, state__in=over).exists()


def ensure_visit(
    hold: Hold, slot: Slot, days: Days, prepared: PreparedVisit | None, *, at: dt.datetime
) -> None:
    """Put the visit of a locked hold back into its day if it is gone because the hold expired.

    Locks: nothing more. Records: nothing. Raises: HoldEnded with the nearest slots if it no longer
    fits; VisitNotPrepared.
    """
    if hold.order_id is not None or days.has(hold):
        return
    days.remove(hold)
    if hold.point is None:
        return
    if prepared is None:
        raise not_prepared()
    try:
        days.insert(hold, prepared.named(hold.public_id))
    except VisitDoesNotFit as fault:
        raise _ended(hold, slot, at) from fault


def prepare_again(hold: Hold) -> PreparedVisit | None:
    """Compute the travel times of a hold whose visit is gone; None if it has its visit.

    Call it outside a transaction, before ``keep_hold`` of a hold that has expired.
    Locks: nothing. Records: nothing. Raises: nothing.
    """
    if hold.point is None or _has_visit(hold):
        return None
    request = DeliveryRequest(
        point=hold.point,
        place_text=hold.place_text,
        hub=hold.slot.hub,
        zone=hold.slot.zone,
        weight_g=hold.weight_g,
        volume_cm3=hold.volume_cm3,
        parcels=hold.parcels,
        service_s=hold.work_s,
        skills=frozenset(hold.skills),
        collects=hold.collects,
        currency=hold.currency,
    )
    return prepare_visit(key=hold.public_id, slot=hold.slot, request=request)


def _take_rest(hold: Hold, old: Hold | None, slot: Slot, order: Order, at: dt.datetime) -> None:
    """Take what an order needs in a slot beyond its hold and its old place in the same slot.

    A change within its own slot holds no place, because the old one serves. The old place may be
    gone meanwhile, and the goods may have grown. Raises: HoldEnded with the nearest slots.
    """
    rest = order_amounts(order).beyond(Amounts.of_hold(hold))
    if old is not None and old.slot_id == slot.pk:
        rest = rest.beyond(Amounts.of_hold(old))
    missing = [name for name in DIMENSIONS if getattr(rest, name)]
    if not missing:
        return
    with _naming_slots_near(hold, slot, at):
        take(slot, rest, at=at, late=has_day(order, slot))
    for name in missing:
        setattr(hold, name, getattr(hold, name) + getattr(rest, name))


@contextmanager
def _naming_slots_near(hold: Hold, slot: Slot, at: dt.datetime) -> Iterator[None]:
    """Let a refusal to take a place name the nearest slots."""
    try:
        yield
    except SlotFull as full:
        raise _ended(hold, slot, at) from full
    except (SlotClosed, SlotPassed) as refused:
        near = alternatives(slot, Amounts.of_hold(hold), at)
        raise type(refused)(refused.detail, data=refused.data | near) from refused


def own_visit(hold: Hold) -> list[str]:
    """Return the key of a hold whose visit stays although it expired: its place is still taken."""
    return [hold.public_id] if hold.state in WAITING else []


def _has_visit(hold: Hold, order: Order | None = None) -> bool:
    """Return True if a hold has a visit, large enough for an order, that stays for a minute."""
    ends_at = hold.expires_at
    lasts = hold.state in WAITING and ends_at is not None and ends_at > clock.now() + _SOON
    return lasts and is_visit_for(hold.public_id, order)


def order_amounts(order: Order) -> Amounts:
    """Return what an order takes in a slot."""
    return Amounts(work_s=order.service_s, weight_g=order.weight_g, volume_cm3=order.volume_cm3)


def _days(hold: Hold, order: Order) -> list[HubDay]:
    """Return the days to lock: that of the slot, and that of the order's present visit."""
    return [*days_of_holds([hold]), *days_of_visits([order.public_id])]


def _refuse_passed(hold: Hold, slot: Slot, order: Order, at: dt.datetime) -> None:
    """Raise SlotPassed if the slot can no longer be booked now.

    A choice that was kept in time is valid until it ends, also after the cut-off.
    """
    if hold.state == HoldState.KEPT and hold.expires_at and hold.expires_at > at:
        return
    last = slot.opens_at if has_day(order, slot) else slot.book_until_at
    if last <= at:
        raise SlotPassed(
            _("This time window can no longer be booked. Choose a later one."),
            data=alternatives(slot, Amounts.of_hold(hold), at),
        )


def _ended(hold: Hold, slot: Slot, at: dt.datetime) -> HoldEnded:
    return HoldEnded(
        _("The place is no longer kept, and this time window is full. Choose another one."),
        data=alternatives(slot, Amounts.of_hold(hold), at),
    )


def _move_visit(
    hold: Hold,
    slot: Slot,
    order: Order,
    days: Days,
    prepared: PreparedVisit | None,
    at: dt.datetime,
) -> None:
    """Take the order's old visit out of its day and put the visit of the hold in its place.

    Travel times are computed outside the transaction. Raises: HoldEnded; VisitNotPrepared.
    """
    days.remove_everywhere(order.public_id)
    if not needs_visit(slot):
        return
    if days.confirm(hold, order):
        return
    if prepared is None:
        raise not_prepared()
    try:
        days.insert_order(slot, order, prepared.named(order.public_id))
    except VisitDoesNotFit as fault:
        raise _ended(hold, slot, at) from fault


def _terms(
    order: Order, hold: Hold, handover: str, cause: str, place: PromisedPlace | None
) -> PromiseDraft:
    slot = hold.slot
    if not needs_visit(slot):
        handover = Handover.ATTENDED
    return PromiseDraft(
        option=slot.option,
        opens_at=slot.opens_at,
        closes_at=slot.closes_at,
        service_date=slot.service_date,
        cause=cause,
        handover=handover or None,
        place=place or _place_of(order, hold),
        slot=slot.public_id,
        price_minor=hold.price_minor,
        currency=hold.currency if hold.price_minor is not None else "",
        co2_g=shown_grams(hold.co2_g),
    )


def _place_of(order: Order, hold: Hold) -> PromisedPlace | None:
    """Return the place of a promise, None for the order's own place or the hub."""
    if not needs_visit(hold.slot) or hold.point is None:
        return None
    if same_door(order.place.point, hold.point):
        return None
    before = order.promise
    if before is not None and before.elsewhere and same_door(before.place.point, hold.point):
        reference = before.place.key.removeprefix("at:")
        return PromisedPlace(reference=reference, text=before.place.text, point=hold.point)
    return PromisedPlace(reference=order.public_id, text=hold.place_text, point=hold.point)


def _promise(row: Order, hold: Hold, draft: PromiseDraft) -> Promise:
    """Move the order to the hub and the day of the slot, then promise."""
    slot = hold.slot
    date = slot.service_date
    collected = row.promise is not None and row.promise.option in COLLECTED
    elsewhere = (
        row.hub_id != slot.hub_id
        or row.service_date != date
        or (draft.option in COLLECTED) != collected
    )
    if row.state == OrderState.PLANNED and elsewhere:
        plan = published(row.hub, row.service_date) if row.hub and row.service_date else None
        mark_unplanned(orders=[row.pk], plan=plan.public_id if plan else "")
    elif row.state == OrderState.FAILED:
        try_again(order=row, service_date=date)
    if row.hub_id != slot.hub_id:
        change_order(order=row, hub=slot.hub)
    return set_promise(order=row, draft=draft)
