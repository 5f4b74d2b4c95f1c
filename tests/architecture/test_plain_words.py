"""Plain words: what users and developers read keeps the rules of ``language.py``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import polib
import pytest

from tests.architecture import language
from tests.architecture.language import Fault
from tests.architecture.source import PACKAGES, ROOT
from tests.messages.catalogue import path_of
from tests.messages.source import texts

# Files that hold the banned words as data.
RULES = ("tests/architecture/language.py", "tests/architecture/test_plain_words.py")
# Texts that stay because the API, migrations or the database fix them.
FIXED = (
    ("dispatch/api/shapes_plans.py", "'came'"),  # fields of plans/<id>/changes/
    ("dispatch/api/shapes_plans.py", "'gone'"),
    ("dispatch/planning/selectors/changes.py", "'came'"),
    ("dispatch/planning/selectors/changes.py", "'gone'"),
    ("lastmile/core/fields.py", "'of'"),  # an argument in migrations
    ("dispatch/intake/models.py", "rehearsal"),  # a column and its help text
    ("dispatch/intake/models.py", "brought in"),
)
# Words of Spanish that a native product team does not use for this, and what it uses.
NOT_SPANISH = {
    r"\b(?:la|esta) casa\b": "esta instalación",
    r"\bcomprador\w*": "cliente",
    r"\bpausas?\b": "descanso",
    r"\bensay\w+": "vista previa",
    r"\bestar? en pie\b": "programado",
}


@cache
def files(*endings: str) -> tuple[Path, ...]:
    """Return the files of the six packages and of the tests that have one of the endings."""
    return tuple(
        path
        for top in (*PACKAGES, "tests")
        for path in sorted((ROOT / top).rglob("*"))
        if path.suffix in endings and not {"vendor", "data", "shots"} & set(path.parts)
    )


def report(paths: Iterable[Path], rule: Callable[[str], Iterator[Fault]]) -> list[str]:
    """Return what a rule finds, one line for each place."""
    return [
        f"{name}:{fault}"
        for path in paths
        if (name := str(path.relative_to(ROOT))) not in RULES and "migrations" not in path.parts
        for fault in rule(path.read_text(encoding="utf-8"))
        if not any(name == place and text in str(fault) for place, text in FIXED)
    ]


def by_line(text: str) -> Iterator[Fault]:
    for number, line in enumerate(text.splitlines(), 1):
        yield from language.banned(line, number)


def test_docstrings_are_plain() -> None:
    assert report(files(".py"), language.in_docstrings) == []


def test_comments_and_strings_are_plain() -> None:
    assert report(files(".py"), language.in_comments_and_strings) == []


def test_names_say_what_the_value_is() -> None:
    assert report(files(".py"), language.empty_names) == []


def test_pages_scripts_and_styles_are_plain() -> None:
    assert report(files(".html", ".js", ".css"), by_line) == []


def test_documents_are_plain() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "deploy").rglob("*.md"), *files(".md")]
    documents.remove(ROOT / "tests/bench/RESULTS.md")  # a record of measurements
    assert report(documents, by_line) == []


def test_texts_for_users_have_short_sentences() -> None:
    catalogue = texts()
    long = [
        f"{min(catalogue.places[key])}:{fault}"
        for key, text in catalogue.texts.items()
        for form in (text.msgid, text.plural)
        for fault in language.too_long(form, language.MOST_WORDS)
    ]
    assert long == []


def test_spanish_is_plain_and_short() -> None:
    faults = []
    for entry in polib.pofile(str(path_of("es"))):
        for form in [entry.msgstr, *entry.msgstr_plural.values()]:
            faults += [str(fault) for fault in language.too_long(form, language.MOST_WORDS)]
            faults += [
                f"{form!r}: {instead}"
                for word, instead in NOT_SPANISH.items()
                if re.search(word, form, re.IGNORECASE)
            ]
    assert faults == []


@pytest.mark.parametrize(
    ("source", "instead"),
    [
        ('"""Whoever asks last."""', "“Whoever”"),
        ('"""What a hub holds."""', "does not begin with “What”"),
        ('def f():\n    """Return it. ' + "word " * 33 + '."""', "words in a sentence"),
    ],
)
def test_the_rules_for_docstrings_bite(source: str, instead: str) -> None:
    assert [instead in str(fault) for fault in language.in_docstrings(source)] == [True]


def test_the_rules_for_comments_strings_and_names_bite() -> None:
    comment = "x = 1  # what stands in the row\n"
    string = "x = 'worked out anew'\n"
    assert len(list(language.in_comments_and_strings(comment))) == 1
    assert len(list(language.in_comments_and_strings(string))) == 2
    assert len(list(language.empty_names("def _said(found): made = 1"))) == 3
    assert list(language.empty_names("def message(rows): result = rows.found")) == []
