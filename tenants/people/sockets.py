"""The hint to open websockets that the access of their caller has changed."""

from __future__ import annotations

from django.db import transaction

from lastmile.core.channel_layer import send_to_groups
from lastmile.core.tenancy import group_name


def access_group(principal_id: str) -> str:
    """Return the channel group of all sockets of one principal."""
    return group_name("access", principal_id)


def access_changed(principal_id: str) -> None:
    """Send the hint after the commit, so that the sockets check their access now.

    The hint may be lost: sockets also check PostgreSQL every 60 s. With ``robust``, a broker that
    does not answer cannot make a sign-out fail.
    """
    group = access_group(principal_id)
    message = {"type": "access.changed"}
    transaction.on_commit(lambda: send_to_groups([group], message), robust=True)
