"""Turn restrictions: read from relations, and obeyed at junctions."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.roads import build, junctions, layers, matrix, osm, turns
from dispatch.roads.network import Graph, load
from dispatch.roads.rules import GRAPHS, Profile
from lastmile.core.geo import Point, distance_m
from tests.dispatch.roads.town import Town, spot
from tests.shared import shared_data

MEMBERS = [("w", 1, "from"), ("n", 2, "via"), ("w", 3, "to")]
VAN, BIKE = 1 << GRAPHS.index("van"), 1 << GRAPHS.index("cargo_bike")


@pytest.mark.parametrize(
    ("tags", "only", "graphs"),
    [
        ({"restriction": "no_left_turn"}, False, VAN | BIKE),
        ({"restriction": "only_straight_on"}, True, VAN | BIKE),
        ({"restriction": "no_u_turn", "except": "bicycle"}, False, VAN),
        ({"restriction": "no_u_turn", "except": "psv; bicycle"}, False, VAN),
        ({"restriction": "no_entry", "except": "motorcar"}, False, BIKE),
        ({"restriction": "no_entry", "except": "psv;bus"}, False, VAN | BIKE),
        ({"restriction:motorcar": "no_right_turn"}, False, VAN),
        ({"restriction:bicycle": "no_right_turn"}, False, BIKE),
    ],
)
def test_a_restriction_is_read_for_the_vehicles_it_concerns(
    tags: dict[str, str], only: bool, graphs: int
) -> None:
    assert turns.read(tags, MEMBERS) == turns.Turn((1,), 2, (3,), only, graphs)


@pytest.mark.parametrize(
    ("tags", "members"),
    [
        ({"restriction:hgv": "no_left_turn"}, MEMBERS),
        ({"restriction:conditional": "no_left_turn @ wet"}, MEMBERS),
        ({"restriction": "no_left_turn", "except": "vehicle"}, MEMBERS),
        ({"restriction": "give_way"}, MEMBERS),
        ({"restriction": "no_left_turn"}, MEMBERS[:2]),
        ({"restriction": "no_left_turn"}, [*MEMBERS, ("w", 2, "via")]),
        ({"restriction": "no_left_turn"}, [*MEMBERS, ("n", 9, "via")]),
    ],
)
def test_a_restriction_that_cannot_be_obeyed_is_not_read(
    tags: dict[str, str], members: list[tuple[str, int, str]]
) -> None:
    assert turns.read(tags, members) is None


def cross() -> Town:
    """Return a crossing: ways 1 west, 2 east, 3 north, 4 south of node 1, and a ring around it."""
    town = Town()
    middle = town.node(0, 0)
    ends = [town.node(x, y) for x, y in ((-4, 0), (4, 0), (0, 4), (0, -4))]
    for end, name in zip(ends, ("West", "East", "North", "South"), strict=True):
        town.way(middle, end, name=name)
    west, east, north, south = ends
    corners = [town.node(x, y) for x, y in ((-4, 4), (4, 4), (4, -4), (-4, -4))]
    town.way(west, corners[0], north, corners[1], east, corners[2], south, corners[3], west,
             highway="service", name="Ring")  # fmt: skip
    return town


WEST, EAST, NORTH, SOUTH = spot(-2, 0), spot(2, 0), spot(0, 2), spot(0, -2)


def forbid(town: Town, value: str, arrive: int, leave: int, **tags: str) -> None:
    members = [("way", arrive, "from"), ("node", 1, "via"), ("way", leave, "to")]
    town.relations.append((members, {"type": "restriction", "restriction": value, **tags}))


def metres(var: Path, a: Point, b: Point, profile: Profile = "van") -> int:
    way = matrix.travel([a, b], network="town", profile=profile, var=var)
    assert way.source == "roads"
    return int(way.distance_m[0, 1])


def test_a_forbidden_turn_is_driven_round_and_all_others_are_not(tmp_path: Path) -> None:
    town = cross()
    forbid(town, "no_left_turn", 1, 3)
    info = town.build(tmp_path / "with")
    cross().build(tmp_path / "without")
    assert (info.counts["turn_restrictions"], info.counts["van_turns"]) == (1, 1)
    places = (WEST, EAST, NORTH, SOUTH)
    for a in places:
        for b in places:
            if (a, b) == (WEST, NORTH):
                assert metres(tmp_path / "with", a, b) > metres(tmp_path / "without", a, b) + 100
            else:
                assert metres(tmp_path / "with", a, b) == metres(tmp_path / "without", a, b)
    assert metres(tmp_path / "with", WEST, NORTH, "foot") == metres(
        tmp_path / "without", WEST, NORTH, "foot"
    )


def test_only_straight_on_forbids_the_turns_to_both_sides(tmp_path: Path) -> None:
    town = cross()
    forbid(town, "only_straight_on", 1, 2, **{"except": "bicycle"})
    town.build(tmp_path)
    direct = distance_m(WEST, spot(0, 0))
    assert metres(tmp_path, WEST, EAST) == pytest.approx(2 * direct, abs=4)
    for side in (NORTH, SOUTH):
        assert metres(tmp_path, WEST, side) > 600
        assert metres(tmp_path, WEST, side, "cargo_bike") < 450
        assert metres(tmp_path, side, WEST) < 450


def test_a_line_follows_the_way_round_a_forbidden_turn(tmp_path: Path) -> None:
    town = cross()
    forbid(town, "no_left_turn", 1, 3)
    town.build(tmp_path)
    (leg,) = matrix.legs([WEST, NORTH], network="town", profile="van", var=tmp_path)
    drawn = [Point(lon=lon, lat=lat) for lon, lat in leg.line]
    length = sum(distance_m(a, b) for a, b in pairwise(drawn))
    assert length == pytest.approx(leg.distance_m, abs=6, rel=0.02)
    assert distance_m(drawn[0], WEST) < 2
    assert distance_m(drawn[-1], NORTH) < 2


def test_a_restriction_that_would_cut_a_street_off_is_left_out(tmp_path: Path) -> None:
    town = cross()
    lane = town.node(1, 1)
    town.way(1, lane, name="Lane")  # way 6: only the crossing leads there
    for arrive in (1, 2, 3, 4):
        forbid(town, "no_left_turn", arrive, 6)
    info = town.build(tmp_path)
    assert info.counts["van_turns"] == 0
    assert metres(tmp_path, WEST, lane_end := spot(1, 1)) < 400
    assert metres(tmp_path, lane_end, WEST) < 400
    assert "Vans obey 0 of 4 turn restrictions" in " ".join(info.notes)


def at_hour(var: Path, a: Point, b: Point, hour: int) -> int:
    way = matrix.travel([a, b], network="town", profile="van", depart_minute=hour * 60, var=var)
    return int(way.distance_m[0, 1])


def test_a_turn_forbidden_in_certain_hours_is_made_in_all_others(tmp_path: Path) -> None:
    town = cross()
    members = [("way", 1, "from"), ("node", 1, "via"), ("way", 3, "to")]
    condition = "no_left_turn @ (Mo-Fr 07:00-09:00)"
    tags = {"type": "restriction", "restriction:conditional": condition}
    town.relations.append((members, tags))
    info = town.build(tmp_path)
    assert info.counts["van_turns"] == 1
    assert at_hour(tmp_path, WEST, NORTH, 12) < 450
    assert at_hour(tmp_path, WEST, NORTH, 8) > 600
    assert at_hour(tmp_path, NORTH, WEST, 8) < 450
    assert metres(tmp_path, WEST, NORTH, "cargo_bike") < 450


def dual() -> tuple[Town, Point, Point, Point]:
    """Return two one-way carriageways joined by a short street, over which one must not turn back.

    Way 1 leads to the east along y = 0, way 2 to the west along y = 1, way 3 joins them at x = 2.
    """
    town = Town()
    a, b, c = town.node(0, 0), town.node(2, 0), town.node(6, 0)
    d, e, f = town.node(6, 1), town.node(2, 1), town.node(0, 1)
    town.way(a, b, oneway="yes", name="Eastbound")
    town.way(e, f, oneway="yes", name="Westbound")
    town.way(b, e, name="Link")
    town.way(b, c, oneway="yes", name="Eastbound")
    town.way(c, d, name="East End")
    town.way(d, e, oneway="yes", name="Westbound")
    town.way(f, a, name="West End")
    return town, spot(1, 0), spot(1, 1), spot(2, 0.5)


@pytest.mark.parametrize("value", ["no_u_turn", "only_straight_on"])
def test_a_restriction_over_a_way_in_between_forbids_the_whole_turn_alone(
    tmp_path: Path, value: str
) -> None:
    town, start, end, middle = dual()
    free, _, _, _ = dual()
    free.build(tmp_path / "free")
    side = town.node(1, 2)
    town.way(5, side, name="Side Street")  # way 8, straight on behind the link
    leave = 2 if value == "no_u_turn" else 8
    members = [("way", 1, "from"), ("way", 3, "via"), ("way", leave, "to")]
    town.relations.append((members, {"type": "restriction", "restriction": value}))
    info = town.build(tmp_path / "town")
    assert info.counts["van_turns"] == 1
    assert metres(tmp_path / "free", start, end) < 300
    assert metres(tmp_path / "town", start, end) > 300, "not over the link"
    assert metres(tmp_path / "town", start, middle) < 150, "the link itself is reached"
    assert metres(tmp_path / "town", middle, end) < 200, "who begins on the link may leave it so"
    assert metres(tmp_path / "town", start, spot(1.5, 1.5)) < 350, "straight on is allowed"
    graph = load("town", tmp_path / "town").graph("van")
    assert graph is not None
    (leg,) = matrix.legs([start, middle], network="town", profile="van", var=tmp_path / "town")
    drawn = [Point(lon=lon, lat=lat) for lon, lat in leg.line]
    length = sum(distance_m(a, b) for a, b in pairwise(drawn))
    assert length == pytest.approx(leg.distance_m, abs=6, rel=0.02)


def test_turning_back_beside_a_restriction_takes_time(tmp_path: Path) -> None:
    town = cross()
    forbid(town, "no_left_turn", 1, 3)
    stub = town.node(1, 0)
    town.ways[1] = ((1, stub, 3), town.ways[1][1])  # East, with a junction after 100 m
    town.way(stub, town.node(1, -1), name="Stub")
    town.build(tmp_path)
    way = matrix.travel([WEST, NORTH], network="town", profile="van", var=tmp_path)
    assert way.distance_m[0, 1] == pytest.approx(2 * 75.5 + 2 * 111 + 2 * 84, rel=0.2)
    plain_s = way.distance_m[0, 1] * 3.6 / 24
    assert way.duration_s[0, 1] == pytest.approx(plain_s + junctions.U_TURN_S, abs=3)


VALUES = ("no_left_turn", "no_right_turn", "no_straight_on", "only_straight_on", "no_u_turn")


@st.composite
def towns(draw: st.DrawFn) -> Town:
    """Draw streets on a small grid, one way for each piece, with restrictions."""
    size = draw(st.integers(3, 4))
    town = Town()
    for y in range(size):
        for x in range(size):
            town.node(x + draw(st.floats(0, 0.4)), y + draw(st.floats(0, 0.4)))
    ends: dict[int, list[int]] = {}
    for at in range(1, size * size + 1):
        for to in (at + 1 if at % size else 0, at + size):
            if to and to <= size * size:
                access = draw(st.sampled_from(["yes", "yes", "yes", "private"]))
                oneway = draw(st.sampled_from(["no", "no", "no", "yes"]))
                town.way(at, to, access=access, oneway=oneway)
                for node in (at, to):
                    ends.setdefault(node, []).append(len(town.ways))
    for node, ways in ends.items():
        for _ in range(draw(st.integers(0, 2))):
            arrive, leave = draw(st.sampled_from(ways)), draw(st.sampled_from(ways))
            members = [("way", arrive, "from"), ("node", node, "via"), ("way", leave, "to")]
            tags = {"type": "restriction", "restriction": draw(st.sampled_from(VALUES))}
            if draw(st.booleans()):
                tags["restriction:conditional"] = f"{tags.pop('restriction')} @ (06:00-22:00)"
            if draw(st.booleans()):  # over a way in between, if both ends of it are shared
                between = ("way", draw(st.sampled_from(ways)), "via")
                far = ends[draw(st.sampled_from(list(ends)))]
                members = [members[0], between, ("way", draw(st.sampled_from(far)), "to")]
            town.relations.append((members, tags))
    return town


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(town=towns(), data=st.data())
def test_the_table_dijkstra_and_the_lines_agree_with_restrictions(
    town: Town, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    var = tmp_path_factory.mktemp("town")
    block = [town.node(x, y) for x, y in ((9, 9), (9, 10), (10, 10))]
    town.way(*block, block[0], name="Block")
    town.build(var)
    graph = load("town", var).graph("van")
    assert graph is not None
    coordinate = st.floats(-1, 4)
    points = [spot(data.draw(coordinate), data.draw(coordinate)) for _ in range(7)]
    snaps = graph.snap(points)
    weighted = graph.at(None)
    table = weighted.table(snaps)
    assert (table == weighted.table(snaps, oracle=True)).all()
    whole = matrix.travel(points, network="town", profile="van", var=var)
    for at, leg in enumerate(matrix.legs(points, network="town", profile="van", var=var)):
        assert leg.duration_s == whole.duration_s[at, at + 1]
        drawn = [Point(lon=lon, lat=lat) for lon, lat in leg.line]
        length = sum(distance_m(a, b) for a, b in pairwise(drawn))
        assert length == pytest.approx(leg.distance_m, abs=6, rel=0.02)


def reached_over_links(graph: Graph, node: int) -> set[int]:
    """Return the nodes that links alone reach from a node, and the node."""
    reach, todo = {node}, [node]
    while todo:
        here = todo.pop()
        links = (graph.layer == layers.LINK) & (graph.tail == here)
        for following in set(graph.head[links].tolist()) - reach:
            reach.add(following)
            todo.append(following)
    return reach


def pairs_of(graph: Graph, turn: turns.Turn) -> list[tuple[int, int]]:
    """Return the arriving and leaving arcs of the core that a restriction names."""
    core, streets = np.flatnonzero(graph.layer == layers.CORE), graph.streets
    here = core[streets.node_id[graph.node[graph.head[core]]] == turn.via].tolist()
    away = core[streets.node_id[graph.node[graph.tail[core]]] == turn.via].tolist()
    ins = [a for a in here if streets.way[graph.edge[a], int(graph.ahead[a])] in turn.arrive]
    outs = [b for b in away if streets.way[graph.edge[b], 1 - int(graph.ahead[b])] in turn.leave]
    return [(a, b) for a in ins for b in outs]


def test_the_forbidden_turns_of_helsinki_cannot_be_made_but_for_those_left_out(
    tmp_path: Path,
) -> None:
    city = osm.read(shared_data("osm") / "helsinki_centre.osm.pbf")
    origin = build.Origin("Helsinki", "test")
    info = build.build(city, name="town", origin=origin, var=tmp_path)
    graph = load("town", tmp_path).graph("van")
    assert graph is not None
    within = [turn for turn in city.turns if pairs_of(graph, turn)]
    left_out = len(within) - info.counts["van_turns"]
    assert info.counts["van_turns"] >= 20
    assert left_out <= 5
    forbidden = [turn for turn in within if not turn.only and turn.arrive != turn.leave]
    assert len(forbidden) >= 10
    possible = [
        turn
        for turn in forbidden
        if any(
            int(graph.tail[b]) in reached_over_links(graph, int(graph.head[a]))
            for a, b in pairs_of(graph, turn)
        )
    ]
    assert len(possible) <= left_out
