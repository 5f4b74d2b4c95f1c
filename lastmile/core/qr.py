"""QR codes as drawings: a path that a template puts into an SVG."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import segno

QUIET_ZONE: Final = 4  # light signs around a QR code, as its standard wants


@dataclass(frozen=True, slots=True)
class QrCode:
    """A QR code as a drawing: its side with the quiet zone, and the path of its dark rows."""

    side: int
    path: str


def qr_code(text: str) -> QrCode:
    """Return the QR code of a text, in units of one sign."""
    rows = segno.make(text, error="m", micro=False).matrix
    path = "".join(
        f"M{start + QUIET_ZONE} {y + QUIET_ZONE}.5h{length}"
        for y, row in enumerate(rows)
        for start, length in _runs(row)
    )
    return QrCode(len(rows) + 2 * QUIET_ZONE, path)


def _runs(row: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Return start and length of each run of dark signs in a row."""
    x = 0
    for dark, signs in groupby(row):
        length = len(list(signs))
        if dark:
            yield x, length
        x += length
