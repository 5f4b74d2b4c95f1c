"""The words of the pages about channel accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.catalogue.kinds import ChannelKey

Words = str | Promise

#: Channel -> name, and what it does.
CHANNELS: Final[Mapping[str, tuple[Words, Words]]] = {
    ChannelKey.SMS: (gettext_lazy("SMS"), gettext_lazy("Text messages to phone numbers.")),
    ChannelKey.WHATSAPP: (
        gettext_lazy("WhatsApp"),
        gettext_lazy("Templates at any time, free text for 24 hours after a reply."),
    ),
    ChannelKey.EMAIL: (gettext_lazy("E-mail"), gettext_lazy("Letters with a button.")),
    ChannelKey.PUSH: (
        gettext_lazy("Web push"),
        gettext_lazy("Notices in the browser of shoppers who allowed them."),
    ),
}
#: Kind and source of an account -> name.
PROVIDERS: Final[Mapping[str, Words]] = {
    "twilio-own": gettext_lazy("Your own Twilio account"),
    "twilio-installation": gettext_lazy("The Twilio account of this installation"),
    "null-own": gettext_lazy("Keep messages here, send nothing"),
}
#: Field -> label and hint.
FIELDS: Final[Mapping[str, tuple[Words, Words]]] = {
    "account_sid": (
        gettext_lazy("Account SID"),
        gettext_lazy("On the first page of the Twilio console. It starts with AC."),
    ),
    "api_key": (
        gettext_lazy("SID of the API key"),
        gettext_lazy("It starts with SK. Without a key, the auth token is used for sending too."),
    ),
    "api_secret": (gettext_lazy("Secret of the API key"), ""),
    "auth_token": (
        gettext_lazy("Auth token"),
        gettext_lazy("It proves that reports and replies come from Twilio."),
    ),
    "service": (
        gettext_lazy("Messaging service SID"),
        gettext_lazy("It starts with MG. The service chooses the sender."),
    ),
    "sender": (
        gettext_lazy("Sender"),
        gettext_lazy("Only without a messaging service: your number at Twilio."),
    ),
}
SENDER_OF_SMS: Final = gettext_lazy(
    "Only without a messaging service: your number at Twilio, or a name of up to 11 letters."
)
KEPT_SECRET: Final = gettext_lazy("It is stored and not shown again. Leave it empty to keep it.")
RATE: Final = (
    gettext_lazy("Messages per second"),
    gettext_lazy("The limit of your account. We send at most 90 % of it."),
)
#: Code of a provider or of a failed connection -> the cause and what to do.
_ADVICE: Final[Mapping[str, Words]] = {
    "20003": gettext_lazy(
        "Twilio does not accept this account SID with this key, secret or token. Copy them again"
        " from the Twilio console."
    ),
    "20005": gettext_lazy("This Twilio account is not active. Look at it in the Twilio console."),
    "20404": gettext_lazy(
        "Twilio does not have this messaging service in this account. Copy its SID again."
    ),
    "20429": gettext_lazy("There were too many calls. Sending goes on by itself."),
    "21606": gettext_lazy("This sender cannot send there. Choose a number that Twilio gave you."),
    "21212": gettext_lazy("Twilio does not know this sender. Correct it and save."),
    "21609": gettext_lazy(
        "Twilio cannot call this installation at its address. It needs a public host name."
    ),
    "21703": gettext_lazy("The messaging service has no sender. Add a number to it at Twilio."),
    "30002": gettext_lazy("Twilio has suspended this account. Look at it in the Twilio console."),
    "63007": gettext_lazy("This number is no WhatsApp sender at Twilio. Register it there first."),
    "no_connection": gettext_lazy(
        "This server could not reach Twilio. Check its internet connection and firewall."
    ),
    "no_answer": gettext_lazy("Twilio did not answer in time. Try again in a minute."),
}


def advice(code: str) -> str:
    """Return the cause of a refusal of an account, and what to do."""
    return str(_ADVICE.get(code, "")) or _("The provider refused the account.")


def documentation(code: str) -> str:
    """Return the address of Twilio's page about a code; "" for a code of our own."""
    is_theirs = code.isascii() and code.isdigit()
    return f"https://www.twilio.com/docs/api/errors/{code}" if is_theirs else ""
