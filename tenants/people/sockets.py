"""Tells open websockets that somebody's access has changed, so that they look again at once."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from lastmile.core.tenancy import group_name


def access_group(principal_id: str) -> str:
    """Return the group in which all sockets of one principal listen."""
    return group_name("access", principal_id)


def access_changed(principal_id: str) -> None:
    """Give the hint after the commit.

    It is a hint and may be lost: sockets look for themselves every 60 s, and what they look at
    stands in PostgreSQL. A broker that is away must not fail a log-out, hence ``robust``.
    """
    group = access_group(principal_id)

    def tell() -> None:
        layer = get_channel_layer()
        if layer is not None:
            async_to_sync(layer.group_send)(group, {"type": "access.changed"})

    transaction.on_commit(tell, robust=True)
