"""Reads patterns of ICU MessageFormat and finds every fault with its position.

ICU's own errors have no position, and ICU accepts more than a text message needs. This parser
reads the same syntax and refuses what is not allowed here. Every pattern that it accepts, ICU
accepts too, and both give the same text.

Apostrophes: two are one apostrophe. One apostrophe starts a quoted text only directly before
``{`` or ``}``, or before ``#`` in a plural form. Every other apostrophe is itself.

The module is PURE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

MOST_CHARACTERS: Final = 2_000
MOST_LEVELS: Final = 4
#: Argument types that contain texts of their own.
BRANCHED: Final = ("plural", "select", "selectordinal")
#: Keywords of plural forms in CLDR; a number such as ``=0`` is allowed, too.
PLURAL_FORMS: Final = ("zero", "one", "two", "few", "many", "other")
NUMBER_STYLES: Final = ("", "integer")

# Pattern_White_Space of Unicode: it separates the parts of an argument.
_SPACE: Final = frozenset("\t\n\v\f\r \x85\u200e\u200f\u2028\u2029")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD: Final = re.compile(r"[A-Za-z0-9_]+")
_TYPE: Final = re.compile(r"[A-Za-z]+")
_NUMBER: Final = re.compile(r"=[0-9]{1,9}")


class PatternFault(ValueError):
    """A fault of a pattern: its code, the index of the character, and the word that it is about."""

    def __init__(self, code: str, at: int, word: str = "") -> None:
        super().__init__(f"{code} at {at}: {word!r}")
        self.code = code
        self.at = at
        self.word = word


@dataclass(frozen=True, slots=True)
class Text:
    """A literal text, without the quoting."""

    text: str


@dataclass(frozen=True, slots=True)
class NumberSign:
    """The sign ``#`` in a plural form: the number itself."""

    name: str


@dataclass(frozen=True, slots=True)
class Argument:
    """A variable in a pattern: its name, type, style, position, and the text of each case."""

    name: str
    type: str
    style: str
    at: int
    branches: tuple[tuple[str, tuple[Node, ...]], ...] = ()


Node = Text | NumberSign | Argument


def parse(pattern: str) -> tuple[Node, ...]:
    """Return the parts of a pattern.

    Raises
    ------
    PatternFault
        The pattern is not valid, too long, nested too deeply, or uses a type that is not allowed.
    """
    if len(pattern) > MOST_CHARACTERS:
        raise PatternFault("too_long", MOST_CHARACTERS, str(len(pattern)))
    for at, character in enumerate(pattern):
        if "\ud800" <= character <= "\udfff" or character == "\0":
            raise PatternFault("bad_character", at)
    nodes, at = _Parser(pattern).message(0, level=0, plural="", opened_at=0)
    if at < len(pattern):
        raise PatternFault("stray_brace", at)
    return nodes


class _Parser:
    """A recursive parser over one pattern; every method returns the index after what it read."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def message(
        self, at: int, *, level: int, plural: str, opened_at: int
    ) -> tuple[tuple[Node, ...], int]:
        """Read a text up to its closing brace (level > 0) or to the end; ``plural`` is for #."""
        nodes: list[Node] = []
        literal: list[str] = []
        pattern, end = self.pattern, len(self.pattern)

        def flush() -> None:
            if literal:
                nodes.append(Text("".join(literal)))
                literal.clear()

        while at < end:
            character = pattern[at]
            if character == "'":
                text, at = self._apostrophe(at, bool(plural))
                literal.append(text)
            elif character == "#" and plural:
                flush()
                nodes.append(NumberSign(plural))
                at += 1
            elif character == "{":
                flush()
                node, at = self._argument(at, level)
                nodes.append(node)
            elif character == "}":
                flush()
                return tuple(nodes), at
            else:
                literal.append(character)
                at += 1
        if level:
            raise PatternFault("not_closed", opened_at)
        flush()
        return tuple(nodes), at

    def _apostrophe(self, at: int, plural: bool) -> tuple[str, int]:
        """Return the text that an apostrophe and its quoted text mean, and the index after it."""
        pattern = self.pattern
        after = pattern[at + 1 : at + 2]
        if after == "'":
            return "'", at + 2
        if not after or (after not in "{}" and not (after == "#" and plural)):
            return "'", at + 1
        quoted: list[str] = [after]
        at += 2
        while at < len(pattern):
            if pattern[at] != "'":
                quoted.append(pattern[at])
                at += 1
            elif pattern[at + 1 : at + 2] == "'":
                quoted.append("'")
                at += 2
            else:
                return "".join(quoted), at + 1
        return "".join(quoted), at

    def _argument(self, opened_at: int, level: int) -> tuple[Argument, int]:
        at = self._skip(opened_at + 1, opened_at)
        name = _NAME.match(self.pattern, at)
        if name is None:
            raise PatternFault("bad_name", at, self.pattern[at : at + 1])
        at = self._skip(name.end(), opened_at)
        if self.pattern[at] == "}":
            return Argument(name[0], "", "", name.start()), at + 1
        if self.pattern[at] != ",":
            raise PatternFault("bad_name", at, self.pattern[at])
        at = self._skip(at + 1, opened_at)
        kind = _TYPE.match(self.pattern, at)
        if kind is None:
            raise PatternFault("bad_type", at, self.pattern[at])
        type_at, at = at, self._skip(kind.end(), opened_at)
        if self.pattern[at] not in ",}":
            raise PatternFault("bad_type", at, self.pattern[at])
        if kind[0] == "number":
            style, at = self._style(at, opened_at)
            return Argument(name[0], "number", style, name.start()), at
        if kind[0] not in BRANCHED:
            raise PatternFault("type_not_allowed", type_at, kind[0])
        if self.pattern[at] == "}":
            raise PatternFault("no_branches", at, kind[0])
        branches, at = self._branches(at + 1, opened_at, level + 1, (kind[0], name[0]))
        return Argument(name[0], kind[0], "", name.start(), branches), at

    def _style(self, at: int, opened_at: int) -> tuple[str, int]:
        """Read the style of a number; ``at`` is its comma or the closing brace."""
        if self.pattern[at] == "}":
            return "", at + 1
        end = self.pattern.find("}", at)
        if end < 0:
            raise PatternFault("not_closed", opened_at)
        style = self.pattern[at + 1 : end].strip("".join(_SPACE))
        if style not in NUMBER_STYLES or not style:
            raise PatternFault("style_not_allowed", at + 1, style)
        return style, end + 1

    def _branches(
        self, at: int, opened_at: int, level: int, argument: tuple[str, str]
    ) -> tuple[tuple[tuple[str, tuple[Node, ...]], ...], int]:
        kind, name = argument
        is_plural = kind != "select"
        if level > MOST_LEVELS:
            raise PatternFault("too_deep", opened_at)
        branches: dict[str, tuple[Node, ...]] = {}
        while True:
            at = self._skip(at, opened_at)
            if self.pattern[at] == "}":
                if "other" not in branches:
                    raise PatternFault("no_other", opened_at, kind)
                return tuple(branches.items()), at + 1
            selector, end = self._selector(at, is_plural)
            if selector in branches:
                raise PatternFault("twice", at, selector)
            opens = self._skip(end, opened_at)
            if self.pattern[opens] != "{":
                raise PatternFault("no_text", opens, selector)
            nodes, at = self.message(
                opens + 1, level=level, plural=name if is_plural else "", opened_at=opens
            )
            branches[selector] = nodes
            at += 1

    def _selector(self, at: int, is_plural: bool) -> tuple[str, int]:
        """Return the name of a case: a word, or ``=`` and a number in a plural."""
        if is_plural and self.pattern[at] == "=":
            number = _NUMBER.match(self.pattern, at)
            if number is None:
                raise PatternFault("bad_selector", at, "=")
            return number[0], number.end()
        word = _WORD.match(self.pattern, at)
        if word is None:
            raise PatternFault("bad_selector", at, self.pattern[at])
        if is_plural and word[0] not in PLURAL_FORMS:
            raise PatternFault("not_a_plural_form", at, word[0])
        return word[0], word.end()

    def _skip(self, at: int, opened_at: int) -> int:
        """Return the index of the next character that is no space. Raises if there is none."""
        while at < len(self.pattern) and self.pattern[at] in _SPACE:
            at += 1
        if at >= len(self.pattern):
            raise PatternFault("not_closed", opened_at)
        return at


def arguments(nodes: tuple[Node, ...]) -> Iterator[Argument]:
    """Yield every variable of a pattern, also those in cases of other variables."""
    for node in nodes:
        if isinstance(node, Argument):
            yield node
            for _selector, inner in node.branches:
                yield from arguments(inner)


def always(nodes: tuple[Node, ...]) -> frozenset[str]:
    """Return the variables that are written in every case of a pattern."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, Argument) and not node.branches:
            names.add(node.name)
        elif isinstance(node, Argument):
            names |= frozenset.intersection(*(always(inner) for _s, inner in node.branches))
    return frozenset(names)


def longest(nodes: tuple[Node, ...], values: Mapping[str, str]) -> str:
    """Return the longest text that a pattern can give; ``values`` are the longest values."""
    texts: list[str] = []
    for node in nodes:
        if isinstance(node, Text):
            texts.append(node.text)
        elif isinstance(node, NumberSign) or not node.branches:
            texts.append(values.get(node.name, ""))
        else:
            texts.append(max((longest(inner, values) for _s, inner in node.branches), key=len))
    return "".join(texts)


def line_and_column(pattern: str, at: int) -> tuple[int, int]:
    """Return the line and the column of a character, both from 1."""
    before = pattern[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
