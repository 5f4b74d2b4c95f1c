"""The services of messages. Other apps import from here."""

from notifications.services.budgets import forget_budgets, give_back_budget, reserve_budget
from notifications.services.claiming import ClaimedMessage, claim, reap
from notifications.services.contacts import (
    contact_of,
    find_contacts,
    opt_in,
    opt_out,
    set_preferences,
    start_all,
    stop_all,
)
from notifications.services.erasing import erase_person, forget_messages
from notifications.services.polling import poll_due

__all__ = [
    "ClaimedMessage",
    "claim",
    "contact_of",
    "erase_person",
    "find_contacts",
    "forget_budgets",
    "forget_messages",
    "give_back_budget",
    "opt_in",
    "opt_out",
    "poll_due",
    "reap",
    "reserve_budget",
    "set_preferences",
    "start_all",
    "stop_all",
]
