"""Brings the boards of this process up to date with the rows."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from typing import Final

from django.db import connection

from dispatch.fleet.models import Hub
from dispatch.planning.boards import tables
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

# Seconds after which a process no longer waits for a job to write a day's files. Chosen: longer
# than a job takes, so that it matters only where the jobs run on another machine.
PATIENCE_S: Final = 20.0
# Seconds from the begin of a question after which no further day is read, and no further board is
# built: the other days are left out this time. The first answer after a start must come within 3 s.
READING_S, BUILDING_S = 1.2, 2.2


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
    Otherwise a job computes it, and days beyond the time for one question are left out. If the
    job runs on another machine, the travel of one day is computed here after PATIENCE_S.
    """
    network = network_version(hub)
    entries = {date: entry_of(hub, date) for date in facts}
    began, reasons = time.monotonic(), dict.fromkeys(facts, NOT_READY)
    updates: dict[dt.date, Update] = {}
    for date in facts:
        if wait or not updates or time.monotonic() - began < READING_S or entries[date].board:
            updates[date] = read_update(entries[date], facts[date], at, network)
    _refresh_expiry({date: entries[date] for date in updates}, updates, at)
    release_connection()
    for date, update in updates.items():
        fresh = isinstance(update, Fresh) and "" in reasons.values()
        if wait or not fresh or time.monotonic() - began < BUILDING_S:
            reasons[date] = install(entries[date], update, at, wait=wait)
    late = next((date for date in updates if reasons[date] and _waits_long(entries[date])), None)
    if late is not None:
        reasons[late] = install(entries[late], updates[late], at, wait=True)
    for entry in entries.values():
        _save(entry)
    return reasons


def _save(entry: Entry) -> None:
    """Keep the new places of a board in its files."""
    with entry.lock:
        board = entry.board
        parts = [] if board is None else board.to_save()
    if board is not None:
        for known, table in parts:
            tables.save(board.day, known, table)


def install(entry: Entry, update: Update, at: dt.datetime, *, wait: bool) -> str:
    """Use what was read for the board of an entry; return why there is no board, or "".

    A new board is built without the lock of the entry, so others use the one before meanwhile.
    Without ``wait``, nobody waits long for another thread that builds.
    """
    if isinstance(update, Fresh):
        if not entry.building.acquire(timeout=-1 if wait else BUILDING_S):
            return NOT_READY
        try:
            return _build(entry, update, at, wait=wait)
        finally:
            entry.building.release()
    with entry.lock:
        try:
            if isinstance(update, Changed) and _leads_on(entry, update):
                update.board.apply(update.difference, update.rows, update.stamp)
        except Invalid:
            entry.board = None  # the rows do not lead on from this board: it is built again
        finally:
            CACHE.note(entry)
        return "" if entry.board is not None else NOT_READY


def _build(entry: Entry, update: Fresh, at: dt.datetime, *, wait: bool) -> str:
    """Build the board of an entry, unless another thread has just done it."""
    if not _replaces(entry, update):
        return ""
    board, reason, files_missing = None, "", False
    try:
        if update.arranged.day.shifts:
            board = HubBoard(update.arranged, at, update.stamp, wait=wait)
            board.note_expiry(update.expires)
        else:
            reason = NO_SHIFT
    except FilesMissing:
        reason, files_missing = NOT_READY, True
    except Invalid:
        reason = NOT_READY
    with entry.lock:
        entry.board = board
        entry.closed = update.stamp if reason == NO_SHIFT else None
        if board is not None:
            entry.missing_since = None
        elif files_missing:
            entry.missing_since = entry.missing_since or time.monotonic()
        CACHE.note(entry)
    return reason


def _waits_long(entry: Entry) -> bool:
    """Return True if the files of this machine have missed a day for PATIENCE_S."""
    since = entry.missing_since
    return since is not None and time.monotonic() - since >= PATIENCE_S


def _replaces(entry: Entry, update: Fresh) -> bool:
    """Return False if another thread has built a board meanwhile, from the same rows or newer."""
    board = entry.board
    if board is None or board is update.instead_of:
        return True
    return board.stamp.version < update.stamp.version


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
