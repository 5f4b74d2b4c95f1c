"""Numbers of a column: which sign is the decimal sign, and which one parts thousands. PURE.

One sign before exactly three digits ("1.250") is a group of thousands or a decimal. Grams, cubic
centimetres, parcels and seconds are whole, so there it is a group. Elsewhere the other cells of
the column tell, then the sender's custom; else the cell is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from dispatch.intake.parse.conventions import DecimalSign
from dispatch.intake.parse.faults import Unreadable
from dispatch.intake.parse.tables import NumberCell

Kind = Literal["whole", "measure", "degrees"]
MOST_DIGITS: Final = 40
_SPACES: Final = " \u00a0\u202f'\u2019"
_PLAIN: Final = re.compile(r"[+-]?\d+", re.ASCII)
_ONE_SIGN: Final = re.compile(r"([+-]?)(\d*)([.,])(\d+)", re.ASCII)
_GROUPED: Final = re.compile(r"[+-]?[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})+", re.ASCII)
_BOTH: Final = re.compile(r"([+-]?[1-9]\d{0,2}(?:([.,])\d{3})(?:\2\d{3})*)([.,])(\d+)", re.ASCII)
_SPACED: Final = re.compile(rf"([+-]?\d{{1,3}}(?:[{_SPACES}]\d{{3}})+)([.,]\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """How the numbers of one column are read.

    Parameters
    ----------
    kind : str
        ``whole`` for units that have no fractions, ``measure`` for the others, ``degrees`` for
        coordinates, which never reach a thousand.
    decimal : str or None
        The decimal sign, where the column or the custom settles it.
    mixed : bool
        Cells of the column use both signs as decimals.
    """

    kind: Kind
    decimal: DecimalSign | None = None
    proved: bool = False
    mixed: bool = False

    def read(self, cell: str) -> Decimal:
        """Return the number of a cell.

        Raises
        ------
        Unreadable
            not_a_number, ambiguous_number.
        """
        text = cell.strip()
        if len(text) > MOST_DIGITS:
            raise Unreadable("not_a_number", value=cell[:40])
        spaced = _SPACED.fullmatch(text)
        if spaced:  # 1 234,5 and 1'234.5: the spaces have parted the thousands already
            whole = re.sub(f"[{_SPACES}]", "", spaced[1])
            return Decimal(whole + (spaced[2] or "").replace(",", "."))
        if _PLAIN.fullmatch(text):
            return Decimal(text)
        grouped = _GROUPED.fullmatch(text)
        if grouped and self.kind != "degrees" and not self._is_decimal(grouped[1]):
            return Decimal(re.sub(r"[.,]", "", text))
        both = _BOTH.fullmatch(text)
        if both and both[2] != both[3] and not self._is_decimal(both[2]):
            return Decimal(re.sub(r"[.,]", "", both[1]) + "." + both[4])
        one = _ONE_SIGN.fullmatch(text)
        if one is None:
            raise Unreadable("not_a_number", value=cell[:40])
        return self._one_sign(cell, one)

    def _is_decimal(self, sign: str) -> bool:
        """The column has proved that this sign does not part thousands."""
        return self.proved and self.decimal == sign

    def _one_sign(self, cell: str, found: re.Match[str]) -> Decimal:
        minus, before, sign, after = found.groups()
        as_decimal = Decimal(f"{minus}{before or 0}.{after}")
        if self.kind == "degrees" or not _may_be_group(before, after):
            return as_decimal
        as_group = Decimal(f"{minus}{before}{after}")
        if isinstance(cell, NumberCell) or (self.proved and self.decimal == sign):
            return as_decimal
        if self.kind == "whole":
            return as_group
        if self.decimal is None or self.mixed:
            raise Unreadable(
                "ambiguous_number", value=cell[:40], one=f"{as_decimal:f}", other=f"{as_group:f}"
            )
        return as_decimal if self.decimal == sign else as_group


def number_column(kind: Kind, cells: Iterable[str], custom: DecimalSign | None) -> NumberColumn:
    """Decide how a column is read: by cells that read one way only, else by the custom."""
    proved: set[DecimalSign] = set()
    for cell in cells:
        sign = None if isinstance(cell, NumberCell) else _proof(cell.strip())
        if sign is not None:
            proved.add(sign)
    if len(proved) == 2:
        return NumberColumn(kind, mixed=True)
    if proved:
        return NumberColumn(kind, proved.pop(), proved=True)
    return NumberColumn(kind, custom)


def _proof(text: str) -> DecimalSign | None:
    """The decimal sign that this one cell proves, if it does."""
    if len(text) > MOST_DIGITS:
        return None
    spaced, both = _SPACED.fullmatch(text), _BOTH.fullmatch(text)
    if spaced:
        return _sign((spaced[2] or "")[:1])
    if both and both[2] != both[3]:
        return _sign(both[3])
    grouped, one = _GROUPED.fullmatch(text), _ONE_SIGN.fullmatch(text)
    if grouped:
        return "." if grouped[1] == "," else ","
    if one and not _may_be_group(one[2], one[4]):
        return _sign(one[3])
    return None


def _sign(text: str) -> DecimalSign | None:
    if text == ".":
        return "."
    return "," if text == "," else None


def _may_be_group(before: str, after: str) -> bool:
    """Thousands come in groups of three after one to three digits that do not begin with 0."""
    return len(after) == 3 and 1 <= len(before) <= 3 and not before.startswith("0")
