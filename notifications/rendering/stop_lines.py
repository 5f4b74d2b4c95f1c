"""The way to stop messages: a line under each e-mail, and under texts that nobody can answer.

Only messages that a person may turn off have it. Codes, warnings and the answer to a stop word do
not. The link is a mark here, as the link of the order is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils import translation
from django.utils.translation import gettext as _

from lastmile.core.tenancy import current_retailer
from notifications.catalogue.kinds import ChannelKey, Moment
from notifications.catalogue.own_words import ANSWER
from notifications.rendering.rendered import OPT_OUT_MARK

#: The groups of moments that a person may turn off.
OPTIONAL: Final = frozenset({"choice", "delivery", "after"})
#: Characters that texts leave free for the line, so that a provider never refuses text and line.
ROOM: Final = 200
#: Between an e-mail's text and the line under it, as mail programs expect it.
SEPARATOR: Final = "\n\n-- \n"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLine:
    """The line under an e-mail: why the reader gets it, and the words of the link that stops it."""

    why: str
    label: str
    target: str = OPT_OUT_MARK

    @property
    def text(self) -> str:
        """The line as plain text."""
        return f"{self.why}\n{self.label}: {self.target}"


def can_be_stopped(moment: Moment) -> bool:
    """Return True if a person may turn off the messages of a moment."""
    return moment.key == ANSWER or moment.group in OPTIONAL


def mail_line(language: str, target: str = OPT_OUT_MARK) -> StopLine:
    """Return the line under an e-mail to a shopper, in a language."""
    with translation.override(language):
        why = _("You get this e-mail because of your order with %(shop)s.")
        return StopLine(
            why=why % {"shop": current_retailer().shop_name},
            label=_("Stop these e-mails"),
            target=target,
        )


def with_stop_line(channel: str, text: str, language: str) -> str:
    """Return a text message with the line that stops messages, unless the text has its link."""
    if channel != ChannelKey.SMS or OPT_OUT_MARK in text:
        return text
    with translation.override(language):
        return f"{text}\n" + _("Stop messages: %(link)s") % {"link": OPT_OUT_MARK}


def without_stop_line(text: str) -> str:
    """Return a stored text without the line that was put under it."""
    if OPT_OUT_MARK not in text:
        return text
    above, separator, _line = text.rpartition(SEPARATOR)
    return above if separator else text.rpartition("\n")[0]
