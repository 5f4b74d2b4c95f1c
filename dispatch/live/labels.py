"""Reads the codes on parcels: plain codes and GS1 labels. PURE.

A GS1 label holds several fields. Each begins with an application identifier (AI), and a field of
free length ends with a separator, which some scanners replace or drop. A text that can be cut in
two ways is refused and never guessed. ``static/driver/labels.js`` does the same in the app; both
are tested with the cases of ``tests/dispatch/labels.json``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeVar

SEPARATOR: Final = "\x1d"
#: Python calls the separator a space, so the spaces are named.
_SPACES: Final = " \t\r\n"
LONGEST_CODE: Final = 200
#: First two digits of an AI -> length of AI and field together, as GS1 has fixed it.
_FIXED: Final[Mapping[str, int]] = {
    "00": 20, "01": 16, "02": 16, "03": 16, "04": 18, "11": 8, "12": 8, "13": 8, "14": 8,
    "15": 8, "16": 8, "17": 8, "18": 8, "19": 8, "20": 4, "31": 10, "32": 10, "33": 10, "34": 10,
    "35": 10, "36": 10, "41": 16,
}  # fmt: skip
_AI_LENGTH: Final[Mapping[str, int]] = {
    **dict.fromkeys(("31", "32", "33", "34", "35", "36"), 4),
    "41": 3,
}
#: AI of free length -> most characters.
_FREE: Final[Mapping[str, int]] = {"10": 20, "21": 20, "420": 20}
_CHECKED: Final = ("00", "01", "02", "03", "41")
_DATES: Final = ("11", "12", "13", "15", "16", "17")
#: The characters that GS1 allows in a field.
_FIELD: Final = re.compile(r"[!-\"%-?A-Z_a-z]+")
_NOT_FIELD: Final = re.compile(r"[^!-\"%-?A-Z_a-z]+")
_SIGNS: Final = re.compile(r"\](?:C1|d2|Q3|e0|J1)")
_ANY_SIGN: Final = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_WRITTEN: Final = re.compile(r"<GS>|\{GS\}|\[GS\]|\\x1[dD]|\\u001[dD]|\u241d")
_BRACKETS: Final = re.compile(r"\((\d{2,4})\)([^()]+)")


class LabelFault(StrEnum):
    """The reason for which a code names no parcel.

    - empty: there is nothing to read.
    - two_ways: it can be cut in two ways. Type the SSCC.
    - check_digit: a check digit is wrong, so a digit was misread or mistyped.
    - unreadable: it is a GS1 label that cannot be cut at all.
    - unknown: no parcel has this code.
    - several: more than one parcel has this code.
    """

    EMPTY = "empty"
    TWO_WAYS = "two_ways"
    CHECK_DIGIT = "check_digit"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    SEVERAL = "several"


Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A code that was read: its GS1 fields in the order of the label, or a plain text."""

    plain: str = ""
    fields: Fields = ()
    fault: LabelFault | None = None

    @property
    def sscc(self) -> str:
        """The SSCC, "" without one."""
        return dict(self.fields).get("00", "")

    @property
    def name(self) -> str:
        """The name that two codes of the same parcel share, "" if it cannot be said."""
        if self.sscc:
            return f"sscc {self.sscc}"
        own = [field for field in self.fields if not field[0].startswith("4")]  # not the way to it
        unit = [field for field in own if field[0] in {"01", "21"}]
        own = unit if len(unit) == 2 else own
        return "gs1 " + " ".join(f"({ai}){value}" for ai, value in sorted(own)) if own else ""


class Labelled(Protocol):
    """A parcel with the codes that name it."""

    @property
    def barcode(self) -> str: ...
    @property
    def external_id(self) -> str | None: ...


P = TypeVar("P", bound=Labelled)


def is_check_digit_right(digits: str) -> bool:
    """Return True if the last digit is the check digit of the others (GS1, modulo 10)."""
    weights = (3 if place % 2 else 1 for place in range(len(digits)))
    return sum(int(one) * weight for one, weight in zip(reversed(digits), weights, strict=True)) \
        % 10 == 0  # fmt: skip


def read_label(code: str, *, keeps_separators: bool = False) -> Label:
    """Read a code as a scanner or a person gave it.

    ``keeps_separators`` is True only for a reader that is known to give every separator; then a
    text without one has a single field of free length, at its end.
    """
    text = _WRITTEN.sub(SEPARATOR, code[:LONGEST_CODE]).strip(_SPACES)
    is_gs1 = _SIGNS.match(text) is not None
    text = _ANY_SIGN.sub("", text, count=1) if _ANY_SIGN.match(text) else text
    if not _joined(text):
        return Label(fault=LabelFault.EMPTY)
    if _BRACKETS.match(text):
        return _in_brackets(text)
    is_gs1 = is_gs1 or text.startswith(SEPARATOR)
    if not is_gs1 and re.fullmatch(r"\d{18}", _joined(text)):
        return _sscc(_joined(text))
    plain = _joined(text).upper()
    parts = [part for part in _NOT_FIELD.split(text) if part]
    is_parted = len(parts) > 1
    cuts = _cuts(parts, keeps_separators=keeps_separators or is_parted)
    if len(cuts) > 1:
        return Label(plain=plain, fault=LabelFault.TWO_WAYS)
    if cuts:
        return Label(plain=plain, fields=cuts[0])
    return Label(plain=plain, fault=_why_not(parts, is_gs1=is_gs1, is_parted=is_parted))


def match_label(
    code: str, parcels: Iterable[P], *, keeps_separators: bool = False
) -> tuple[P | None, LabelFault | None]:
    """Return the parcel that a code names, or why it names none.

    A parcel whose barcode or number is the very same text comes first; a retailer's own code
    needs no GS1. After that the fields decide, and what can be cut in two ways decides nothing.
    """
    known = list(parcels)
    wanted = _plain(code)
    if not wanted:
        return None, LabelFault.EMPTY
    same = [one for one in known if wanted in {_plain(own) for own in _codes(one)}]
    if same:
        return (same[0], None) if len(same) == 1 else (None, LabelFault.SEVERAL)
    label = read_label(code, keeps_separators=keeps_separators)
    if label.fault is not None:
        return None, label.fault
    named = [
        one for one in known
        if label.name and label.name in {read_label(own).name for own in _codes(one)}
    ]  # fmt: skip
    if len(named) == 1:
        return named[0], None
    return None, LabelFault.SEVERAL if named else LabelFault.UNKNOWN


def _codes(parcel: Labelled) -> list[str]:
    return [code for code in (parcel.barcode, parcel.external_id) if code]


def _plain(code: str) -> str:
    """Return a code without the sign of its symbology and spaces, in capitals."""
    text = code.strip(_SPACES)
    return _joined(_ANY_SIGN.sub("", text, count=1) if _ANY_SIGN.match(text) else text).upper()


def _joined(text: str) -> str:
    return re.sub(f"[{_SPACES}]", "", text)


def _sscc(digits: str) -> Label:
    if is_check_digit_right(digits):
        return Label(plain=digits, fields=(("00", digits),))
    return Label(plain=digits, fault=LabelFault.CHECK_DIGIT)


def _in_brackets(text: str) -> Label:
    """Read the writing under a label: (01)09501101530003(10)ABC."""
    fields = tuple(_BRACKETS.findall(text))
    written = "".join(f"({ai}){value}" for ai, value in fields)
    plain = _joined(text).upper()
    if _joined(written) != _joined(text):
        return Label(plain=plain, fault=LabelFault.UNREADABLE)
    fields = tuple((ai, _joined(value)) for ai, value in fields)
    faults = {_field_fault(ai, value) for ai, value in fields} - {None}
    for fault in (LabelFault.UNREADABLE, LabelFault.CHECK_DIGIT):
        if fault in faults:
            return Label(plain=plain, fault=fault)
    return Label(plain=plain, fields=fields)


def _field_fault(ai: str, value: str) -> LabelFault | None:
    """Return what is wrong with a field, or None. A field of another AI is taken as it is."""
    if not _FIELD.fullmatch(value):
        return LabelFault.UNREADABLE
    if ai in _FREE:
        return None if len(value) <= _FREE[ai] else LabelFault.UNREADABLE
    whole = _FIXED.get(ai[:2])
    if whole is None:
        return None
    if len(ai) + len(value) != whole or not value.isdigit():
        return LabelFault.UNREADABLE
    if ai[:2] in _CHECKED and not is_check_digit_right(value):
        return LabelFault.CHECK_DIGIT
    if ai in _DATES and not (1 <= int(value[2:4]) <= 12 and int(value[4:6]) <= 31):
        return LabelFault.UNREADABLE
    return None


def _cuts(parts: Sequence[str], *, keeps_separators: bool, checks: bool = True) -> list[Fields]:
    """Return the ways to cut a label into fields, at most two: two are too many."""
    ways: list[Fields] = [()]
    for part in parts:
        cuts = _cuts_of(part, keeps_separators=keeps_separators, checks=checks)
        ways = [(*way, *cut) for way in ways for cut in cuts][:2]
    return [way for way in ways if way]


def _cuts_of(part: str, *, keeps_separators: bool, checks: bool) -> list[Fields]:
    """Return at most two ways to cut the text between two separators, from its end forward."""
    ways: list[list[Fields]] = [[] for _place in part] + [[()]]
    for at in reversed(range(len(part))):
        for ai, value in _fields_at(part[at:], keeps_separators=keeps_separators):
            fault = _field_fault(ai, value)
            if fault is None or (not checks and fault == LabelFault.CHECK_DIGIT):
                after = ways[at + len(ai) + len(value)]
                ways[at] = [*ways[at], *(((ai, value), *rest) for rest in after)][:2]
    return ways[0]


def _fields_at(part: str, *, keeps_separators: bool) -> Iterator[tuple[str, str]]:
    """Yield each AI that a text can begin with, and its value."""
    for ai, whole in _ais(part):
        ends = [whole] if whole else _free_ends(part, ai, keeps_separators=keeps_separators)
        for end in ends:
            if len(ai) < end <= len(part):
                yield ai, part[len(ai) : end]


def _ais(part: str) -> Iterator[tuple[str, int]]:
    """Yield the AI at the beginning of a text, with the length of AI and field; 0 if it is free."""
    first = part[:2]
    if first in _FIXED and part[: _AI_LENGTH.get(first, 2)].isdigit():
        yield part[: _AI_LENGTH.get(first, 2)], _FIXED[first]
    for ai in _FREE:
        if part.startswith(ai):
            yield ai, 0


def _free_ends(part: str, ai: str, *, keeps_separators: bool) -> Iterable[int]:
    longest = min(len(part), len(ai) + _FREE[ai])
    if keeps_separators:
        return [len(part)] if longest == len(part) else []
    return range(len(ai) + 1, longest + 1)


def _why_not(parts: Sequence[str], *, is_gs1: bool, is_parted: bool) -> LabelFault | None:
    """Return why a text has no fields; None if it may be a plain code."""
    begins = parts[0][:2] if parts else ""
    if _cuts(parts, keeps_separators=is_parted, checks=False) and (
        is_gs1 or begins in {"00", "01"}
    ):
        return LabelFault.CHECK_DIGIT
    return LabelFault.UNREADABLE if is_gs1 else None
