"""Reads the numbers of a column: finds the decimal sign and the thousands separator. PURE.

A sign before exactly three digits ("1.250") can be either. In columns of whole units (grams, cubic
centimetres, parcels, seconds) it separates thousands. In other columns the other cells decide,
then the sender's convention. If neither decides, the cell is refused.
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
    """The number format of a column.

    Parameters
    ----------
    kind : str
        ``whole`` for units without fractions, ``measure`` for other units, ``degrees`` for
        coordinates, which are always below one thousand.
    decimal : str or None
        The decimal sign, if the column or the convention decides it.
    proved : bool
        A cell of the column proves the decimal sign.
    mixed : bool
        Some cells use a point as decimal sign and others a comma.
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
        if spaced:  # 1 234,5 and 1'234.5: the space separates thousands, so the sign is decimal
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
        """Return True if a cell of the column proves that `sign` is the decimal sign."""
        return self.proved and self.decimal == sign

    def _one_sign(self, cell: str, match: re.Match[str]) -> Decimal:
        minus, before, sign, after = match.groups()
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


def number_column(kind: Kind, cells: Iterable[str], convention: DecimalSign | None) -> NumberColumn:
    """Return the number format of a column: from its unambiguous cells, else the convention."""
    proved: set[DecimalSign] = set()
    for cell in cells:
        sign = None if isinstance(cell, NumberCell) else _proof(cell.strip())
        if sign is not None:
            proved.add(sign)
    if len(proved) == 2:
        return NumberColumn(kind, mixed=True)
    if proved:
        return NumberColumn(kind, proved.pop(), proved=True)
    return NumberColumn(kind, convention)


def _proof(text: str) -> DecimalSign | None:
    """Return the decimal sign that this cell proves, or None."""
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
    """Return True if the digits can be thousands: three digits after one to three, not 0 first."""
    return len(after) == 3 and 1 <= len(before) <= 3 and not before.startswith("0")
