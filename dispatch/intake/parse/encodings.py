"""Decodes text files: Unicode, and the encodings that spreadsheets of Windows, Mac and China write.

A file that is not UTF-8 does not say its encoding. Each encoding is tried; the reading in which
fewest characters look wrong is taken. If two readings look equally wrong, nobody knows, and the
file is refused with the remedy. PURE.
"""

from __future__ import annotations

import re
from typing import Final

from dispatch.intake.parse.faults import BadFile

#: Encodings without a mark of their own; at equal marks an earlier one counts.
_GUESSED: Final = ("cp1252", "mac_roman", "gb18030")
_SAMPLE: Final = 200_000  # characters that are looked at
_MOST_WRONG: Final = 0.25  # share of the special characters; with more, nothing is sure
_SPECIAL: Final = re.compile(r"[^\x00-\x7f]")
#: Signs that addresses and notes have, in any language with Latin letters.
_USUAL: Final = frozenset({*map(chr, range(0xA1, 0xC0)), *"×÷“”‘’„–—…€•™"})
#: A typographic apostrophe where it belongs: O’Higgins, d’Orsay, qu’on, Ana’s, don’t, we’ll.
_ELISION: Final = re.compile(r"(?:^|[^\w])[^\W\d_]{1,2}$")
_ENDING: Final = re.compile(r"(?:s|t|d|m|re|ve|ll)?(?:$|[^\w])", re.IGNORECASE)


def decode(data: bytes) -> str:
    """Decode text: byte order marks first, then UTF-8, then what fits best.

    Raises
    ------
    BadFile
        not_text for NUL bytes, which are never part of a text file; unknown_encoding.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise BadFile("not_text") from None
    if b"\x00" in data:
        raise BadFile("not_text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _best(data)


def _best(data: bytes) -> str:
    readings = []
    for encoding in _GUESSED:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        readings.append((_wrong(text, encoding), text))
    least = min((wrong for wrong, _text in readings), default=None)
    best = [text for wrong, text in readings if wrong == least]
    if least is None or (least and len(best) > 1) or least > _MOST_WRONG * _specials(best[0]):
        raise BadFile("unknown_encoding")
    return best[0]


def _specials(text: str) -> int:
    return len(_SPECIAL.findall(text[:_SAMPLE]))


def _wrong(text: str, encoding: str) -> int:
    """Return how many special characters look wrong where they are."""
    rule = _is_wrong_in_chinese if encoding == "gb18030" else _is_wrong
    sample = text[:_SAMPLE]
    return sum(rule(sample, match.start()) for match in _SPECIAL.finditer(sample))


def _is_wrong(text: str, at: int) -> bool:
    """Return True for a sign within a word, and for a letter of the other case within one."""
    before, character, after = text[max(0, at - 1) : at], text[at], text[at + 1 : at + 2]
    if character.isalpha():
        return (character.isupper() and before.islower()) or (
            character.islower() and before.isupper() and after.isupper()
        )
    if not (before.isalpha() and after.isalpha()):
        return character not in _USUAL
    if character in "’´·":
        is_elision = _ELISION.search(text[max(0, at - 3) : at]) is not None
        return not (is_elision or _ENDING.match(text[at + 1 : at + 4]))
    return True


def _is_wrong_in_chinese(text: str, at: int) -> bool:
    """Return True for a character that is not Chinese, or is alone in a word of Latin letters."""
    character = text[at]
    is_chinese = "\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"
    beside = (text[max(0, at - 1) : at], text[at + 1 : at + 2])
    return not is_chinese or any(one.isascii() and one.isalpha() for one in beside)
