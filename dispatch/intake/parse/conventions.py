"""How dates and numbers are written in a country and in a language, as far as it is certain. PURE.

Source: Unicode CLDR 46, the short date pattern and the decimal symbol of each country's main
languages. A country whose languages disagree, or whose short date begins with the year, is left
out: nothing is known about it here, and its ambiguous cells are refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

DateOrder = Literal["day", "month"]
DecimalSign = Literal[".", ","]

_MONTH = "US PH PR GU VI AS MP UM FM MH PW"
_NO_DATE = "CA PA JP CN KR KP TW HU LT MN IR ZA BT"
_WITH_POINT = """
US GB IE AU NZ MX GT HN NI SV DO PR CN JP KR TW HK SG MY TH PH IN PK BD LK NP IL NG KE GH UG ZW BW
MT GU VI AS MP UM JM TT BS BB BZ
"""
_WITH_COMMA = """
CL AR UY PY BO CO EC VE BR ES PT FR DE AT IT NL BE LU DK SE NO FI IS PL CZ SK SI HR RS BA ME MK AL
GR CY RO BG HU EE LV LT UA BY RU TR ID VN MA DZ TN AO MZ CV
"""
# Spanish writes both: a point in Mexico, a comma in Chile; the country tells.
_SAID_WITH_POINT = "en zh ja ko th he hi bn ur ta te"
_SAID_WITH_COMMA = """
pt fr de it nl da sv nb nn no fi is pl cs sk sl hr sr bs mk sq el ro bg hu et lv lt uk be ru tr id
vi ca gl eu
"""
_MONTH_FIRST: Final = frozenset(_MONTH.split())
_NO_DATE_CONVENTION: Final = frozenset(_NO_DATE.split())
_POINT: Final = frozenset(_WITH_POINT.split())
_COMMA: Final = frozenset(_WITH_COMMA.split())
_LANGUAGE_POINT: Final = frozenset(_SAID_WITH_POINT.split())
_LANGUAGE_COMMA: Final = frozenset(_SAID_WITH_COMMA.split())


@dataclass(frozen=True, slots=True)
class Conventions:
    """What the sender's country and language settle; None where they leave it open."""

    date_order: DateOrder | None = None
    decimal: DecimalSign | None = None


def conventions_of(countries: Iterable[str], language: str) -> Conventions:
    """What these countries and this language agree on.

    Parameters
    ----------
    countries : iterable of str
        ISO 3166 codes of where the retailer and its hubs are; "" for one that is not known.
    language : str
        BCP 47, such as ``es`` or ``en-US``; a country in it counts like the others.
    """
    tongue, *rest = language.replace("_", "-").split("-")
    places = {country.upper() for country in countries}
    places |= {part.upper() for part in rest if len(part) == 2}
    orders = {_date_order(place) for place in places}
    signs = {_sign(place) for place in places} | _spoken(tongue.lower())
    return Conventions(
        date_order=orders.pop() if len(orders) == 1 else None,
        decimal=signs.pop() if len(signs) == 1 else None,
    )


def _date_order(country: str) -> DateOrder | None:
    if not country or country in _NO_DATE_CONVENTION:
        return None
    return "month" if country in _MONTH_FIRST else "day"


def _sign(country: str) -> DecimalSign | None:
    if country in _POINT:
        return "."
    return "," if country in _COMMA else None


def _spoken(language: str) -> set[DecimalSign | None]:
    if language in _LANGUAGE_POINT:
        return {"."}
    return {","} if language in _LANGUAGE_COMMA else set()
