"""The rules and failures that keep messages away, each with its cause and remedy.

A message that is skipped, failed or unknown has the name of one of them in ``reason``. Pages, the
API and errors show the sentences of this table, and no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from lastmile.core.formatting import number

Words = str | Lazy


@dataclass(frozen=True, slots=True)
class Explanation:
    """A reason in words: a name for lists, the cause, and the remedy or what happens next."""

    name: Words
    cause: Words
    remedy: Words


#: Names of rules that keep a message from being sent (state skipped).
RULES: Final[Mapping[str, Explanation]] = {
    "erased": Explanation(
        _("Erased"),
        _("The shopper's data was erased on request."),
        _("Nothing can be sent to this person about this order."),
    ),
    "restored_copy": Explanation(
        _("Restored copy"),
        _("This installation is a copy, and nobody switched the channel on here."),
        _("If it should send, a manager switches the channel on under Channels."),
    ),
    "no_channel": Explanation(
        _("No channel"),
        _("No channel is on that could reach this person."),
        _("A manager can switch a channel on under Channels."),
    ),
    "no_number": Explanation(
        _("No number"),
        _("The order has no phone number."),
        _("Add the number to the order, then send the message again."),
    ),
    "no_email": Explanation(
        _("No e-mail address"),
        _("The order has no e-mail address."),
        _("Add the address to the order, then send the message again."),
    ),
    "no_push": Explanation(
        _("No push"),
        _("The shopper has not turned on messages in the browser."),
        _("They can do so on the delivery page. Another channel may reach them."),
    ),
    "opted_out": Explanation(
        _("Opted out"),
        _("This person opted out of this channel."),
        _("They opt in again by writing START, or on the page to which the message links."),
    ),
    "not_wanted": Explanation(
        _("Not wanted"),
        _("This person does not want messages of this kind."),
        _("They can change this on their delivery page."),
    ),
    "undeliverable": Explanation(
        _("Undeliverable"),
        _("Earlier messages to this number or address did not arrive."),
        _("Correct the number or address on the order, then send the message again."),
    ),
    "no_template": Explanation(
        _("No text"),
        _("There is no text for this message on this channel and in this language."),
        _("A manager can write it under Texts."),
    ),
    "expired": Explanation(
        _("Too late"),
        _("It could not be sent while it was still useful."),
        _("Nothing is sent late. Call the shopper if it matters."),
    ),
    "superseded": Explanation(
        _("Superseded"),
        _("Something newer happened before it was sent."),
        _("The newer message says what is true now."),
    ),
    "no_longer_true": Explanation(
        _("No longer true"),
        _("The order changed before the message was sent."),
        _("Nothing needs to be done."),
    ),
    "withdrawn": Explanation(
        _("Withdrawn"),
        _("The message was no longer needed."),
        _("Nothing needs to be done."),
    ),
    "switched_off": Explanation(
        _("Switched off"),
        _("This kind of message was switched off before it was sent."),
        _("A manager can switch it on again under Texts."),
    ),
    "quiet_hours": Explanation(
        _("Quiet hours"),
        _("It fell into the quiet hours and would have been too late after them."),
        _("A manager can change the quiet hours under Settings."),
    ),
    "cap": Explanation(
        _("Cap"),
        _("This person or order has had the most messages that the settings allow."),
        _("Wait a day, call the shopper, or raise the cap under Settings."),
    ),
    "budget": Explanation(
        _("Budget"),
        _("The message budget of the day is used up."),
        _("Wait for the next day, or raise the budget under Settings."),
    ),
}
#: Names of failures: the provider refused the message, or it did not arrive (failed, unknown).
FAILURES: Final[Mapping[str, Explanation]] = {
    "refused": Explanation(
        _("Refused"),
        _("The provider refused this message."),
        _("Read the provider's words, correct the text or the sender, and send it again."),
    ),
    "bad_contact": Explanation(
        _("Unreachable"),
        _("This number or address cannot be reached on this channel."),
        _("Correct it on the order, or use another channel."),
    ),
    "window": Explanation(
        _("Free text refused"),
        _("WhatsApp takes free text only within 24 hours of a reply."),
        _("Send an approved template, or use another channel."),
    ),
    "undelivered": Explanation(
        _("Not delivered"),
        _("The provider accepted it, but the network did not deliver it."),
        _("Check the number, or use another channel."),
    ),
    "too_many_calls": Explanation(
        _("Given up"),
        _("The provider was called eight times and never had the message."),
        _("Test the account under Channels, then send the message again."),
    ),
    "no_answer": Explanation(
        _("No answer"),
        _("The provider did not answer, and nothing could prove whether it took the message."),
        _("Ask the shopper before you send it again."),
    ),
    "silent": Explanation(
        _("Silent"),
        _("The provider took it and never said what happened to it."),
        _("Ask the shopper before you send it again."),
    ),
}
REASONS: Final[Mapping[str, Explanation]] = {**RULES, **FAILURES}

#: Things that a cap or a budget counts for.
_SCOPES: Final[Mapping[str, Words]] = {
    "retailer": _("all text messages of a day"),
    "dial": _("text messages of a day to one foreign country"),
    "number": _("one person on a day"),
    "order": _("one order"),
}


def explain(reason: str) -> Explanation:
    """Return the words of a reason; a name without words shows as itself."""
    known = REASONS.get(reason)
    return known or Explanation(reason.replace("_", " "), reason.replace("_", " "), "")


def sentence(reason: str, params: Mapping[str, Any] | None = None) -> str:
    """Return the cause and the remedy of a reason, in the reader's language."""
    words = explain(reason)
    parts = (words.cause, _limit(params or {}), words.remedy)
    return " ".join(str(part) for part in parts if part)


def _limit(params: Mapping[str, Any]) -> str:
    """Return the limit that a cap or a budget names, as a sentence; "" for other reasons."""
    most, scope = params.get("most"), _SCOPES.get(str(params.get("scope")))
    if not isinstance(most, int) or scope is None:
        return ""
    return _g("The limit is %(most)s for %(scope)s.") % {"most": number(most), "scope": scope}
