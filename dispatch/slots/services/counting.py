"""Moves the counts of slots. A count changes only here, by one conditional UPDATE.

The rows of slots are locked last: after days, plan and orders, in pk order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

from django.db.models import F, Q
from django.utils.translation import gettext as _

from dispatch.slots.counts import DIMENSIONS, WAITING, Amounts, most_by_checkouts
from dispatch.slots.errors import SlotClosed, SlotFull, SlotPassed
from dispatch.slots.events import (
    CHOICE_CANCELLED,
    CHOICE_EXPIRED,
    HOLD_RELEASED,
    SLOT_OVERBOOKED,
    ChoiceFacts,
    HoldReleasedFacts,
    OverbookedFacts,
)
from dispatch.slots.models import Caller, Choice, Hold, Slot
from dispatch.slots.states import ChoiceState, HoldState, SlotState
from lastmile.core import clock
from lastmile.core.events import record, record_many


def lock_slots(pks: Iterable[int]) -> dict[int, Slot]:
    """Return the slots by pk, locked in pk order, so that two callers cannot deadlock."""
    rows = Slot.objects.select_for_update(of=("self",), no_key=True).select_related("hub", "zone")
    return {row.pk: row for row in rows.filter(pk__in=set(pks)).order_by("pk")}


def take(
    slot: Slot,
    amounts: Amounts,
    *,
    at: dt.datetime,
    checkout_share: int | None = None,
    late: bool = False,
) -> None:
    """Take places in a locked slot, if all capacities allow it.

    ``checkout_share`` is the share in per cent for a hold of a checkout, None for other holds.
    ``late`` allows an order of the same day to take a place after the cut-off, until the slot
    opens. Locks: the slot. Records: nothing. Raises: SlotClosed, SlotPassed, SlotFull.
    """
    last = "opens_at__gt" if late else "book_until_at__gt"
    rows = Slot.objects.filter(pk=slot.pk, state=SlotState.OPEN, **{last: at})
    for name in DIMENSIONS:
        most, taken = f"capacity_{name}", f"taken_{name}"
        wanted = getattr(amounts, name)
        if wanted:
            rows = rows.filter(
                Q(**{f"{most}__isnull": True}) | Q(**{f"{most}__gte": F(taken) + wanted})
            )
    if checkout_share is not None:
        limit = most_by_checkouts(slot.capacity_orders, checkout_share)
        if limit is not None:
            rows = rows.filter(held_by_checkouts__lte=limit - amounts.orders)
    if not _add(rows, amounts, by_checkouts=checkout_share is not None):
        raise refusal(slot, at, late=late)


def take_anyway(slot: Slot, amounts: Amounts) -> None:
    """Take places in a locked slot, even beyond its capacity: a promise exists already."""
    _add(Slot.objects.filter(pk=slot.pk), amounts, by_checkouts=False)


def _add(rows: object, amounts: Amounts, *, by_checkouts: bool) -> int:
    changes = {f"taken_{n}": F(f"taken_{n}") + getattr(amounts, n) for n in DIMENSIONS}
    if by_checkouts:
        changes["held_by_checkouts"] = F("held_by_checkouts") + amounts.orders
    return int(rows.update(**changes))  # type: ignore[attr-defined]


def refusal(
    slot: Slot, at: dt.datetime, *, late: bool = False
) -> SlotClosed | SlotPassed | SlotFull:
    """Return the reason why a slot cannot be booked at an instant; see ``take``."""
    data = {"slot": slot.public_id}
    if slot.state != SlotState.OPEN:
        return closed(slot.public_id)
    if (slot.opens_at if late else slot.book_until_at) <= at:
        return SlotPassed(
            _("This time window can no longer be booked. Choose a later one."),
            data=data | {"book_until_at": slot.book_until_at.isoformat()},
        )
    return SlotFull(_("This time window is full. Choose another one."), data=data)


def closed(slot: str) -> SlotClosed:
    """Return the refusal of a slot, by public id, that a rule closed or removed."""
    return SlotClosed(_("This time window was closed. Choose another one."), data={"slot": slot})


def give_back_expired(slots: Collection[Slot], at: dt.datetime) -> list[Hold]:
    """Give back the places of expired holds of locked slots; return these holds.

    Locks: the holds. Records: hold.released. Raises: nothing.
    """
    rows = Hold.objects.select_for_update(of=("self",), no_key=True).filter(
        slot__in=[slot.pk for slot in slots], state__in=WAITING, expires_at__lte=at
    )
    expired = list(rows.order_by("pk"))
    give_back(expired, reason="expired")
    return expired


def give_back(holds: Collection[Hold], *, reason: str) -> None:
    """Give back the places of locked holds of locked slots, and end their choices.

    An expired hold keeps its ``expires_at``: its choice may still be used if its slot fits. Any
    other hold loses it and cannot be used again.
    Locks: the choices. Records: hold.released, choice.expired, choice.cancelled. Raises: nothing.
    """
    if not holds:
        return
    for hold in holds:
        by_checkout = hold.caller == Caller.CHECKOUT and hold.state in WAITING
        changes = {f"taken_{n}": F(f"taken_{n}") - getattr(hold, n) for n in DIMENSIONS}
        if by_checkout:
            changes["held_by_checkouts"] = F("held_by_checkouts") - hold.orders
        Slot.objects.filter(pk=hold.slot_id).update(**changes)
        hold.state = HoldState.RELEASED
    pks = [hold.pk for hold in holds]
    expired = reason == "expired"
    values: dict[str, object] = {"state": HoldState.RELEASED, "updated_at": clock.now()}
    if not expired:
        values["expires_at"] = None
    Hold.objects.filter(pk__in=pks).update(**values)
    _end_choices(pks, expired=expired)
    record_many(
        HOLD_RELEASED.new(
            hold.public_id,
            HoldReleasedFacts(
                slot=hold.slot.public_id,
                caller=hold.caller,
                order=hold.order.public_id if hold.order else None,
                reason=reason,
            ),
        )
        for hold in holds
    )


def _end_choices(holds: Collection[int], *, expired: bool) -> None:
    """End the waiting choices of released holds (pks), each with its event."""
    rows = Choice.objects.select_for_update(of=("self",), no_key=True)
    choices = list(rows.filter(hold__in=holds, state=ChoiceState.WAITING).order_by("pk"))
    state = ChoiceState.EXPIRED if expired else ChoiceState.CANCELLED
    Choice.objects.filter(pk__in=[row.pk for row in choices]).update(
        state=state, updated_at=clock.now()
    )
    kind = CHOICE_EXPIRED if expired else CHOICE_CANCELLED
    record_many(kind.new(row.public_id, choice_facts(row)) for row in choices)


def choice_facts(choice: Choice) -> ChoiceFacts:
    """Return the facts of a choice for its event."""
    return ChoiceFacts(
        option=choice.option,
        slot=choice.slot or None,
        order=choice.order.public_id if choice.order else None,
        expires_at=choice.expires_at,
    )


def tell_overbooked(slot: Slot, order: str) -> None:
    """Record that the promise of an order, by public id, took more of a slot than it has.

    Locks: nothing. Records: slot.overbooked, unless everything is within its capacity. Raises:
    nothing.
    """
    row = Slot.objects.get(pk=slot.pk)
    most = {name: getattr(row, f"capacity_{name}") for name in DIMENSIONS}
    beyond = tuple(
        name
        for name, limit in most.items()
        if limit is not None and getattr(row, f"taken_{name}") > limit
    )
    if beyond:
        facts = OverbookedFacts(
            hub=slot.hub.public_id, service_date=row.service_date, order=order, beyond=beyond
        )
        record(SLOT_OVERBOOKED, facts, subject=row.public_id)


def set_amounts(hold: Hold, amounts: Amounts) -> None:
    """Change what a locked hold takes in its locked slot, without a look at the capacity."""
    changes = {
        f"taken_{n}": F(f"taken_{n}") + (getattr(amounts, n) - getattr(hold, n)) for n in DIMENSIONS
    }
    Slot.objects.filter(pk=hold.slot_id).update(**changes)
    for name in DIMENSIONS:
        setattr(hold, name, getattr(amounts, name))


def stop_counting_as_held(hold: Hold) -> None:
    """Count a hold of a checkout no longer as held: the retailer's order has come."""
    if hold.caller == Caller.CHECKOUT and hold.state in WAITING:
        Slot.objects.filter(pk=hold.slot_id).update(
            held_by_checkouts=F("held_by_checkouts") - hold.orders
        )
