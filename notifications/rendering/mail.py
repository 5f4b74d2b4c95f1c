"""The HTML of an e-mail: its text, escaped, in the retailer's layout.

A layout is MJML with placeholders. It is compiled when it is saved; here only the placeholders of
the HTML are filled. Every value is escaped at this place and nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from typing import Final

from lastmile.core.tenancy import current_retailer
from notifications.models import EmailLayout
from notifications.rendering.compiling import html_of as compiled
from notifications.rendering.stop_lines import StopLine

RTL: Final = frozenset({"ar", "fa", "he", "ur"})
#: Placeholders of a layout, and whether a layout must have them.
PLACEHOLDERS: Final = {
    "body": True,
    "button": True,
    "target": True,
    "subject": False,
    "preheader": False,
    "shop": False,
    "footer": False,
    "language": False,
    "direction": False,
    "align": False,
}
_BUTTON: Final = re.compile(r"<!--\s*button\s*-->.*?<!--\s*/button\s*-->", re.DOTALL)
_PLACEHOLDER: Final = re.compile(r"\[\[([a-z]+)\]\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """The parts of an e-mail as plain text. ``target`` is the address of the button.

    ``stop`` is the line under it. A layout without a place for it has it under the text.
    """

    subject: str
    preheader: str
    body: str
    button: str
    target: str
    language: str
    stop: StopLine | None = None


def html_of(letter: Letter) -> str:
    """Return the HTML of an e-mail in the retailer's layout, else in the default layout."""
    layout = EmailLayout.objects.values_list("html", flat=True).first()
    return filled(layout or default_html(), letter)


def filled(layout: str, letter: Letter) -> str:
    """Return a compiled layout with the parts of an e-mail, escaped."""
    if not letter.button:
        layout = _BUTTON.sub("", layout)
    is_rtl = letter.language in RTL
    direction = "rtl" if is_rtl else "ltr"
    retailer = current_retailer()
    footer = _stop_line(letter.stop, direction)
    has_place = "[[footer]]" in layout
    values = {
        "body": _paragraphs(letter.body, direction) + ("" if has_place else footer),
        "button": escape(letter.button),
        "target": escape(letter.target),
        "subject": escape(letter.subject),
        "preheader": escape(letter.preheader or letter.body.partition("\n")[0]),
        "shop": escape(retailer.shop_name),
        "footer": footer,
        "language": escape(letter.language),
        "direction": direction,
        "align": "right" if is_rtl else "left",
    }
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), layout)


def _paragraphs(text: str, direction: str) -> str:
    """Return a text as HTML: an empty line ends a paragraph, a single line break stays."""
    blocks = [block.strip() for block in re.split(r"\n\s*\n", text) if block.strip()]
    lines = (escape(block).replace("\n", "<br>") for block in blocks)
    return "".join(f'<p dir="{direction}" style="margin:0 0 16px">{line}</p>' for line in lines)


def _stop_line(stop: StopLine | None, direction: str) -> str:
    """Return the line that stops e-mails as HTML; "" without one."""
    if stop is None:
        return ""
    link = f'<a href="{escape(stop.target)}" style="color:inherit">{escape(stop.label)}</a>'
    return f'<p dir="{direction}" style="margin:0">{escape(stop.why)} {link}</p>'


@cache
def default_html() -> str:
    """Return the default layout as HTML. It is our own file, so it is compiled right here."""
    return compiled(default_mjml())


@cache
def default_mjml() -> str:
    """Return the default layout as MJML, from which a retailer's own layout begins."""
    file = resources.files("notifications.rendering") / "default_layout.mjml"
    return file.read_text(encoding="utf-8")
