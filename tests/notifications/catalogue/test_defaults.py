"""Every moment has default texts in every language: valid, plain, short enough."""

from __future__ import annotations

import itertools
import json
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings

from lastmile.core.kinds import DECLARED
from lastmile.switchboard import EVENTS
from notifications.catalogue import moments as catalogue
from notifications.catalogue.kinds import ChannelKey, Moment
from notifications.catalogue.moments import BY_KEY, MOMENTS
from notifications.catalogue.texts import PARTS, default_parts, languages_of
from notifications.rendering.checking import faults_of
from notifications.wording import icu, segments
from tests.architecture.language import banned, too_long

DEFAULTS = Path(catalogue.__file__).parent / "defaults"
TEXTS = [
    (moment, language, channel)
    for moment in MOMENTS
    for language in languages_of(moment)
    for channel in moment.channels
    if default_parts(moment.key, channel, language) is not None
]
#: Values as readers of each language get them.
EXAMPLES = {
    "en": {"day": "Wednesday, 2 December", "reason": "nobody was at home"},
    "es": {"day": "miércoles, 2 de diciembre", "reason": "no había nadie en casa"},
    "ar": {"day": "الأربعاء، 2 ديسمبر", "reason": "لم يكن أحد في المنزل"},
}
MOST_SEGMENTS = {"en": 2, "es": 3, "ar": 3}


def named(text: tuple[Moment, str, str]) -> str:
    return f"{text[0].key}-{text[1]}-{text[2]}"


def parts_of(moment: Moment, channel: str, language: str) -> dict[str, str]:
    return dict(default_parts(moment.key, channel, language) or {})


@pytest.mark.parametrize(("moment", "language", "channel"), TEXTS, ids=map(named, TEXTS))
def test_a_default_can_be_saved_as_it_is(moment: Moment, language: str, channel: str) -> None:
    parts = parts_of(moment, channel, language)
    assert set(parts) <= set(PARTS[ChannelKey(channel)])
    assert faults_of(moment, channel, parts) == []


def test_every_moment_has_a_text_for_each_of_its_channels_but_push() -> None:
    for moment in MOMENTS:
        for language, channel in itertools.product(languages_of(moment), moment.channels):
            if channel != ChannelKey.PUSH or moment.group == "delivery":
                assert default_parts(moment.key, channel, language) is not None, moment.key


def test_no_file_is_without_its_moment() -> None:
    for file in DEFAULTS.rglob("*.json"):
        assert file.stem in BY_KEY
        assert file.parent.name in languages_of(BY_KEY[file.stem])


def test_all_languages_use_the_same_variables() -> None:
    for moment in MOMENTS:
        for channel in moment.channels:
            used = {
                language: {
                    argument.name
                    for pattern in parts_of(moment, channel, language).values()
                    for argument in icu.arguments(icu.parse(pattern))
                }
                for language in languages_of(moment)
            }
            assert len({frozenset(names) for names in used.values()}) == 1, (moment.key, used)


def readings(nodes: tuple[icu.Node, ...], values: dict[str, str]) -> list[str]:
    """Return the text of every case of a pattern."""
    texts = [""]
    for node in nodes:
        if isinstance(node, icu.Text):
            pieces = [node.text]
        elif isinstance(node, icu.NumberSign) or not node.branches:
            pieces = [values[node.name]]
        else:
            pieces = [text for _s, inner in node.branches for text in readings(inner, values)]
        texts = [start + piece for start in texts for piece in pieces]
    return texts


@pytest.mark.parametrize(
    ("moment", "language", "channel"),
    [text for text in TEXTS if text[2] == ChannelKey.SMS],
    ids=lambda value: getattr(value, "key", value),
)
def test_every_case_of_a_text_message_is_short_and_cheap(
    moment: Moment, language: str, channel: str
) -> None:
    values = {name: str(variable.example) for name, variable in moment.variables.items()}
    values |= EXAMPLES[language]
    for text in readings(icu.parse(parts_of(moment, channel, language)["text"]), values):
        length = segments.count(text)
        assert length.segments <= MOST_SEGMENTS[language], (length, text)
        if language == "en":
            assert length.alphabet == segments.GSM_7, (length.costly, text)


def test_the_sentences_of_the_defaults_are_plain() -> None:
    """The defaults are data and no gettext texts, so the word rules are checked here."""
    for file in (DEFAULTS / "en").glob("*.json"):
        for parts in json.loads(file.read_text()).values():
            for pattern in parts.values():
                values = dict.fromkeys(_names(pattern), "x")
                for text in readings(icu.parse(pattern), values):
                    assert not list(banned(text)), text
                    assert not list(too_long(text, 30)), text


def _names(pattern: str) -> set[str]:
    return {argument.name for argument in icu.arguments(icu.parse(pattern))}


def test_spanish_says_usted() -> None:
    familiar = {"tu", "tus", "tú", "te", "ti", "contigo", "puedes", "quieres", "elige", "recoge tu"}
    for file in (DEFAULTS / "es").glob("*.json"):
        words = set(file.read_text().lower().replace(".", " ").replace(",", " ").split())
        assert not words & familiar, file.name


def test_the_first_sentence_comes_before_any_link() -> None:
    for moment, language, channel in TEXTS:
        if channel == ChannelKey.SMS and moment.key != "step_up_code":
            text = parts_of(moment, channel, language)["text"]
            assert "{link}" not in text.partition("{link}")[0]
            assert text.endswith("{link}"), moment.key


def test_every_event_of_the_catalogue_is_declared() -> None:
    for module in EVENTS:
        import_module(module)
    declared = {kind.name for kind in DECLARED}
    for moment in MOMENTS:
        assert set(moment.event) <= declared, moment.key


def test_every_moment_that_is_replaced_exists() -> None:
    for moment in MOMENTS:
        assert {*moment.replaces, *moment.takes_over} <= BY_KEY.keys()
        assert all(code in dict(settings.SHOPPER_LANGUAGES) for code in languages_of(moment))
