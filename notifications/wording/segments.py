"""Counts the segments of a text message, in the way in which providers charge for them.

A text of only GSM-7 characters has 160 places in one segment and 153 in each of several. Some
characters take two places. One other character turns the whole text into UCS-2, with 70 places in
one segment and 67 in each of several. A character is never divided between two segments.

Source: 3GPP TS 23.038 section 6.2.1, default alphabet and its extension table. TS 23.040 section
9.2.3.24 for the header of texts in several segments.

The module is PURE.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

GSM_7: Final = "GSM-7"
UCS_2: Final = "UCS-2"
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = frozenset("\f^{}\\[~]|€")
#: Alphabet -> places of the only segment, places of each of several.
_PLACES: Final = {GSM_7: (160, 153), UCS_2: (70, 67)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """The length of a text message.

    ``places`` is its length in places of its alphabet. ``costly`` are the characters that force
    UCS-2, each once, in the order of the text. ``left`` is the number of places that are free in
    the last segment.
    """

    alphabet: str
    places: int
    segments: int
    left: int
    costly: tuple[str, ...]


def is_gsm(character: str) -> bool:
    """Return True if a character is in the alphabet GSM-7 or its extension."""
    return character in _BASIC or character in _EXTENSION


def count(text: str) -> Length:
    """Return the number of segments of a text and what they contain; an empty text has none."""
    costly = tuple(dict.fromkeys(character for character in text if not is_gsm(character)))
    alphabet = UCS_2 if costly else GSM_7
    if costly:
        sizes = [2 if ord(character) > 0xFFFF else 1 for character in text]
    else:
        sizes = [2 if character in _EXTENSION else 1 for character in text]
    single, each = _PLACES[alphabet]
    places = sum(sizes)
    if places <= single:
        segments, left = min(1, places), single - places
    else:
        segments, used = 1, 0
        for size in sizes:
            if used + size > each:
                segments, used = segments + 1, 0
            used += size
        left = each - used
    return Length(alphabet=alphabet, places=places, segments=segments, left=left, costly=costly)


def name_of(character: str) -> str:
    """Return the Unicode name of a character in lower case, or its number without a name."""
    return unicodedata.name(character, "").lower() or f"U+{ord(character):04X}"
