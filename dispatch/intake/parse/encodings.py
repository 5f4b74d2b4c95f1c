"""Decodes text files: Unicode, and the encodings that spreadsheets of Windows, Mac and China write.

A file that is not UTF-8 does not say its encoding. Each encoding is tried; the reading in which
fewest characters look wrong is taken. If two readings look equally wrong, nobody knows, and the
file is refused with the remedy. PURE.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from dispatch.intake.parse.faults import BadFile

#: Encodings without a mark of their own; at equal marks an earlier one counts.
_GUESSED: Final = ("cp1252", "mac_roman", "gb18030")
_SAMPLE: Final = 200_000  # characters that are looked at
_MOST_WRONG: Final = 0.25  # share of the special characters; with more, nothing is sure
_SPECIAL: Final = re.compile(r"[^\x00-\x7f]")
_APOSTROPHES: Final = "’´`·"
#: Signs that addresses and notes have beside letters, in any language that is written so.
_USUAL: Final = "ªº°“”‘’«»–—…€£¡¿•™®©§´·"


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
    places = (match.start() for match in _SPECIAL.finditer(sample))
    return sum(rule(sample[at - 1 : at], sample[at], sample[at + 1 : at + 2]) for at in places)


def _is_wrong(before: str, character: str, after: str) -> bool:
    """Return True for a sign within a word, and for a capital letter after a small one."""
    in_word = before.isalpha() and after.isalpha()
    if character.isalpha():
        return character.isupper() and before.islower()
    if character in _APOSTROPHES:
        return False
    if unicodedata.category(character) == "Cc":
        return True
    return in_word or character not in _USUAL


def _is_wrong_in_chinese(before: str, character: str, after: str) -> bool:
    """Return True for a character that is not Chinese, or is alone in a word of Latin letters."""
    is_chinese = "\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"
    latin = [one.isascii() and one.isalpha() for one in (before, after)]
    return not is_chinese or any(latin)
