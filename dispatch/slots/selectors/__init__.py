"""Queries of slots: what can be booked, how much is free, which slots are near."""

from dispatch.slots.selectors.free import (
    Free,
    alternatives,
    free_of,
    nearest_slots,
    slots_for,
    still_free,
)
from dispatch.slots.selectors.waiting import to_choose_warnings

__all__ = [
    "Free",
    "alternatives",
    "free_of",
    "nearest_slots",
    "slots_for",
    "still_free",
    "to_choose_warnings",
]
