"""The tables of messages: the ledger, channel accounts and contacts."""

from notifications.models.accounts import AccountKind, AccountSource, AccountState, ChannelAccount
from notifications.models.contacts import Contact, ContactChannel
from notifications.models.messages import (
    MOST_CALLS,
    CallResult,
    Message,
    ProviderCall,
    ProviderReport,
    ReportSource,
)

__all__ = [
    "MOST_CALLS",
    "AccountKind",
    "AccountSource",
    "AccountState",
    "CallResult",
    "ChannelAccount",
    "Contact",
    "ContactChannel",
    "Message",
    "ProviderCall",
    "ProviderReport",
    "ReportSource",
]
