"""The fields of each kind of channel account, and the rules for their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
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

    Secret fields are stored encrypted and are never shown again. ``generated`` has the secrets
    that are made here and not typed: name -> dotted path of ``def f() -> str``. ``is_offered``
    says whether the installation has such an account.
    """

    kind: AccountKind
    source: AccountSource
    fields: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    generated: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Values, Problems], None]
    is_offered: Callable[[], bool] = lambda: True

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
            is_offered=has_installation_account,
        ),
    )


_MAIL_FIELDS: Final = ("host", "port", "security", "user", "from", "reply_to", "bounces")
_MAIL_SECRETS: Final = ("password", "bounce_key")
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")
MAIL_PORTS: Final = ("587", "465", "25", "2525")
MAIL_SECURITY: Final = ("starttls", "tls")
_SHORTEST_KEY: Final = 32


def _check_address(values: Values, problems: Problems, name: str, *, needed: bool = False) -> None:
    address = values.get(name, "")
    if not address and not needed:
        return
    try:
        validate_email(address)
    except ValidationError:
        problems.add(f"/{name}", _("Write an e-mail address, such as shop@example.org."))


def _check_bounces(values: Values, problems: Problems) -> None:
    _check_address(values, problems, "bounces")
    key = values.get("bounce_key", "")
    if key and len(key) < _SHORTEST_KEY:
        problems.add("/bounce_key", _("Use at least 32 random characters."))


def _check_mail(values: Values, problems: Problems) -> None:
    if not _HOST.match(values.get("host", "")):
        problems.add(
            "/host", _("Write the host name of the mail server, such as mail.example.org.")
        )
    if values.get("port", "") not in MAIL_PORTS:
        problems.add("/port", _("Choose a port of mail servers: 587, 465, 25 or 2525."))
    if values.get("security", "") not in MAIL_SECURITY:
        problems.add("/security", _("Choose STARTTLS or TLS."))
    _check_address(values, problems, "from", needed=True)
    _check_address(values, problems, "reply_to")
    _check_bounces(values, problems)


def _check_installation_mail(values: Values, problems: Problems) -> None:
    if settings.EMAIL_SERVER is None:
        problems.add("", _("This installation has no mail server. Use a server of your own."))
    _check_address(values, problems, "reply_to")
    _check_bounces(values, problems)


def _has_mail_server() -> bool:
    return settings.EMAIL_SERVER is not None


def _check_push(values: Values, problems: Problems) -> None:
    _check_address(values, problems, "contact")


_MAIL: Final = (
    AccountShape(
        kind=AccountKind.SMTP,
        source=AccountSource.OWN,
        fields=_MAIL_FIELDS,
        secrets=_MAIL_SECRETS,
        check=_check_mail,
    ),
    AccountShape(
        kind=AccountKind.SMTP,
        source=AccountSource.INSTALLATION,
        fields=("reply_to", "bounces"),
        secrets=("bounce_key",),
        check=_check_installation_mail,
        is_offered=_has_mail_server,
    ),
)
_PUSH: Final = AccountShape(
    kind=AccountKind.VAPID,
    source=AccountSource.OWN,
    fields=("contact",),
    generated={"private": "notifications.channels.webpush.encryption.new_vapid_key"},
    check=_check_push,
)

#: Channel -> the kinds of accounts that it may have, the usual one first.
SHAPES: Final[Mapping[str, tuple[AccountShape, ...]]] = {
    ChannelKey.SMS: _twilio(_twilio_sms, _installation_sms),
    ChannelKey.WHATSAPP: _twilio(_twilio_whatsapp, _installation_whatsapp),
    ChannelKey.EMAIL: _MAIL,
    ChannelKey.PUSH: (_PUSH,),
}


def shapes_of(channel: str) -> tuple[AccountShape, ...]:
    """Return the kinds of accounts that a channel may have here.

    The installation's account is one of them if the installation has one. A demo or sandbox may
    keep its messages instead of sending them.
    """
    own = tuple(shape for shape in SHAPES.get(channel, ()) if shape.is_offered())
    return (*own, NULL_SHAPE) if is_trial(current_schema()) else own
