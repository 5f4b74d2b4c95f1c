"""Brings the boards of this process up to date with the rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import connection

from dispatch.fleet.models import Hub
from dispatch.planning.boards.board import HubBoard
from dispatch.planning.boards.cache import CACHE, Entry
from dispatch.planning.boards.reading import (
    Changed,
    DayFact,
    Fresh,
    Update,
    read_expiry,
    read_update,
)
from dispatch.planning.boards.shapes import NO_SHIFT, NOT_READY
from dispatch.planning.boards.tables import FilesMissing
from dispatch.roads.matrix import graph_of
from lastmile.core.errors import Invalid
from lastmile.core.tenancy import current_schema


def entry_of(hub: Hub, service_date: dt.date) -> Entry:
    """Return the entry of a hub's day in the cache of this process."""
    database = str(connection.settings_dict["NAME"])
    return CACHE.entry((database, current_schema(), hub.pk, service_date))


def bring_up_to_date(
    hub: Hub, facts: Mapping[dt.date, DayFact], at: dt.datetime, *, wait: bool
) -> dict[dt.date, str]:
    """Update or build the boards of some days; return for each day why it has none, or "".

    All rows are read first; then the connection is released, unless a transaction is open, and
    the routes are computed. With ``wait``, missing travel is computed even if it takes seconds.
    """
    network = network_version(hub)
    entries = {date: entry_of(hub, date) for date in facts}
    updates = {date: read_update(entries[date], facts[date], at, network) for date in facts}
    _refresh_expiry(entries, updates, at)
    release_connection()
    return {date: install(entries[date], updates[date], at, wait=wait) for date in facts}


def install(entry: Entry, update: Update, at: dt.datetime, *, wait: bool) -> str:
    """Use what was read for the board of an entry; return why there is no board, or ""."""
    with entry.lock:
        try:
            if isinstance(update, Fresh):
                if not update.arranged.day.shifts:
                    entry.board = None
                    return NO_SHIFT
                board = HubBoard(update.arranged, at, update.stamp, wait=wait)
                board.note_expiry(update.expires)
                entry.board = board
            elif isinstance(update, Changed) and _leads_on(entry, update):
                update.board.apply(update.difference, update.rows, update.stamp)
        except FilesMissing:
            entry.board = None
        except Invalid:
            entry.board = None  # the rows do not lead on from this board: it is built again
        finally:
            CACHE.note(entry)
        return "" if entry.board is not None else NOT_READY


def _leads_on(entry: Entry, update: Changed) -> bool:
    """Return True unless another thread changed the board meanwhile; then its board is newer."""
    return entry.board is update.board and update.board.stamp == update.base


def _refresh_expiry(
    entries: Mapping[dt.date, Entry], updates: Mapping[dt.date, Update], at: dt.datetime
) -> None:
    """Read the ends of the holds again that seem to have expired: some may be kept longer."""
    expired: dict[str, HubBoard] = {}
    for date, entry in entries.items():
        board = entry.board
        if board is not None and not isinstance(updates[date], Fresh):
            with entry.lock:
                expired.update(dict.fromkeys(board.expired(at), board))
    if expired:
        for key, expires_at in read_expiry(expired):
            expired[key].note_expiry([(key, expires_at)])


def network_version(hub: Hub) -> str:
    """Return the version of the hub's network that new boards use; empty without a network."""
    _graph, _code, network = graph_of(hub.network or None, "van", None)
    return network.version if network is not None else ""


def release_connection() -> None:
    """Give the connection back to the pool, unless a transaction is open."""
    if not connection.in_atomic_block:
        connection.close()
