"""The photos of the demo drivers: each house differs, and none gives rise to a doubt."""

from __future__ import annotations

from itertools import combinations
from typing import Any, ClassVar

import pytest

from dispatch.driver.demo_drivers.phone import NotReached, Phone
from dispatch.driver.demo_drivers.picture import photo_of_door
from dispatch.live.imaging import work
from dispatch.live.services.doubts import (
    DARK,
    LEAST_CONTRAST,
    LEAST_SHARP,
    LIT,
    is_same_picture,
)


@pytest.fixture(scope="module")
def measured() -> list[dict[str, Any]]:
    return [work(photo_of_door(seed))[0] for seed in range(60)]


def test_the_same_seed_gives_the_same_photo_in_little_data() -> None:
    photo = photo_of_door(7)
    assert photo == photo_of_door(7)
    assert photo != photo_of_door(8)
    assert len(photo) < 300_000


def test_no_photo_is_dark_blurred_or_of_another_house(measured: list[dict[str, Any]]) -> None:
    assert all(one["brightness"] > DARK for one in measured)
    assert all(one["contrast"] > LEAST_CONTRAST for one in measured)
    assert all(one["sharpness"] > LEAST_SHARP for one in measured)
    alike = [
        (first, second)
        for (first, one), (second, other) in combinations(enumerate(measured), 2)
        if is_same_picture(
            one["fingerprints"][0], other["fingerprints"], is_lit=other["brightness"] >= LIT
        )
    ]
    assert alike == []


def test_the_same_house_photographed_for_two_doors_would_be_noticed(
    measured: list[dict[str, Any]],
) -> None:
    assert is_same_picture(
        measured[3]["fingerprints"][0], work(photo_of_door(3))[0]["fingerprints"]
    )


class Answering(Phone):
    """A phone whose server has one answer for each call."""

    answers: ClassVar[list[tuple[int, bytes]]] = []

    def _call(self, *_call: Any) -> tuple[int, bytes]:
        return self.answers.pop(0)


def test_a_photo_that_no_act_names_is_dropped_and_one_that_is_not_taken_yet_is_kept() -> None:
    phone = Answering(host="verdura.localhost", port=1)
    phone.take_photo(b"of another phone")
    phone.take_photo(b"own")
    phone.answers = [(404, b"{}"), (200, b'{"received": 0}'), (503, b"{}")]
    with pytest.raises(NotReached):
        phone.send_photos()
    assert phone.photos == [b"own"]
    phone.answers = [(200, b'{"received": 1}'), (200, b"{}"), (200, b'{"received": 3}')]
    phone.send_photos()
    assert phone.photos == []
    assert phone.answers == []
