"""A small part of the campaign `privacy`, in every test run."""

from __future__ import annotations

from tests.bench.privacy import places_in, walked


def test_a_position_is_shown_only_to_the_shopper_whose_stop_is_next(fresh_db: str) -> None:
    figures = walked(4, every=10)
    assert figures.wrong == []
    assert figures.shown["status"] > 0


def test_coordinates_are_told_from_the_seconds_of_a_time() -> None:
    assert places_in('{"lat":38.66761,"lon": -9.12345}') == [38.66761, -9.12345]
    assert places_in('"as_of": "2026-11-30T14:03:38.667606+00:00"') == []
