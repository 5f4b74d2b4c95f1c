"""Queries of slots: what is free, the slot board, rules, and effects of changes."""

from dispatch.slots.selectors.board import (
    MOST_DAYS,
    BoardPart,
    BoardRow,
    Fill,
    SlotBoard,
    fills,
    is_open,
    slot_board,
)
from dispatch.slots.selectors.effects import (
    Effect,
    TouchedSlot,
    blackout_effect,
    calendar_effect,
    template_effect,
    touched_by,
)
from dispatch.slots.selectors.free import (
    Free,
    alternatives,
    free_of,
    nearest_slots,
    service_date_of,
    slots_for,
    still_free,
)
from dispatch.slots.selectors.missing import why_no_slots
from dispatch.slots.selectors.rules import (
    Calendar,
    blackouts,
    calendar,
    calendar_like,
    calendar_row,
    next_windows,
    slots,
    templates,
)
from dispatch.slots.selectors.waiting import (
    to_choose_warnings,
)

__all__ = [
    "MOST_DAYS",
    "BoardPart",
    "BoardRow",
    "Calendar",
    "Effect",
    "Fill",
    "Free",
    "SlotBoard",
    "TouchedSlot",
    "alternatives",
    "blackout_effect",
    "blackouts",
    "calendar",
    "calendar_effect",
    "calendar_like",
    "calendar_row",
    "fills",
    "free_of",
    "is_open",
    "nearest_slots",
    "next_windows",
    "service_date_of",
    "slot_board",
    "slots",
    "slots_for",
    "still_free",
    "template_effect",
    "templates",
    "to_choose_warnings",
    "touched_by",
    "why_no_slots",
]
