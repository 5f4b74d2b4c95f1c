"""The Null channel: it keeps the calls that it received and sends nothing."""

from __future__ import annotations

import datetime as dt

from notifications.channels.base import Accepted, AccountCheck, Outgoing, ProviderStatus

DELIVERED = "delivered"


class NullChannel:
    """Accepts every message and sends none.

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
        """Keep a message in memory."""
        self.told.append(outgoing)
        return Accepted(provider_id=outgoing.message, state=DELIVERED)

    def find(
        self, outgoing: Outgoing, since: dt.datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Return None: a call that it does not answer had no effect."""
        return None

    def fetch(self, provider_id: str) -> ProviderStatus:
        """Return the only state: each message arrives at once."""
        return ProviderStatus(provider_id=provider_id, state=DELIVERED)

    def check(self) -> AccountCheck:
        """Return ok: there is nothing that can be wrong."""
        return AccountCheck(ok=True)
