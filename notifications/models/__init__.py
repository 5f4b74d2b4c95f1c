"""The tables of messages: the ledger, channel accounts, contacts, budgets and threads."""

from notifications.models.accounts import AccountKind, AccountSource, AccountState, ChannelAccount
from notifications.models.budgets import BudgetScope, BudgetUse
from notifications.models.contacts import ConsentEntry, Contact, ContactChannel
from notifications.models.messages import (
    MOST_CALLS,
    CallResult,
    Message,
    ProviderCall,
    ProviderReport,
    ReportSource,
)
from notifications.models.threads import Direction, SavedReply, Thread, ThreadEntry

__all__ = [
    "MOST_CALLS",
    "AccountKind",
    "AccountSource",
    "AccountState",
    "BudgetScope",
    "BudgetUse",
    "CallResult",
    "ChannelAccount",
    "ConsentEntry",
    "Contact",
    "ContactChannel",
    "Direction",
    "Message",
    "ProviderCall",
    "ProviderReport",
    "ReportSource",
    "SavedReply",
    "Thread",
    "ThreadEntry",
]
