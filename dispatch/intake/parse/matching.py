"""Which column each heading of a file is, as a person chose it. PURE.

A choice belongs to the headings of a file, in any order if no two are equal and none is empty. The
label of a heading is its text as :func:`fold` writes it, with a number if the file has it more than
once: ``date``, ``date #2``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dispatch.intake.parse.columns import COLUMNS, SHOP_STATE, fold, recognise

#: {label of a heading: the name of its column, "" if the column is not used}
Match = Mapping[str, str]
NAMES: Final = frozenset(column.name for column in COLUMNS) | {SHOP_STATE}
PLACES: Final = frozenset({"address", "street", "lat"})  # a file needs one of them


@dataclass(frozen=True, slots=True)
class Matched:
    """The columns of a file by position: the known ones, the unknown headings, the unused ones."""

    known: Mapping[int, str]
    unknown: tuple[str, ...]
    unused: frozenset[int]


def labels(headings: Sequence[str]) -> list[str]:
    """Return the labels of headings; no two are equal."""
    count: Counter[str] = Counter()
    unique = []
    for heading in headings:
        plain = fold(heading)
        count[plain] += 1
        unique.append(plain if count[plain] == 1 else f"{plain} #{count[plain]}")
    return unique


def key_of(headings: Sequence[str]) -> str:
    """Return the key under which a choice for these headings is stored: a SHA-256 in hex.

    Equal and empty headings differ only by their places, so there the order counts.
    """
    plain = [fold(heading) for heading in headings]
    is_clear = all(plain) and len(set(plain)) == len(plain)
    text = "\n".join(sorted(plain) if is_clear else ["in order", *plain])
    return hashlib.sha256(text.encode()).hexdigest()


def matched(headings: Sequence[str], match: Match) -> Matched:
    """Return the columns of a file by a person's choice; without one, by the usual headings.

    A heading that the choice does not have is unknown.
    """
    if not match:
        known, unknown = recognise(list(headings))
        return Matched(known, tuple(unknown), frozenset())
    known = {}
    unused, others = set(), []
    for position, label in enumerate(labels(headings)):
        name = match.get(label)
        if name:
            known[position] = name
        elif name == "":
            unused.add(position)
        elif headings[position].strip():
            others.append(headings[position].strip())
    return Matched(known, tuple(others), frozenset(unused))
