"""The usual way to write dates and numbers in a country and in a language. PURE.

Source: Unicode CLDR 46, the short date pattern and the decimal symbol of each country's main
languages. A country is not listed if its languages disagree or its short date begins with the
year. For such a country nothing is assumed, and its ambiguous cells are refused.
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
# Spanish is not listed: it uses a point in Mexico and a comma in Chile, so the country decides.
_LANGUAGES_WITH_POINT = "en zh ja ko th he hi bn ur ta te"
_LANGUAGES_WITH_COMMA = """
pt fr de it nl da sv nb nn no fi is pl cs sk sl hr sr bs mk sq el ro bg hu et lv lt uk be ru tr id
vi ca gl eu
"""
_MONTH_FIRST: Final = frozenset(_MONTH.split())
_NO_DATE_CONVENTION: Final = frozenset(_NO_DATE.split())
_POINT: Final = frozenset(_WITH_POINT.split())
_COMMA: Final = frozenset(_WITH_COMMA.split())
_LANGUAGE_POINT: Final = frozenset(_LANGUAGES_WITH_POINT.split())
_LANGUAGE_COMMA: Final = frozenset(_LANGUAGES_WITH_COMMA.split())


@dataclass(frozen=True, slots=True)
class Conventions:
    """The date order and decimal sign of the sender's country and language; None if not certain."""

    date_order: DateOrder | None = None
    decimal: DecimalSign | None = None


def conventions_of(countries: Iterable[str], language: str) -> Conventions:
    """Return the conventions that all these countries and this language share.

    Parameters
    ----------
    countries : iterable of str
        ISO 3166 codes of the countries of the retailer and its hubs; "" if not known.
    language : str
        BCP 47, such as ``es`` or ``en-US``; its country is added to ``countries``.
    """
    language_code, *subtags = language.replace("_", "-").split("-")
    places = {country.upper() for country in countries}
    places |= {part.upper() for part in subtags if len(part) == 2}
    orders = {_date_order(place) for place in places}
    signs = {_sign(place) for place in places} | _sign_of_language(language_code.lower())
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


def _sign_of_language(language: str) -> set[DecimalSign | None]:
    if language in _LANGUAGE_POINT:
        return {"."}
    return {","} if language in _LANGUAGE_COMMA else set()
