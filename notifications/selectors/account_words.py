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
    "smtp-own": gettext_lazy("Your own mail server"),
    "smtp-installation": gettext_lazy("The mail server of this installation"),
    "vapid-own": gettext_lazy("The push services of the browsers"),
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
    "host": (
        gettext_lazy("Mail server"),
        gettext_lazy("Its host name. It needs a public address."),
    ),
    "port": (gettext_lazy("Port"), gettext_lazy("587 with STARTTLS, 465 with TLS.")),
    "security": (gettext_lazy("Encryption"), ""),
    "user": (gettext_lazy("User name"), ""),
    "password": (gettext_lazy("Password"), ""),
    "from": (
        gettext_lazy("Sender address"),
        gettext_lazy("The mail server must be allowed to send for it."),
    ),
    "reply_to": (
        gettext_lazy("Address for replies"),
        gettext_lazy("Where answers to mails go. Empty: to the sender address."),
    ),
    "bounces": (
        gettext_lazy("Address for returned mails"),
        gettext_lazy("Returned mails go there, with the message in the address. It may be empty."),
    ),
    "bounce_key": (
        gettext_lazy("Key for bounces"),
        gettext_lazy("Your mail server signs the returned mails that it passes on with this key."),
    ),
    "contact": (
        gettext_lazy("Contact address"),
        gettext_lazy("Push services write to it if something is wrong. It may be empty."),
    ),
}
#: Field -> its choices.
CHOICES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "port": (("587", "587"), ("465", "465"), ("25", "25"), ("2525", "2525")),
    "security": (("starttls", "STARTTLS"), ("tls", "TLS")),
}
#: Code of a push service, or of our own -> cause and remedy; "" for every other code.
_PUSH: Final[Mapping[str, Label]] = {
    "": gettext_lazy("The push service did not take the test. Try again in a minute."),
    "bad_subscription": gettext_lazy(
        "This browser gave no address that can be called. Reload the page and try again."
    ),
    "401": gettext_lazy("The push service refused the key of this account. Reload and try again."),
    "403": gettext_lazy(
        "This browser subscribed with another key. Reset the permission of this site, and try"
        " again."
    ),
    "404": gettext_lazy("The push service knows this browser no more. Reload and try again."),
    "410": gettext_lazy("The push service knows this browser no more. Reload and try again."),
    "413": gettext_lazy("The push service says that the message is too large."),
    "429": gettext_lazy("The push service took too many messages. Try again in some minutes."),
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


def push_advice(code: str) -> str:
    """Return the cause of a push service's refusal, and what to do."""
    return str(_PUSH.get(code, _PUSH[""]))


def documentation(code: str) -> str:
    """Return the address of Twilio's page about a code; "" for a code of our own."""
    is_theirs = code.isascii() and code.isdigit()
    return f"https://www.twilio.com/docs/api/errors/{code}" if is_theirs else ""
