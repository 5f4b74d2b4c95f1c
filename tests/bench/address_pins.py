"""Automatic pins and suggestions for addresses: without the own object, with typos, respelled.

Each address of two cities (shared data) is asked as written, with its own object left out of the
index, with one typo in the street, and respelled as people do. A pin is wrong if it is over 250 m
from the truth.
"""

from __future__ import annotations

import random
import string
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from dispatch.orders.geocoding.base import Answer
from dispatch.orders.geocoding.judging import judge
from dispatch.roads.addresses import AddressParts, fold
from dispatch.roads.geocode import Candidate, find
from lastmile.core.geo import distance_m
from tests.bench.addresses import CITIES, Row, build_networks, rows

WRONG_M = 250
SUGGESTIONS = 3
LEAST = {"suggested": 0.90, "respelled": 0.95}
SEED = 33


def typo(parts: AddressParts, draw: random.Random) -> AddressParts:
    """Return an address with one letter of its street missing, doubled, changed or swapped."""
    street = parts.street
    at = draw.choice([n for n, c in enumerate(street) if c.isalpha() and n])
    letter = draw.choice(string.ascii_lowercase)
    wrong = {
        "missing": street[:at] + street[at + 1 :],
        "doubled": street[:at] + street[at] + street[at:],
        "changed": street[:at] + letter + street[at + 1 :],
        "swapped": street[: at - 1] + street[at] + street[at - 1] + street[at + 1 :],
    }
    return replace(parts, street=wrong[draw.choice(sorted(wrong))])


def line(parts: AddressParts) -> str:
    """Return an address in one line."""
    return f"{parts.street} {parts.number}, {parts.postcode} {parts.city}".strip(", ")


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "Ä": "Ae", "Ö": "Oe"})
_ENDS = ("katu", "tie", "kuja", "street", "strasse", "gatan")


def apart(street: str) -> str:
    """Return a street with its kind as a word of its own: Haupt Strasse."""
    end = next((end for end in _ENDS if street.casefold().endswith(end)), "")
    bare = street[: len(street) - len(end)].rstrip() if end else street
    return f"{bare} {end.capitalize()}" if end and bare else street


#: Ways in which people write an address -> the address as they write it.
SPELLINGS: Mapping[str, Callable[[AddressParts], AddressParts | str]] = {
    "ae for ä": lambda p: replace(p, street=p.street.translate(_UMLAUTS)),
    "kind apart": lambda p: replace(p, street=apart(p.street)),
    "hyphens": lambda p: replace(p, street=p.street.replace(" ", "-")),
    "small letters": lambda p: line(p).lower(),
    "town first": lambda p: f"{p.city}, {p.street} {p.number}",
    "town first, no comma": lambda p: f"{p.city} {p.street} {p.number}",
    "one line": line,
}


def measure(var: Path, most: int | None = None) -> dict[str, Counter[str]]:
    """Return {question: counts of right, wrong, none, asked}; for typos also ``suggested``."""
    counts: dict[str, Counter[str]] = {}
    for city, network in CITIES.items():
        for row in rows(city)[:most]:
            draw = random.Random(f"{SEED} {row.source}")
            for name, query, out in questions(row, draw):
                count = counts.setdefault(name, Counter())
                answers = find(query, network, var=var, leave_out=out)
                count["asked"] += 1
                count[outcome(row, answers)] += 1
                if name == "typo":
                    shown = find(query, network, var=var, similar=True)[:SUGGESTIONS]
                    count["suggested"] += any(is_street(row, one) for one in shown)
    return counts


def questions(
    row: Row, draw: random.Random
) -> Iterator[tuple[str, AddressParts | str, frozenset[str]]]:
    """Yield (name, address as asked, objects to leave out) for a row."""
    yield "as written", row.parts, frozenset()
    yield "own object out", row.parts, frozenset({row.source})
    yield "typo", typo(row.parts, draw), frozenset()
    for name, spell in SPELLINGS.items():
        if spell(row.parts) != row.parts:
            yield name, spell(row.parts), frozenset()


def outcome(row: Row, answers: list[Candidate]) -> str:
    """Return ``right``, ``wrong`` or ``none`` for what would be pinned without a person."""
    pinned = judge([Answer(one, "bench") for one in answers]).answer
    if pinned is None:
        return "none"
    away = distance_m(row.point, pinned.candidate.point)
    return "wrong" if away > WRONG_M else "right"


def is_street(row: Row, candidate: Candidate) -> bool:
    """Return True if a suggestion is in the street of the row, near the row."""
    same = fold(candidate.street) == fold(row.parts.street)
    return same and distance_m(row.point, candidate.point) <= 2_000


def run() -> str:
    """Run the campaign for `make proof address_pins`."""
    with tempfile.TemporaryDirectory() as place:
        build_networks(Path(place))
        started = time.monotonic()
        counts = measure(Path(place))
        took = time.monotonic() - started
    parts = []
    wrong = 0
    for name, count in counts.items():
        wrong += count["wrong"]
        parts.append(
            f"{name}: {count['right'] / count['asked']:.1%} pinned, {count['wrong']} wrong"
        )
    typos = counts["typo"]
    suggested = typos["suggested"] / typos["asked"]
    total = sum(count["asked"] for count in counts.values())
    figures = (
        f"{'; '.join(parts)}; the street among the first {SUGGESTIONS} suggestions in "
        f"{suggested:.1%} of {typos['asked']} typos; {total / took:,.0f} questions/s"
    )
    usual = counts["as written"]["right"] / counts["as written"]["asked"]
    low = [
        name
        for name in SPELLINGS
        if counts[name]["right"] / counts[name]["asked"] < LEAST["respelled"] * usual
    ]
    if wrong or suggested < LEAST["suggested"] or low:
        raise AssertionError(f"{figures}; too low: {', '.join(low)}")
    return figures
