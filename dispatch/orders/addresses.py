"""An address in one normal form, so that it is known again however it is written."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from dispatch.roads.addresses import AddressParts, fold, fold_postcode, house_number, parse

KEY_LENGTH = 400
_SAID = ("text", "street", "house_number", "postcode", "city")


def plain(text: str) -> str:
    """Small letters without accents, punctuation as single spaces."""
    flat = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in flat if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", " ", bare).strip()


def parts_of(place: Mapping[str, str]) -> AddressParts:
    """Return what is known of an address: its columns, and what its text says beyond them."""
    said = parse(place["street"] or place["text"])
    return AddressParts(
        street=said.street,
        number=place["house_number"] or said.number,
        postcode=place["postcode"] or said.postcode,
        city=place["city"] or said.city,
    )


def key(place: Mapping[str, str]) -> str:
    """Return the memory key of an address, "" when it says too little to be known again.

    Street, number, postcode and city, each folded. Every number that these parts leave out (a
    flat, a second street number) follows, so that two doors never share a key by mistake.
    """
    parts = parts_of(place)
    words = [
        fold(parts.street) or fold(place["text"]),
        _number(parts.number),
        fold_postcode(parts.postcode),
        fold(parts.city),
    ]
    whole = " ".join(word for word in words if word)
    # The text may repeat the columns, so a number counts as often as the fullest field says it.
    said: Counter[str] = Counter()
    for name in _SAID:
        said |= Counter(re.findall(r"\d+", place[name]))
    left = said - Counter(re.findall(r"\d+", whole))
    full = " ".join([whole, *sorted(left.elements())])
    return full[:KEY_LENGTH] if len(full.split()) > 1 else ""


def _number(text: str) -> str:
    """``12 B`` and ``12b`` alike; what is no house number is folded as it is."""
    found = house_number(text)
    if found is None:
        return fold(text)
    return f"{found.low}{found.suffix}" if found.low == found.high else f"{found.low}-{found.high}"


def search_text(parts: Iterable[str | None]) -> str:
    """Return what a search looks through: every part in plain form, in one line."""
    return " ".join(filter(None, (plain(part) for part in parts if part)))
