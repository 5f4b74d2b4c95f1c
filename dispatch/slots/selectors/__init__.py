"""Queries of slots: what can be booked, how much is free, which slots are near."""

from dispatch.slots.selectors.free import (
    Free,
    alternatives,
    free_of,
    nearest_slots,
    slots_for,
    still_free,
)

__all__ = ["Free", "alternatives", "free_of", "nearest_slots", "slots_for", "still_free"]
