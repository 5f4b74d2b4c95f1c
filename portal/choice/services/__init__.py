"""The services of choosing: open a session, show offers, hold, confirm, erase."""

from portal.choice.services.asking import (
    Answer,
    Asker,
    ChangedSession,
    ask_again,
    ask_for_address,
    ask_for_order,
    change_session,
    held_by,
    open_session,
)
from portal.choice.services.choosing import (
    ReadyChoice,
    cancel_choice,
    choose_for_order,
    confirm_choice,
    prepare_choice,
    prepare_order_choice,
)
from portal.choice.services.current import is_current, is_fresh, leave_sessions
from portal.choice.services.erasing import erase_person, forget_sessions
from portal.choice.services.failed import offer_failed_again
from portal.choice.services.holding import (
    ReadyHold,
    busy_day,
    hold_offer,
    prepare_hold,
    release_hold,
    take_offer,
)
from portal.choice.services.offering import bookable_offers
from portal.choice.services.repeating import act_prepared

__all__ = [
    "Answer",
    "Asker",
    "ChangedSession",
    "ReadyChoice",
    "ReadyHold",
    "act_prepared",
    "ask_again",
    "ask_for_address",
    "ask_for_order",
    "bookable_offers",
    "busy_day",
    "cancel_choice",
    "change_session",
    "choose_for_order",
    "confirm_choice",
    "erase_person",
    "forget_sessions",
    "held_by",
    "hold_offer",
    "is_current",
    "is_fresh",
    "leave_sessions",
    "offer_failed_again",
    "open_session",
    "prepare_choice",
    "prepare_hold",
    "prepare_order_choice",
    "release_hold",
    "take_offer",
]
