"""The parser of patterns agrees with ICU, and says where a fault is."""

from __future__ import annotations

import pytest
from babel import Locale
from hypothesis import given, settings
from hypothesis import strategies as st
from icu4py.messageformat import MessageFormat

from notifications.wording import icu

VALUES: dict[str, str | int] = {"shop": "Tom & Jerry's", "way": "return", "orders": 3, "n": 1}
#: Faults that ICU has, too. With the others this parser is stricter than ICU.
SYNTAX = {
    *("not_closed", "bad_name", "bad_type", "no_branches", "no_other", "no_text", "bad_selector"),
}


def parsed(pattern: str) -> tuple[tuple[icu.Node, ...], icu.PatternFault | None]:
    try:
        return icu.parse(pattern), None
    except icu.PatternFault as fault:
        return (), fault


def written(nodes: tuple[icu.Node, ...], rules: Locale) -> str:
    """Return the text of a parsed pattern, by the plain rules of ICU."""
    texts = []
    for node in nodes:
        if isinstance(node, icu.Text):
            texts.append(node.text)
        elif isinstance(node, icu.NumberSign) or not node.branches:
            texts.append(str(VALUES[node.name]))
        else:
            texts.append(written(chosen(node, rules), rules))
    return "".join(texts)


def chosen(node: icu.Argument, rules: Locale) -> tuple[icu.Node, ...]:
    branches, value = dict(node.branches), VALUES[node.name]
    if node.type == "select":
        return branches.get(str(value), branches["other"])
    rule = rules.plural_form if node.type == "plural" else rules.ordinal_form
    form = rule(int(value))
    return branches.get(f"={value}", branches.get(form, branches["other"]))


#: Pieces of patterns: every sign with a meaning, names, keywords, apostrophes, spaces, letters.
PIECES = st.sampled_from(
    [
        *("{", "}", "{", "}", ",", "'", "''", "#", "=1", " ", "\u200f", "\n", "a", "ñ", "م"),
        *("{shop}", "{way}", "{orders, plural,", "{n, selectordinal,", "{way, select,"),
        *(" one {", " two {", " few {", " other {", " return {", "}}", "shop", "{n, number}"),
    ]
)


@given(st.lists(PIECES, max_size=14).map("".join))
@settings(max_examples=1500, deadline=None)
def test_what_the_parser_accepts_icu_accepts_with_the_same_text(pattern: str) -> None:
    nodes, fault = parsed(pattern)
    if fault is not None:
        assert 0 <= fault.at <= len(pattern)
        is_other_letter = pattern[fault.at : fault.at + 1] in {"ñ", "م"}  # ICU takes them in names
        if fault.code in SYNTAX and not is_other_letter:
            with pytest.raises(ValueError, match="Failed to create"):
                MessageFormat(pattern, "en")
        return
    fits = all(
        isinstance(VALUES.get(argument.name), int) == (argument.type not in {"", "select"})
        for argument in icu.arguments(nodes)
        if argument.type
    )
    known = all(argument.name in VALUES for argument in icu.arguments(nodes))
    formatter = MessageFormat(pattern, "en")
    if fits and known:
        assert formatter.format(dict(VALUES)) == written(nodes, Locale("en"))


TEXTS = st.recursive(
    st.text(st.characters(exclude_characters="{}'#\0", exclude_categories=["Cs"]), max_size=6),
    lambda inner: st.one_of(
        st.just("{shop}"),
        st.just("'{''}'"),
        st.just("it''s {orders}"),
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(
            lambda two: (
                f"{{orders, plural, =0 {{{two[0]}}} few {{# {two[1]}}} other {{#{two[0]}}}}}"
            )
        ),
        st.tuples(inner, inner).map(
            lambda two: f"{{way, select, return {{{two[0]}}} other {{{two[1]}}}}}"
        ),
    ),
    max_leaves=6,
)


@given(TEXTS, st.sampled_from(["en", "es", "fr", "pl"]))
@settings(max_examples=400, deadline=None)
def test_valid_patterns_read_the_same_in_both(pattern: str, language: str) -> None:
    nodes, fault = parsed(pattern)
    if fault is not None:
        assert fault.code == "too_deep"
        return
    assert MessageFormat(pattern, language).format(dict(VALUES)) == written(nodes, Locale(language))


@pytest.mark.parametrize(
    ("pattern", "code", "at"),
    [
        ("Hello {shop", "not_closed", 6),
        ("Hello shop}", "stray_brace", 10),
        ("Hello {}", "bad_name", 7),
        ("{shop!}", "bad_name", 5),
        ("{orders, date}", "type_not_allowed", 9),
        ("{orders, choice, 0#no}", "type_not_allowed", 9),
        ("{orders, plural}", "no_branches", 15),
        ("{orders, plural, one {#}}", "no_other", 0),
        ("{orders, plural, some {#} other {#}}", "not_a_plural_form", 17),
        ("{orders, plural, one {1} one {2} other {3}}", "twice", 25),
        ("{orders, plural, one other {#}}", "no_text", 21),
        ("{orders, number, ::currency/EUR}", "style_not_allowed", 16),
        ("x" * 2001, "too_long", 2000),
        ("a\ud800b", "bad_character", 1),
    ],
)
def test_each_fault_has_its_code_and_position(pattern: str, code: str, at: int) -> None:
    with pytest.raises(icu.PatternFault) as caught:
        icu.parse(pattern)
    assert (caught.value.code, caught.value.at) == (code, at)


def nested(levels: int) -> str:
    pattern = "x"
    for _n in range(levels):
        pattern = f"{{way, select, other {{{pattern}}}}}"
    return pattern


def test_four_levels_are_allowed_and_five_are_not() -> None:
    assert icu.parse(nested(4))
    with pytest.raises(icu.PatternFault, match="too_deep"):
        icu.parse(nested(5))


def test_a_variable_is_always_written_only_if_every_case_has_it() -> None:
    both = icu.parse("{way, select, return {{link}} other {see {link}}}")
    one = icu.parse("{way, select, return {{link}} other {nothing}}")
    assert icu.always(both) == {"link"}
    assert icu.always(one) == frozenset()


def test_the_longest_text_takes_the_longest_case() -> None:
    nodes = icu.parse("{way, select, return {no} other {{shop}!}}")
    assert icu.longest(nodes, {"shop": "N" * 10}) == "N" * 10 + "!"


def test_a_position_is_told_as_line_and_column() -> None:
    assert icu.line_and_column("one\ntwo {x", 8) == (2, 5)
