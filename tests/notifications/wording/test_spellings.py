"""The spellings of a number: each known one is numbers, and no landline becomes a mobile number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.wording.spellings import spellings


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("+525512345678", "+5215512345678"),
        ("+551187654321", "+5511987654321"),
        ("+553198765432", "+5531998765432"),
        ("+541123456789", "+5491123456789"),
        ("+543515123456", "+5493515123456"),
    ],
)
def test_each_spelling_finds_the_other(one: str, another: str) -> None:
    assert spellings(one) == (one, another)
    assert spellings(another) == (another, one)


@pytest.mark.parametrize(
    "number",
    [
        "+551132345678",  # a landline in Sao Paulo
        "+5511932345678",  # a mobile number that would become this landline without its 9
        "+551141234567",
        "+5511941234567",
        "+34600111222",
        "+56961234567",
        "+15551234567",
        "+52155123456",  # too short for Mexico
        "+54912345678",
    ],
)
def test_a_number_without_another_spelling_has_only_its_own(number: str) -> None:
    assert spellings(number) == (number,)


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_spellings_are_symmetric_and_begin_with_the_number(number: str) -> None:
    numbers = spellings(number)
    assert numbers[0] == number
    assert len(set(numbers)) == len(numbers) <= 2
    for other in numbers:
        assert set(spellings(other)) == set(numbers)


def test_text_that_is_no_number_has_no_other_spelling() -> None:
    for text in ("", "+52", "525512345678", "+52 55 1234 5678", "shop"):
        assert spellings(text) == (text,)
