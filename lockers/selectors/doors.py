"""The doors of a bank by column, and what is kept in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db.models import F, QuerySet

from lastmile.core import clock
from lockers.models import Compartment, LockerBank, LockerChange, LockerReservation
from lockers.selectors.nearest import free_boxes
from lockers.states import TAKING, BoxState

_TAKING = sorted(state.value for state in TAKING)
MOST_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A compartment as a door of the picture. ``kind`` is free, held, or the stored state."""

    box: Compartment
    kind: str
    reservation: LockerReservation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of doors, from top to bottom."""

    name: str
    doors: tuple[Door, ...]


def doors_of(bank: LockerBank) -> list[Column]:
    """Return the doors of a bank by column, in order of their numbers. Takes three statements."""
    boxes = sorted(
        bank.compartments.all(), key=lambda box: (_natural(box.side), _natural(box.number))
    )
    free = set(free_boxes(clock.now()).filter(bank=bank).values_list("pk", flat=True))
    kept = {
        row.compartment_id: row
        for row in LockerReservation.objects.filter(
            compartment__bank=bank, state__in=_TAKING
        ).select_related("order")
    }
    columns: dict[str, list[Door]] = {}
    for box in boxes:
        held = "free" if box.pk in free else "held"
        kind = held if box.state == BoxState.EMPTY else box.state
        door = Door(box=box, kind=kind, reservation=kept.get(box.pk))
        columns.setdefault(box.side, []).append(door)
    return [Column(name=name, doors=tuple(doors)) for name, doors in columns.items()]


def live_reservations(bank: LockerBank) -> QuerySet[LockerReservation]:
    """Return the reservations that take a compartment or wait for one, the oldest first."""
    rows = LockerReservation.objects.filter(bank=bank, state__in=[*_TAKING, "queued"])
    return rows.select_related("compartment", "order").order_by("pk")[:MOST_SHOWN]


def changes_of(bank: LockerBank) -> QuerySet[LockerChange]:
    """Return the journal of a bank. ``number`` tells entries of one moment apart."""
    rows = LockerChange.objects.filter(bank=bank).select_related("compartment", "reservation")
    return rows.annotate(number=F("pk"))


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts numbers inside a text by their value: 2 before 10."""
    parts = re.findall(r"\d+|\D+", text)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
