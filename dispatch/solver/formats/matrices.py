"""Reads travel matrices, in which a cell may say that there is no way. PURE.

Routing services write such a cell as ``null`` or as infinity. In a problem it is MAX_TRAVEL: no
shift is long enough for it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dispatch.solver.model.elements import MAX_TRAVEL, TravelTable
from lastmile.core.errors import Invalid

NAMED: Final = 20  # cells without a way that an answer names at most


def refuse(pointer: str, cause: str) -> Invalid:
    """Return the error for a part of a JSON text."""
    return Invalid(f"At {pointer or 'the top'}: {cause}")


def matrix(value: Any, pointer: str) -> npt.NDArray[Any]:
    """Return N rows of N whole numbers; ``null`` and infinity become MAX_TRAVEL.

    Raises ``Invalid`` and names the first cell that cannot be read.
    """
    if not isinstance(value, list) or not value or not all(isinstance(r, list) for r in value):
        raise refuse(pointer, "give N rows of N whole numbers.")
    if len({len(row) for row in value}) != 1:
        raise refuse(pointer, "all rows must have the same length.")
    try:
        array = np.array(value)
    except (ValueError, OverflowError) as fault:
        raise refuse(pointer, f"not a matrix ({fault}).") from fault
    if array.dtype.kind in "iu":
        return array
    cells = [
        [_cell(cell, f"{pointer}/{row}/{column}") for column, cell in enumerate(cells)]
        for row, cells in enumerate(value)
    ]
    return np.array(cells)


def _cell(value: Any, pointer: str) -> int:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return MAX_TRAVEL
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or value != int(value):
        start, end = pointer.split("/")[-2:]
        raise refuse(
            pointer,
            f"from place {start} to place {end} the value is {str(value)[:40]!r}. Give a whole "
            "number, or null if there is no way.",
        )
    return int(value)


def with_same_ways(table: TravelTable) -> TravelTable:
    """Return a table in which both matrices say the same about pairs without a way."""
    duration, distance = np.asarray(table.duration_s), np.asarray(table.distance_m)
    if duration.shape != distance.shape:
        return table
    closed = (duration == MAX_TRAVEL) | (distance == MAX_TRAVEL)
    if not closed.any():
        return table
    return replace(
        table,
        duration_s=np.where(closed, MAX_TRAVEL, duration),
        distance_m=np.where(closed, MAX_TRAVEL, distance),
    )


def cells_without_way(tables: tuple[TravelTable, ...]) -> dict[str, Any]:
    """Return how many pairs have no way, and the first of them as [profile, from, to]."""
    count = 0
    first: list[list[Any]] = []
    for table in tables:
        rows, columns = np.nonzero(table.duration_s == MAX_TRAVEL)
        count += len(rows)
        for start, end in zip(rows.tolist(), columns.tolist(), strict=True):
            if len(first) == NAMED:
                break
            first.append([table.name, start, end])
    return {"count": count, "first": first} if count else {}
