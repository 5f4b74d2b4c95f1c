"""The selectors of lockers."""

from lockers.selectors.doors import Column, Door, changes_of, doors_of, live_reservations
from lockers.selectors.hours import HoursWords, hours_in_words, hours_of, is_open_at
from lockers.selectors.lists import (
    banks,
    banks_of,
    boxes_by_state,
    commands_of,
    compartments_of,
    reservations_of,
)
from lockers.selectors.nearest import (
    MOST_RADIUS_M,
    USUAL_RADIUS_M,
    NearBank,
    Wanted,
    free_boxes,
    nearest_banks,
)
from lockers.selectors.occupancy import Occupancy, in_all, mean_dwell_s, occupancy_of

__all__ = [
    "MOST_RADIUS_M",
    "USUAL_RADIUS_M",
    "Column",
    "Door",
    "HoursWords",
    "NearBank",
    "Occupancy",
    "Wanted",
    "banks",
    "banks_of",
    "boxes_by_state",
    "changes_of",
    "commands_of",
    "compartments_of",
    "doors_of",
    "free_boxes",
    "hours_in_words",
    "hours_of",
    "in_all",
    "is_open_at",
    "live_reservations",
    "mean_dwell_s",
    "nearest_banks",
    "occupancy_of",
    "reservations_of",
]
