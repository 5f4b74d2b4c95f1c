"""An address in one normal form, so that it is known again however it is written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Street words that people shorten, all forms as one. Latin-script ones only: other scripts rarely
# shorten, and a wrong expansion would join two different streets.
_ONE_FORM = {
    form: forms[0]
    for forms in (
        ("st", "str", "street", "strasse"),
        ("rd", "road"),
        ("av", "ave", "avda", "avenue", "avenida"),
        ("blvd", "boulevard"),
        ("dr", "drive"),
        ("ln", "lane"),
        ("sq", "square"),
        ("hwy", "highway"),
        ("calle", "c", "cl"),
        ("rua", "r"),
        ("pje", "psje", "pasaje"),
        ("", "no", "nr", "num", "numero", "n"),
    )
    for form in forms
}
KEY_LENGTH = 400


def plain(text: str) -> str:
    """Small letters without accents, punctuation as single spaces."""
    flat = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in flat if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", " ", bare).strip()


def key(
    *,
    text: str,
    street: str = "",
    house_number: str = "",
    postcode: str = "",
    city: str = "",
    country: str = "",
    **_rest: object,
) -> str:
    """Return the memory key of an address, "" when it says too little to be known again.

    A flat's number is left out: the pin is the door of the building. A house number in front of
    its street is put behind it.
    """
    head = f"{street} {house_number}" if street.strip() else text
    first, _comma, rest = head.partition(",")
    words = _number_last(plain(first).split()) + plain(rest).split()
    words = [_ONE_FORM.get(word, word) for word in words]
    said = {word for word in words if word}
    tail = [word for part in (postcode, city, country) for word in plain(part).split()]
    words += [word for word in tail if word not in said]
    kept = " ".join(word for word in words if word)
    return kept[:KEY_LENGTH] if len(said) > 1 else ""


def _number_last(words: list[str]) -> list[str]:
    """``12 main street`` -> ``main street 12``, when 12 is the only number there."""
    numbers = [word for word in words if any(c.isdigit() for c in word)]
    if len(numbers) == 1 and words and words[0] == numbers[0] and len(words) > 1:
        return [*words[1:], words[0]]
    return words


def search_text(parts: Iterable[str | None]) -> str:
    """Return what a search looks through: every part in plain form, in one line."""
    return " ".join(filter(None, (plain(part) for part in parts if part)))
