"""Normal forms of an address: a key that is equal for different spellings, and a search text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from dispatch.roads.addresses import AddressParts, fold, fold_postcode, house_number, parse

KEY_LENGTH = 400
_ADDRESS_FIELDS = ("text", "street", "house_number", "postcode", "city")


def plain(text: str) -> str:
    """Return a text in lower case, without accents, with single spaces for punctuation."""
    flat = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in flat if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", " ", bare).strip()


def parts_of(place: Mapping[str, str]) -> AddressParts:
    """Return the parts of an address. A part without a value of its own is read from the text."""
    parsed = parse(place["street"] or place["text"])
    return AddressParts(
        street=parsed.street,
        number=place["house_number"] or parsed.number,
        postcode=place["postcode"] or parsed.postcode,
        city=place["city"] or parsed.city,
        text="" if place["house_number"] else parsed.text,
    )


def key(place: Mapping[str, str]) -> str:
    """Return the key that finds an address again, or "" if the address is too short for a key.

    The key is the normal form of street, house number, postcode and city. All other numbers of
    the address follow (a flat, a second street number), so that two doors do not share a key.
    """
    parts = parts_of(place)
    words = [
        fold(parts.street) or fold(place["text"]),
        _number(parts.number),
        fold_postcode(parts.postcode),
        fold(parts.city),
    ]
    whole = " ".join(word for word in words if word)
    # The text may repeat the other fields, so each number counts with its highest count per field.
    numbers: Counter[str] = Counter()
    for name in _ADDRESS_FIELDS:
        numbers |= Counter(re.findall(r"\d+", place[name]))
    unused = numbers - Counter(re.findall(r"\d+", whole))
    full = " ".join([whole, *sorted(unused.elements())])
    return full[:KEY_LENGTH] if len(full.split()) > 1 else ""


def _number(text: str) -> str:
    """Return a house number in one form: ``12b`` for both ``12 B`` and ``12b``."""
    parsed = house_number(text)
    if parsed is None:
        return fold(text)
    return (
        f"{parsed.low}{parsed.suffix}"
        if parsed.low == parsed.high
        else f"{parsed.low}-{parsed.high}"
    )


def search_text(parts: Iterable[str | None]) -> str:
    """Return the text that a search looks through: all parts in plain form, joined by spaces."""
    return " ".join(filter(None, (plain(part) for part in parts if part)))
