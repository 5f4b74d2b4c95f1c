"""A slice of `make proof streets`: the comparison itself, with a service that is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from dispatch.roads.engines.base import NO_WAY, Int32
from dispatch.roads.engines.null import NullEngine
from dispatch.roads.matrix import travel
from dispatch.roads.rules import Profile
from lastmile.core.geo import Point
from tests.bench import streets
from tests.dispatch.roads.town import grid


class Slower(NullEngine):
    """Answers twice the times of the embedded network, and no way from one place."""

    def __init__(self, var: Path) -> None:
        super().__init__()
        self.var = var
        self.closed: Point | None = None

    def block(
        self, starts: Sequence[Point], ends: Sequence[Point], profile: Profile
    ) -> tuple[Int32, Int32]:
        times = travel([*starts, *ends], network="town", profile=profile, var=self.var)
        count = len(starts)
        seconds, metres = 2 * times.duration_s[:count, count:], times.distance_m[:count, count:]
        if self.closed in starts:
            seconds[starts.index(self.closed)] = NO_WAY
        return seconds, metres.copy()


@pytest.fixture
def engine(tmp_path: Path) -> Slower:
    grid(5).build(tmp_path)
    return Slower(tmp_path)


def test_an_engine_with_the_same_sequence_of_times_correlates_completely(
    engine: Slower, tmp_path: Path
) -> None:
    pairs = streets.measured("town", tmp_path, engine, 20)
    assert len(pairs.own_s) == 2 * streets.GROUP * (streets.GROUP - 1)
    assert streets.rank_correlation(pairs) == pytest.approx(1.0)
    assert all("the same way" in line for line in streets.differences(pairs, "town", tmp_path))


def test_a_pair_that_only_the_engine_cannot_drive_is_left_out(
    engine: Slower, tmp_path: Path
) -> None:
    whole = streets.measured("town", tmp_path, engine, 10)
    engine.closed = whole.starts[0]
    pairs = streets.measured("town", tmp_path, engine, 10)
    assert (pairs.other_s == NO_WAY).sum() == streets.GROUP - 1
    assert streets.rank_correlation(pairs) == pytest.approx(1.0)
