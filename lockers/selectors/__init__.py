"""The selectors of lockers."""

from lockers.selectors.chances import chances_free
from lockers.selectors.counter import at_counter, named_by
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
from lockers.selectors.lost import WITH_COMPARTMENT, lost_locker
from lockers.selectors.nearest import (
    MOST_RADIUS_M,
    USUAL_RADIUS_M,
    NearBank,
    Wanted,
    free_boxes,
    nearest_banks,
)
from lockers.selectors.occupancy import Occupancy, in_all, mean_dwell_s, occupancy_of
from lockers.selectors.offers import BankOffer, BankSearch, bank_offers, has_bank_near
from lockers.selectors.outlook import (
    HORIZONS_H,
    MISUSE_DAYS,
    ClassOutlook,
    Misuse,
    forecast_of,
    long_inside,
    misuse_of,
)
from lockers.selectors.support import (
    ShownCommand,
    changes_of_reservation,
    codes_that_may_open,
    commands_about,
    disputes_of,
    entries_of,
    last_disputes,
    search_reservations,
)

__all__ = [
    "HORIZONS_H",
    "MISUSE_DAYS",
    "MOST_RADIUS_M",
    "USUAL_RADIUS_M",
    "WITH_COMPARTMENT",
    "BankOffer",
    "BankSearch",
    "ClassOutlook",
    "Column",
    "Door",
    "HoursWords",
    "Misuse",
    "NearBank",
    "Occupancy",
    "ShownCommand",
    "Wanted",
    "at_counter",
    "bank_offers",
    "banks",
    "banks_of",
    "boxes_by_state",
    "chances_free",
    "changes_of",
    "changes_of_reservation",
    "codes_that_may_open",
    "commands_about",
    "commands_of",
    "compartments_of",
    "disputes_of",
    "doors_of",
    "entries_of",
    "forecast_of",
    "free_boxes",
    "has_bank_near",
    "hours_in_words",
    "hours_of",
    "in_all",
    "is_open_at",
    "last_disputes",
    "live_reservations",
    "long_inside",
    "lost_locker",
    "mean_dwell_s",
    "misuse_of",
    "named_by",
    "nearest_banks",
    "occupancy_of",
    "reservations_of",
    "search_reservations",
]
