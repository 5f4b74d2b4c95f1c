"""Segments are counted as providers charge them, and the costly character is named (M05)."""

from __future__ import annotations

import pytest

from notifications.wording.folding import fold, is_cheaper
from notifications.wording.segments import count, name_of


@pytest.mark.parametrize(
    ("text", "alphabet", "places", "segments"),
    [
        ("", "GSM-7", 0, 0),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        # A sign of two places is not divided: one place of each full segment stays free.
        ("€" * 153, "GSM-7", 306, 3),
        ("[x] {y} \\ ^ ~ |", "GSM-7", 23, 1),
        ("It’s “here”", "UCS-2", 11, 1),
        ("á" * 70, "UCS-2", 70, 1),
        ("á" * 71, "UCS-2", 71, 2),
        ("á" * 134, "UCS-2", 134, 2),
        ("á" * 135, "UCS-2", 135, 3),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
        # 33 emojis fill 66 of 67 places; the next one does not fit into the last place.
        ("😀" * 67, "UCS-2", 134, 3),
        ("طلبك في الطريق", "UCS-2", 14, 1),
        ("àèìòùéñÑüÜöÖäÄßÇ¿¡", "GSM-7", 18, 1),
        ("ç", "UCS-2", 1, 1),
    ],
)
def test_m05_segments_equal_those_of_the_provider(
    text: str, alphabet: str, places: int, segments: int
) -> None:
    length = count(text)
    assert (length.alphabet, length.places, length.segments) == (alphabet, places, segments)


def test_m05_the_costly_characters_are_named_in_order() -> None:
    assert count("Él está “aquí”").costly == ("á", "“", "í", "”")
    assert name_of("“") == "left double quotation mark"
    assert name_of("\x07") == "U+0007"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("It’s “here” – now…", 'It\'s "here" - now...'),
        ("Él llegará mañana", "Él llegara mañana"),
        ("2:10\u202fPM", "2:10 PM"),
        ("Łódź, Praça, Œuvre", "Lodz, Praca, OEuvre"),
        ("e\u0301", "é"),
    ],
)
def test_m05_a_plain_character_is_offered_for_each_costly_one(text: str, plain: str) -> None:
    assert fold(text) == plain
    assert count(plain).alphabet == "GSM-7"


def test_m05_nothing_is_offered_where_nothing_is_gained() -> None:
    assert fold("طلبك") == "طلبك"
    assert fold("😀") == "😀"
    assert not is_cheaper("طلبك “x”"), "the Arabic letters stay, so the price does too"
    assert not is_cheaper("plain")
    assert is_cheaper("“x”")


def test_the_free_places_of_the_last_segment_are_told() -> None:
    assert count("a" * 100).left == 60
    assert count("a" * 161).left == 2 * 153 - 161
