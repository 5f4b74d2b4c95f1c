"""Shows a person the headings of a file with sample values, and what each was taken for. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from dispatch.intake.parse.columns import looks_like_window
from dispatch.intake.parse.conventions import Conventions
from dispatch.intake.parse.matching import Match, key_of, labels, matched
from dispatch.intake.parse.presets import translated
from dispatch.intake.parse.reader import sheet_of, value_at
from dispatch.intake.parse.rows import KNOWN
from dispatch.intake.parse.tables import read_table

SAMPLES: Final = 3
_SAMPLE_CHARACTERS: Final = 60
_ROWS_READ: Final = 500  # in which sample values and times of delivery are looked for. Chosen.


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a file.

    Parameters
    ----------
    position : int
        The place of its column, from 0.
    label, text : str
        Its label (``matching``) and its text in the file.
    column : str
        The name of the column that it was taken for, "" if none.
    samples : tuple of str
        The first different values of its column, shortened.
    may_promise : bool
        No column is known for it, and it may hold the day or the time of delivery.
    """

    position: int
    label: str
    text: str
    column: str
    samples: tuple[str, ...]
    may_promise: bool


@dataclass(frozen=True, slots=True)
class FileHeadings:
    """The headings of a file that have a text or values, and the key of all its headings."""

    shown: tuple[Heading, ...]
    key: str


def headings_of(data: bytes, match: Match) -> FileHeadings:
    """Return the headings of a file. Raises BadFile if it is not a table."""
    table = translated(read_table(data, KNOWN))
    rows = [tuple(cells) for _number, cells in islice(table.rows, _ROWS_READ)]
    columns = matched(table.headings, match)
    sheet = sheet_of(table, columns.known, rows, Conventions())
    names = labels(table.headings)

    def values(position: int) -> list[str]:
        return [value for cells in rows if (value := value_at(cells, position))]

    def may_promise(position: int) -> bool:
        if position not in sheet.others or position in columns.unused:
            return False
        named = looks_like_window(sheet.others[position])
        return named or any(sheet.may_promise(position, value) for value in values(position))

    shown = tuple(
        Heading(
            position,
            names[position],
            text,
            columns.known.get(position, ""),
            _samples(values(position)),
            may_promise(position),
        )
        for position, text in enumerate(table.headings)
        if text or values(position)
    )
    return FileHeadings(shown, key_of(table.headings))


def _samples(values: Sequence[str]) -> tuple[str, ...]:
    different = dict.fromkeys(value[:_SAMPLE_CHARACTERS] for value in values)
    return tuple(islice(different, SAMPLES))
