"""The event kinds of messages, contacts and channel accounts: ids, words and numbers only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from lastmile.core.kinds import FieldDoc, Kind

ChannelWord = Annotated[str, FieldDoc("sms, whatsapp, email or push.", "sms")]
OrderRef = Annotated[
    str | None, FieldDoc("Public id of the order; null if none.", "ord_5n8v2w6r0t4y7b1d3f9k")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEndedFacts:
    """A message ended: it arrived, failed, was skipped, or nobody can tell."""

    state: Annotated[str, FieldDoc("delivered, sent, failed, skipped or unknown.", "delivered")]
    reason: Annotated[
        str, FieldDoc("Name of the rule or of the failure; empty if it arrived.", "quiet_hours")
    ]
    channel: Annotated[
        str, FieldDoc("sms, whatsapp, email or push; empty if none could be used.", "sms")
    ]
    moment: Annotated[str, FieldDoc("Key of the moment.", "out_for_delivery")]
    order: OrderRef
    calls: Annotated[int, FieldDoc("Number of calls to the provider.", 1)]
    segments: Annotated[int | None, FieldDoc("Segments, as the provider counts them.", 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyReceivedFacts:
    """A shopper wrote to the shop. The subject is the contact, or the thread of a page."""

    channel: Annotated[
        str, FieldDoc("sms, whatsapp, email or push; page for a text from the page.", "sms")
    ]
    thread: Annotated[str, FieldDoc("Public id of the thread.", "thr_3c7f1h5k9n3q7s2v6x0z")]
    order: OrderRef


@dataclass(frozen=True, slots=True, kw_only=True)
class OptFacts:
    """A contact opted out of a channel, or in again. The subject is the contact."""

    channel: ChannelWord
    by: Annotated[str, FieldDoc("word, provider, page, staff, bounce or one_click.", "word")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPausedFacts:
    """A channel account was paused, or it sends again. The subject is the account."""

    channel: ChannelWord
    cause: Annotated[str, FieldDoc("The provider's code for the cause.", "provider_20003")]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetReachedFacts:
    """A share of a budget of messages was used. The subject is the retailer."""

    scope: Annotated[str, FieldDoc("retailer, number, order or dial.", "retailer")]
    percent: Annotated[int, FieldDoc("50, 80 or 100.", 80)]


MESSAGE_ENDED = Kind("message.ended", facts=MessageEndedFacts, public=True)
REPLY_RECEIVED = Kind("reply.received", facts=ReplyReceivedFacts, public=True)
OPTED_OUT = Kind("contact.opted_out", facts=OptFacts, public=True)
OPTED_IN = Kind("contact.opted_in", facts=OptFacts, public=True)
CHANNEL_PAUSED = Kind("channel.paused", facts=ChannelPausedFacts)
CHANNEL_RESUMED = Kind("channel.resumed", facts=ChannelPausedFacts)
BUDGET_REACHED = Kind("budget.reached", facts=BudgetReachedFacts)
