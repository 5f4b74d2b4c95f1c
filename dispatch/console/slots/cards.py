"""The parts of the pages of slots: previews of rules, effects of changes, cells of the board."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from dispatch.console.slots import words
from dispatch.console.words import day_words, window_words
from dispatch.fleet.models import Hub
from dispatch.slots import selectors
from dispatch.slots.models import Slot, SlotTemplate
from dispatch.slots.rules.occurrences import Unfolded
from dispatch.slots.selectors import BoardPart, Effect, Fill, SlotBoard
from dispatch.slots.states import SlotState
from lastmile.core import clock, formatting


def language() -> str:
    """Return the reader's language without its region, for names of holidays."""
    return (get_language() or "en").split("-")[0]


@dataclass(frozen=True, slots=True)
class NextSlot:
    """A window that a rule gives: its day, its times, and until when it can be booked."""

    day: str
    window: str
    until: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The next slots of a rule, and the dates that it leaves out, as text."""

    slots: tuple[NextSlot, ...]
    left_out: tuple[str, ...]
    zone: str


def preview_of(template: SlotTemplate) -> Preview:
    """Return the preview of a template, stored or not, in the hub's own time. Raises RuleError."""
    unfolded = selectors.next_windows(template, language=language())
    zone = template.hub.zone
    return Preview(
        slots=tuple(
            NextSlot(
                day_words(one.service_date),
                window_words(one.opens_at, one.closes_at, zone),
                _instant_words(one.book_until_at, zone),
            )
            for one in unfolded.occurrences
        ),
        left_out=tuple(_left_out(unfolded)),
        zone=zone,
    )


def _instant_words(instant: dt.datetime, zone: str) -> str:
    local = instant.astimezone(clock.zone(zone)).replace(tzinfo=None)
    return f"{day_words(local.date())}, {formatting.time(local)}"


def _left_out(unfolded: Unfolded) -> list[str]:
    """Return each left-out date once, with its reason; at most five."""
    seen: dict[tuple[dt.date, str], str] = {}
    for absent in unfolded.left_out:
        reason = absent.name or str(words.LEFT_OUT[absent.reason])
        seen.setdefault(
            (absent.service_date, reason), f"{day_words(absent.service_date)}: {reason}"
        )
    return list(seen.values())[:5]


@dataclass(frozen=True, slots=True)
class TouchedCard:
    """A slot with promises or holds that a change touches."""

    slot: Slot
    name: str
    closes: bool
    orders: tuple[tuple[str, str], ...]  # (public id, number)
    waiting: int


def touched_cards(effect: Effect) -> list[TouchedCard]:
    """Return the touched slots of an effect as the page names them."""
    return [
        TouchedCard(
            slot=one.slot,
            name=slot_words(one.slot),
            closes=one.change == "closes",
            orders=tuple(one.numbered),
            waiting=one.waiting,
        )
        for one in effect.touched
    ]


def slot_words(slot: Slot) -> str:
    """Return the date and the window of a slot in the hub's own time."""
    return (
        f"{day_words(slot.service_date)}, "
        f"{window_words(slot.opens_at, slot.closes_at, slot.hub.zone)}"
    )


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the board: the slot, its shade from 0 to 4, and its texts."""

    slot: Slot
    shade: int
    text: str
    name: str
    closed: bool
    over: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the board: a window and its cells, one a day."""

    window: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class SlotTable:
    """A table of the board: an option and a zone."""

    title: str
    rows: tuple[Row, ...]


def parts_of(board: SlotBoard) -> list[SlotTable]:
    """Return the tables of the board."""
    return [
        SlotTable(
            title=_title(part),
            rows=tuple(
                Row(
                    window=words.span_of(row.opens_minute, row.closes_minute),
                    cells=tuple(_cell(board.hub, fill) if fill else None for fill in row.cells),
                )
                for row in part.rows
            ),
        )
        for part in board.parts
    ]


def _title(part: BoardPart) -> str:
    option = str(words.OPTIONS.get(part.option, part.option))
    return f"{option}, {part.zone}" if part.zone else option


def _cell(hub: Hub, fill: Fill) -> Cell:
    slot = fill.slot
    closed = slot.state == SlotState.CLOSED
    share = fill.share or 0.0
    capacity = slot.capacity_orders
    text = str(fill.taken) if capacity is None else f"{fill.taken}/{capacity}"
    free = fill.free
    if closed:
        state = str(words.CLOSED.get(slot.closed_reason, ""))
    elif fill.full:
        state = _("full")
    elif free is None:
        state = _("%(taken)d taken, no limit") % {"taken": fill.taken}
    else:
        state = _("%(free)d free") % {"free": free}
    return Cell(
        slot=slot,
        shade=0 if fill.taken == 0 else min(4, 1 + int(share * 3)) if share < 1 else 4,
        text=formatting.digits(text),
        name=f"{day_words(slot.service_date)}, "
        f"{window_words(slot.opens_at, slot.closes_at, hub.zone)}: {state}",
        closed=closed,
        over=not closed and not selectors.is_open(fill),
    )


def dates_words(first: dt.date, last: dt.date) -> str:
    """Return one date, or the first and the last date."""
    return day_words(first) if first == last else f"{day_words(first)} – {day_words(last)}"


def column_words(dates: Sequence[dt.date]) -> list[str]:
    """Return the headings of the days of the board."""
    return [day_words(date) for date in dates]
