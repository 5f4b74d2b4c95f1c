"""Words that are a verb on a button and a noun elsewhere: one text, two translations.

English writes "Stop" for a place of a route and for the button that ends a job. A translator sees
one text, so one of the two meanings is translated wrongly unless it has a context.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import Module, templates

VERBS_AND_NOUNS = (
    "Stop", "Order", "Plan", "Open", "Close", "Clear", "Return", "Change", "Import", "Place",
    "Pin", "Draft", "Load", "Leave", "Check", "Move", "Review", "Request", "Reply",
)  # fmt: skip
TITLE = re.compile(r"{% block title %}.*?{% endblock %}", re.DOTALL)
TAGS = ("button", "a", "summary")
BARE = re.compile(r"""{% translate (?P<quote>['"])(?P<word>\w+)(?P=quote) %}""")


def uses(module: Module) -> Iterator[tuple[str, str]]:
    """Yield each bare use of such a word, and which of the two it is."""
    text = TITLE.sub("", module.text)  # a page is titled as the menu calls it
    for match in BARE.finditer(text):
        if match["word"] in VERBS_AND_NOUNS:
            before = text[: match.start()]
            # What is pressed is a verb: a button, or a link that looks like one.
            pressed = any(before.rfind(f"<{tag} ") > before.rfind(f"</{tag}>") for tag in TAGS)
            yield match["word"], "verb" if pressed else "noun"


def of_two_meanings(where: tuple[Module, ...]) -> list[str]:
    meanings = {use for module in where for use in uses(module)}
    return sorted(w for w in VERBS_AND_NOUNS if {(w, "verb"), (w, "noun")} <= meanings)


def test_no_text_without_context_is_both_a_verb_and_a_noun() -> None:
    # The gallery's texts are examples.
    real_pages = tuple(m for m in templates() if not m.path.endswith("_gallery.html"))
    assert of_two_meanings(real_pages) == []


@pytest.mark.parametrize("noun", ['{% translate "Stop" %}', "{% translate 'Stop' %}"])
def test_the_rule_bites(noun: str) -> None:
    button = Module("a.html", '<button type="submit">{% translate "Stop" %}</button>')
    heading = Module("b.html", f"<th>{noun}</th>")
    with_context = Module("c.html", '<th>{% translate "Stop" context "place" %}</th>')
    assert of_two_meanings((button, heading)) == ["Stop"]
    assert of_two_meanings((button, with_context)) == []
