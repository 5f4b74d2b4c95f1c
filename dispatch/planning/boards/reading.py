"""Reads what boards need from the rows: versions of days, changes, and whole days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from dispatch.fleet.models import Hub
from dispatch.planning.boards.board import HubBoard, Stamp
from dispatch.planning.boards.cache import Entry
from dispatch.planning.boards.replaying import Difference, Logged, replay
from dispatch.planning.models import TentativeChange, TentativeDay, TentativeVisit
from dispatch.planning.problem.tentative import Arranged, read_arranged

TRIES = 5  # readings of a day that changes meanwhile, before it counts as not ready. Chosen.


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFact:
    """The state of a tentative plan: its row, and whether visits can be added."""

    pk: int
    service_date: dt.date
    stamp: Stamp
    reason: str  # empty: ready


@dataclass(frozen=True, slots=True)
class Fresh:
    """A day read from its rows; ``expires`` are the ends of its holds by key.

    ``instead_of`` is the board that it replaces, None if there was none.
    """

    instead_of: HubBoard | None
    arranged: Arranged
    stamp: Stamp
    expires: Sequence[tuple[str, dt.datetime | None]]


@dataclass(frozen=True, slots=True)
class Changed:
    """The changes of a day since the version of a board, with the rows of its new visits."""

    board: HubBoard
    base: Stamp
    difference: Difference
    rows: Mapping[str, TentativeVisit]
    stamp: Stamp


Update = Fresh | Changed | None


def read_facts(hub: Hub, dates: Collection[dt.date]) -> dict[dt.date, DayFact]:
    """Return the versions of the tentative plans that exist, by one query."""
    rows = TentativeDay.objects.filter(hub=hub, service_date__in=list(dates))
    return {fact.service_date: fact for fact in _facts(rows)}


def _facts(rows: QuerySet[TentativeDay]) -> list[DayFact]:
    values = _with_last(rows).values_list(
        "pk", "service_date", "version", "last", "ready", "reason"
    )
    return [
        DayFact(
            pk=pk,
            service_date=date,
            stamp=Stamp(version, change),
            reason="" if ready else reason,
        )
        for pk, date, version, change, ready, reason in values
    ]


def _with_last(rows: QuerySet[TentativeDay]) -> Any:
    """Return days with the pk of their last change as ``last``."""
    last = TentativeChange.objects.filter(day=OuterRef("pk")).order_by("-version")
    return rows.annotate(last=Subquery(last.values("pk")[:1]))


class MustBuild(Exception):
    """An entry has no board that can be brought up to date by some changes."""

    def __init__(self, board: HubBoard | None) -> None:
        super().__init__()
        self.board = board


def read_update(entry: Entry, fact: DayFact, at: dt.datetime, network: str) -> Update:
    """Return what an entry misses: nothing, some changes, or everything.

    ``network`` is the present version of the hub's network.
    """
    try:
        return read_changes(entry, fact, at, network)
    except MustBuild as lost:
        return _fresh(lost.board, fact.pk, at)


def read_changes(entry: Entry, fact: DayFact, at: dt.datetime, network: str) -> Changed | None:
    """Return the changes that the board of an entry misses, None if it misses nothing.

    Raises
    ------
    MustBuild
        When changes are not enough: the day must be read as a whole.
    """
    with entry.lock:
        board = entry.board
        if board is None or board.outdated(at) or board.network != network:
            raise MustBuild(board)
        base, sequences = board.stamp, board.board.sequences
        names = board.shift_names
    if base.version > fact.stamp.version:
        # Another thread was faster, or its transaction was rolled back: read the version again.
        fact = _facts(TentativeDay.objects.filter(pk=fact.pk))[0]
    if base == fact.stamp:
        return None
    changed = _changed(board, base, sequences, names, fact)
    if changed is None:
        raise MustBuild(board)
    return changed


def _changed(
    board: HubBoard,
    base: Stamp,
    sequences: Mapping[str, Sequence[str]],
    names: Mapping[int, str],
    fact: DayFact,
) -> Changed | None:
    """Return the changes since ``base``; None if they are not all there, or lead from elsewhere.

    The change of the board's own version is read too. If a transaction was rolled back, another
    change has its version, and the board is not the state from which the next changes lead on.
    """
    span = (base.version, fact.stamp.version)
    changes = list(
        TentativeChange.objects.filter(day=fact.pk, version__range=span).order_by("version")
    )
    versions = [change.version for change in changes]
    if base.change is not None:
        if not changes or changes[0].pk != base.change:
            return None
        changes = changes[1:]
    if base.version + len(changes) != fact.stamp.version or len(set(versions)) != len(versions):
        return None
    if not changes or changes[-1].pk != fact.stamp.change:
        return None
    if any(change.op == TentativeChange.Op.RESET for change in changes):
        return None
    logged = [
        Logged(
            op=change.op,
            key=change.key,
            new_key=change.new_key,
            shift=names.get(change.shift_id or 0),
            rank=change.rank,
        )
        for change in changes
    ]
    difference = replay(sequences, logged)
    keys = [key for key, _shift, _rank in difference.added]
    rows = {row.key: row for row in TentativeVisit.objects.filter(day=fact.pk, key__in=keys)}
    if rows.keys() != set(keys):
        return None  # changed again since the versions were read
    return Changed(board, base, difference, rows, fact.stamp)


def _fresh(board: HubBoard | None, pk: int, at: dt.datetime) -> Fresh | None:
    """Return a day read from its rows; None if it changed during each of TRIES readings."""
    stamped = _with_last(TentativeDay.objects.select_related("hub", "base_plan"))
    row = stamped.get(pk=pk)
    for _ in range(TRIES):
        arranged = read_arranged(row, at)
        holds = TentativeVisit.objects.filter(day=pk, expires_at__isnull=False)
        expires = list(holds.values_list("key", "expires_at"))
        before, row = row, stamped.get(pk=pk)
        if (before.version, before.last) == (row.version, row.last):
            return Fresh(board, arranged, Stamp(row.version, row.last), expires)
    return None


def read_expiry(keys: Collection[str]) -> list[tuple[str, dt.datetime | None]]:
    """Return until when holds live, by key; a hold may have been kept longer meanwhile."""
    rows = TentativeVisit.objects.filter(key__in=list(keys))
    return list(rows.values_list("key", "expires_at"))
