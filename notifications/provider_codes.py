"""Words for the error codes of providers: the cause, and the remedy for staff.

A code without words here shows as a number, beside the provider's own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

Words = str | Lazy

_WRONG_NUMBER: Final = _("This number cannot exist. Correct it on the order.")
_NOT_MOBILE: Final = _("This number takes no text messages. Ask the shopper for a mobile number.")
_UNREACHABLE: Final = _("The phone is off or out of coverage. Send it again later, or call.")
_UNKNOWN_NUMBER: Final = _("The network does not know this number. Correct it on the order.")
_SENDER: Final = _("The sender cannot be used. Correct the sender under Channels.")
_CREDENTIALS: Final = _("The credentials are wrong. Correct and test them under Channels.")
_INACTIVE: Final = _("The account is not active. Open it at the provider and pay what is due.")
_TEMPLATE: Final = _("The provider refused the template. Correct or replace it under Texts.")

#: Codes of Twilio, from its list of errors and warnings, and of a failed connection.
WORDS: Final[Mapping[str, Words]] = {
    "10001": _INACTIVE,
    "20003": _(
        "Twilio does not accept this account SID with this key, secret or token. Copy them again"
        " from the Twilio console."
    ),
    "20005": _("This Twilio account is not active. Look at it in the Twilio console."),
    "20006": _CREDENTIALS,
    "20403": _CREDENTIALS,
    "20429": _("There were too many calls. Sending goes on by itself."),
    "21211": _WRONG_NUMBER,
    "21212": _("Twilio does not know this sender. Correct it and save."),
    "21214": _UNREACHABLE,
    "21217": _WRONG_NUMBER,
    "21408": _("The account may not write to this country. Allow it at the provider."),
    "21602": _("The text was empty. Write it under Texts."),
    "21603": _SENDER,
    "21606": _("This sender cannot send there. Choose a number that Twilio gave you."),
    "21609": _("Twilio cannot call this installation at its address. It needs a public host name."),
    "21610": _("This person wrote STOP to the provider. Only they can opt in again."),
    "21611": _("The sender's queue is full. Lower the rate under Channels."),
    "21612": _("This sender cannot reach this number. Use another sender or channel."),
    "21614": _NOT_MOBILE,
    "21617": _("The text is too long. Shorten it under Texts."),
    "21635": _NOT_MOBILE,
    "21655": _TEMPLATE,
    "21656": _TEMPLATE,
    "30001": _("The provider's queue was full. Lower the rate under Channels."),
    "30002": _("Twilio has suspended this account. Look at it in the Twilio console."),
    "30003": _UNREACHABLE,
    "30004": _("The network or the person blocks this sender. Call, or use another channel."),
    "30005": _UNKNOWN_NUMBER,
    "30006": _NOT_MOBILE,
    "30007": _("The network filtered it as unwanted. Change its words, or register the sender."),
    "30008": _("The network gave no cause. Send it again, or use another channel."),
    "30032": _("The toll-free sender is not verified. Verify it at the provider."),
    "30034": _("The sender is not registered for this country. Register it at the provider."),
    "30036": _("It was still waiting at the network when it became too late."),
    "63003": _("This number has no WhatsApp. Use another channel."),
    "63016": _("WhatsApp takes free text only within 24 hours of a reply. Send a template."),
    "63018": _("WhatsApp took no more messages of this sender. Lower the rate under Channels."),
    "63024": _("WhatsApp does not know this number. Use another channel."),
    "63027": _TEMPLATE,
    "63028": _TEMPLATE,
    "63042": _TEMPLATE,
    "20404": _("Twilio does not have this messaging service in this account. Copy its SID again."),
    "21703": _("The messaging service has no sender. Add a number to it at Twilio."),
    "63007": _("This number is no WhatsApp sender at Twilio. Register it there first."),
    "no_whatsapp_sender": _(
        "The messaging service has no WhatsApp sender. Add one to it at Twilio, or write your"
        " WhatsApp number as the sender."
    ),
    "whatsapp_offline": _(
        "Twilio knows this WhatsApp sender, but it is not online. Finish its registration at"
        " Twilio."
    ),
    "no_connection": _(
        "This server could not reach Twilio. Check its internet connection and firewall."
    ),
    "no_answer": _("Twilio did not answer in time. Try again in a minute."),
}


def code_words(code: str) -> Words:
    """Return the cause and remedy of a provider's code; "" for a code without words."""
    return WORDS.get(code, "")
