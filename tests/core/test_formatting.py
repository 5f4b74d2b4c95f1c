"""Each locale writes numbers, money, dates and times as CLDR says."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from django.utils import timezone, translation

from lastmile.core import formatting
from tests.architecture.test_source import ROOT

DATE = dt.date(2026, 11, 29)
INSTANT = dt.datetime(2026, 11, 29, 14, 5, 9, tzinfo=dt.UTC)


def in_locale(monkeypatch: pytest.MonkeyPatch, language: str, country: str) -> None:
    locale = formatting.locale_of(language, country)
    monkeypatch.setattr(formatting, "current_locale", lambda: locale)


def plain(text: str) -> str:
    """The text with ordinary spaces and without marks of direction."""
    return re.sub("[\u200e\u200f]", "", re.sub("[\u00a0\u202f]", " ", text))


# language, country: number, CLP, EUR, USD, per cent, km, kg
FIGURES = {
    ("es", "CL"): ("1.234,5", "$12.500", "EUR1.234,56", "US$-9,90", "37%", "12,4 km", "1,5 kg"),
    ("es", "ES"): ("1.234,5", "12.500 CLP", "1.234,56 €", "-9,90 US$", "37 %", "12,4 km", "1,5 kg"),
    ("en", "US"): ("1,234.5", "CLP12,500", "€1,234.56", "-$9.90", "37%", "12.4 km", "1.5 kg"),
    ("en", "GB"): ("1,234.5", "CLP12,500", "€1,234.56", "-US$9.90", "37%", "12.4 km", "1.5 kg"),
    ("en", "CL"): ("1,234.5", "12,500 CLP", "1,234.56 €", "-9.90 US$", "37%", "12.4 km", "1.5 kg"),
    ("pt", "BR"): ("1.234,5", "CLP 12.500", "€ 1.234,56", "-US$ 9,90", "37%", "12,4 km", "1,5 kg"),
    ("ar", "EG"): ("١٬٢٣٤٫٥", "١٢٬٥٠٠ CLP", "١٬٢٣٤٫٥٦ €", "-٩٫٩٠ US$", "٣٧٪", "١٢٫٤ كم", "١٫٥ كغم"),
    ("ar", "MA"): ("1.234,5", "12.500 CLP", "1.234,56 €", "-9,90 US$", "37%", "12,4 كم", "1,5 كغم"),
    ("ar", "CL"): ("1,234.5", "12,500 CLP", "1,234.56 €", "-9.90 US$", "37%", "12.4 كم", "1.5 كغم"),
}
# language, country: time, end of the day, date, weekday and date, date in full
CALENDAR = {
    ("es", "CL"): ("14:05", "24:00", "29 nov 2026", "dom, 29 nov 2026",
                   "domingo, 29 de noviembre de 2026"),
    ("es", "ES"): ("14:05", "24:00", "29 nov 2026", "dom, 29 nov 2026",
                   "domingo, 29 de noviembre de 2026"),
    ("en", "US"): ("2:05 PM", "12:00 AM +1", "Nov 29, 2026", "Sun, Nov 29, 2026",
                   "Sunday, November 29, 2026"),
    ("en", "GB"): ("14:05", "24:00", "29 Nov 2026", "Sun, 29 Nov 2026",
                   "Sunday, 29 November 2026"),
    ("en", "CL"): ("14:05", "24:00", "29 Nov 2026", "Sun, 29 Nov 2026",
                   "Sunday, 29 November 2026"),
    ("pt", "BR"): ("14:05", "24:00", "29 de nov. de 2026", "dom., 29 de nov. de 2026",
                   "domingo, 29 de novembro de 2026"),
    ("ar", "EG"): ("٢:٠٥ م", "١٢:٠٠ ص +١", "٢٩ نوفمبر ٢٠٢٦", "الأحد، ٢٩ نوفمبر ٢٠٢٦",
                   "الأحد، ٢٩ نوفمبر ٢٠٢٦"),
    ("ar", "MA"): ("14:05", "24:00", "29 نونبر 2026", "الأحد، 29 نونبر 2026",
                   "الأحد، 29 نونبر 2026"),
    ("ar", "CL"): ("2:05 م", "12:00 ص +1", "29 نوفمبر 2026", "الأحد، 29 نوفمبر 2026",
                   "الأحد، 29 نوفمبر 2026"),
}  # fmt: skip


@pytest.mark.parametrize(("language", "country"), FIGURES)
def test_a_locale_writes_numbers_money_and_measures(
    language: str, country: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_locale(monkeypatch, language, country)
    written = (
        formatting.number(1234.5, 1),
        formatting.money(12_500, "CLP"),
        formatting.money(123_456, "EUR"),
        formatting.money(-990, "USD"),
        formatting.percent(37),
        formatting.distance(12_400),
        formatting.weight(1_500),
    )
    assert tuple(map(plain, written)) == FIGURES[language, country]


@pytest.mark.parametrize(("language", "country"), CALENDAR)
def test_a_locale_writes_dates_and_times(
    language: str, country: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_locale(monkeypatch, language, country)
    monkeypatch.setattr(formatting.clock, "now", lambda: INSTANT.replace(year=2027))
    with timezone.override("UTC"):
        written = (
            formatting.time(INSTANT),
            formatting.time_of_minute(1440),
            formatting.date(INSTANT),
            formatting.day(DATE),
            formatting.long_date(DATE),
        )
    assert tuple(map(plain, written)) == CALENDAR[language, country]


def test_a_day_of_this_year_is_written_without_the_year(monkeypatch: pytest.MonkeyPatch) -> None:
    in_locale(monkeypatch, "es", "CL")
    monkeypatch.setattr(formatting.clock, "now", lambda: INSTANT)
    assert formatting.day(DATE) == "dom, 29 nov"


@pytest.mark.parametrize(
    ("language", "country", "words"),
    [
        ("en", "GB", "Sunday, 29 November"),
        ("en", "US", "Sunday, November 29"),
        ("es", "CL", "domingo, 29 de noviembre"),
        ("ar", "EG", "الأحد، 29 نوفمبر"),
    ],
)
@time_machine.travel("2026-11-01T12:00:00Z", tick=False)
def test_a_sentence_names_a_day_in_full_and_another_year(
    monkeypatch: pytest.MonkeyPatch, language: str, country: str, words: str
) -> None:
    in_locale(monkeypatch, language, country)
    assert plain(formatting.named_day(DATE)) == words
    assert "2027" in formatting.named_day(DATE.replace(year=2027))


def test_an_instant_is_written_in_the_active_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    in_locale(monkeypatch, "es", "CL")
    with timezone.override("America/Santiago"):
        assert formatting.time(INSTANT) == "11:05"
        assert formatting.exact(INSTANT) == "29 nov 2026, 11:05:09 -03"


def test_decimals_are_those_of_the_currency(monkeypatch: pytest.MonkeyPatch) -> None:
    in_locale(monkeypatch, "en", "GB")
    assert formatting.money(1_234, "JPY") == "JP¥1,234"
    assert plain(formatting.money(1_234_567, "KWD")) == "KWD1,234.567"
    assert formatting.amount(123_456, "EUR") == "1,234.56"


def test_a_language_without_a_country_is_international() -> None:
    assert str(formatting.locale_of("en", "")) == "en_150"
    assert str(formatting.locale_of("es", "")) == "es"
    assert str(formatting.locale_of("es", "XX")) == "es"


def test_a_missing_value_is_a_dash() -> None:
    functions = (
        formatting.number, formatting.percent, formatting.distance, formatting.weight,
        formatting.grams, formatting.volume, formatting.area, formatting.size, formatting.duration,
        formatting.time, formatting.time_of_minute, formatting.day, formatting.date,
        formatting.long_date, formatting.day_and_time,
    )  # fmt: skip
    assert {function(None) for function in functions} == {"–"}
    assert formatting.money(None, "EUR") == "–"


def test_sizes_areas_volumes_and_durations_have_their_unit() -> None:
    with translation.override("en"):
        assert formatting.size(12_345) == "12.3 kB"
        assert formatting.size(3_456_789) == "3.5 MB"
        assert formatting.area(8.5e6) == "8.5 km²"
        assert formatting.volume(8_500) == "8.5 l"
        assert formatting.duration(3_900) == "1 h 05 min"


# --- nothing else writes for pages ---------------------------------------------------------------
PACKAGES = ("lastmile", "tenants", "dispatch", "portal", "lockers", "notifications")


@pytest.mark.parametrize(
    ("country", "written"),
    [
        ("EG", ("٢ س ٥ د", "١٢ د", "٤٠ ث", "٢ س", "الأحد، ٢٩ نوفمبر، ٢:٠٥ م", "٤٢٠ غرام")),
        ("CL", ("2 س 5 د", "12 د", "40 ث", "2 س", "الأحد، 29 نوفمبر، 2:05 م", "420 غرام")),
    ],
)
def test_every_figure_of_an_arabic_page_has_the_same_digits(
    country: str, written: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_locale(monkeypatch, "ar", country)
    monkeypatch.setattr(formatting.clock, "now", lambda: INSTANT)
    with timezone.override("UTC"):
        shown = (
            *(formatting.duration(seconds) for seconds in (7500, 720, 40, 7200)),
            formatting.day_and_time(INSTANT),
            formatting.grams(420),
        )
        assert formatting.window(INSTANT, INSTANT + dt.timedelta(hours=2)).count("،") == 2
        exact = formatting.exact(INSTANT)
    assert tuple(map(plain, shown)) == written
    other_digits = "[0-9]" if country == "EG" else "[٠-٩]"
    assert not re.search(other_digits, "".join(shown) + exact)
    assert "،" in exact


def test_no_template_formats_by_itself() -> None:
    by_itself = re.compile(
        r"\|\s*(time|filesizeformat|intcomma|naturaltime|timesince|timeuntil)\b"
        r'|\|\s*date:(?!.Y-m-d.)|\|\s*floatformat(?!:"\du")'
    )
    uses = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for storey in PACKAGES
        for path in (ROOT / storey).rglob("*.html")
        for match in by_itself.finditer(path.read_text(encoding="utf-8"))
    ]
    assert uses == []


def test_no_module_formats_by_itself() -> None:
    uses = [
        str(path.relative_to(ROOT))
        for storey in PACKAGES
        for path in (ROOT / storey).rglob("*.py")
        if re.search(
            r"django\.utils\.(formats|dateformat)|from babel|\.strftime\(", path.read_text("utf-8")
        )
    ]
    # The readers of files write the times of cells as text, for no page, and ask Babel for the
    # names of months. The rules of holidays only ask Babel for the country of a time zone. The demo
    # shop and the kit for makers of cabinets are programs apart, without Django.
    assert sorted(uses) == [
        "dispatch/intake/parse/dates.py",
        "dispatch/intake/parse/tables.py",
        "dispatch/slots/rules/calendars.py",
        "lastmile/core/formatting.py",
        "lockers/conformance/report.py",
        "portal/choice/demo_shop/pages.py",
    ]
