"""The rules of messages: may one be sent now, later, on another channel, or not at all?"""

from notifications.rules.deciding import SendFacts, ruling_of
from notifications.rules.facts import may_send
from notifications.rules.ruling import OK, Ruling, Verdict, later, next_channel, skip

__all__ = [
    "OK",
    "Ruling",
    "SendFacts",
    "Verdict",
    "later",
    "may_send",
    "next_channel",
    "ruling_of",
    "skip",
]
