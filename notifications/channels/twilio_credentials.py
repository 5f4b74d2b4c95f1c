"""Twilio's credentials: of a retailer's own account, or of the installation's.

A Twilio account row has in ``settings`` account_sid, api_key, service and sender, and in
``secrets`` api_secret and auth_token. It may send without an API key, by the auth token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.urls import reverse

from notifications.channels.known_accounts import known_accounts
from notifications.models import AccountKind, AccountSource, ChannelAccount
from tenants.links import absolute

VENDOR = "twilio"


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioCredentials:
    """The credentials and the sender of one account.

    ``user`` is an API key or the account SID, ``secret`` the secret of that key or the auth token.
    ``auth_token`` verifies callbacks. ``base_url`` replaces Twilio's addresses, "" uses them.
    """

    account_sid: str
    user: str
    secret: str = field(repr=False)
    auth_token: str = field(repr=False, default="")
    service_sid: str = ""
    sender: str = ""
    base_url: str = ""


def credentials_of(account: ChannelAccount) -> TwilioCredentials:
    """Return the credentials of an account, or those of the installation if it uses them."""
    if account.source == AccountSource.INSTALLATION:
        return _credentials(
            account_sid=settings.TWILIO_ACCOUNT_SID,
            api_key=settings.TWILIO_API_KEY,
            api_secret=settings.TWILIO_API_SECRET,
            auth_token=settings.TWILIO_AUTH_TOKEN,
            service=settings.TWILIO_MESSAGING_SERVICE_SID,
            sender=str(account.settings.get("sender", "")),
        )
    known = {**account.settings, **account.secrets}
    return _credentials(
        **{
            name: str(known.get(name, ""))
            for name in ("account_sid", "api_key", "api_secret", "auth_token", "service", "sender")
        }
    )


def is_one_way(account: ChannelAccount) -> bool:
    """Return True if the sender of an account is a name, which cannot receive replies.

    A messaging service has numbers, so it is not one.
    """
    if account.kind != AccountKind.TWILIO:
        return False
    known = credentials_of(account)
    return not known.service_sid and any(sign.isalpha() for sign in known.sender)


def has_installation_account() -> bool:
    """Return True if the installation has a Twilio account that retailers may use."""
    secret = settings.TWILIO_API_SECRET if settings.TWILIO_API_KEY else settings.TWILIO_AUTH_TOKEN
    return bool(settings.TWILIO_ACCOUNT_SID and secret)


def signing_tokens(account_sid: str) -> list[str]:
    """Return the auth tokens with which callbacks of a Twilio account may be signed."""
    rows = [row for row, _is_free in known_accounts() if row.kind == AccountKind.TWILIO]
    known = [credentials_of(row) for row in rows]
    return [c.auth_token for c in known if c.auth_token and c.account_sid == account_sid]


def report_url(account: ChannelAccount, *, message: str, call: int) -> str:
    """Return the address to which Twilio reports on a message; "" if it could not reach it.

    Twilio refuses an address on localhost (21609). A stand-in for Twilio on this machine reaches
    it.
    """
    if account.kind != AccountKind.TWILIO or not can_be_called():
        return ""
    return replies_url() + "?" + urlencode({"m": message, "c": call})


def replies_url() -> str:
    """Return the address that a messaging service must have for replies."""
    return absolute(reverse("callbacks:take", args=[VENDOR]))


def can_be_called() -> bool:
    """Return True if Twilio, or a stand-in for it, can reach this installation."""
    return not settings.LOCAL or _is_loopback(urlsplit(settings.TWILIO_API_BASE).hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _credentials(
    *, account_sid: str, api_key: str, api_secret: str, auth_token: str, service: str, sender: str
) -> TwilioCredentials:
    return TwilioCredentials(
        account_sid=account_sid,
        user=api_key or account_sid,
        secret=api_secret if api_key else auth_token,
        auth_token=auth_token,
        service_sid=service,
        sender=sender,
        base_url=settings.TWILIO_API_BASE,
    )
