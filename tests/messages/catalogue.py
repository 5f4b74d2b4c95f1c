"""One language's catalogue: merged with the code, held against it, compiled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polib

from tests.messages.source import ROOT, Found

LANGUAGES = ("es",)  # English stands in the code
PLURALS = {"es": "nplurals=2; plural=(n != 1);"}
_PLACEHOLDER = re.compile(r"%\(\w+\)[#0\- +]*[\d.]*[a-z]|\{\w*\}|%(?=[sd])[sd]|%%")


def path_of(language: str) -> Path:
    """Return where a language's texts stand."""
    return ROOT / "lastmile" / "locale" / language / "LC_MESSAGES" / "django.po"


def merged(found: Found, language: str) -> polib.POFile:
    """Return the catalogue with the code's texts, each with the translation it already had."""
    path = path_of(language)
    before = polib.pofile(str(path)) if path.exists() else polib.POFile()
    known = {(entry.msgctxt or "", entry.msgid): entry for entry in before}
    after = polib.POFile(wrapwidth=98)
    after.metadata = {
        "Project-Id-Version": "lastmile",
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": PLURALS[language],
    }
    for key in sorted(found.texts, key=lambda key: (min(found.places[key]), key)):
        text, old = found.texts[key], known.get(key)
        entry = polib.POEntry(
            msgid=text.msgid,
            msgctxt=text.context or None,
            occurrences=[(place, "") for place in sorted(found.places[key])],
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
    """Write source and compiled twin."""
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    catalogue.save(str(path))
    path.with_suffix(".mo").write_bytes(polib.pofile(str(path)).to_binary())


def placeholders(text: str) -> list[str]:
    """Return what a text leaves open for values, sorted."""
    return sorted(_PLACEHOLDER.findall(text))


def entry_faults(entry: polib.POEntry) -> Iterator[str]:
    """Yield what is wrong with one translation."""
    forms = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
    if not all(forms):
        yield f"not translated: {entry.msgid!r}"
        return
    if entry.fuzzy:
        yield f"marked as a guess: {entry.msgid!r}"
    allowed = [placeholders(entry.msgid), placeholders(entry.msgid_plural or entry.msgid)]
    for form in forms:
        if placeholders(form) not in allowed:
            yield f"other placeholders than the English {entry.msgid!r}: {form!r}"
        if entry.msgid[0].isspace() != form[0].isspace():
            yield f"begins otherwise than the English {entry.msgid!r}: {form!r}"


def faults(found: Found, language: str) -> Iterator[str]:
    """Yield what stands between the code, the catalogue and its compiled twin."""
    path = path_of(language)
    if not path.exists():
        yield "there is no catalogue"
        return
    catalogue = polib.pofile(str(path))
    known = {(entry.msgctxt or "", entry.msgid): entry for entry in catalogue}
    for key, text in found.texts.items():
        entry = known.get(key)
        if entry is None or (entry.msgid_plural or "") != text.plural:
            yield f"missing: {text.msgid!r} (in {min(found.places[key])})"
        else:
            yield from entry_faults(entry)
    yield from (f"nobody says any more: {key[1]!r}" for key in known if key not in found.texts)
    compiled = path.with_suffix(".mo")
    if not compiled.exists() or compiled.read_bytes() != catalogue.to_binary():
        yield f"{compiled.name} is not compiled from {path.name}"
