"""Words of messages for staff: moments, channels, results of calls, and "was she told?"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from lastmile.core import formatting
from notifications.models import ChannelAccount, Message
from notifications.reasons import sentence
from notifications.rendering.rendered import CODE_MARK, LINK_MARK, OPT_OUT_MARK
from notifications.selectors.ledger import OrderMessages
from notifications.states import MessageState

Words = str | Lazy
S = MessageState

MOMENTS: Final[Mapping[str, Words]] = {
    "choose_invitation": _("Invitation to choose"),
    "choose_reminder": _("Reminder to choose"),
    "promise_confirmed": _("Window confirmed"),
    "promise_changed": _("Window changed by the shopper"),
    "promise_superseded": _("Window changed by you"),
    "day_before": _("Day before"),
    "out_for_delivery": _("Out for delivery"),
    "delayed": _("Delayed"),
    "near": _("Almost there"),
    "arriving": _("Arriving"),
    "delivered": _("Delivered"),
    "return_collected": _("Return collected"),
    "failed": _("Attempt failed"),
    "locker_ready": _("In the locker"),
    "locker_reminder": _("Still in the locker"),
    "locker_expired": _("Time to collect is over"),
    "locker_lost": _("The locker takes it no more"),
    "locker_moved": _("Another locker"),
    "tried_again": _("Comes again"),
    "cancelled": _("Order cancelled"),
    "rating": _("Request to rate"),
    "step_up_code": _("Code"),
    "step_up_used": _("Code was used"),
    "stop_explained": _("Answer to the word CANCEL"),
    "place_changed": _("Place changed"),
    "import_ended": _("Import ended"),
    "nothing_planned": _("Nothing planned"),
    "budget_reached": _("Budget reached"),
    "channel_paused": _("Channel paused"),
    "answer": _("Own words"),
    "opt_out_answer": _("Answer to an opt-out"),
}
CHANNELS: Final[Mapping[str, Words]] = {
    "sms": _("SMS"),
    "whatsapp": _("WhatsApp"),
    "email": _("E-mail"),
    "push": _("Push message"),
    "": _("No channel"),
}
_ICONS: Final = {"sms": "phone", "whatsapp": "message-square", "email": "mail", "push": "bell"}
CALLS: Final[Mapping[str, Words]] = {
    "open": _("No answer yet"),
    "accepted": _("Accepted"),
    "refused": _("Refused"),
    "transient": _("Not taken, tried again"),
    "unclear": _("No answer: it may have been taken"),
    "absent": _("Not taken, as the provider proved"),
}
SOURCES: Final[Mapping[str, Words]] = {
    "callback": _("reported by the provider"),
    "poll": _("asked by us"),
    "lookup": _("found by a look-up"),
}


def moment_name(key: str) -> Words:
    """Return the name of a moment; a moment without a name shows its key."""
    return MOMENTS.get(key, key.replace("_", " "))


def channel_name(key: str) -> Words:
    """Return the name of a channel."""
    return CHANNELS.get(key, key)


def icon_of(channel: str) -> str:
    """Return the icon of a channel."""
    return _ICONS.get(channel, "ban")


def shown_text(text: str) -> str:
    """Return the words of a message with ``(link)`` and dots in place of links and code."""
    link = f"({_g('link')})"
    return text.replace(LINK_MARK, link).replace(OPT_OUT_MARK, link).replace(CODE_MARK, "••••••")


def why(message: Message) -> str:
    """Return some sentences: why a message was not sent or did not arrive; else "".

    A message that was never sent also says why its other channels could not be used.
    """
    if not message.reason:
        return ""
    others = passed_over(message) if message.state == MessageState.SKIPPED else []
    causes = (f"{channel}: {cause}" for channel, cause in others)
    return " ".join((sentence(message.reason, message.reason_params), *causes))


def passed_over(message: Message) -> list[tuple[str, str]]:
    """Return the name of each channel that could not be used before this one, and why not.

    A channel that was never set up is left out.
    """
    pairs = [(channel, reason) for channel, reason in message.passed_over]
    if any(reason == "no_channel" for _channel, reason in pairs):
        set_up = set(ChannelAccount.objects.values_list("channel", flat=True))
        pairs = [one for one in pairs if one[1] != "no_channel" or one[0] in set_up]
    return [
        (
            str(channel_name(channel)),
            _g("The channel is off.") if reason == "no_channel" else sentence(reason),
        )
        for channel, reason in pairs
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to "was the shopper told?": a tone, an icon, a word or two, and a sentence."""

    tone: str
    icon: str
    head: str
    text: str


def answer_of(about: OrderMessages, channels: list[str]) -> Answer:
    """Return whether the shopper was told the latest about an order, and if not, why."""
    latest = about.latest
    if latest is not None:
        return _outcome(latest.best)
    if about.following is not None:
        return Answer(tone="", icon="clock", head=_g("Not yet."), text=following_text(about))
    if not channels:
        text = _g("No channel is switched on, so shoppers get no messages.")
        return Answer(tone="risk", icon="circle-alert", head=_g("No."), text=text)
    text = _g("Nothing has happened yet that this shopper is told.")
    return Answer(tone="", icon="info", head=_g("No message yet."), text=text)


def following_text(about: OrderMessages) -> str:
    """Return when the next message goes out; "" if no message waits."""
    row = about.following
    if row is None:
        return ""
    return _g("“%(moment)s” goes out by %(channel)s on %(time)s.") % _facts(row, row.send_at)


def _facts(row: Message, at: object) -> dict[str, object]:
    return {
        "moment": moment_name(row.moment),
        "channel": channel_name(row.channel),
        "time": formatting.day_and_time(at),  # type: ignore[arg-type]
    }


def _outcome(row: Message) -> Answer:
    """Return the answer for the message that tells the result of the latest occasion."""
    facts = _facts(row, row.ended_at or row.accepted_at or row.made_at)
    if row.state == S.READ:
        text = _g("“%(moment)s” was read (%(channel)s, %(time)s).") % facts
        return Answer(tone="ok", icon="eye", head=_g("Yes, and read."), text=text)
    if row.state == S.DELIVERED:
        text = _g("“%(moment)s” was delivered by %(channel)s on %(time)s.") % facts
        return Answer(tone="ok", icon="circle-check", head=_g("Yes."), text=text)
    if row.state in {S.SENT, S.ACCEPTED}:
        text = _g("“%(moment)s” went out by %(channel)s on %(time)s. Its arrival is not confirmed.")
        return Answer(tone="ok", icon="send", head=_g("Sent."), text=text % facts)
    if row.state == S.SENDING:
        text = _g("“%(moment)s” is being sent by %(channel)s.") % facts
        return Answer(tone="", icon="loader", head=_g("In a moment."), text=text)
    if row.state == S.UNCLEAR:
        text = _g("The provider did not answer about “%(moment)s”. It is being asked again.")
        return Answer(tone="risk", icon="circle-alert", head=_g("Unclear."), text=text % facts)
    head = _g("Unclear.") if row.state == S.UNKNOWN else _g("No.")
    text = _g("“%(moment)s” did not reach the shopper.") % facts
    tone = "risk" if row.state == S.SKIPPED else "failed"
    return Answer(tone=tone, icon="circle-alert", head=head, text=f"{text} {why(row)}")
