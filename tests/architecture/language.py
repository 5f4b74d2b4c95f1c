"""The rules of plain language that a machine can check: words, shapes and lengths.

Each word below was found in this project in a sentence that a new reader had to read twice. The
right-hand side says what to write instead. The list grows whenever such a sentence is found.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# {words that are not used: what to write instead}; a regular expression, read without case.
BANNED: Final = {
    r"whoever|whomever|whosoever|whatever|whichever": "the person who, any, each",
    r"by which|of which|of those|such as it|such a one": "two sentences, each with its noun",
    r"so many|as many|so much|as often|of as many": "the number: MAX_FAULTS faults",
    r"anew|afresh|once more": "again",
    r"aright|amiss|wholly|alike": "correctly, wrong, completely, both",
    r"reckon\w*": "calculate, count",
    r"rebate\w*": "discount",
    r"storeys?": "layer, package",
    r"beneath": "below",
    r"there(?:of|in|by|upon)|here(?:by|in)|where(?:in|by|of)|hence(?:forth)?|thus": "so, by this",
    r"lest|upon|whilst|amongst|amid|hitherto|hither|forthwith|albeit": "so that not, on, while",
    r"aught|naught|nought|shall|ought|needs must|somewhat": "nothing, must, a little",
    r"c(?:o|a)me by": "found, got",
    r"house's|of the house|this house|the house(?! (?:number|itself))": "installation, operator",
    r"stands|stood": "is, is kept, is listed, is scheduled",
    r"lies|laid": "is, is kept, put",
    r"dearer|dearest|cheapen\w*": "more expensive, most expensive, reduce the cost",
    r"mends?|mended|mending": "fix, correct",
    r"manners": "conventions",
    r"no less|none other|not either|no more than one": "a positive sentence",
    r"(?:neither|nor) (?:is|does|are)|is it not|it is so|be it|the like": "a positive sentence",
    r"f(?:a|e)lls? out|fallen out": "is dropped",
    r"call(?:s|ed)? off": "cancel",
    r"work(?:s|ed|ing)? out": "calculate, recalculate",
    r"bring(?:s|ing)? (?:it )?in|brought in": "import, add",
    r"rehears(?:e|es|ed|ing|als?)": "preview",
    r"(?:for )?want of": "because there is no",
    r"writ(?:e|es|ing|ten)(?: it)? down": "record, log, save",
    r"spoken|speaks?": "use a language, call, mean",
    r"ours|theirs|mine|hers": "the noun: our solver, the colleague's change",
    r"in force": "active",
    r"(?:is|are) away": "is not available",
    r"apart from|sorts? of|whole of": "except, kinds of, all of",
    r"as (?:it|they) (?:was|were)": "unchanged, as before",
    r"(?:go|goes|gone|do|does) without": "has no",
    r"lets? somebody": "invite a person",
    r"(?:comes?|came) (?:to|of)|(?:become|became|becomes) of": "is, reaches, results from",
    r"bears?|borne": "carries, has",
    r"sees? to|kept? from|keeps from": "ensures, prevents",
    r"told apart|tell apart|behind the same door": "distinguish, behind the same interface",
    r"in sight|out of sight|to and fro": "visible, hidden, there and back",
}
# How a docstring does not begin: the reader has to guess the noun.
RIDDLES: Final = re.compile(
    r"(What|Who|Whose|Whom|How|That|Those|Such|Of|Nor|Neither|So|Thus|As|One|None|Nothing|Never|It"
    r"|They|Where|When|Why|By|To|From|With|Without|Only|But|Or|And)\b"
)
# Names that say how a value was got, and not what it is.
EMPTY_NAMES: Final = frozenset(
    (
        *("said", "found", "made", "of", "told", "given", "asked", "came", "went", "gone"),
        *("theirs", "mine", "ours", "hers", "lots"),
    )
)
MOST_WORDS: Final = 30  # of a sentence that users read
MOST_WORDS_OF_DOCS: Final = 32  # of a sentence in a docstring

_BANNED: Final = re.compile(
    r"(?<![\w/.$-])(?:" + "|".join(BANNED) + r")(?![\w-]*\()(?!\w)", re.IGNORECASE
)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?:;])\s+(?=[\w`*“\"'%({])|\n\s*\n|\n\s*(?:[-*|]|\d\.)\s")
_INDENTED: Final = re.compile(r"^ {4,}.*$", re.MULTILINE)
_SECTION: Final = re.compile(r"\n\s*(?:Parameters|Returns|Raises|Yields|Attributes|Notes)\n\s*-+")


@dataclass(frozen=True, slots=True)
class Fault:
    """One place that is not plain, and what to write instead."""

    line: int
    text: str
    instead: str

    def __str__(self) -> str:
        """Return the fault as one line of a report."""
        return f"{self.line}: {' '.join(self.text.split())[:110]!r}: {self.instead}"


def banned(text: str, line: int = 0) -> Iterator[Fault]:
    """Yield each word of a text that is not used in this project."""
    for match in _BANNED.finditer(text):
        instead = next(
            say for word, say in BANNED.items() if re.fullmatch(word, match[0], re.IGNORECASE)
        )
        around = text[max(0, match.start() - 40) : match.end() + 40]
        yield Fault(line, around, f"“{match[0]}” -> {instead}")


def sentences(text: str) -> list[str]:
    """Return the sentences of a text; a list item and a paragraph end one, too."""
    return [part for part in _SENTENCE_END.split(text) if part.strip()]


def too_long(text: str, most: int, line: int = 0) -> Iterator[Fault]:
    """Yield each sentence with more words than allowed."""
    for sentence in sentences(text):
        count = len(sentence.split())
        if count > most:
            yield Fault(line, sentence, f"{count} words in a sentence; at most {most}")


def in_docstrings(source: str) -> Iterator[Fault]:
    """Yield the faults of every docstring of a Python file."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        text = ast.get_docstring(node)
        if not text:
            continue
        line = getattr(node, "lineno", 1)
        yield from banned(text, line)
        if match := RIDDLES.match(text):
            yield Fault(line, text, f"does not begin with “{match[0]}”: name the thing, or a verb")
        prose = _INDENTED.sub("", _SECTION.split(text)[0])  # without formulas and examples
        yield from too_long(prose, MOST_WORDS_OF_DOCS, line)


def in_comments_and_strings(source: str) -> Iterator[Fault]:
    """Yield the faults of every comment, and of every string with more than one word."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        plain = token.type == tokenize.COMMENT or (
            token.type == tokenize.STRING
            and " " in token.string
            and not token.string.lstrip("rbfuRBFU").startswith('"""')
        )
        if plain:
            yield from banned(token.string, token.start[0])


def empty_names(source: str) -> Iterator[Fault]:
    """Yield every variable, parameter and function whose name does not say what it holds."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = node.name.lower()
        else:
            continue
        if name.strip("_") in EMPTY_NAMES:
            yield Fault(node.lineno, name, "a name says what the value is: rows, draft, message")
