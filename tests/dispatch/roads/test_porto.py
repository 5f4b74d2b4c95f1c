"""Greater Porto: a network of real size, with as few checks as each test run has time for."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.roads.matrix import travel
from dispatch.roads.network import load
from tests.bench import roads as campaign

pytestmark = pytest.mark.slow


def test_porto_is_built_and_answers_1000_by_1000_within_10_s_as_dijkstra_does(
    tmp_path: Path,
) -> None:
    campaign.build_porto(tmp_path)
    network = load("porto", tmp_path)
    assert network.info.counts["turn_restrictions"] == 357
    assert network.info.counts["van_turns"] > 250
    graph = network.graph("van")
    assert graph is not None
    points = campaign.places(graph, campaign.PLACES, campaign.SEED)
    took = campaign.timed(lambda: travel(points, network="porto", profile="van", var=tmp_path))
    assert took < campaign.MOST_SECONDS
    weighted = graph.at(None)
    few = graph.snap(points[:12])
    assert (weighted.table(few) == weighted.table(few, oracle=True)).all()
    assert graph.snap(points).covered.all()
