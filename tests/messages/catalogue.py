"""The catalogue of a language: merges it with the texts of the code, checks and compiles it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polib

from tests.messages.source import ROOT, SourceTexts

LANGUAGES = ("es",)  # the code itself contains the English texts
PLURALS = {"es": "nplurals=2; plural=(n != 1);"}
_PLACEHOLDER = re.compile(r"%\(\w+\)[#0\- +]*[\d.]*[a-z]|\{\w*\}|%(?=[sd])[sd]|%%")


def path_of(language: str) -> Path:
    """Return the path of a language's catalogue."""
    return ROOT / "lastmile" / "locale" / language / "LC_MESSAGES" / "django.po"


def merged(sources: SourceTexts, language: str) -> polib.POFile:
    """Return a catalogue with the texts of the code and the translations that exist already."""
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
            entry.msgstr_plural = old.msgstr_plural if old and old.msgid_plural else {0: "", 1: ""}
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
    for form in forms:
        if placeholders(form) not in allowed:
            yield f"other placeholders than the English {entry.msgid!r}: {form!r}"
        if entry.msgid[0].isspace() != form[0].isspace():
            yield f"other space at the start than the English {entry.msgid!r}: {form!r}"


def faults(sources: SourceTexts, language: str) -> Iterator[str]:
    """Yield the differences between the code, the catalogue and its compiled file."""
    path = path_of(language)
    if not path.exists():
        yield "there is no catalogue"
        return
    catalogue = polib.pofile(str(path))
    existing = {(entry.msgctxt or "", entry.msgid): entry for entry in catalogue}
    for key, text in sources.texts.items():
        entry = existing.get(key)
        if entry is None or (entry.msgid_plural or "") != text.plural:
            yield f"missing: {text.msgid!r} (in {min(sources.places[key])})"
        else:
            yield from entry_faults(entry)
    yield from (f"no longer used: {key[1]!r}" for key in existing if key not in sources.texts)
    compiled = path.with_suffix(".mo")
    if not compiled.exists() or compiled.read_bytes() != catalogue.to_binary():
        yield f"{compiled.name} is not compiled from {path.name}"
