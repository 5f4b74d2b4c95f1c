"""Extracts the texts that users read from Python files and templates.

Python files are read through their syntax tree, templates through Django's ``templatize``, so GNU
gettext is not needed. Scripts contain no texts; pages pass them in data attributes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.template.base import Lexer, TokenType
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("lastmile", "tenants", "dispatch", "lockers", "notifications", "portal")
# Function -> (has a context argument, has a plural argument).
SHAPES = {
    **dict.fromkeys(("gettext", "gettext_lazy", "gettext_noop"), (False, False)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (False, True)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (True, False)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (True, True)),
}
_CALL = re.compile(r"\b(_|n?p?gettext)\(")
_NO_WORDS = re.compile(r"<(script|style|svg)\b.*?</\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>", re.DOTALL)
_TEXT_ATTRIBUTES = re.compile(r'(?:aria-label|title|placeholder|alt)="([^"]*)"')
_LETTERS = re.compile(r"[^\W\d_]{2}")
_TRANSLATION = "django.utils.translation"


@dataclass(frozen=True, slots=True)
class Text:
    """A text in the code with its plural and its context; both are "" if there is none."""

    msgid: str
    plural: str = ""
    context: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Return the key of the text in a catalogue: context and text."""
        return (self.context, self.msgid)


@dataclass(slots=True)
class SourceTexts:
    """The texts of all packages, the files that contain them, and faults in the code."""

    texts: dict[tuple[str, str], Text] = field(default_factory=dict)
    places: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def add(self, text: Text, place: str) -> None:
        """Add a text; the same text with and without a plural counts as one with a plural."""
        existing = self.texts.get(text.key)
        if existing is None or not existing.plural:
            self.texts[text.key] = text
        elif text.plural not in {"", existing.plural}:
            self.faults.append(f"{place}: {text.msgid!r} has another plural elsewhere.")
        self.places.setdefault(text.key, set()).add(place)


class Unreadable(ValueError):
    """The text of a call is built at run time, so it cannot be in a catalogue."""


def text_of(name: str, call: ast.Call) -> Text | None:
    """Return the text of a gettext call, or None if it passes on a text that is marked elsewhere.

    Raises
    ------
    Unreadable
        If the text is an f-string or a sum.
    """
    has_context, has_plural = SHAPES[name]
    parts: list[str] = []
    for argument in call.args[: 1 + has_context + has_plural]:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            parts.append(argument.value)
        elif isinstance(argument, ast.JoinedStr | ast.BinOp):
            raise Unreadable
        else:
            return None
    context = parts.pop(0) if has_context else ""
    return Text(parts[0], parts[1] if has_plural else "", context)


def in_python(source: str) -> Iterator[tuple[int, Text | None]]:
    """Yield line and text of every gettext call; the text is None if it is built at run time."""
    tree = ast.parse(source)
    names = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == _TRANSLATION
        for alias in node.names
        if alias.name in SHAPES
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            name = names.get(node.func.id, "")
        elif isinstance(node.func, ast.Attribute):
            name = node.func.attr
        else:
            continue
        if name in SHAPES:
            try:
                text = text_of(name, node)
            except Unreadable:
                yield node.lineno, None
            else:
                if text is not None:
                    yield node.lineno, text


def in_template(source: str) -> Iterator[Text]:
    """Yield every text that tags and filters of a template mark for translation."""
    calls = templatize(source)
    for match in _CALL.finditer(calls):
        name = "gettext" if match[1] == "_" else match[1]
        text = text_of(name, _call_at(calls, match.start()))
        if text is not None:
            yield text


def unmarked(source: str) -> list[str]:
    """Return the texts of a template that no tag marks for translation."""
    parts, marked, classes = [], False, False
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.BLOCK:
            tag = token.contents.split()
            if tag[0] in {"blocktranslate", "endblocktranslate"}:
                marked = tag[0] == "blocktranslate"
            elif tag[0] in {"block", "endblock"}:
                classes = tag[1:] in (["page_class"], ["body_class"])  # names of CSS, not words
            parts.append(" ")
        elif token.token_type == TokenType.TEXT:
            parts.append("" if marked or classes else token.contents)
    text = _NO_WORDS.sub("", "".join(parts))
    words = [*_TEXT_ATTRIBUTES.findall(text), *_TAG.sub("|", text).split("|")]
    return [word.strip() for word in words if _LETTERS.search(word)]


def _call_at(calls: str, start: int) -> ast.Call:
    """Parse the call that begins at ``start``; it ends at its closing bracket."""
    for end in re.finditer(r"\)", calls[start:]):
        try:
            parsed = ast.parse(calls[start : start + end.end()], mode="eval").body
        except SyntaxError:
            continue  # this bracket is part of the text
        if isinstance(parsed, ast.Call):
            return parsed
    raise SyntaxError(f"No call at {calls[start : start + 60]!r}")


def texts(root: Path = ROOT) -> SourceTexts:
    """Return the texts of all packages."""
    sources = SourceTexts()
    files = (p for s in PACKAGES for p in (root / s).rglob("*") if p.suffix in {".py", ".html"})
    for path in sorted(files):
        place = str(path.relative_to(root))
        if "migrations" in path.parts or "vendor" in path.parts:
            continue
        source = path.read_text(encoding="utf-8")
        if path.suffix == ".html" or "templates" in path.parts:
            for text in in_template(source):
                sources.add(text, place)
            continue
        for line, read in in_python(source):
            if read is None:
                sources.faults.append(
                    f"{place}:{line}: the text is built at run time, so it cannot be translated. "
                    "Write it as one string, with %(name)s for values."
                )
            else:
                sources.add(read, place)
    return sources
