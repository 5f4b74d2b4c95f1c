"""The services of messages. Other apps import from here."""

from notifications.services.budgets import forget_budgets, give_back_budget, reserve_budget
from notifications.services.claiming import ClaimedMessage, claim, reap
from notifications.services.codes import send_code
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
from notifications.services.keeping import erase_kept, forget_kept
from notifications.services.looking_up import resolve
from notifications.services.polling import poll_due
from notifications.services.preparing import prepare
from notifications.services.reporting import accept, leave_unclear, refuse_call, report
from notifications.services.telling import retry, send_text, tell, withdraw
from notifications.services.threads import Inbound, answer, mark_read, move_thread, receive_reply

__all__ = [
    "ClaimedMessage",
    "Inbound",
    "accept",
    "answer",
    "claim",
    "contact_of",
    "erase_kept",
    "erase_person",
    "find_contacts",
    "forget_budgets",
    "forget_kept",
    "forget_messages",
    "give_back_budget",
    "leave_unclear",
    "mark_read",
    "move_thread",
    "opt_in",
    "opt_out",
    "poll_due",
    "prepare",
    "reap",
    "receive_reply",
    "refuse_call",
    "report",
    "reserve_budget",
    "resolve",
    "retry",
    "send_code",
    "send_text",
    "set_preferences",
    "start_all",
    "stop_all",
    "tell",
    "withdraw",
]
