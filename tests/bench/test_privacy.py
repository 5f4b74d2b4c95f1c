"""A small part of the campaign `privacy`, in every test run."""

from __future__ import annotations

from tests.bench.privacy import walked


def test_a_position_is_shown_only_to_the_shopper_whose_stop_is_next(fresh_db: str) -> None:
    figures = walked(4, every=10)
    assert figures.wrong == []
    assert figures.shown["status"] > 0
