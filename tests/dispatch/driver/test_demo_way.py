"""The way of a demo driver: along the line, at the speed of a town, to the door."""

from __future__ import annotations

from itertools import pairwise

import pytest

from dispatch.driver.demo_drivers.way import drive, heading, metres, part_of

LINE = [(-71.25, -29.90), (-71.25, -29.91), (-71.24, -29.91), (-71.24, -29.90)]


def test_steps_are_as_far_apart_as_the_speed_says_and_end_at_the_door() -> None:
    steps = list(drive(LINE, every_s=3.0, speed_mps=8.0))
    gaps = [metres(a.spot, b.spot) for a, b in pairwise(steps)]
    assert all(gap <= 24.01 for gap in gaps)
    assert sum(gap > 23.9 for gap in gaps) > len(gaps) - 5  # less at the corners and at the end
    assert steps[-1].spot == LINE[-1]


@pytest.mark.parametrize(
    ("to", "degrees"), [((0, 1), 0), ((1, 0), 90), ((0, -1), 180), ((-1, 0), 270)]
)
def test_headings_are_those_of_a_compass(to: tuple[int, int], degrees: int) -> None:
    assert heading((0.0, 0.0), (to[0] / 1000, to[1] / 1000)) == degrees


def test_a_part_of_the_line_goes_on_from_here_to_the_door() -> None:
    way = part_of(LINE, here=(-71.2501, -29.91), door=(-71.2399, -29.91))
    assert way == [(-71.2501, -29.91), LINE[1], LINE[2], (-71.2399, -29.91)]


def test_without_a_line_the_way_is_straight() -> None:
    assert part_of([], (0.0, 0.0), (1.0, 1.0)) == [(0.0, 0.0), (1.0, 1.0)]
