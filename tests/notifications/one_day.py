"""Sends what is due without threads and sleeps: the steps of the sender, one after the other."""

from __future__ import annotations

import itertools
from dataclasses import replace

from notifications.channels.base import Accepted, Outgoing
from notifications.models import ChannelAccount, Message
from notifications.services import accept, claim, prepare
from notifications.services.claiming import senders

_numbers = itertools.count(1)


def send_due() -> list[Outgoing]:
    """Send every message that is due now; return what the providers got, in this order."""
    sent: list[Outgoing] = []
    for account in _accounts():
        for claimed in claim(account=account, most=500):
            outgoing = prepare(claimed=claimed)
            if outgoing is None:
                continue
            accepted = Accepted(provider_id=f"SM{next(_numbers):032x}", segments=1)
            accept(claimed=replace(claimed, call=outgoing.call), accepted=accepted)
            sent.append(outgoing)
    return sent


def why(moment: str) -> list[tuple[str, str]]:
    """Return state and reason of each message of a moment, oldest first."""
    rows = Message.objects.filter(moment=moment).order_by("pk")
    return list(rows.values_list("state", "reason"))


def _accounts() -> list[ChannelAccount]:
    return [account for account, is_free in senders() if is_free]
