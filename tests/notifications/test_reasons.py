"""Each reason has words with cause and remedy; so has each reason that the code writes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

import notifications
from notifications.reasons import REASONS, explain, sentence

PACKAGE = Path(notifications.__file__).parent
#: Functions whose first argument is a reason, and keywords that hold one.
_FUNCTIONS = {"skip", "next_channel", "later"}
_KEYWORDS = {"reason"}


def _literals(tree: ast.AST) -> Iterator[str]:
    """Yield the names of reasons that a module writes as texts."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        first = node.args[:1] if name in _FUNCTIONS else []
        named = [one.value for one in node.keywords if one.arg in _KEYWORDS]
        for value in (*first, *named):
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                yield value.value


def reasons_in_code() -> dict[str, str]:
    """Return each reason that the code of the package writes, with one of its places."""
    places = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for reason in _literals(ast.parse(path.read_text(encoding="utf-8"))):
            places[reason] = str(path.relative_to(PACKAGE))
    return places


def test_no_reason_in_the_code_lacks_its_words() -> None:
    missing = {
        reason: place for reason, place in reasons_in_code().items() if reason not in REASONS
    }
    assert missing == {}


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("reason", sorted(REASONS))
def test_each_reason_has_a_name_a_cause_and_a_remedy(reason: str, language: str) -> None:
    with translation.override(language):
        words = explain(reason)
        assert str(words.name)
        assert str(words.cause).endswith(".")
        assert str(words.remedy).endswith(".")
        assert sentence(reason) == f"{words.cause} {words.remedy}"


def test_a_limit_is_named_with_the_thing_that_it_counts_for() -> None:
    with translation.override("en"):
        words = sentence("cap", {"scope": "number", "most": 1_000})
    assert "The limit is 1,000 for one person on a day." in words
