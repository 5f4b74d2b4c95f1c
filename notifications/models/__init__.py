"""The tables of messages: the ledger, channel accounts, contacts, budgets and threads."""

from notifications.models.accounts import AccountKind, AccountSource, AccountState, ChannelAccount
from notifications.models.budgets import BudgetScope, BudgetUse
from notifications.models.contacts import ConsentEntry, Contact, ContactChannel
from notifications.models.kept import KeptMessage
from notifications.models.messages import (
    MOST_CALLS,
    CallResult,
    Message,
    ProviderCall,
    ProviderReport,
    ReportSource,
)
from notifications.models.push import PushSubscription
from notifications.models.templates import (
    EmailLayout,
    MessageTemplate,
    MomentSetting,
    TemplateVersion,
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
    "EmailLayout",
    "KeptMessage",
    "Message",
    "MessageTemplate",
    "MomentSetting",
    "ProviderCall",
    "ProviderReport",
    "PushSubscription",
    "ReportSource",
    "SavedReply",
    "TemplateVersion",
    "Thread",
    "ThreadEntry",
]
