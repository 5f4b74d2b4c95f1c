"""Decides whether a message may be sent, from facts that were read before. PURE.

The rules are asked in a fixed order, and the first one that refuses names the reason. A refusal
that concerns one channel lets the next channel of the chain try. Every other refusal ends the
intent. Quiet hours put a message off; if it is too late then, they end it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from notifications.catalogue.kinds import CONTACT_OF_CHANNEL, ChannelKey, ContactKind, Priority
from notifications.rules.ruling import OK, Ruling, later, next_channel, skip
from notifications.wording.quiet import next_allowed

#: The messages to one number in 24 hours that urgent moments and codes may have on top.
MORE_IF_URGENT: Final = 4
MORE_FOR_CODES: Final = 14
#: The groups of moments that a person may turn off. Codes and warnings are always sent.
GROUPS: Final = ("choice", "delivery", "after")

_NO_CONTACT: Final[Mapping[str, str]] = {
    ContactKind.PHONE: "no_number",
    ContactKind.EMAIL: "no_email",
    ContactKind.PUSH: "no_push",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFacts:
    """Everything that the rules need to know about one message, read before.

    Parameters
    ----------
    now, send_at, not_after : datetime
        Business time; the message is due at ``send_at`` and of no use after ``not_after``.
    channel, group : str
        The key of the channel, and the group of the moment, as in preferences.
    priority : int
        The priority of the message.
    zone : tzinfo
        The time zone of the reader.
    heeds_quiet : bool
        False for a code, and for an answer to a person who has just written.
    is_member : bool
        True if the reader is a member: e-mail reaches members also at night.
    quiet_from_minute, quiet_until_minute : int
        The quiet hours.
    is_erased, has_contact : bool
        The person was erased; the contact of the channel exists.
    is_restored_copy, has_account, has_template : bool
        This installation is a copy on which nobody switched the channel on; the channel has an
        account that is on; the moment has a template for the channel.
    opted_out_by : str
        The way in which the contact opted out, "" if it did not.
    wanted_groups : Mapping[str, bool]
        The preferences of the contact on the channel; what is missing is wanted.
    of_contact, of_order : int
        Messages to the contact within 24 hours, and about the order.
    per_number_day, per_order : int
        The caps.
    """

    now: dt.datetime
    send_at: dt.datetime
    not_after: dt.datetime
    channel: str
    group: str
    priority: int
    zone: dt.tzinfo
    heeds_quiet: bool = True
    is_member: bool = False
    quiet_from_minute: int = 0
    quiet_until_minute: int = 0
    is_erased: bool = False
    has_contact: bool = True
    is_restored_copy: bool = False
    has_account: bool = True
    has_template: bool = True
    opted_out_by: str = ""
    wanted_groups: Mapping[str, bool] = field(default_factory=dict)
    of_contact: int = 0
    of_order: int = 0
    per_number_day: int = 1_000_000
    per_order: int = 1_000_000

    @property
    def due_at(self) -> dt.datetime:
        """The instant at which the message would be sent without any rule."""
        return max(self.now, self.send_at)

    @property
    def is_due(self) -> bool:
        """True if the message would be sent now."""
        return self.send_at <= self.now


def most_for_number(per_number_day: int, priority: int) -> int:
    """Return how many messages a number may get in 24 hours, at a priority."""
    if priority == Priority.CODE:
        return per_number_day + MORE_FOR_CODES
    return per_number_day + (MORE_IF_URGENT if priority == Priority.NOW else 0)


def ruling_of(facts: SendFacts) -> Ruling:
    """Return what to do with a message now, and the name of the rule that decided."""
    for rule in _RULES:
        ruling = rule(facts)
        if ruling is not None:
            return ruling
    return OK


def _erased(facts: SendFacts) -> Ruling | None:
    return skip("erased") if facts.is_erased else None


def _restored_copy(facts: SendFacts) -> Ruling | None:
    return skip("restored_copy") if facts.is_restored_copy else None


def _no_channel(facts: SendFacts) -> Ruling | None:
    return None if facts.has_account else next_channel("no_channel")


def _no_contact(facts: SendFacts) -> Ruling | None:
    if facts.has_contact:
        return None
    return next_channel(_NO_CONTACT[CONTACT_OF_CHANNEL[ChannelKey(facts.channel)]])


def _opted_out(facts: SendFacts) -> Ruling | None:
    if facts.opted_out_by in {"", "bounce"}:
        return None
    return next_channel("opted_out")


def _not_wanted(facts: SendFacts) -> Ruling | None:
    if facts.group not in GROUPS or facts.wanted_groups.get(facts.group, True):
        return None
    return next_channel("not_wanted")


def _undeliverable(facts: SendFacts) -> Ruling | None:
    return next_channel("undeliverable") if facts.opted_out_by == "bounce" else None


def _no_template(facts: SendFacts) -> Ruling | None:
    return None if facts.has_template else next_channel("no_template")


def _expired(facts: SendFacts) -> Ruling | None:
    return skip("expired") if facts.due_at > facts.not_after else None


def _quiet_hours(facts: SendFacts) -> Ruling | None:
    if not facts.heeds_quiet or (facts.is_member and facts.channel == ChannelKey.EMAIL):
        return None
    begins, ends = facts.quiet_from_minute, facts.quiet_until_minute
    allowed = next_allowed(facts.due_at, facts.zone, begins, ends)
    if allowed == facts.due_at:
        return None
    if allowed > facts.not_after:
        return skip("quiet_hours", {"from_minute": begins, "until_minute": ends})
    return later("quiet_hours", allowed)


def _cap(facts: SendFacts) -> Ruling | None:
    if not facts.is_due:
        return None  # how many messages there will be then is not known yet
    most = most_for_number(facts.per_number_day, facts.priority)
    if facts.of_contact >= most:
        return skip("cap", {"scope": "number", "most": most})
    if facts.priority != Priority.CODE and facts.of_order >= facts.per_order:
        return skip("cap", {"scope": "order", "most": facts.per_order})
    return None


#: The order of the rules. A budget is the last one; ``services.budgets`` counts it at the send.
_RULES: Final[tuple[Callable[[SendFacts], Ruling | None], ...]] = (
    _erased,
    _restored_copy,
    _no_channel,
    _no_contact,
    _opted_out,
    _not_wanted,
    _undeliverable,
    _no_template,
    _expired,
    _quiet_hours,
    _cap,
)
