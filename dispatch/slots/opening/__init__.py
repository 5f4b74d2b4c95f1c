"""Opening of slots: the slots that the rules of a hub want, and the difference to its slots."""

from dispatch.slots.opening.difference import Difference, difference, future_slots
from dispatch.slots.opening.wanted import (
    COPIED,
    HubRules,
    Key,
    Wanted,
    active_templates,
    calendar_of,
    is_served,
    key_of,
    pattern_of,
    wanted_slots,
)

__all__ = [
    "COPIED",
    "Difference",
    "HubRules",
    "Key",
    "Wanted",
    "active_templates",
    "calendar_of",
    "difference",
    "future_slots",
    "is_served",
    "key_of",
    "pattern_of",
    "wanted_slots",
]
