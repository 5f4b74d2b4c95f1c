"""The tables of slots, in three modules: rules that open slots, slots, holds and choices."""

from dispatch.slots.models.holds import Caller, Choice, Hold
from dispatch.slots.models.slots import ClosedReason, Slot
from dispatch.slots.models.templates import (
    OFFERED_OPTIONS,
    Blackout,
    HolidayRule,
    HubCalendar,
    SlotTemplate,
)

__all__ = [
    "OFFERED_OPTIONS",
    "Blackout",
    "Caller",
    "Choice",
    "ClosedReason",
    "Hold",
    "HolidayRule",
    "HubCalendar",
    "Slot",
    "SlotTemplate",
]
