"""The catalogue of a language: merges it with the texts of the code, checks and compiles it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polib

from tests.messages.shoppers import texts_for_shoppers
from tests.messages.source import ROOT, SourceTexts

# The code itself contains the English texts.
LANGUAGES = ("es",)  # every text
SHOPPER_LANGUAGES = ("ar",)  # only the texts that shoppers can read
PLURALS = {
    "es": "nplurals=2; plural=(n != 1);",
    "ar": (
        "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : "
        "n%100>=11 && n%100<=99 ? 4 : 5;"
    ),
}
_BARE_NUMBER = re.compile(r"%\(\w+\)[\d.]*[df]")
# Forms of Arabic for 0, 1 and 2 of a thing, in which the words say the number.
_NUMBER_IN_WORDS = (0, 1, 2)
_PLACEHOLDER = re.compile(r"%\(\w+\)[#0\- +]*[\d.]*[a-z]|\{\w*\}|%(?=[sd])[sd]|%%")


def path_of(language: str) -> Path:
    """Return the path of a language's catalogue."""
    return ROOT / "lastmile" / "locale" / language / "LC_MESSAGES" / "django.po"


def texts_of(sources: SourceTexts, language: str) -> SourceTexts:
    """Return the texts that a language must have."""
    return sources if language in LANGUAGES else texts_for_shoppers(sources)


def form_count(language: str) -> int:
    """Return how many plural forms a language has."""
    return int(PLURALS[language].removeprefix("nplurals=")[0])


def merged(sources: SourceTexts, language: str) -> polib.POFile:
    """Return a catalogue with the texts of the code and the translations that exist already."""
    sources = texts_of(sources, language)
    path = path_of(language)
    before = polib.pofile(str(path)) if path.exists() else polib.POFile()
    existing = {(entry.msgctxt or "", entry.msgid): entry for entry in before}
    after = polib.POFile(wrapwidth=98)
    after.metadata = {
        "Project-Id-Version": "lastmile",
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": PLURALS[language],
    }
    for key in sorted(sources.texts, key=lambda key: (min(sources.places[key]), key)):
        text, old = sources.texts[key], existing.get(key)
        entry = polib.POEntry(
            msgid=text.msgid,
            msgctxt=text.context or None,
            occurrences=[(place, "") for place in sorted(sources.places[key])],
            flags=["python-format"] if "%" in text.msgid else [],
            tcomment=old.tcomment if old else "",
        )
        if text.plural:
            entry.msgid_plural = text.plural
            empty = dict.fromkeys(range(form_count(language)), "")
            entry.msgstr_plural = old.msgstr_plural if old and old.msgid_plural else empty
        else:
            entry.msgstr = old.msgstr if old else ""
        after.append(entry)
    return after


def save(catalogue: polib.POFile, language: str) -> None:
    """Write the catalogue and its compiled file."""
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    catalogue.save(str(path))
    path.with_suffix(".mo").write_bytes(polib.pofile(str(path)).to_binary())


def placeholders(text: str) -> list[str]:
    """Return the placeholders of a text, sorted."""
    return sorted(_PLACEHOLDER.findall(text))


def entry_faults(entry: polib.POEntry) -> Iterator[str]:
    """Yield the faults of a translation."""
    forms = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
    if not all(forms):
        yield f"not translated: {entry.msgid!r}"
        return
    if entry.fuzzy:
        yield f"marked as fuzzy: {entry.msgid!r}"
    allowed = [placeholders(entry.msgid), placeholders(entry.msgid_plural or entry.msgid)]
    for number, form in enumerate(forms):
        in_words = len(forms) == form_count("ar") and number in _NUMBER_IN_WORDS
        if placeholders(form) not in allowed and not (
            in_words and set(placeholders(form)) < set(allowed[1])
        ):
            yield f"other placeholders than the English {entry.msgid!r}: {form!r}"
        if entry.msgid[0].isspace() != form[0].isspace():
            yield f"other space at the start than the English {entry.msgid!r}: {form!r}"


def faults(sources: SourceTexts, language: str) -> Iterator[str]:
    """Yield the differences between the code, the catalogue and its compiled file."""
    path, sources = path_of(language), texts_of(sources, language)
    if not path.exists():
        yield "there is no catalogue"
        return
    catalogue = polib.pofile(str(path))
    existing = {(entry.msgctxt or "", entry.msgid): entry for entry in catalogue}
    for key, text in sources.texts.items():
        entry = existing.get(key)
        if entry is None or (entry.msgid_plural or "") != text.plural:
            yield f"missing: {text.msgid!r} (in {min(sources.places[key])})"
        elif text.plural and set(entry.msgstr_plural) != set(range(form_count(language))):
            yield f"not the {form_count(language)} forms of the language: {text.msgid!r}"
        else:
            yield from entry_faults(entry)
        if language in SHOPPER_LANGUAGES and _BARE_NUMBER.search(text.msgid + text.plural):
            yield f"write %(n)s and pass formatting.number(n), for other digits: {text.msgid!r}"
    yield from (f"no longer used: {key[1]!r}" for key in existing if key not in sources.texts)
    compiled = path.with_suffix(".mo")
    if not compiled.exists() or compiled.read_bytes() != catalogue.to_binary():
        yield f"{compiled.name} is not compiled from {path.name}"
