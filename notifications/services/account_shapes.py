"""The fields of each kind of channel account, and the rules for their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from lastmile.core.errors import Problems
from lastmile.core.tenancy import current_schema
from notifications.catalogue.kinds import ChannelKey
from notifications.channels.twilio_credentials import has_installation_account
from notifications.models import AccountKind, AccountSource
from tenants.selectors import is_trial

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountShape:
    """A kind of account: its fields, and a function that lists what is wrong with their values.

    Secret fields are stored encrypted and are never shown again.
    """

    kind: AccountKind
    source: AccountSource
    fields: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    check: Callable[[Values, Problems], None]

    @property
    def key(self) -> str:
        """The name of the shape on forms."""
        return f"{self.kind.value}-{self.source.value}"


_ACCOUNT_SID: Final = re.compile(r"AC[0-9a-fA-F]{32}\Z")
_KEY_SID: Final = re.compile(r"SK[0-9a-fA-F]{32}\Z")
_SERVICE_SID: Final = re.compile(r"MG[0-9a-fA-F]{32}\Z")
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_SENDER_NAME: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 +_&-]{1,11}\Z")
_SHORT_CODE: Final = re.compile(r"[0-9]{3,8}\Z")


def _check_sender(values: Values, problems: Problems, *, names: bool) -> None:
    """Check the messaging service and the sender. At least one of the two must be set."""
    service, sender = values.get("service", ""), values.get("sender", "")
    if service and not _SERVICE_SID.match(service):
        problems.add("/service", _("A messaging service SID is MG and 32 more characters."))
    if sender and not (
        _NUMBER.match(sender)
        or (names and (_SENDER_NAME.match(sender) or _SHORT_CODE.match(sender)))
    ):
        problems.add(
            "/sender",
            _(
                "Write a number such as +34600000000, a short code, or a name of up to 11 letters"
                " and digits."
            )
            if names
            else _("Write a number with its country code, such as +34600000000."),
        )
    if not service and not sender:
        problems.add("/service", _("Write a messaging service, or a sender below."))


def _check_twilio(values: Values, problems: Problems, *, names: bool) -> None:
    if not _ACCOUNT_SID.match(values.get("account_sid", "")):
        problems.add("/account_sid", _("An account SID is AC and 32 more characters."))
    key, secret = values.get("api_key", ""), values.get("api_secret", "")
    if key and not _KEY_SID.match(key):
        problems.add("/api_key", _("The SID of an API key is SK and 32 more characters."))
    if key and not secret:
        problems.add("/api_secret", _("Write the secret of this API key."))
    if secret and not key:
        problems.add("/api_key", _("Write the SID of the API key that this secret belongs to."))
    if not values.get("auth_token", ""):
        problems.add(
            "/auth_token", _("Write the auth token. Twilio signs its reports and replies with it.")
        )
    _check_sender(values, problems, names=names)


def _twilio_sms(values: Values, problems: Problems) -> None:
    _check_twilio(values, problems, names=True)


def _twilio_whatsapp(values: Values, problems: Problems) -> None:
    _check_twilio(values, problems, names=False)


def _installation(values: Values, problems: Problems, *, names: bool) -> None:
    if not has_installation_account():
        problems.add("", _("This installation has no Twilio account. Use an account of your own."))
    service = settings.TWILIO_MESSAGING_SERVICE_SID
    _check_sender({"service": service, **values}, problems, names=names)


def _installation_sms(values: Values, problems: Problems) -> None:
    _installation(values, problems, names=True)


def _installation_whatsapp(values: Values, problems: Problems) -> None:
    _installation(values, problems, names=False)


def _nothing(_values: Values, _problems: Problems) -> None:
    """Find nothing wrong: the Null channel has no values."""


#: For demos and sandboxes only: messages are kept, and nothing is sent.
NULL_SHAPE: Final = AccountShape(kind=AccountKind.NULL, source=AccountSource.OWN, check=_nothing)

_TWILIO_FIELDS: Final = ("account_sid", "api_key", "service", "sender")
_TWILIO_SECRETS: Final = ("api_secret", "auth_token")


def _twilio(
    own: Callable[[Values, Problems], None], installation: Callable[[Values, Problems], None]
) -> tuple[AccountShape, ...]:
    return (
        AccountShape(
            kind=AccountKind.TWILIO,
            source=AccountSource.OWN,
            fields=_TWILIO_FIELDS,
            secrets=_TWILIO_SECRETS,
            check=own,
        ),
        AccountShape(
            kind=AccountKind.TWILIO,
            source=AccountSource.INSTALLATION,
            fields=("sender",),
            check=installation,
        ),
    )


#: Channel -> the kinds of accounts that it may have, the usual one first.
SHAPES: Final[Mapping[str, tuple[AccountShape, ...]]] = {
    ChannelKey.SMS: _twilio(_twilio_sms, _installation_sms),
    ChannelKey.WHATSAPP: _twilio(_twilio_whatsapp, _installation_whatsapp),
}


def shapes_of(channel: str) -> tuple[AccountShape, ...]:
    """Return the kinds of accounts that a channel may have here.

    The installation's account is one of them if the installation has one. A demo or sandbox may
    keep its messages instead of sending them.
    """
    own = tuple(
        shape
        for shape in SHAPES.get(channel, ())
        if shape.source == AccountSource.OWN
        or shape.kind != AccountKind.TWILIO
        or has_installation_account()
    )
    return (*own, NULL_SHAPE) if is_trial(current_schema()) else own
