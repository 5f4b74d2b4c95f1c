"""The visits of slots in the tentative plans: only time windows have one, curbside has none.

Planning knows no slot. It knows a visit by its key: the public id of a hold or of an order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.db import IntegrityError
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.orders.models import Option, Order
from dispatch.planning.boards import NewVisit, Prepared, WindowCost, prepare, price_windows
from dispatch.planning.errors import VisitDoesNotFit, VisitNotPrepared
from dispatch.planning.models import TentativeVisit
from dispatch.planning.problem.closed import closed_shifts
from dispatch.planning.services import (
    LockedDay,
    confirm_visit,
    drop_expired,
    extend_visit,
    insert_visit,
    lock_days,
    remove_visits,
)
from dispatch.slots.models import Hold, Slot
from dispatch.slots.services.requests import DeliveryRequest
from lastmile.core.clock import now
from lastmile.core.ids import new_public_id

HubDay = tuple[Hub, dt.date]
#: A day whose plan is not ready yet. It is left out of a search and prepared in the meantime.
NOT_READY = "not_ready"
#: Milliseconds that an act waits for a day that others change, instead of failing. Chosen: the
#: time that a hold waits in all its turns.
PATIENCE_MS: Final = 6_000
#: Preparations of a visit, each followed by a try to insert it under the lock of its day. Chosen.
TRIES: Final = 4
#: A window in which no van has room; a search that explains names the constraint instead.
NO_ROOM = "no_room"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedVisit:
    """A visit with its travel times, computed outside a transaction.

    ``fits_alone`` is True if the visit fits when the order's present visit is gone.
    """

    prepared: Prepared
    fits_alone: bool = False

    def named(self, key: str) -> PreparedVisit:
        """Return the same visit with another key."""
        visit = replace(self.prepared.visit, key=key)
        return replace(self, prepared=replace(self.prepared, visit=visit))


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundWindow:
    """The marginal cost of a time window, or the code of what prevents it."""

    cost: WindowCost | None
    why: str = ""
    travel_source: str = ""


def needs_visit(slot: Slot) -> bool:
    """Return True if a van drives to an order in this slot."""
    return slot.option == Option.WINDOW


def prepare_visit(*, key: str, slot: Slot, request: DeliveryRequest) -> PreparedVisit | None:
    """Compute the travel times of a visit; None for a slot without visits.

    Call it outside a transaction.
    """
    if not needs_visit(slot):
        return None
    order = request.order
    alone = window_costs([slot], request, without={order.public_id}) if order else {}
    return PreparedVisit(
        prepared=prepare(
            hub=slot.hub, service_date=slot.service_date, visit=_new_visit(key, request)
        ),
        fits_alone=any(windows.cost is not None for windows in alone.values()),
    )


def window_costs(
    slots: Sequence[Slot],
    request: DeliveryRequest,
    *,
    without: Collection[str] = (),
    explain: bool = False,
) -> dict[int, FoundWindow]:
    """Return what each time window costs in the tentative plan of its day, by pk of the slot.

    ``without`` are the keys of visits that count as gone. ``explain`` names the constraint that
    prevents a window, which takes longer. Nothing is locked.
    """
    if not slots:
        return {}
    by_day: dict[dt.date, list[Slot]] = {}
    for slot in slots:
        by_day.setdefault(slot.service_date, []).append(slot)
    costs = price_windows(
        hub=request.hub,
        visit=_new_visit(new_public_id("hld"), request),
        days={
            date: [(slot.opens_at, slot.closes_at) for slot in rows]
            for date, rows in by_day.items()
        },
        without=without,
        explain=explain,
    )
    return {
        slot.pk: FoundWindow(
            cost=cost,
            why=costs[date].reason or why or ("" if cost else NO_ROOM),
            travel_source=costs[date].travel_source,
        )
        for date, rows in by_day.items()
        for slot, cost, why in zip(rows, costs[date].best, costs[date].why, strict=True)
    }


def _new_visit(key: str, request: DeliveryRequest) -> NewVisit:
    return NewVisit(
        key=key,
        point=request.point,
        service_s=request.service_s,
        weight_g=request.weight_g,
        volume_cm3=request.volume_cm3,
        parcels=request.parcels,
        skills=request.skills,
        collects=request.collects,
    )


def days_of_holds(holds: Iterable[Hold]) -> list[HubDay]:
    """Return the hubs and dates of the tentative plans in which these holds have a visit."""
    return [(hold.slot.hub, hold.slot.service_date) for hold in holds if needs_visit(hold.slot)]


def days_of_visits(keys: Iterable[str]) -> list[HubDay]:
    """Return the hubs and dates of the tentative plans that have these visits."""
    rows = TentativeVisit.objects.select_related("day__hub").filter(key__in=list(keys))
    return [(row.day.hub, row.day.service_date) for row in rows]


def not_prepared() -> VisitNotPrepared:
    """Return the refusal of a visit whose travel must be computed outside the transaction first."""
    return VisitNotPrepared(
        _("This day is not ready yet. Try again in a minute, or choose another day."),
        data={"reason": NOT_READY},
    )


def is_on_another_day(fault: IntegrityError) -> bool:
    """Return True if a visit could not be written because another day has just got it."""
    diagnosis = getattr(fault.__cause__, "diag", None)
    return getattr(diagnosis, "table_name", None) == TentativeVisit._meta.db_table


def is_visit_for(key: str, order: Order | None = None) -> bool:
    """Return True if a visit has a place on a van that has not left, and fits the goods."""
    rows = TentativeVisit.objects.select_related("day__base_plan")
    row = rows.filter(key=key, state=TentativeVisit.State.PLACED).first()
    if row is None or row.shift_id in closed_shifts(row.day.base_plan, now()):
        return False
    return order is None or (
        order.weight_g <= row.weight_g
        and order.volume_cm3 <= row.volume_cm3
        and order.service_s <= row.service_s
        and order.parcel_count <= row.parcels
        and set(order.skills) <= set(row.skills)
    )


class Days:
    """The locked tentative days of an act, taken before orders and slots, in one order."""

    def __init__(self, days: Iterable[HubDay], *, wait_ms: int | None = PATIENCE_MS) -> None:
        self._days: dict[tuple[int, dt.date], LockedDay] = {
            (day.hub.pk, day.service_date): day for day in lock_days(days, wait_ms=wait_ms)
        }

    def _day(self, slot: Slot) -> LockedDay:
        return self._days[slot.hub_id, slot.service_date]

    def drop_expired(self, at: dt.datetime, *, but: Collection[str] = ()) -> None:
        """Take the visits of expired holds out of these days, except the keys ``but``."""
        for day in self._days.values():
            drop_expired(day, at, but=but)

    def remove(self, hold: Hold) -> None:
        """Take the visit of a hold out of its day."""
        if needs_visit(hold.slot):
            remove_visits(self._day(hold.slot), [hold.public_id])

    def remove_everywhere(self, key: str) -> None:
        """Take a visit out of each of these days."""
        for day in self._days.values():
            remove_visits(day, [key])

    def lack(self, key: str) -> bool:
        """Return True if a day that is not locked has the visit with a key."""
        locked = [day.row.pk for day in self._days.values()]
        return TentativeVisit.objects.filter(key=key).exclude(day__in=locked).exists()

    def insert(self, hold: Hold, visit: PreparedVisit) -> None:
        """Insert the visit of a hold. Raises VisitDoesNotFit."""
        insert_visit(
            self._day(hold.slot),
            visit.prepared,
            window=(hold.slot.opens_at, hold.slot.closes_at),
            expires_at=hold.expires_at,
        )

    def insert_order(self, slot: Slot, order: Order, visit: PreparedVisit) -> None:
        """Insert the visit of an order in the window of a slot. Raises VisitDoesNotFit."""
        insert_visit(
            self._day(slot),
            visit.prepared,
            window=(slot.opens_at, slot.closes_at),
            expires_at=None,
            order=order,
        )

    def has(self, hold: Hold) -> bool:
        """Return True if the visit of a hold has a place on a route of its day."""
        if not needs_visit(hold.slot):
            return True
        rows = TentativeVisit.objects.filter(day=self._day(hold.slot).row, key=hold.public_id)
        return rows.filter(state=TentativeVisit.State.PLACED).exists()

    def extend(self, hold: Hold) -> None:
        """Keep the visit of a hold until the hold ends."""
        if needs_visit(hold.slot) and hold.expires_at is not None:
            extend_visit(self._day(hold.slot), key=hold.public_id, expires_at=hold.expires_at)

    def confirm(self, hold: Hold, order: Order) -> bool:
        """Turn the visit of a hold into that of its order.

        Return False if it has no place, if its van has left, or if the order has grown beyond it.
        Then the visit is removed.
        """
        try:
            if self.has(hold) and is_visit_for(hold.public_id, order):
                confirm_visit(self._day(hold.slot), key=hold.public_id, order=order)
                return True
        except VisitDoesNotFit:
            pass
        self.remove(hold)
        return False


__all__ = [
    "NOT_READY",
    "TRIES",
    "Days",
    "FoundWindow",
    "HubDay",
    "PreparedVisit",
    "VisitDoesNotFit",
    "VisitNotPrepared",
    "days_of_holds",
    "days_of_visits",
    "is_on_another_day",
    "is_visit_for",
    "needs_visit",
    "not_prepared",
    "prepare_visit",
    "window_costs",
]
