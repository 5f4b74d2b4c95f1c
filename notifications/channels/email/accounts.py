"""The settings of a channel account for e-mail: the mail server and the sender."""

from __future__ import annotations

from django.conf import settings

from lastmile.core.tenancy import current_retailer
from lastmile.env import MailServer
from notifications.channels.email.connections import Target
from notifications.channels.email.letters import Sender
from notifications.models import AccountSource, ChannelAccount


def target_of(account: ChannelAccount) -> Target | None:
    """Return the mail server of an account; None if the installation has none.

    A server that a retailer names is called only at public addresses. The operator's server may be
    anywhere.
    """
    if account.source == AccountSource.INSTALLATION:
        server: MailServer | None = settings.EMAIL_SERVER
        return None if server is None else Target(server, checked=False)
    own, secrets = account.settings, account.secrets
    server = MailServer(
        host=str(own.get("host", "")),
        port=int(own.get("port", 587)),
        security=str(own.get("security", "starttls")),
        sender=str(own.get("from", "")),
        user=str(own.get("user", "")),
        password=str(secrets.get("password", "")),
    )
    return Target(server, checked=True)


def sender_of(account: ChannelAccount) -> Sender:
    """Return the sender of an account's mails.

    On the installation's server, every retailer has the installation's address, so that no
    retailer can write in the name of another one.
    """
    own = account.settings
    server: MailServer | None = settings.EMAIL_SERVER
    address = str(own.get("from", ""))
    if account.source == AccountSource.INSTALLATION:
        address = server.sender if server else ""
    return Sender(
        name=current_retailer().name,
        address=address,
        reply_to=str(own.get("reply_to", "")),
        bounces=str(own.get("bounces", "")),
    )
