"""Streets for people who go there, gates, barriers and dead ends in small towns."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.roads import build, layers, matrix, osm
from dispatch.roads.added import travel_added
from dispatch.roads.network import Graph, load
from dispatch.roads.rules import GRAPHS, Profile
from lastmile.core.geo import Point, distance_m
from tests.dispatch.roads.town import Town, grid, spot
from tests.shared import shared_data

FAR = 10  # the way round leads over a street this many steps away


def metres(var: Path, *points: Point, profile: Profile = "van") -> np.ndarray:
    result = matrix.travel(points, network="town", profile=profile, var=var)
    assert result.source == "roads"
    return result.distance_m


def steps(count: float) -> object:
    """Return about ``count`` steps of the town's grid, north to south, in metres."""
    return pytest.approx(count * distance_m(spot(0, 0), spot(0, 1)), abs=6, rel=0.01)


def crossing(barrier: dict[str, str] | None = None, **tags: str) -> Town:
    """Return two streets to the north and to the south, joined by a short way and by a far one.

    The short way leads from (0, 0) to (0, 4) with a node at (0, 2). The far one goes over x = FAR.
    """
    town = Town()
    south, north = town.node(0, 0), town.node(0, 4)
    town.way(town.node(0, -2), south, name="South Street")
    town.way(north, town.node(0, 6), name="North Street")
    town.way(south, town.node(FAR, 0), town.node(FAR, 4), north, name="Far Road")
    town.way(south, town.node(0, 2, barrier), north, name="Short Street", **tags)
    return town


SOUTH, NORTH, INSIDE = spot(0, -1), spot(0, 5), spot(0, 1)
WAY_ROUND = 6 + 2 * FAR * 0.755  # a step to the east is shorter than one to the north


@pytest.mark.parametrize(
    ("profile", "barrier", "through"),
    [
        ("van", {"barrier": "bollard"}, False),
        ("cargo_bike", {"barrier": "bollard"}, True),
        ("foot", {"barrier": "bollard"}, True),
        ("van", {"barrier": "bollard", "motor_vehicle": "yes"}, True),
        ("van", {"barrier": "gate"}, True),
        ("van", {"barrier": "gate", "access": "private"}, False),
        ("van", {"barrier": "lift_gate", "access": "no", "motor_vehicle": "yes"}, True),
        ("van", {"barrier": "height_restrictor", "maxheight": "2.2"}, False),
        ("foot", {"barrier": "wall"}, False),
    ],
)
def test_a_barrier_on_a_street_sends_round_whom_it_stops(
    tmp_path: Path, profile: Profile, barrier: dict[str, str], through: bool
) -> None:
    crossing(barrier).build(tmp_path)
    way = metres(tmp_path, SOUTH, NORTH, profile=profile)
    assert way[0, 1] == way[1, 0] == steps(6 if through else WAY_ROUND)


def test_both_sides_of_a_bollard_are_reached_from_their_own_side(tmp_path: Path) -> None:
    crossing({"barrier": "bollard"}).build(tmp_path)
    way = metres(tmp_path, SOUTH, spot(0, 1.5), spot(0, 2.5))
    assert way[0, 1] == steps(2.5)
    assert way[0, 2] == steps(WAY_ROUND + 0.5)
    assert way[1, 2] == steps(WAY_ROUND + 1)


def test_a_barrier_at_a_junction_stops_every_way_that_meets_there(tmp_path: Path) -> None:
    town = grid(3)
    x, y, _ = town.nodes[5]
    town.nodes[5] = (x, y, {"barrier": "bollard"})
    town.build(tmp_path)
    for there in (spot(1.5, 1), spot(1, 1.5), spot(0.5, 1)):
        assert (
            metres(tmp_path, spot(1, 0.5), there)[0, 1]
            > metres(tmp_path, spot(1, 0.5), there, profile="foot")[0, 1]
        )


@pytest.mark.parametrize(
    "tags",
    [
        {"access": "private"},
        {"access": "destination"},
        {"motor_vehicle": "delivery"},
        {"access": "customers"},
        {"motor_vehicle": "permit"},
        {"highway": "pedestrian", "motor_vehicle": "delivery"},
        {"highway": "pedestrian", "motor_vehicle": "destination"},
    ],
    ids=str,
)
def test_a_street_for_people_who_go_there_is_no_short_cut_and_is_reached(
    tmp_path: Path, tags: dict[str, str]
) -> None:
    crossing(None, **tags).build(tmp_path)
    way = metres(tmp_path, SOUTH, INSIDE, NORTH)
    assert way[0, 2] == way[2, 0] == steps(WAY_ROUND), "nobody drives through"
    assert way[0, 1] == way[1, 0] == steps(2), "from the south into the street and out again"
    assert way[1, 2] == way[2, 1] == steps(4), "a leg that begins inside leaves to the north"


def test_a_leg_within_one_private_street_stays_there(tmp_path: Path) -> None:
    crossing(None, access="private").build(tmp_path)
    assert metres(tmp_path, spot(0, 1), spot(0, 3))[0, 1] == steps(2)


def test_a_walled_quarter_behind_a_private_gate_is_reached_through_the_gate(
    tmp_path: Path,
) -> None:
    town = grid(4)
    gate = town.node(1, -1, {"barrier": "gate", "access": "private"})
    inner = [town.node(x, y) for x, y in ((1, -2), (3, -2), (3, -4), (1, -4))]
    town.way(2, gate, inner[0], name="Gate Street")
    town.way(*inner, inner[0], name="Quarter Street")  # nothing says that it is private
    town.build(tmp_path)
    way = metres(tmp_path, spot(1, 1), spot(1, -3))
    assert way[0, 1] == way[1, 0] == steps(4)


def test_two_private_yards_on_one_street_are_joined_over_that_street(tmp_path: Path) -> None:
    town = grid(3)
    one, other = town.node(0, -2), town.node(2, -2)
    town.way(1, one, access="private")
    town.way(3, other, access="private")
    town.build(tmp_path)
    assert metres(tmp_path, spot(0, -1), spot(2, -1))[0, 1] == steps(2 + 2 * 0.755)


def test_a_private_way_over_a_public_street_goes_on_behind_it(tmp_path: Path) -> None:
    town = grid(3)
    town.way(town.node(1, -3), 2, access="private")
    town.way(2, 5, 8, access="private", highway="service")  # beside the column, slower
    town.way(8, town.node(1, 5), access="private")
    town.build(tmp_path)
    assert metres(tmp_path, spot(1, -2), spot(1, 4))[0, 1] == steps(6)


def test_a_one_way_dead_end_is_entered_and_left_against_its_direction(tmp_path: Path) -> None:
    town = grid(3)
    turn, end = town.node(4, 0), town.node(4, 2)
    town.way(3, turn, end, oneway="yes", name="Dead End")
    info = town.build(tmp_path)
    assert info.counts["van_left_against"] == 1
    way = metres(tmp_path, spot(2, 0), spot(4, 1))
    assert way[0, 1] == way[1, 0] == steps(1 + 2 * 0.755)


def test_a_one_way_street_that_nothing_leads_to_is_not_a_place_to_stop(tmp_path: Path) -> None:
    town = grid(3)
    town.way(town.node(4, 0), 3, oneway="yes", name="Only Out")
    info = town.build(tmp_path)
    assert info.counts["van_nodes_outside"] == 1
    snapped = matrix.travel([spot(4, 0)] * 2, network="town", profile="van", var=tmp_path)
    assert snapped.snapped_m[0] == pytest.approx(distance_m(spot(4, 0), spot(2, 0)), abs=2)


def test_a_street_that_is_closed_in_certain_hours_is_driven_round_in_them(tmp_path: Path) -> None:
    town = crossing(None, motor_vehicle__conditional="no @ (Mo-Fr 07:00-09:00)")
    info = town.build(tmp_path)
    assert info.counts["streets_with_hours"] == 1

    def at(hour: int | None) -> object:
        minute = None if hour is None else hour * 60
        way = matrix.travel(
            [SOUTH, NORTH], network="town", profile="van", depart_minute=minute, var=tmp_path
        )
        return way.distance_m[0, 1]

    assert at(12) == steps(6)
    assert at(8) == steps(WAY_ROUND)
    assert at(None) == steps(WAY_ROUND), "an unknown hour counts as one in which it is closed"


def test_a_town_of_private_streets_alone_is_still_a_network(tmp_path: Path) -> None:
    grid(3, access="private").build(tmp_path)
    assert metres(tmp_path, spot(0, 0), spot(0, 2))[0, 1] == steps(2)


def test_an_added_place_behind_a_gate_travels_as_in_the_table(tmp_path: Path) -> None:
    crossing({"barrier": "gate", "access": "private"}, access="destination").build(tmp_path)
    known = [SOUTH, spot(0, 1), spot(0, 3)]
    new = spot(0, 2.5)
    whole = matrix.travel([*known, new], network="town", profile="van", var=tmp_path)
    one = travel_added(known, new, network="town", profile="van", var=tmp_path)
    assert one.to_m.tolist() == whole.distance_m[3, :3].tolist()
    assert one.from_s.tolist() == whole.duration_s[:3, 3].tolist()


USES = ("yes", "private", "destination", "no")


@st.composite
def towns(draw: st.DrawFn) -> Town:
    """Draw streets on a small grid: open, for visitors, shut, one-way, with gates and bollards."""
    size = draw(st.integers(2, 4))
    town = Town()
    kinds = [{}, {}, {}, {"barrier": "bollard"}, {"barrier": "gate", "access": "private"}]
    for y in range(size):
        for x in range(size):
            at = x + draw(st.floats(0, 0.4)), y + draw(st.floats(0, 0.4))
            town.node(*at, draw(st.sampled_from(kinds)))
    for at in range(1, size * size + 1):
        for to in (at + 1 if at % size else 0, at + size):
            if to and to <= size * size:
                town.way(
                    at,
                    to,
                    access=draw(st.sampled_from(USES)),
                    oneway=draw(st.sampled_from(["no", "no", "yes", "-1"])),
                )
    loop = town.node(-1, 0)
    town.way(1, loop, town.node(-1, -1), 1, access=draw(st.sampled_from(USES)))
    town.way(loop, town.node(-2, 0), town.node(-2, 1), loop, oneway="yes")
    return town


class PlainSearch:
    """Searches over (junction, phase): outer streets, then the core, then outer streets again."""

    PHASE = {layers.OUT: 0, layers.CORE: 1, layers.IN: 2}

    def __init__(self, graph: Graph) -> None:
        self.graph, self.weight = graph, graph.at(None).weight
        self.core = {int(graph.node[n]) for n in graph.tail[graph.layer == layers.CORE]}
        self.moves: dict[tuple[int, int], list[tuple[tuple[int, int], int]]] = {}
        for arc in np.flatnonzero(graph.layer != layers.LINK).tolist():
            self.moves.setdefault(self.state(graph.tail[arc], arc), []).append(
                (self.state(graph.head[arc], arc), int(self.weight[arc]))
            )

    def state(self, node: int, arc: int) -> tuple[int, int]:
        return int(self.graph.node[node]), self.PHASE[int(self.graph.layer[arc])]

    def half(self, arc: int) -> int:
        time, length = int(self.weight[arc]) >> 27, int(self.weight[arc]) & ((1 << 27) - 1)
        return (round(time / 2) << 27) | round(length / 2)

    def after(self, state: tuple[int, int]) -> list[tuple[tuple[int, int], int]]:
        """Return the next states and their costs; a later phase costs nothing."""
        node, phase = state
        nexts = list(self.moves.get(state, []))
        if phase == 0:
            nexts.append(((node, 1 if node in self.core else 2), 0))
        if phase == 1:
            nexts.append(((node, 2), 0))
        return nexts

    def least_cost(self, start: int, stop: int) -> int | None:
        """Return the least composite cost between the middles of two streets."""
        best: dict[tuple[int, int], int] = {}
        todo = [
            (self.half(arc), self.state(self.graph.head[arc], arc))
            for arc in self.graph.leave_arc[start].tolist()
            if arc >= 0
        ]
        while todo:
            cost, state = todo.pop()
            if cost >= best.get(state, cost + 1):
                continue
            best[state] = cost
            todo += [(cost + more, following) for following, more in self.after(state)]
        ends = [
            (self.half(arc), self.state(self.graph.tail[arc], arc))
            for arc in self.graph.reach_arc[stop].tolist()
            if arc >= 0
        ]
        return min((best[state] + cost for cost, state in ends if state in best), default=None)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(town=towns(), data=st.data())
def test_the_table_the_plain_search_and_the_lines_agree_with_gates_and_private_streets(
    town: Town, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    var = tmp_path_factory.mktemp("town")
    block = [town.node(x, y) for x, y in ((9, 9), (9, 10), (10, 10))]
    town.way(*block, block[0], name="Block")  # at least this can be left and reached again
    town.build(var)
    graph = load("town", var).graph("van")
    assert graph is not None
    coordinate = st.floats(-2, 4)
    points = [spot(data.draw(coordinate), data.draw(coordinate)) for _ in range(6)]
    snaps = graph.snap(points)
    weighted = graph.at(None)
    table = weighted.table(snaps)
    assert (table == weighted.table(snaps, oracle=True)).all()
    snaps.share[:] = 0.5
    middles, search = weighted.table(snaps), PlainSearch(graph)
    for a, b in ((0, 1), (2, 3), (4, 5)):
        if snaps.edge[a] != snaps.edge[b]:
            assert middles[a, b] == search.least_cost(int(snaps.edge[a]), int(snaps.edge[b]))
    whole = matrix.travel(points, network="town", profile="van", var=var)
    for at, leg in enumerate(matrix.legs(points, network="town", profile="van", var=var)):
        assert leg.duration_s == whole.duration_s[at, at + 1]
        drawn = [Point(lon=lon, lat=lat) for lon, lat in leg.line]
        length = sum(distance_m(a, b) for a, b in pairwise(drawn))
        assert length == pytest.approx(leg.distance_m, abs=6, rel=0.02)


def test_the_network_says_how_many_barriers_it_obeys_and_by_which_rules(tmp_path: Path) -> None:
    info = crossing({"barrier": "bollard"}).build(tmp_path)
    assert info.counts["barriers"] == 1
    assert {f"{graph}_streets_at_ends" for graph in GRAPHS} <= set(info.counts)
    meta = (tmp_path / "roads" / "town" / info.version / "meta.json").read_text(encoding="utf-8")
    assert '"bollard"' in meta
    assert '"largest_vehicle"' in meta


def test_helsinki_centre_has_pedestrian_streets_that_a_van_enters_to_deliver(
    tmp_path: Path,
) -> None:
    city = osm.read(shared_data("osm") / "helsinki_centre.osm.pbf")
    origin = build.Origin("Helsinki", "test")
    info = build.build(city, name="town", origin=origin, var=tmp_path)
    graph = load("town", tmp_path).graph("van")
    assert graph is not None
    assert info.counts["van_streets_at_ends"] > 20
    assert info.counts["barriers"] > 10
    points = [
        Point(lat=float(lat), lon=float(lon))
        for lon, lat in graph.streets.shape[graph.streets.first[graph.doors[::7]]] / 1e7
    ]
    snaps = graph.snap(points)
    weighted = graph.at(None)
    assert (weighted.table(snaps) == weighted.table(snaps, oracle=True)).all()
