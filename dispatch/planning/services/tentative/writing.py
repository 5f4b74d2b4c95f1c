"""Writes an arrangement to the rows of a locked tentative plan, and logs the difference."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dispatch.orders.models import Order
from dispatch.planning.models import TentativeVisit
from dispatch.planning.problem.day import OrderInput
from dispatch.planning.services.tentative.locking import LockedDay
from dispatch.planning.services.tentative.log import INSERT, REMOVE, RESET, Change, log_changes
from lastmile.core.geo import Point

PLACED, UNPLACED = TentativeVisit.State.PLACED, TentativeVisit.State.UNPLACED
LOGGED: Final = 30  # removals and insertions that are logged one by one; beyond: a reset. Chosen.
_COLUMNS: Final = (
    "day", "order", "lat", "lon", "opens_at", "closes_at", "service_s", "weight_g", "volume_cm3",
    "parcels", "skills", "collects", "shift", "rank", "expires_at", "state", "reason", "params",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A visit to write: its input, its place on the map, and its order, or the end of its hold."""

    visit: OrderInput
    point: Point
    order: Order | None
    expires_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The places to write: keys by pk of the shift, and (reason, params) of unplaced keys."""

    sequences: Mapping[int, Sequence[str]]
    unplaced: Mapping[str, tuple[str, Mapping[str, Any]]]


class TakenElsewhere(Exception):
    """Another day took a visit after it was read; the caller rolls back and reads again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The changes: keys that got a place, lost their place, or left the plan."""

    placed: frozenset[str]
    unplaced: frozenset[str]
    removed: frozenset[str]

    @property
    def any(self) -> bool:
        """Return True if anything changed."""
        return bool(self.placed or self.unplaced or self.removed)


def write_places(
    day: LockedDay, content: Mapping[str, Content], places: Places, *, reset: bool = False
) -> Written:
    """Replace the visits of a locked day by ``content`` at ``places``; log the difference.

    With ``reset`` boards read everything again. Locks: nothing more. Records: nothing. Raises:
    TakenElsewhere.
    """
    before = {row.key: row for row in TentativeVisit.objects.filter(day=day.row)}
    sequences = {
        shift: [key for key in keys if key in content] for shift, keys in places.sequences.items()
    }
    after = _rows(day, content, Places(sequences=sequences, unplaced=places.unplaced))
    removed = before.keys() - after.keys()
    TentativeVisit.objects.filter(pk__in=[before[key].pk for key in removed]).delete()
    _insert(day, [row for key, row in after.items() if key not in before])
    TentativeVisit.objects.bulk_create(
        [row for key, row in after.items() if key in before and _differs(before[key], row)],
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=_COLUMNS,
    )
    changes = _difference(before, after, sequences)
    log_changes(day, [Change(op=RESET)] if reset or changes is None else changes)
    was_placed = {key for key, row in before.items() if row.state == PLACED}
    return Written(
        placed=frozenset(k for k, row in after.items() if row.state == PLACED) - was_placed,
        unplaced=frozenset(
            key
            for key, row in after.items()
            if row.state == UNPLACED and (key not in before or key in was_placed)
        ),
        removed=frozenset(removed),
    )


def _insert(day: LockedDay, rows: Sequence[TentativeVisit]) -> None:
    """Insert new visits. A visit of another day stays there."""
    TentativeVisit.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    keys = [row.key for row in rows]
    if TentativeVisit.objects.filter(key__in=keys).exclude(day=day.row).exists():
        raise TakenElsewhere


def _rows(
    day: LockedDay, content: Mapping[str, Content], places: Places
) -> dict[str, TentativeVisit]:
    where = {
        key: (shift, rank)
        for shift, keys in places.sequences.items()
        for rank, key in enumerate(keys)
    }
    return {
        key: _row(day, it, where.get(key), places.unplaced.get(key, ("", {})))
        for key, it in content.items()
    }


def _row(
    day: LockedDay,
    content: Content,
    place: tuple[int, int] | None,
    why: tuple[str, Mapping[str, Any]],
) -> TentativeVisit:
    shift, rank = place or (None, 0)
    reason, params = why
    visit = content.visit
    return TentativeVisit(
        day=day.row,
        key=visit.order,
        order=content.order,
        lat=content.point.lat,
        lon=content.point.lon,
        opens_at=visit.opens_at,
        closes_at=visit.closes_at,
        service_s=visit.service_s,
        weight_g=visit.weight_g,
        volume_cm3=visit.volume_cm3,
        parcels=visit.parcels,
        skills=sorted(visit.skills),
        collects=visit.collects,
        shift_id=shift,
        rank=rank,
        expires_at=content.expires_at,
        state=UNPLACED if shift is None else PLACED,
        reason=reason if shift is None else "",
        params=dict(params) if shift is None else {},
    )


def _differs(before: TentativeVisit, after: TentativeVisit) -> bool:
    return before.rank != after.rank or _content(before) != _content(after)


def _content(row: TentativeVisit) -> tuple[Any, ...]:
    """Return all columns but the rank."""
    return (
        row.day_id, row.order_id, row.lat, row.lon, row.opens_at, row.closes_at, row.service_s,
        row.weight_g, row.volume_cm3, row.parcels, tuple(row.skills), row.collects, row.shift_id,
        row.expires_at, row.state, row.reason, row.params,
    )  # fmt: skip


def _difference(
    before: Mapping[str, TentativeVisit],
    after: Mapping[str, TentativeVisit],
    sequences: Mapping[int, Sequence[str]],
) -> list[Change] | None:
    """Return the removals and insertions that lead from the old places to the new ones.

    None if they are too many, or if visits that stay on their route change their order there.
    """
    moved = {
        key
        for key, row in before.items()
        if row.shift_id is not None and (key not in after or _content(after[key]) != _content(row))
    }
    routes: dict[int, list[str]] = {}
    for row in sorted(before.values(), key=lambda it: it.rank):
        if row.shift_id is not None and row.key not in moved:
            routes.setdefault(row.shift_id, []).append(row.key)
    stayed = {key for keys in routes.values() for key in keys}
    changes = [Change(op=REMOVE, key=key) for key in sorted(moved)]
    for shift, keys in sequences.items():
        if [key for key in keys if key in stayed] != routes.get(shift, []):
            return None
        changes += [
            Change(op=INSERT, key=key, shift=shift, rank=rank)
            for rank, key in enumerate(keys)
            if key not in stayed
        ]
    return changes if len(changes) <= LOGGED else None
