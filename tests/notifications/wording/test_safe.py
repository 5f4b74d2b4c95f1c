"""Values from outside neither change what a message says nor lose a byte without need."""

from __future__ import annotations

import pytest

from notifications.wording import safe


@pytest.mark.parametrize(
    "value", ["Tom & Jerry's <24h>", "Ärzte & Söhne", "{shop} # 'x'", "=1+1", "محل أحمد"]
)
def test_m06_a_value_stays_byte_for_byte(value: str) -> None:
    assert safe.line(value, 80) == value


def test_a_value_adds_no_line_and_hides_nothing() -> None:
    assert safe.line("a\r\nBcc: x\ny", 80) == "a Bcc: x y"
    assert safe.line("abc\u202edef\u200b\u2066g\x07", 80) == "abcdefg"
    assert safe.line("x\ud800y", 80) == "xy"
    assert safe.line("⟦link⟧", 80) == "link"


def test_a_long_value_is_cut() -> None:
    assert safe.line("x" * 90, 80) == "x" * 79 + "…"


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Ana María Pérez", "Ana"),
        ("أحمد علي", "أحمد"),
        ("", ""),
        ("  \n ", ""),
        ("https://evil.example/x", ""),
        ("evil.com", ""),
        ("Win at www.evil.example", ""),
        ("ana@example.org", ""),
        ("12345", ""),
        ("N" * 50, "N" * 29 + "…"),
    ],
)
def test_the_first_name_is_a_word_and_never_a_link(name: str, first: str) -> None:
    assert safe.name(name, 30) == first
