"""The Null channel: it keeps what it was told and sends nothing.

A demo or sandbox uses it for every message about an order. The page ``messages:phone`` shows what
it kept, like the inbox of a phone.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from lastmile.core import clock
from notifications.channels.base import (
    Accepted,
    AccountCheck,
    ChannelError,
    Outgoing,
    ProviderStatus,
    Scope,
)
from notifications.models import KeptMessage, Message

DELIVERED: Final = "delivered"


class NullChannel:
    """Keeps each message in the retailer's schema, where it arrives at once.

    Parameters
    ----------
    channel : str
        The channel that it replaces: sms, whatsapp, email or push.
    """

    in_thread = False

    def __init__(self, channel: str = "sms") -> None:
        self.channel = channel
        self.told: list[Outgoing] = []

    def send(self, outgoing: Outgoing) -> Accepted:
        """Keep a message. The same call again is the same row. Raises ChannelError."""
        self.told.append(outgoing)
        row = Message.objects.filter(public_id=outgoing.message).first()
        if row is None:
            raise ChannelError("there is no such message", permanent=True, scope=Scope.MESSAGE)
        kept, _new = KeptMessage.objects.get_or_create(
            message=row,
            call=outgoing.call,
            defaults={
                "channel": self.channel,
                "contact_id": row.contact_id,
                "to": outgoing.to,
                "subject": outgoing.subject,
                "text": outgoing.text,
                "html": outgoing.html,
                "language": outgoing.language,
                "rtl": outgoing.rtl,
                "kept_at": clock.now(),
            },
        )
        return Accepted(provider_id=kept.public_id, state=DELIVERED)

    def find(
        self, outgoing: Outgoing, since: dt.datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Return the row of a call, None without one."""
        rows = KeptMessage.objects.filter(
            message__public_id=outgoing.message, call=outgoing.call, kept_at__gte=since
        )
        kept = rows.first()
        return None if kept is None else Accepted(provider_id=kept.public_id, state=DELIVERED)

    def fetch(self, provider_id: str) -> ProviderStatus:
        """Return the state of a kept message. Raises ChannelError for an unknown id."""
        if not KeptMessage.objects.filter(public_id=provider_id).exists():
            raise ChannelError("it has no such message", permanent=True, scope=Scope.MESSAGE)
        return ProviderStatus(provider_id=provider_id, state=DELIVERED)

    def check(self) -> AccountCheck:
        """Return ok: there is nothing that can be wrong."""
        return AccountCheck(ok=True)
