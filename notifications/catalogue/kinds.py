"""The words of the catalogue: moments, their timing, their readers and their channels. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Audience(StrEnum):
    """The readers of a moment.

    - shopper: the shopper of the order, as the order is when the message is sent.
    - old_contact: the shopper that the event names.
    - actor: the member who did it.
    - staff_of_hub: the dispatchers of the order's hub.
    - managers: the managers of the retailer.
    """

    SHOPPER = "shopper"
    OLD_CONTACT = "old_contact"
    ACTOR = "actor"
    STAFF_OF_HUB = "staff_of_hub"
    MANAGERS = "managers"


class Priority(IntEnum):
    """The priority of a message. A lower number goes out first."""

    CODE = 0
    NOW = 1
    NORMAL = 2
    LOW = 3


class ChannelKey(StrEnum):
    """The channels, by the key that rows and settings use."""

    PUSH = "push"
    WHATSAPP = "whatsapp"
    SMS = "sms"
    EMAIL = "email"


class ContactKind(StrEnum):
    """The kinds of contacts: a phone number, an e-mail address or a push subscription."""

    PHONE = "phone"
    EMAIL = "email"
    PUSH = "push"


#: Channel -> the kind of contact that it writes to.
CONTACT_OF_CHANNEL: Mapping[str, ContactKind] = {
    ChannelKey.PUSH: ContactKind.PUSH,
    ChannelKey.WHATSAPP: ContactKind.PHONE,
    ChannelKey.SMS: ContactKind.PHONE,
    ChannelKey.EMAIL: ContactKind.EMAIL,
}
#: The chain of channels that a moment tries by default, in this order.
DEFAULT_CHAIN: tuple[str, ...] = (
    ChannelKey.PUSH,
    ChannelKey.WHATSAPP,
    ChannelKey.SMS,
    ChannelKey.EMAIL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable of a moment's templates: a sentence, an example and the longest value.

    A template without a ``needed`` variable is refused. A variable with ``choices`` has one of
    these words as its value: templates select a text by it, and readers never see it.
    """

    sentence: str
    example: str | int
    longest: str | int
    needed: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The times of a moment's messages, in business time.

    ``send`` is at_once, after (``lead_s``), before_window (``lead_s``) or day_before (``minute``
    of the day in the zone of the order). ``not_after`` is event, window_opens, window_closes or
    day_ends, plus ``not_after_s``. Several facts within ``gather_s`` become one message; the first
    due time is kept. ``quiet`` is False for messages that quiet hours do not stop.
    """

    send: str = "at_once"
    lead_s: int = 0
    minute: int | None = None
    not_after: str = "event"
    not_after_s: int = 3600
    gather_s: int = 0
    quiet: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An occasion that is worth a message.

    ``event`` has the event kinds that start it. ``replaces`` has the moments whose waiting messages
    of this order and recipient it supersedes. ``applies`` is the dotted name of a function
    ``def f(event, order) -> bool`` that the handler asks. ``still_true`` names a function
    ``def f(message, order) -> str`` that is asked at the send: "" or the reason to skip. A message
    that supersedes one of ``takes_over`` gets its moment: its reader never read the first one.
    """

    key: str
    event: tuple[str, ...]
    replaces: tuple[str, ...] = ()
    audience: Audience
    timing: Timing
    priority: Priority
    group: str
    channels: tuple[str, ...] = DEFAULT_CHAIN
    variables: Mapping[str, Variable] = field(default_factory=dict)
    applies: str = ""
    still_true: str = ""
    takes_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """The person to tell: a shopper or a member, with the contacts that are known now."""

    public_id: str
    phone: str = ""
    email: str = ""
    language: str = ""
    is_member: bool = False
