"""The page about messages lists the moments as they are declared."""

from __future__ import annotations

from tests.notifications.catalogue.reference import PAGE, page_with, table


def test_the_table_of_moments_is_that_of_the_catalogue() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert table() in text
    assert page_with(text) == text, "python -m tests.notifications.catalogue.reference writes it"
