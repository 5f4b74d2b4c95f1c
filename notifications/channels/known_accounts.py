"""The accounts of a retailer, kept in this process and read again when one has changed."""

from __future__ import annotations

from typing import Final

from lastmile.core.postgres.prepared import prepared_cursor
from lastmile.core.tenancy import current_schema
from notifications.models import ChannelAccount

#: Each update of a row gives it another place (``ctid``), and each transaction its own ``xmin``.
#: The last column is true unless a pause holds the account's messages back.
_VERSIONS: Final = """SELECT id, ctid, xmin, state <> 'paused' OR NOT is_on
           OR coalesce(paused_until <= statement_timestamp(), FALSE)
      FROM notifications_channelaccount ORDER BY channel
"""
_known: dict[str, tuple[object, dict[int, ChannelAccount]]] = {}


def known_accounts() -> list[tuple[ChannelAccount, bool]]:
    """Return the retailer's accounts, each with True unless a pause holds its messages back.

    The versions are read first. If an account changes before it is read, the next call reads it
    again. Change none of these objects: others have them too.
    """
    schema = current_schema()
    with prepared_cursor() as cursor:
        cursor.execute(_VERSIONS)
        rows = cursor.fetchall()
    versions = [row[:3] for row in rows]
    before, accounts = _known.get(schema, (None, {}))
    if before != versions:
        accounts = ChannelAccount.objects.in_bulk()
        _known[schema] = (versions, accounts)
    return [(accounts[pk], is_free) for pk, *_version, is_free in rows if pk in accounts]
