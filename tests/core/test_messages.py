"""The tool that collects the texts, the Spanish catalogue, and the Arabic one for shoppers."""

from __future__ import annotations

from pathlib import Path

import polib
import pytest
from django.test import Client
from django.utils import translation

from lastmile.core.statuses import status_of
from lastmile.core.tenancy import RetailerRef
from tests.messages.catalogue import (
    LANGUAGES,
    entry_faults,
    faults,
    form_count,
    merged,
    path_of,
)
from tests.messages.shoppers import READ, read_by_shoppers, texts_for_shoppers
from tests.messages.source import (
    PACKAGES,
    ROOT,
    SourceTexts,
    Text,
    in_python,
    in_template,
    texts,
    unmarked,
)

# The same in every language: names, units, an example's number.
NAMES = {"Lastmile", "CO2e", "CSV", "km", "kg", "ord_7f3k"}
#: Examples of the syntax of ICU MessageFormat, which is the same in each language.
SYNTAX = {"way, select, return   other", "minutes, plural, one #   other #"}
PYTHON = """
from django.utils import translation
from django.utils.translation import gettext as _, ngettext, npgettext_lazy, pgettext_lazy as told

one = _("Publish " "plan")
two = ngettext("%(n)d stop", "%(n)d stops", n)
three = told("status", "Late")
four = npgettext_lazy("board", "one", "many", n)
five = translation.gettext("By the module")
handed_on = _(variable)
not_ours = self.get("A key")
"""
TEMPLATE = """
<h1 title="{% translate 'It\\'s (here)' %}">{% translate "Board" context "nav" %}</h1>
{% blocktranslate trimmed with name=order.name count n=stops|length %}
  {{ name }} has one stop
{% plural %}
  {{ name }} has {{ n }} stops
{% endblocktranslate %}
{{ value|default:_("none") }} {# translate "not this" #} plain text
"""


def test_every_form_of_gettext_in_python_is_found() -> None:
    assert {text for _line, text in in_python(PYTHON)} == {
        Text("Publish plan"),
        Text("%(n)d stop", "%(n)d stops"),
        Text("Late", context="status"),
        Text("one", "many", "board"),
        Text("By the module"),
    }


def test_a_text_put_together_while_running_is_refused() -> None:
    head = "from django.utils.translation import gettext as _\n"
    for call in ('_(f"Order {order} is late")', '_("Order " + order)', '_("%s" % order)'):
        assert list(in_python(head + call)) == [(2, None)], call


def test_every_tag_of_a_template_is_found() -> None:
    assert set(in_template(TEMPLATE.replace("\\'", "’"))) == {
        Text("It’s (here)"),
        Text("Board", context="nav"),
        Text("%(name)s has one stop", "%(name)s has %(n)s stops"),
        Text("none"),
    }


def test_one_text_with_two_plurals_is_a_fault() -> None:
    texts = SourceTexts()
    texts.add(Text("stop"), "a.py")
    texts.add(Text("stop", "stops"), "b.py")
    assert (texts.texts[("", "stop")].plural, texts.faults) == ("stops", [])
    texts.add(Text("stop", "halts"), "c.py")
    assert len(texts.faults) == 1


@pytest.mark.parametrize(
    ("english", "spanish", "right"),
    [
        ("%(n)d of %(all)d", "%(n)d de %(all)d", True),
        ("%(n)d of %(all)d", "%(all)d tienen %(n)d", True),
        ("%(n)d of %(all)d", "%(n)d de %(todo)d", False),
        ("%(n)d of %(all)d", "%(n)s de %(all)d", False),
        ("{n} of 100%%", "{n} de 100%%", True),
        ("{n} of 100%%", "{m} de 100%%", False),
        ("Late", "", False),
        (" and ", "y", False),
    ],
)
def test_a_translation_keeps_the_placeholders(english: str, spanish: str, right: bool) -> None:
    entry = polib.POEntry(msgid=english, msgstr=spanish)
    assert (not list(entry_faults(entry))) is right


def test_both_plural_forms_are_required() -> None:
    entry = polib.POEntry(msgid="one stop", msgid_plural="%(n)d stops")
    entry.msgstr_plural = {0: "una parada", 1: ""}
    assert list(entry_faults(entry))
    entry.msgstr_plural[1] = "%(n)d paradas"
    assert not list(entry_faults(entry))


def test_missing_unused_and_uncompiled_texts_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    language = LANGUAGES[0]
    po = tmp_path / "django.po"
    monkeypatch.setattr("tests.messages.catalogue.path_of", lambda _language: po)
    texts = SourceTexts()
    texts.add(Text("Late"), "a.py")
    catalogue = merged(texts, language)
    catalogue[0].msgstr = "Atrasado"
    catalogue.save(str(po))
    assert list(faults(texts, language)) == ["django.mo is not compiled from django.po"]
    po.with_suffix(".mo").write_bytes(polib.pofile(str(po)).to_binary())
    assert not list(faults(texts, language))
    assert merged(texts, language)[0].msgstr == "Atrasado"  # merging again keeps the translations
    later = SourceTexts()
    later.add(Text("Early"), "a.py")
    errors = list(faults(later, language))
    assert errors == ["missing: 'Early' (in a.py)", "no longer used: 'Late'"]


def test_texts_of_every_package_with_pages_are_found() -> None:
    places = {place.split("/")[0] for where in texts().places.values() for place in where}
    assert {"lastmile", "tenants", "dispatch"} <= places


def test_every_text_of_a_template_is_marked_for_translation() -> None:
    assert unmarked('<p title="Say it">{% translate "ok" %} <b>Hi</b></p>') == ["Say it", "Hi"]
    templates = [p for package in PACKAGES for p in (ROOT / package).glob("**/templates/**/*.html")]
    assert len(templates) > 50
    for path in sorted(templates):
        words = [
            word for word in unmarked(path.read_text()) if word.strip(" ·") not in NAMES | SYNTAX
        ]
        assert not words, f"{path.relative_to(ROOT)}: mark {words} with translate"


def test_statuses_are_translated_to_spanish() -> None:
    for language in LANGUAGES:
        catalogue = {(e.msgctxt or "", e.msgid) for e in polib.pofile(str(path_of(language)))}
        assert {("status", word) for word in ("Late", "Delivered")} <= catalogue
    with translation.override("es"):
        assert str(status_of("late").word) == "Atrasado"


def test_an_anonymous_visitor_gets_the_retailers_language(
    other: RetailerRef, other_client: Client
) -> None:
    answer = other_client.get("/login/")
    assert answer.headers["Content-Language"] == "es"
    assert 'lang="es"' in answer.content.decode()
    assert "Iniciar sesión" in answer.content.decode()


def test_a_shopper_language_needs_the_texts_of_shoppers_pages_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.messages.catalogue.path_of", lambda _language: tmp_path / "a.po")
    sources = SourceTexts()
    sources.add(Text("Arriving today"), "portal/tracking/views.py")
    sources.add(Text("one stop", "%(n)s stops"), "portal/shopper/pages.py")
    sources.add(Text("Import"), "dispatch/console/imports/pages.py")
    sources.add(Text("Cancel"), "dispatch/console/orders/pages.py")
    sources.add(Text("Cancel"), "portal/choice/pages/templates/choice/change.html")
    sources.add(Text("Days"), "portal/tracking/policy.py")
    catalogue = merged(sources, "ar")
    assert {entry.msgid for entry in catalogue} == {"Arriving today", "one stop", "Cancel"}
    stops = next(entry for entry in catalogue if entry.msgid_plural)
    assert set(stops.msgstr_plural) == set(range(form_count("ar"))) == set(range(6))


def test_arabic_may_say_none_one_and_two_in_words_but_needs_the_number_elsewhere() -> None:
    entry = polib.POEntry(msgid="%(n)s try", msgid_plural="%(n)s tries")
    words = ["لا محاولات", "محاولة واحدة", "محاولتان"]
    numbers = ["%(n)s محاولات", "%(n)s محاولة", "%(n)s محاولة"]
    entry.msgstr_plural = dict(enumerate(words + numbers))
    assert not list(entry_faults(entry))
    entry.msgstr_plural[3] = "محاولات"
    assert list(entry_faults(entry))
    entry.msgstr_plural = dict(enumerate(["%(m)s لا", *words[1:], *numbers]))
    assert list(entry_faults(entry))


def test_the_list_of_shoppers_files_names_files_that_exist() -> None:
    missing = [entry for entry in READ if "*" not in entry and not (ROOT / entry).exists()]
    assert set(missing) <= {"dispatch/slots/errors.py"}  # of an app that is being added
    assert not read_by_shoppers("dispatch/console/orders/forms.py")
    assert len(texts_for_shoppers(texts()).texts) > 20
