"""Keeps places in slots for a short time: holds.

The order of work is always the same. Travel times are computed outside the transaction. Then, in
one transaction: lock the session and the days, lock the slots, give expired places back, give the
replaced hold back, move the counts, and insert the visit into the tentative plan.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dispatch.orders.models import Order
from dispatch.orders.services import lock_orders
from dispatch.slots.counts import DIMENSIONS, WAITING, Amounts
from dispatch.slots.errors import HoldEnded, SlotFull, TooManyHolds
from dispatch.slots.events import HOLD_PLACED, HoldFacts
from dispatch.slots.models import Caller, Hold, Slot
from dispatch.slots.policy import SlotPolicy, slots_policy
from dispatch.slots.services.counting import (
    closed,
    give_back,
    give_back_expired,
    lock_slots,
    refusal,
    take,
)
from dispatch.slots.services.leaving import refuse_ended
from dispatch.slots.services.matching import refuse_handover
from dispatch.slots.services.requests import DeliveryRequest
from dispatch.slots.services.visits import (
    NOT_READY,
    TRIES,
    Days,
    PreparedVisit,
    VisitDoesNotFit,
    VisitNotPrepared,
    days_of_holds,
    needs_visit,
    not_prepared,
    prepare_visit,
)
from dispatch.slots.states import HoldState
from lastmile.core import clock
from lastmile.core.events import record
from lastmile.core.formatting import number
from lastmile.core.ids import new_public_id
from lastmile.core.tenancy import current_schema

#: Milliseconds that a hold waits for its locks before it looks at the counts again. Chosen.
PATIENCE_MS: Final = 400
TURNS: Final = 16  # such turns, before the last try with the time-out of the installation
LOCK_NOT_AVAILABLE: Final = "55P03"  # PostgreSQL's code


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of an offer that a hold keeps: handover, price and marginal cost.

    ``price_parts`` are the parts of the price as JSON. The marginal cost is None where no plan was
    asked.
    """

    price_minor: int
    currency: str
    price_parts: tuple[Any, ...] = ()
    handover: str = ""
    co2_g: int | None = None
    added_s: int | None = None
    added_m: int | None = None
    cost_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedHold:
    """The id and the visit of a hold to be made, prepared outside the transaction."""

    public_id: str
    visit: PreparedVisit | None


def prepare_hold(*, slot: Slot, request: DeliveryRequest, session: str = "") -> PreparedHold:
    """Compute the travel times of a hold. Call it outside a transaction, before ``hold_slot``.

    A slot that is full with a place of the same ``session`` is not refused: choosing again
    replaces that place.

    Locks: nothing. Records: nothing. Raises: SlotFull, SlotPassed or SlotClosed if the slot cannot
    be booked anyway; VisitDoesNotFit never.
    """
    _refuse_at_once(slot, request, session)
    public_id = new_public_id("hld")
    return PreparedHold(
        public_id=public_id, visit=prepare_visit(key=public_id, slot=slot, request=request)
    )


def hold_slot(
    *,
    slot: Slot,
    request: DeliveryRequest,
    session: str,
    caller: str,
    terms: Terms,
    replaces: Hold | None = None,
    prepared: PreparedHold | None = None,
) -> Hold:
    """Keep a place in a slot for some minutes.

    ``replaces`` is a hold of the same session, given back in the same transaction. So choosing
    again never needs a second place. The present promise of the request's order does not count:
    a change within its own slot takes only what exceeds it.

    Locks: the session, the day, the request's order, the slots, expired holds. Records:
    hold.placed, hold.released. Raises: SlotFull, SlotPassed, SlotClosed, TooManyHolds, HoldEnded,
    Invalid; TooLate if the order has ended.
    """
    ready = prepared or prepare_hold(slot=slot, request=request, session=session)
    for _try in range(TRIES):
        with suppress(VisitNotPrepared):
            return hold_prepared(
                slot=slot,
                request=request,
                session=session,
                caller=caller,
                terms=terms,
                replaces=replaces,
                ready=ready,
            )
        ready = prepare_hold(slot=slot, request=request, session=session)
    raise SlotFull(not_prepared().detail, data={"slot": slot.public_id, "reason": NOT_READY})


@transaction.atomic
def hold_prepared(
    *,
    slot: Slot,
    request: DeliveryRequest,
    session: str,
    caller: str,
    terms: Terms,
    replaces: Hold | None,
    ready: PreparedHold,
) -> Hold:
    """Keep a place as ``hold_slot`` does, but never compute travel, since days are locked here.

    Locks, Records: as ``hold_slot``. Raises: as ``hold_slot``; VisitNotPrepared if the day changed
    meanwhile: leave the transaction, call ``prepare_hold`` and repeat it.
    """
    refuse_handover(slot, request, terms.handover)
    _lock_session(session)
    days, order, slots = _lock(slot, replaces, request, session)
    at = clock.now()
    if order is not None:
        refuse_ended(order)
    row = slots.get(slot.pk)
    if row is None:  # a rule removed it while this hold waited
        raise closed(slot.public_id)
    days.drop_expired(at)
    give_back_expired(list(slots.values()), at)
    if replaces is not None:
        _give_back_replaced(replaces, session, days)
    policy = slots_policy()
    _refuse_too_many(session, at, policy)
    own = promised_hold(order)
    taken = amounts_of(request)
    if own is not None and own.slot_id == row.pk:
        taken = taken.beyond(Amounts.of_hold(own))
    take(
        row,
        taken,
        at=at,
        checkout_share=policy.checkout_share_percent if caller == Caller.CHECKOUT else None,
        late=has_day(order, row),
    )
    hold = _hold_of(row, request, terms, caller=caller, session=session)
    hold.public_id = ready.public_id
    hold.expires_at = at + dt.timedelta(minutes=policy.hold_minutes)
    for name in DIMENSIONS:
        setattr(hold, name, getattr(taken, name))
    _insert(hold, row, days, ready.visit)
    hold.save()
    record(HOLD_PLACED, hold_facts(hold), subject=hold.public_id)
    return hold


@transaction.atomic
def release_hold(*, hold: Hold) -> Hold:
    """Give a place back. A hold that was given back before stays as it is.

    Locks: the day, the slot, the hold. Records: hold.released. Raises: HoldEnded for a promised
    hold: cancel or change its order instead.
    """
    days = Days(days_of_holds([hold]))
    lock_slots([hold.slot_id])
    row = lock_hold(hold)
    if row.state == HoldState.PROMISED:
        raise HoldEnded(
            _("An order has this place. Cancel the order or choose another time window for it.")
        )
    if row.state in WAITING:
        days.remove(row)
        give_back([row], reason="shopper")
    return row


def lock_hold(hold: Hold) -> Hold:
    """Return the present row of a hold, locked."""
    rows = Hold.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("slot__hub", "slot__zone", "order").get(pk=hold.pk)


def promised_hold(order: Order | None) -> Hold | None:
    """Return the hold with which an order takes its place in a slot, or None."""
    if order is None:
        return None
    return (
        Hold.objects.select_related("slot__hub")
        .filter(order=order, state=HoldState.PROMISED)
        .first()
    )


def amounts_of(request: DeliveryRequest) -> Amounts:
    """Return what a delivery takes in a slot."""
    return Amounts(
        work_s=request.service_s, weight_g=request.weight_g, volume_cm3=request.volume_cm3
    )


def has_day(order: Order | None, slot: Slot) -> bool:
    """Return True if an order is promised on the day and at the hub of a slot.

    After the cut-off such an order may still change within its day, as far as its plan allows.
    """
    return (
        order is not None
        and order.promise_id is not None
        and order.hub_id == slot.hub_id
        and order.service_date == slot.service_date
    )


def hold_facts(hold: Hold) -> HoldFacts:
    """Return the facts of a hold for its event."""
    return HoldFacts(
        slot=hold.slot.public_id,
        caller=hold.caller,
        order=hold.order.public_id if hold.order else None,
        expires_at=hold.expires_at,
    )


def _refuse_at_once(slot: Slot, request: DeliveryRequest, session: str) -> None:
    """Raise if a slot cannot be booked by what is known without a lock.

    A full slot ends here, before any travel time is computed.
    """
    at = clock.now()
    own = promised_hold(request.order)
    if own is not None and own.slot_id == slot.pk:
        return
    late = has_day(request.order, slot)
    fault = refusal(slot, at, late=late)
    if not isinstance(fault, SlotFull):
        raise fault
    leaving = Q(expires_at__lte=at) | (Q(session=session) if session else Q(pk__in=[]))
    most = slot.capacity_orders
    is_full = most is not None and slot.taken_orders >= most
    if is_full and not Hold.objects.filter(leaving, slot=slot, state__in=WAITING).exists():
        raise fault


def _lock(
    slot: Slot, replaces: Hold | None, request: DeliveryRequest, session: str
) -> tuple[Days, Order | None, dict[int, Slot]]:
    """Lock the days, the order and the slots; a slot that fills up meanwhile ends the waiting.

    Many shoppers can wait for one day. Each of them looks at the counts again after PATIENCE_MS,
    so that those who come too late need no turn. Raises: SlotFull, SlotPassed, SlotClosed.
    """
    for _turn in range(TURNS):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE_MS}")
                locked = _lock_rows(slot, replaces, request.order)
                cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
                return locked
        except OperationalError as fault:
            if getattr(fault.__cause__, "sqlstate", "") != LOCK_NOT_AVAILABLE:
                raise
            present = Slot.objects.select_related("hub", "zone").filter(pk=slot.pk).first()
            if present is None:
                raise closed(slot.public_id) from fault
            _refuse_at_once(present, request, session)
    return _lock_rows(slot, replaces, request.order)


def _lock_rows(
    slot: Slot, replaces: Hold | None, order: Order | None
) -> tuple[Days, Order | None, dict[int, Slot]]:
    """Lock the days, then the order, then the slots, as every act on them does."""
    held = [slot, replaces.slot] if replaces else [slot]
    wanted = [(row.hub, row.service_date) for row in held if needs_visit(row)]
    days = Days(wanted, wait_ms=None)
    present = lock_orders([order.pk])[0] if order is not None else None
    return days, present, lock_slots(row.pk for row in held)


def _lock_session(session: str) -> None:
    """Let the holds of a session be counted by one transaction at a time."""
    if session:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                [f"{current_schema()}:holds:{session}"],
            )


def _refuse_too_many(session: str, at: dt.datetime, policy: SlotPolicy) -> None:
    """Raise TooManyHolds if a session has all its live holds. A kept choice is none of them."""
    if not session:
        return
    live = Hold.objects.filter(session=session, state=HoldState.LIVE, expires_at__gt=at).count()
    if live >= policy.holds_per_session:
        raise TooManyHolds(
            ngettext(
                "You already hold one time window. Give it back first.",
                "You already hold %(count)s time windows. Give one back first.",
                live,
            )
            % {"count": number(live)},
            data={"holds": live, "most": policy.holds_per_session},
        )


def _give_back_replaced(replaces: Hold, session: str, days: Days) -> None:
    before = lock_hold(replaces)
    if before.session != session:
        raise HoldEnded(_("This place is held by somebody else. Choose a time window again."))
    if before.state in WAITING:
        days.remove(before)
        give_back([before], reason="replaced")


def _hold_of(
    slot: Slot, request: DeliveryRequest, terms: Terms, *, caller: str, session: str
) -> Hold:
    return Hold(
        slot=slot,
        session=session,
        caller=caller,
        order=request.order,
        work_s=request.service_s,
        weight_g=request.weight_g,
        volume_cm3=request.volume_cm3,
        parcels=request.parcels,
        skills=sorted(request.skills),
        collects=request.collects,
        lat=request.point.lat,
        lon=request.point.lon,
        place_text=request.place_text,
        handover=terms.handover,
        price_minor=terms.price_minor,
        currency=terms.currency,
        price_parts=list(terms.price_parts),
        value_minor=request.value_minor,
        co2_g=terms.co2_g,
        added_s=terms.added_s,
        added_m=terms.added_m,
        cost_minor=terms.cost_minor,
    )


def _insert(hold: Hold, slot: Slot, days: Days, visit: PreparedVisit | None) -> None:
    """Insert the visit of a hold into its tentative day.

    A changed order may fit only when its present visit is gone. Then the hold has no visit of its
    own: the change exchanges both visits in one transaction (``promise_hold``).
    """
    if visit is None:
        return
    try:
        days.insert(hold, visit)
    except VisitDoesNotFit as fault:
        if not visit.fits_alone:
            reason = str(fault.data.get("reason", ""))
            text = (
                _("This day is not ready yet. Try again in a minute, or choose another day.")
                if reason == NOT_READY
                else _("This time window is full. Choose another one.")
            )
            raise SlotFull(text, data={"slot": slot.public_id, "reason": reason}) from fault
