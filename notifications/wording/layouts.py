"""Checks the source of an e-mail layout (MJML): what it must have, and what it may not have.

A layout reaches every shopper, so it can neither run a script nor load anything but pictures. Only
elements and attributes of the lists below pass. The module is PURE.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

LONGEST: Final = 60_000
_MJML: Final = frozenset({
    "mjml", "mj-head", "mj-body", "mj-title", "mj-preview", "mj-attributes", "mj-all", "mj-class",
    "mj-breakpoint", "mj-section", "mj-column", "mj-group", "mj-wrapper", "mj-text", "mj-button",
    "mj-image", "mj-divider", "mj-spacer", "mj-table", "mj-hero", "mj-navbar", "mj-navbar-link",
    "mj-social", "mj-social-element", "mj-raw",
})  # fmt: skip
_HTML: Final = frozenset({
    "a", "b", "blockquote", "br", "div", "em", "h1", "h2", "h3", "h4", "hr", "i", "img", "li", "ol",
    "p", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr",
    "u", "ul",
})  # fmt: skip
_ADDRESSES: Final = frozenset({"href", "src", "background-url"})
#: Placeholders that an attribute may have; a link may have the address of the button only.
_IN_ATTRIBUTES: Final = frozenset({"target", "direction", "align", "language"})
_PLACEHOLDER: Final = re.compile(r"\[\[([^\[\]]*)\]\]")
_SAFE_ADDRESS: Final = re.compile(
    r"(?:https://|mailto:|tel:)[^\s\"'<>\[\]]+\Z|\[\[target\]\]\Z|#\Z"
)
_STYLE_CALL: Final = re.compile(r"url\s*\(|expression|@import|\\", re.IGNORECASE)
_REFUSED: Final = frozenset({"srcdoc", "formaction", "action", "css-class"})
_MARKS: Final = frozenset({"button", "/button"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutFault:
    """A fault of a layout: a code, the line (0 for the whole), and the word that is wrong."""

    code: str
    line: int = 0
    word: str = ""


def layout_faults(mjml: str, placeholders: Mapping[str, bool]) -> list[LayoutFault]:
    """Return the faults of a layout; () for a good one.

    Parameters
    ----------
    placeholders : mapping
        The name of each placeholder, and whether a layout must have it.
    """
    if len(mjml) > LONGEST:
        return [LayoutFault(code="too_long")]
    reader = _Reader()
    reader.feed(mjml)
    reader.close()
    faults = list(reader.faults)
    named = _PLACEHOLDER.findall(mjml)
    faults += [
        LayoutFault(code="placeholder", word=name)
        for name in dict.fromkeys(named)
        if name not in placeholders
    ]
    missing = [name for name, needed in placeholders.items() if needed and name not in named]
    faults += [LayoutFault(code="missing", word=name) for name in missing]
    if not reader.is_mjml:
        faults.append(LayoutFault(code="no_mjml"))
    return faults


class _Reader(HTMLParser):
    """Reads the elements of a layout and notes what may not be there."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[LayoutFault] = []
        self.is_mjml = False
        self._in_raw = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check an element and its attributes."""
        self.is_mjml = self.is_mjml or tag == "mjml"
        if tag not in _MJML | _HTML or self._in_raw:
            self._note("element", tag)
        self._in_raw = self._in_raw or tag == "mj-raw"
        for name, value in attrs:
            self._check_attribute(name, value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check an element that ends at once."""
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leave a raw element."""
        if tag == "mj-raw":
            self._in_raw = False

    def handle_data(self, data: str) -> None:
        """Refuse text in a raw element: it would reach the mail unchecked."""
        if self._in_raw and data.strip():
            self._note("element", "mj-raw")

    def handle_comment(self, data: str) -> None:
        """Refuse a comment that a mail program may read as a condition."""
        if data.strip().lower().startswith("[if") or "[endif" in data.lower():
            self._note("element", "<!--[if")
        elif self._in_raw and data.strip() not in _MARKS:
            self._note("element", "mj-raw")

    def handle_decl(self, decl: str) -> None:
        """Refuse a declaration."""
        self._note("element", f"<!{decl[:20]}")

    def unknown_decl(self, data: str) -> None:
        """Refuse a section of another kind."""
        self._note("element", f"<![{data[:20]}")

    def handle_pi(self, data: str) -> None:
        """Refuse an instruction."""
        self._note("element", f"<?{data[:20]}")

    def _check_attribute(self, name: str, value: str) -> None:
        is_refused = name.startswith("on") or name in _REFUSED or _STYLE_CALL.search(value)
        if is_refused or set(_PLACEHOLDER.findall(value)) - _IN_ATTRIBUTES:
            self._note("attribute", name)
        elif name in _ADDRESSES and not _SAFE_ADDRESS.match(value.strip()):
            self._note("address", value[:80])

    def _note(self, code: str, word: str) -> None:
        fault = LayoutFault(code=code, line=self.getpos()[0], word=word)
        if fault not in self.faults:
            self.faults.append(fault)


def lines_of(faults: Iterable[LayoutFault]) -> list[int]:
    """Return the lines that have a fault, in order."""
    return sorted({fault.line for fault in faults if fault.line})
