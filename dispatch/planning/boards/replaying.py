"""Replays the log of a tentative plan on the routes of a board. No database, no board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dispatch.planning.models import TentativeChange

Op = TentativeChange.Op


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A logged change; ``shift`` is the public id of a shift on the board, else None."""

    op: str
    key: str
    new_key: str = ""
    shift: str | None = None
    rank: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The changes of a board: first the removals, then the renamings, then the insertions.

    ``added`` are (key, shift, rank) in the order in which they are inserted.
    """

    removed: tuple[str, ...]
    renamed: Mapping[str, str]
    added: tuple[tuple[str, str, int], ...]


@dataclass(slots=True)
class _Item:
    """A visit on a route: its key on the board, None if it is new, and its present key."""

    origin: str | None
    key: str


def replay(sequences: Mapping[str, Sequence[str]], changes: Iterable[Logged]) -> Difference:
    """Return the difference between the routes of a board and the routes after some changes.

    Parameters
    ----------
    sequences : mapping
        By shift the keys on its route, as they are on the board.
    """
    routes = {shift: [_Item(key, key) for key in keys] for shift, keys in sequences.items()}
    for change in changes:
        if change.op == Op.INSERT:
            _take(routes, change.key)
            if change.shift is not None:
                route = routes.setdefault(change.shift, [])
                route.insert(min(change.rank, len(route)), _Item(None, change.key))
        elif change.op == Op.REMOVE:
            _take(routes, change.key)
        elif change.op == Op.RENAME:
            for route in routes.values():
                for item in route:
                    if item.key == change.key:
                        item.key = change.new_key
    left = {item.origin: item.key for route in routes.values() for item in route if item.origin}
    return Difference(
        removed=tuple(key for keys in sequences.values() for key in keys if key not in left),
        renamed={origin: key for origin, key in left.items() if origin and origin != key},
        added=tuple(
            (item.key, shift, rank)
            for shift, route in routes.items()
            for rank, item in enumerate(route)
            if item.origin is None
        ),
    )


def _take(routes: dict[str, list[_Item]], key: str) -> None:
    """Take a key off its route, if it is on one."""
    for route in routes.values():
        for item in route:
            if item.key == key:
                route.remove(item)
                return
