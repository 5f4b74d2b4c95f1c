"""The words of the pages about channel accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.catalogue.kinds import ChannelKey
from notifications.provider_codes import code_words
from tenants.sections import Label

#: Channel -> name, and what it does.
CHANNELS: Final[Mapping[str, tuple[Label, Label]]] = {
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
PROVIDERS: Final[Mapping[str, Label]] = {
    "twilio-own": gettext_lazy("Your own Twilio account"),
    "twilio-installation": gettext_lazy("The Twilio account of this installation"),
    "null-own": gettext_lazy("Keep messages here, send nothing"),
}
#: Field -> label and hint.
FIELDS: Final[Mapping[str, tuple[Label, Label]]] = {
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
RATE_NAME: Final = gettext_lazy("Messages per second")
RATE_HINT: Final = gettext_lazy("The limit of your account. We send at most 90 % of it.")


def advice(code: str) -> str:
    """Return the cause of a refusal of an account, and what to do."""
    return str(code_words(code)) or _("The provider refused the account.")


def documentation(code: str) -> str:
    """Return the address of Twilio's page about a code; "" for a code of our own."""
    is_theirs = code.isascii() and code.isdigit()
    return f"https://www.twilio.com/docs/api/errors/{code}" if is_theirs else ""
