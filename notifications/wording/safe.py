"""Cleans the values of a message: what an order contains must not change what a message says.

A name or a place comes from outside. It must not add lines, hide or reverse text, or bring a link
of its own. Everything else stays byte for byte: nothing is escaped here. Only the HTML part of an
e-mail and pages escape, where they are made.

The module is PURE.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Marks that change the direction of the text after them, or are invisible. The zero-width joiners
# stay: they belong to the spelling of Persian, of Indian languages and to emojis. The brackets mark
# the places of link and code in stored texts.
_HIDDEN: Final = frozenset(
    "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad⟦⟧"
)
_LINK: Final = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:)?//|www\.|[\w-]+\.(?:[a-z]{2,24})(?:[/:?#]|$)|@", re.IGNORECASE
)
_ELLIPSIS: Final = "…"


def line(value: str, longest: int) -> str:
    """Return a value as one line: without control characters, cut to ``longest`` characters.

    A line break becomes a space. Marks that hide or reverse text are removed.
    """
    text = "".join(map(_kept, value.replace("\r\n", "\n"))).strip()
    if len(text) <= longest:
        return text
    return f"{text[: longest - 1].rstrip()}{_ELLIPSIS}"


def name(value: str, longest: int) -> str:
    """Return the first word of a person's name; "" if it looks like a link or is no name."""
    words = line(value, 200).split(" ")
    first = words[0] if words else ""
    if not first or _LINK.search(value) or not any(map(str.isalpha, first)):
        return ""
    return line(first, longest)


def _kept(character: str) -> str:
    if character in _HIDDEN or "\ud800" <= character <= "\udfff":
        return ""
    if character in "\n\r\t\v\f\u2028\u2029\x85":
        return " "
    return "" if unicodedata.category(character) == "Cc" else character
