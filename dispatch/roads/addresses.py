"""Normalises ("folds") and parses the text of addresses, and reads house numbers. PURE.

The names in the index and the address to find are folded in the same way. Accents, capitals and
punctuation are removed. An abbreviation and its long forms become one word ("Street" = "St." =
"st", "Rua" = "R." = "r"). Typing errors are not corrected here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

# The first word of a row replaces all words of the row. "st" means street and saint, "dr" means
# drive and doctor: the index cannot tell them apart, because the abbreviation does not.
_ALIKE: Final = """
st street saint sankt
av avenue ave avenida avda aven
rd road
dr drive doutor doctor dra doutora
ln lane
ct court
pl place plac
sq square
blvd boulevard bd boul bulevar
hwy highway
pkwy parkway
ter terrace terr
cir circle
n north norte
s south sur sul
e east este
w west oeste
ne northeast
nw northwest
se southeast
sw southwest
r rua
tv travessa trav
pc praca pca
lg largo
estr estrada
al alameda
c calle
pje pasaje psje passagem
pza plaza plz
cam camino
gral general gen
pdte presidente pres
cnel coronel
prof professor profesor
eng engenheiro ing ingeniero
sta santa
sto santo
strasse str
sra senhora senora
aptd apartado
"""
_WORD: Final[Mapping[str, str]] = {
    word: row.split()[0] for row in _ALIKE.strip().splitlines() for word in row.split()
}
_PARTICLES: Final = frozenset({"de", "da", "do", "dos", "das", "del", "d", "of", "the"})
_LETTERS: Final = str.maketrans({"ø": "o", "æ": "ae", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})
# Abbreviated endings of a word, such as "Kaivok." for "Kaivokatu".
_ENDINGS: Final = (
    (re.compile(r"(?<=\w{3})k\.(?=\s|$|,|\d)"), "katu"),
    (re.compile(r"(?<=\w{3})str\.?(?=\s|$|,|\d)"), "strasse"),
    (re.compile(r"(?<=\w{3})g\.(?=\s|$|,|\d)"), "gatan"),
)
_NUMBER_MARK: Final = re.compile(
    r"(?<!\w)(?:nº|n°|no\.|nr\.?|num\.?|número|numero|#)\s*(?=\d)", re.IGNORECASE
)
_UNIT: Final = re.compile(
    r"[,\s]+(?:apt|apartment|apto|ap|apartamento|unit|suite|ste|flat|depto|dpto|departamento|piso"
    r"|floor|fl|krs|casa|block|bloque|torre|oficina|of)\b\.?\s*[\w-]*",
    re.IGNORECASE,
)
# "Flat 3, 12 High Street", "Unit 5/12 High Street".
_UNIT_FIRST: Final = re.compile(
    r"^\s*(?:apt|apartment|apto|unit|suite|ste|flat|depto|dpto|departamento|piso|oficina|of)\b\.?"
    r"\s*(?:\d{1,5}\w?|[A-Z])\s*[,/]\s*(?=.*\d)",
    re.IGNORECASE,
)
_POSTCODE: Final = re.compile(
    r"(?<![\w-])(\d{4}-\d{3}|\d{5}-\d{4}|\d{5}-\d{3}|\d{2}-\d{3}|\d{7}|\d{5}"
    r"|\d{4}\s?[A-Z]{2}(?=[\s,]|$)"  # 1015 CJ Amsterdam
    r"|(?:^|(?<=,\s))\d{4}(?=\s+[^\W\d_]{2})|(?<=\s[A-Z]{3}\s)\d{4}(?=\s*(?:,|$))"  # 8001 Bern
    r"|[A-Z]\d[A-Z]\s?\d[A-Z]\d|[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2})(?![\w-])"
)
_COUNTRY_MARK: Final = re.compile(r"(?<![\w-])[A-Z]{1,2}-(?=\d{4,5}\b)")  # CH-8001
# The state after a town: Melbourne VIC, Roma RM. Not in a text in capitals, as LA PAZ.
_STATE: Final = re.compile(r"(?<=[a-zß-ÿ])\s+[A-ZÆØÅ]{1,3}$")


@dataclass(frozen=True, slots=True)
class AddressParts:
    """The parts of an address; each part may be empty.

    ``text`` is the text from which street and number were read, for :func:`readings`.
    """

    street: str = ""
    number: str = ""
    postcode: str = ""
    city: str = ""
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class HouseNumber:
    """A house number: ``low`` to ``high``, and a folded letter or fraction as ``suffix``.

    ``low`` and ``high`` are equal, except for a range such as 8-10.
    """

    low: int
    high: int
    suffix: str = ""


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """Return the folded form of a street or place name."""
    plain = text.casefold()
    for pattern, whole in _ENDINGS:
        plain = pattern.sub(whole, plain)
    plain = unicodedata.normalize("NFKD", plain.translate(_LETTERS))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = plain.replace("'", "").replace("’", "")
    words = re.findall(r"[^\W_]+", plain)
    folded = [_WORD.get(word, word) for word in words if word not in _PARTICLES]
    return " ".join(folded or words)


# Letters of two parts, and what people write for them: König, Koenig and Konig.
_PAIR: Final = re.compile(r"a[ae]+|[ou]e+")
_TWO_LETTERS: Final[Mapping[str, str]] = {
    "ä": "ae", "æ": "ae", "ö": "oe", "ø": "oe", "å": "aa",
}  # fmt: skip
_MARKED_U: Final = re.compile(r"(?<!g)ü")  # in Spanish "gü" is only a way to say g


@lru_cache(maxsize=65_536)
def loose(text: str) -> str:
    """Return a key that is equal for the spellings of a name that people use.

    ``Hauptstrasse``, ``Haupt-Strasse`` and ``Hauptstr.``; ``König``, ``Koenig`` and ``Konig``. Two
    different names may share it: see :func:`exact_letters`.
    """
    return _PAIR.sub(lambda pair: pair[0][0], fold(text).replace(" ", ""))


@lru_cache(maxsize=65_536)
def exact_letters(text: str) -> str:
    """Return a key that differs for ``Bödastrasse`` and ``Bodastrasse``, which are two streets.

    ``Boedastrasse`` is ``Bödastrasse``. Accents as in ``José`` make no difference: one street is
    often written with and without them.
    """
    plain = unicodedata.normalize("NFC", text.casefold())
    plain = "".join(_TWO_LETTERS.get(letter, letter) for letter in plain)
    return fold(_MARKED_U.sub("ue", plain)).replace(" ", "")


def fold_postcode(text: str) -> str:
    """Return a postcode in small letters, without spaces and signs.

    Only the first part of a postcode such as 4000-447 (Portugal) or 21231-1000 (US) is kept.
    """
    return re.sub(
        r"[^0-9a-z]", "", text.casefold().split("-")[0] if text[:1].isdigit() else text.casefold()
    )


def other_postcode(postcode: str, known: Collection[str]) -> bool:
    """Return True if a postcode contradicts all known ones of a place.

    Nothing contradicts an empty one, nor its own beginning, as in ``SW1A`` for ``SW1A 1AA``.
    """
    code = fold_postcode(postcode)
    others = {fold_postcode(one) for one in known} - {""}
    agree = any(one.startswith(code) or code.startswith(one) for one in others)
    return bool(code and others) and not agree


_HOUSE: Final = re.compile(
    r"^\s*(\d{1,6})"
    r"(?:\s*(?P<fraction>1/2|½))?"
    r"(?:\s*[-–/;,]\s*(?P<high>\d{1,6})(?!\s*\.|\w))?"
    r"(?:\s*[-/]?\s*(?P<letter>bis|ter|quater|[^\W\d_]{1,2})(?![^\W_]))?",
    re.IGNORECASE,
)


def house_number(text: str) -> HouseNumber | None:
    """Return the house number in a text such as "12", "12 B", "12-16", "226 1/2" or "2, 2. krs.".

    None if the text does not begin with a number.
    """
    match = _HOUSE.match(text)
    if not match:
        return None
    low = high = int(match.group(1))
    if match.group("high"):
        other = int(match.group("high"))
        # "12-16" is a range; "12-1203" is house 12, flat 1203, and "48/17" is house 48, flat 17.
        if abs(other - low) <= 60 and (other > low or "/" not in match.group()):
            low, high = min(low, other), max(low, other)
    suffix = "1/2" if match.group("fraction") else (match.group("letter") or "").casefold()
    return HouseNumber(low, high, suffix)


@lru_cache(maxsize=4_096)
def parse(text: str) -> AddressParts:
    """Split one line of an address into street, number, postcode and city.

    The number may come before or after the street. Examples: "2120 E Fairmount Ave, Baltimore
    21231", "Kaivokatu 1, 00100 Helsinki", "Av. Francisco de Aguirre #485 depto 12, La Serena".
    """
    pieces = _pieces(text)
    if not pieces:
        return AddressParts()
    head, rest = pieces[0], ", ".join(pieces[1:])
    if rest and re.fullmatch(r"\d+\s?\w?", pieces[1]):
        head, rest = f"{head} {pieces[1]}", ", ".join(pieces[2:])  # "Rua Direita, 12, Porto"
    street, number, tail = _street_and_number(head)
    rest = f"{tail}, {rest}".strip(", ") if tail else rest
    postcode = ""
    rest = _COUNTRY_MARK.sub("", rest)
    match = _POSTCODE.search(rest)
    if match:
        postcode = match.group(1)
        rest = f"{rest[: match.start()]} {rest[match.end() :]}"
    cities = [re.sub(r"\s+", " ", piece).strip(" -") for piece in rest.split(",")]
    cities = [_STATE.sub("", city) for city in cities if city and not city.isdigit()]
    return AddressParts(street, number, postcode, cities[0] if cities else "", text)


def _pieces(text: str) -> list[str]:
    """Return the pieces between commas of an address, without flats and floors."""
    plain = _UNIT.sub("", _UNIT_FIRST.sub("", " ".join(text.split())))
    return [piece.strip() for piece in plain.split(",") if piece.strip()]


_BIS: Final = r"\s?(?:bis|ter|quater)\b"
_BEFORE: Final = re.compile(
    rf"^(\d{{1,6}}(?:\s*-\s*\d{{1,6}})?(?:\s1/2)?(?:-?[a-zA-Z]|{_BIS})?)\s+(?=\S*[^\W\d_])(.+)$",
    re.IGNORECASE,
)
_NUMBER: Final = rf"\d{{1,6}}(?:\s*[-–/]\s*\d{{1,6}})?(?:\s?[-/]?[a-zA-Z](?![^\W_])|{_BIS})?"
_AFTER: Final = re.compile(rf"^(.*?[^\W\d_].*?)\s+({_NUMBER})(?:\s+(.*))?$", re.IGNORECASE)
_ORDINAL: Final = re.compile(r"^\d+(?:st|nd|rd|th)$", re.IGNORECASE)


# A number that begins the second piece: "Rua Direita, 12 - 3º Esq", "Av. Brasil, 1500 - Centro".
_NUMBER_PIECE: Final = re.compile(rf"^({_NUMBER})\b[\s-]*(.*)$", re.IGNORECASE)
# The last number is the house number: "18 de Septiembre 500", "5 Norte 1240 B", "Ruta 5 120".
_LAST_NUMBER: Final = re.compile(
    rf"^(\S*\d\S*\s.*?[^\W\d_].*?|[^\W\d_].*?\d)\s+#?\s*({_NUMBER})$", re.IGNORECASE
)


def splits(head: str) -> list[tuple[str, str]]:
    """Return (street, number) of each way in which a street with its number can be read."""
    street, number, _tail = _street_and_number(head)
    ways = [(street, number), (head, "")]
    last = _LAST_NUMBER.match(head)
    if last:
        ways.append((last[1], last[2]))
    return ways


def readings(parts: AddressParts) -> list[AddressParts]:
    """Return the ways in which an address can be read, the usual one first.

    The name of a street may have a number ("18 de Septiembre 500", "5 Norte"), and the town may
    come first ("Helsinki, Kaivokatu 1"). The index decides which reading is right.
    """
    heads = heads_of(parts)
    if not heads:
        return [parts]
    others = [
        replace(parts, street=street, number=number) for street, number in splits(heads[0])[1:]
    ]
    first = _COUNTRY_MARK.sub("", heads[0])
    code = _POSTCODE.search(first)
    town = first.replace(code[1], "").strip() if code else first
    if not re.search(r"\d", town):
        others += _number_in_second_piece(parts, heads)
        for at, head in enumerate(heads[1:], 1):
            later = parse(", ".join(heads[at:]))  # "Edificio Alto, Calle Larga 48, La Serena"
            for street, number in splits(head) if re.search(r"\d", head) else ():
                postcode = code[1] if code else parts.postcode
                # In "Boston, Elm Street 25227" the usual reading takes it for the postcode.
                postcode = "" if fold_postcode(postcode) == fold_postcode(number) else postcode
                city = town_of_text(parts, later.city or town)
                others.append(AddressParts(street, number, postcode, city, parts.text))
    return list(dict.fromkeys([parts, *(one for one in others if one.street)]))


def _number_in_second_piece(parts: AddressParts, heads: Sequence[str]) -> list[AddressParts]:
    """Return the readings of "Rua Direita, 12 - 3º Esq, Lisboa": a flat or a town follows."""
    match = _NUMBER_PIECE.match(heads[1]) if len(heads) > 1 else None
    if match is None:
        return []
    street, after, later = f"{heads[0]} {match[1]}", match[2], heads[2:]
    may_be_town = bool(after) and not re.search(r"\d", after)
    texts = [[street, after, *later]] if may_be_town else []
    if later or not may_be_town:
        texts.append([street, *later])
    ways = (parse(", ".join(pieces)) for pieces in texts)
    return [
        AddressParts(
            one.street,
            one.number,
            one.postcode,
            town_of_text(parts, one.city),
            parts.text,
        )
        for one in ways
    ]


def town_of_text(parts: AddressParts, town: str) -> str:
    """Return the town of an address whose text may begin with a town.

    A town that came in a field of its own counts, and not the words before the street.
    """
    is_own = bool(parts.city) and parts.city != parse(parts.text).city
    return parts.city if is_own else town


def heads_of(parts: AddressParts) -> list[str]:
    """Return the pieces between commas of the text of an address, without flats and floors."""
    return _pieces(parts.text)


def _street_and_number(head: str) -> tuple[str, str, str]:
    """Return the street, the number and the text after it ("Kaivokatu 1 00100 Helsinki")."""
    marks = list(_NUMBER_MARK.finditer(head))
    if marks and head[: marks[-1].start()].strip():
        # "Calle 7 #12": the number after the mark is the house number.
        number, _, tail = head[marks[-1].end() :].partition(" ")
        return head[: marks[-1].start()].strip(), number, tail
    first = head.split(" ", 1)[0]
    before = None if _ORDINAL.match(first) else _BEFORE.match(head)
    if before:
        return before.group(2), before.group(1), ""
    after = _AFTER.match(head)
    if after:
        return after.group(1), after.group(2), after.group(3) or ""
    return head, "", ""
