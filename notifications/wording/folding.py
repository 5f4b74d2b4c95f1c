"""Replaces characters that make a text message more expensive by cheaper ones.

Typography (curly quotes, dashes, special spaces) is replaced by its plain form, and accents that
GSM-7 does not have are removed. A character without a plain form, such as an Arabic letter or an
emoji, is kept: then the text stays in UCS-2 and nothing is gained.

The module is PURE.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from notifications.wording.segments import is_gsm

#: Typography that means the same in its plain form.
TYPOGRAPHY: Final = {
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u2032": "'", "\u00b4": "'",
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ab": '"', "\u00bb": '"', "\u2033": '"',
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-",
    "\u2026": "...", "\u2022": "-", "\u00b7": "-", "`": "'", "\t": " ", "\u00a0": " ",
    "\u2009": " ", "\u200a": " ", "\u202f": " ", "\u2007": " ", "\u2008": " ", "\u200b": "",
    "\u00ad": "", "\ufeff": "",
}  # fmt: skip
#: Letters that Unicode does not take apart into a plain letter and an accent.
_LETTERS: Final = {
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "œ": "oe", "Œ": "OE", "ð": "d", "þ": "th",
    "ª": "a", "º": "o", "ç": "c", "№": "No", "™": "TM",
}  # fmt: skip


def plain_typography(text: str) -> str:
    """Return a text with plain quotes, dashes and spaces; letters stay as they are."""
    return "".join(TYPOGRAPHY.get(character, character) for character in text)


def fold(text: str) -> str:
    """Return a text with a cheap character for every costly one that has a plain form."""
    return "".join(map(_folded, unicodedata.normalize("NFC", text)))


def is_cheaper(text: str) -> bool:
    """Return True if the folded text has only characters of GSM-7 and the text has others."""
    return not all(map(is_gsm, text)) and all(map(is_gsm, fold(text)))


def _folded(character: str) -> str:
    if is_gsm(character):
        return character
    plain = TYPOGRAPHY.get(character) or _LETTERS.get(character)
    if plain is not None or character in TYPOGRAPHY:
        return plain or ""
    base = "".join(c for c in unicodedata.normalize("NFKD", character) if not _is_accent(c))
    return base if base and all(map(is_gsm, base)) else character


def _is_accent(character: str) -> bool:
    return unicodedata.combining(character) != 0
