"""VRPLIB files: each word and each section is obeyed, or refused by its name."""

from __future__ import annotations

import pytest

from dispatch.solver.formats.text import Instance, parse
from dispatch.solver.model.problem import MAX_TRAVEL
from lastmile.core.errors import Invalid

# Four customers at a distance of 20 from the depot, one in each direction.
CROSS = """NAME : cross
TYPE : CVRP
DIMENSION : 5
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 100
{words}
NODE_COORD_SECTION
1 0 0
2 20 0
3 -20 0
4 0 20
5 0 -20
DEMAND_SECTION
1 0
2 1
3 1
4 1
5 1
{sections}
DEPOT_SECTION
 1
 -1
EOF
"""


def cross(words: str = "VEHICLES : 4", sections: str = "") -> Instance:
    return parse(CROSS.format(words=words, sections=sections))


def by_number(*values: object) -> str:
    return "\n".join(f"{number} {value}" for number, value in enumerate(values, 1))


def test_distance_limits_a_route_with_its_service_times() -> None:
    vehicle = cross("VEHICLES : 4\nDISTANCE : 50\nSERVICE_TIME : 5").problem.vehicles[0]
    assert (vehicle.max_duration_s, vehicle.max_distance_m) == (500, None)


def test_the_limits_of_vehicles_are_read_as_words_and_by_vehicle() -> None:
    words = "VEHICLES : 2\nVEHICLES_MAX_DURATION : 50\nVEHICLES_MAX_DISTANCE : 45"
    assert {(v.max_duration_s, v.max_distance_m) for v in cross(words).problem.vehicles} == {
        (500, 450)
    }
    sections = f"VEHICLES_MAX_DISTANCE_SECTION\n{by_number(40, 60)}\nCAPACITY_SECTION\n"
    vehicles = cross("VEHICLES : 2", sections + by_number(3, 4)).problem.vehicles
    assert [v.max_distance_m for v in vehicles] == [400, 600]
    assert [v.capacity for v in vehicles] == [(3,), (4,)]


def test_backhauls_are_collected_and_goods_are_released_when_the_file_says() -> None:
    sections = f"BACKHAUL_SECTION\n{by_number(0, 2, 0, 0, 0)}\nRELEASE_TIME_SECTION\n"
    problem = cross(sections=sections + by_number(0, 0, 30, 0, 0)).problem
    assert [visit.collect for visit in problem.visits] == [(2,), (0,), (0,), (0,)]
    assert [visit.release_s for visit in problem.visits] == [0, 300, 0, 0]


@pytest.mark.parametrize(
    ("words", "sections", "name"),
    [
        ("PRIZE : 5", "", "PRIZE"),
        ("TYPE : VRPB", "", "TYPE VRPB"),
        ("", "PRIZE_SECTION\n1 0", "PRIZE_SECTION"),
        ("", "VEHICLES_RELOAD_DEPOT_SECTION\n1 1", "VEHICLES_RELOAD_DEPOT_SECTION"),
        ("", "VEHICLES_FIXED_COST_SECTION\n1 5", "VEHICLES_FIXED_COST_SECTION"),
        ("DISTANCE : far", "", "far"),
        ("a line without a word", "", "a line without a word"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_by_its_name(words: str, sections: str, name: str) -> None:
    with pytest.raises(Invalid, match=name):
        cross(words, sections)


def test_a_fleet_that_the_file_does_not_state_is_as_large_as_needed() -> None:
    assert len(cross("").problem.vehicles) == 3, "twice the least number, and one"
    windows = "TIME_WINDOW_SECTION\n" + by_number("0 900", *["0 100"] * 4)
    assert len(cross("", windows).problem.vehicles) == 4, "windows may need one each"
    assert len(cross("DISTANCE : 50").problem.vehicles) == 4


def test_a_file_of_five_thousand_customers_without_vehicles_is_read() -> None:
    rows = [f"{at} {at % 71} {at // 71}" for at in range(1, 5002)]
    demands = [f"{at} {int(at > 1)}" for at in range(1, 5002)]
    text = "\n".join(
        [
            "DIMENSION : 5001",
            "CAPACITY : 100",
            "NODE_COORD_SECTION",
            *rows,
            "DEMAND_SECTION",
            *demands,
        ]
    )
    problem = parse(text).problem
    assert (len(problem.visits), len(problem.vehicles)) == (5000, 101)


def test_a_cell_without_a_way_in_the_matrix_of_a_file_means_no_way() -> None:
    text = """DIMENSION : 3
CAPACITY : 9
EDGE_WEIGHT_TYPE : EXPLICIT
EDGE_WEIGHT_FORMAT : FULL_MATRIX
EDGE_WEIGHT_SECTION
0 5 inf
5 0 null
7 7 0
DEMAND_SECTION
1 0
2 1
3 1
EOF
"""
    assert parse(text).problem.profiles[0].duration_s.tolist() == [
        [0, 5, MAX_TRAVEL],
        [5, 0, MAX_TRAVEL],
        [7, 7, 0],
    ]


def test_a_line_that_a_solomon_file_cannot_have_is_refused() -> None:
    text = "X\nVEHICLE\nNUMBER CAPACITY\n2 9\nCUSTOMER\nCUST NO. X\n0 0 0 0 0 90 0\nCLUSTER 3\n"
    with pytest.raises(Invalid, match="CLUSTER 3"):
        parse(text)
