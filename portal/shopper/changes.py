"""The rights of a shopper: the changes that are still possible, until when, and why not.

These are the rules of the pages. Services check again when the change is made: by the state of the
order, the cut-off of each slot, and the router.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from itertools import count
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

from dispatch.orders.handovers import needs_person
from dispatch.orders.models import Direction, Option, Order, Outcome, Parcel
from dispatch.orders.states import ENDED, OrderState
from dispatch.slots.errors import AddressUnknown, OutsideEveryZone, TooLate
from dispatch.slots.models import Slot
from dispatch.slots.services import request_for_order
from dispatch.slots.services.leaving import leaves_at, refuse_too_late
from dispatch.slots.states import SlotState
from lastmile.core import clock
from lockers.models import LockerBank
from lockers.selectors import has_bank_near
from portal.shopper.policy import page_policy

Words = str | Lazy
#: The annotation of ``with_banks``.
HAS_BANK: Final = "has_bank"
S = OrderState
#: External ids of returns that shoppers requested: the order's public id, this and a number.
RETURN_SUFFIX: Final = "-R"
SOURCE: Final = "shopper"  # the source of orders that shoppers placed by their page
_PARCEL_MARKS: Final = (
    "barcode",
    "weight_g",
    "volume_cm3",
    "length_mm",
    "width_mm",
    "height_mm",
)

_OVER: Words = _("This order has ended, so it can no longer change.")
_OWN_PLACE: Words = _("We pick up a return only at the address of the delivery.")
_IN_VEHICLE: Words = _(
    "The order is in the vehicle. Its instructions can change again when it is on its way."
)
_PICKED_UP: Words = _("We already picked up your return, so its instructions can no longer change.")
_ALL_BACK: Words = _("You already sent back everything of this order.")
_NO_PIN: Words = _("The shop still checks your address. You can choose a time after that.")
_NO_SLOTS: Words = _("The shop offers no other times here at the moment.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """If something can be changed now: ``why_not`` is the sentence for no, "" for yes."""

    why_not: Words = ""

    @property
    def possible(self) -> bool:
        """True if the change is possible."""
        return not self.why_not


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The changes of an order that its shopper can make now.

    ``is_late`` means that the cut-off of the agreed slot has passed: then only what the driver's
    plan can still take is offered. ``until_at`` is that cut-off, or afterwards the time when the
    van leaves; None if it is not known.
    """

    time: Right
    place: Right
    instructions: Right
    cancel: Right
    give_back: Right
    until_at: dt.datetime | None = None
    is_late: bool = False


def rights_of(order: Order) -> Rights:
    """Return what the shopper of an order can change now."""
    refusal = _refusal(order)
    slot = _slot_of(order)
    no_time = refusal or _no_time(order)
    is_late = slot is not None and slot.book_until_at <= clock.now()
    outward = order.direction == Direction.OUTWARD
    elsewhere = (no_time and _no_slot_anywhere(order)) if outward else _OWN_PLACE
    return Rights(
        time=Right(why_not=no_time),
        place=Right(why_not=refusal or elsewhere),
        instructions=Right(why_not=_no_instructions(order)),
        cancel=Right(why_not=refusal),
        give_back=Right(why_not=_no_return(order)),
        until_at=leaves_at(order) if is_late or slot is None else slot.book_until_at,
        is_late=is_late,
    )


def _refusal(order: Order) -> Words:
    """Return why the time can no longer change because the order is under way; "" if it can."""
    try:
        refuse_too_late(order, clock.now())
    except TooLate as late:
        return late.detail
    return ""


def _no_instructions(order: Order) -> Words:
    """Return why the instructions cannot change now; "" if they can."""
    if OrderState(order.state) in ENDED:
        return _OVER
    if order.state != S.LOADED:
        return ""
    return _IN_VEHICLE if order.direction == Direction.OUTWARD else _PICKED_UP


def _no_time(order: Order) -> Words:
    """Return why no time can be chosen for the order's own address; "" if one may be free.

    Only slots count that this address, its way of delivery and the present time allow.
    """
    if order.state == S.NEEDS_PIN or order.door.point is None:
        return _NO_PIN
    slots = Slot.objects.filter(_bookable(order))
    if order.direction == Direction.RETURN:
        slots = slots.filter(option=Option.WINDOW)
    if order.hub_id is not None and (order.promise is None or order.promise.to_door):
        # The order keeps its hub, and as a rule the zones of its slots already decide.
        zones = set(slots.filter(hub=order.hub_id).order_by().values_list("zone").distinct())
        if not zones or (None,) in zones:
            return "" if zones else _no_locker(order)
    try:
        request = request_for_order(order)
    except (AddressUnknown, OutsideEveryZone) as fault:
        return fault.detail
    area = Q(zone=None) | Q(zone=request.zone)
    return "" if slots.filter(area, hub=request.hub).exists() else _no_locker(order)


def _no_locker(order: Order) -> Words:
    """Return why an order without a bookable slot can choose nothing; "" if a locker is near."""
    door = order.door.point
    if order.direction == Direction.RETURN or door is None:
        return _NO_SLOTS
    if order.hub is None or needs_person(order) or not getattr(order, HAS_BANK, True):
        return _NO_SLOTS
    return "" if has_bank_near(order.hub, door) else _NO_SLOTS


def with_banks(rows: QuerySet[Order]) -> QuerySet[Order]:
    """Return orders with HAS_BANK: if their hub has a bank of lockers or a counter in use.

    Most hubs have none. Then the page of an order needs no search for one near the door.
    """
    own = LockerBank.objects.filter(hub=OuterRef("hub"), active=True)
    return rows.annotate(**{HAS_BANK: Exists(own)})


def _no_slot_anywhere(order: Order) -> Words:
    """Return why no other address can be given; "" if an address may have a free time.

    The order's own address does not matter, so the shopper can correct one that nobody finds.
    """
    return "" if Slot.objects.filter(_bookable(order)).exists() else _NO_SLOTS


def _bookable(order: Order) -> Q:
    """Return the condition of slots that can still be booked for an order.

    Within its own day, an order with a promise may change after the cut-off, until a slot opens.
    """
    now = clock.now()
    rule = Q(book_until_at__gt=now)
    if order.promise_id is not None and order.hub_id is not None:
        rule |= Q(hub=order.hub_id, service_date=order.service_date, opens_at__gt=now)
    return Q(state=SlotState.OPEN) & rule


def _slot_of(order: Order) -> Slot | None:
    if order.promise is None or not order.promise.slot:
        return None
    return Slot.objects.filter(public_id=order.promise.slot).first()


def next_return_id(order: Order) -> str:
    """Return the external id of an order's next return. No other order can have it.

    It begins with the public id of the order. An external id that is cut could be of two orders.
    """
    stem = f"{order.public_id}{RETURN_SUFFIX}"
    rows = Order.objects.filter(external_id__startswith=stem)
    taken = set(rows.values_list("external_id", flat=True))
    return next(name for number in count(1) if (name := f"{stem}{number}") not in taken)


def return_of(order: Order) -> Order | None:
    """Return the return of an order that its shopper can open by the order's page, or None.

    That is the one that goes on now. If no parcel is left for another one, it is the last one. A
    cancelled return does not count.
    """
    last = _returns_of(order).order_by("-pk").first()
    if last is not None and OrderState(last.state) in ENDED and parcels_left(order):
        return None
    return last


def parcels_left(order: Order) -> list[Parcel]:
    """Return the parcels of an order that are in no return that was not cancelled.

    Parcels of a return are copies. So they are compared by barcode and measures, and parcels that
    are equal in all of them are counted.
    """
    copies = Parcel.objects.filter(order__in=_returns_of(order))
    returned = Counter(copies.values_list(*_PARCEL_MARKS))
    left = []
    for parcel in order.parcels.all():
        mark = tuple(getattr(parcel, name) for name in _PARCEL_MARKS)
        if returned[mark]:
            returned[mark] -= 1
        else:
            left.append(parcel)
    return left


def _returns_of(order: Order) -> QuerySet[Order]:
    """Return the returns that the shopper of an order requested and that were not cancelled.

    The shop may have sent them again since, so their source says nothing. Their id begins with the
    order's public id, which no other order has.
    """
    return Order.objects.filter(
        external_id__startswith=f"{order.public_id}{RETURN_SUFFIX}",
        direction=Direction.RETURN,
    ).exclude(state=S.CANCELLED)


def _no_return(order: Order) -> Words:
    """Return why the goods cannot be given back by the page; "" if they can."""
    if order.direction != Direction.OUTWARD or order.state != S.DELIVERED:
        return _("You can request the pickup of a return after the delivery.")
    days = page_policy().returns_days
    if not days:
        return _("This shop takes no returns here. Contact it.")
    attempt = order.attempts.filter(outcome=Outcome.DELIVERED).order_by("-number").first()
    delivered_at = attempt.departed_at if attempt else order.updated_at
    if clock.now() >= delivered_at + dt.timedelta(days=days):
        return _("The time for returns by this page has passed. Contact the shop.")
    return "" if parcels_left(order) else _ALL_BACK
