"""The slot board: fill of the slots of a hub, by day and window."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Sum

from dispatch.fleet.models import Hub
from dispatch.slots.models import Hold, Slot
from dispatch.slots.states import HoldState, SlotState
from lastmile.core import clock

MOST_DAYS = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A slot on the board, with what is taken without expired holds.

    ``share`` is the fullest of its capacities, from 0 to 1 and above; None without any limit.
    """

    slot: Slot
    taken: int
    share: float | None

    @property
    def free(self) -> int | None:
        """The free places, never negative; None without a limit."""
        capacity = self.slot.capacity_orders
        return None if capacity is None else max(0, capacity - self.taken)

    @property
    def full(self) -> bool:
        """True if a capacity is used up."""
        return self.share is not None and self.share >= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """A row of the board: the slots with the same local window, one or none for each day."""

    opens_minute: int
    closes_minute: int
    cells: tuple[Fill | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPart:
    """The slots of one option and zone; ``zone`` "" is the whole area of the hub."""

    option: str
    zone: str
    rows: tuple[BoardRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotBoard:
    """The slots of a hub on some days."""

    hub: Hub
    dates: tuple[dt.date, ...]
    parts: tuple[BoardPart, ...]


def fills(slots: Sequence[Slot]) -> list[Fill]:
    """Return what is taken in each slot now. An expired hold takes no place any more."""
    expired = Hold.objects.filter(
        slot__in=[slot.pk for slot in slots],
        state__in=[HoldState.LIVE, HoldState.KEPT],
        expires_at__lte=clock.now(),
    )
    given_back: dict[int, Mapping[str, Any]] = {
        row["slot"]: row
        for row in expired.values("slot").annotate(
            n=Sum("orders"), work=Sum("work_s"), weight=Sum("weight_g"), volume=Sum("volume_cm3")
        )
    }
    return [_fill(slot, given_back.get(slot.pk, {})) for slot in slots]


def _fill(slot: Slot, expired: Mapping[str, Any]) -> Fill:
    taken = slot.taken_orders - expired.get("n", 0)
    used = (
        (taken, slot.capacity_orders),
        (slot.taken_work_s - expired.get("work", 0), slot.capacity_work_s),
        (slot.taken_weight_g - expired.get("weight", 0), slot.capacity_weight_g),
        (slot.taken_volume_cm3 - expired.get("volume", 0), slot.capacity_volume_cm3),
    )
    shares = [
        amount / capacity if capacity else float(amount >= 0)
        for amount, capacity in used
        if capacity is not None
    ]
    return Fill(slot=slot, taken=taken, share=max(shares) if shares else None)


def slot_board(hub: Hub, first: dt.date, days: int) -> SlotBoard:
    """Return the board of a hub from ``first``, at most ``MOST_DAYS`` days, with two queries."""
    dates = tuple(first + dt.timedelta(days=n) for n in range(min(days, MOST_DAYS)))
    rows = (
        Slot.objects.filter(hub=hub, service_date__gte=dates[0], service_date__lte=dates[-1])
        .select_related("zone", "template")
        .order_by("-option", F("zone__name").asc(nulls_first=True), "opens_at", "pk")
    )
    zone = clock.zone(hub.zone)
    parts: dict[tuple[str, str], dict[tuple[int, int], dict[dt.date, Fill]]] = {}
    for fill in fills(list(rows)):
        slot = fill.slot
        opens, closes = slot.opens_at.astimezone(zone), slot.closes_at.astimezone(zone)
        start = (opens.date() - slot.service_date).days * 1440 + opens.hour * 60 + opens.minute
        end = (closes.date() - slot.service_date).days * 1440 + closes.hour * 60 + closes.minute
        part = parts.setdefault((slot.option, slot.zone.name if slot.zone else ""), {})
        part.setdefault((start, end), {})[slot.service_date] = fill
    return SlotBoard(
        hub=hub,
        dates=dates,
        parts=tuple(
            BoardPart(
                option=option,
                zone=zone_name,
                rows=tuple(
                    BoardRow(
                        opens_minute=window[0],
                        closes_minute=window[1],
                        cells=tuple(by_date.get(date) for date in dates),
                    )
                    for window, by_date in sorted(windows.items())
                ),
            )
            for (option, zone_name), windows in parts.items()
        ),
    )


def is_open(fill: Fill) -> bool:
    """Return True if the slot is open and can still be booked."""
    return fill.slot.state == SlotState.OPEN and clock.now() < fill.slot.book_until_at
