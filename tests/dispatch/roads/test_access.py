"""The rules of access: which graph may use a way or pass a barrier, and how."""

from __future__ import annotations

import pytest

from dispatch.roads.access import Use, barrier_use, value_use, way_bits, way_use, way_uses
from dispatch.roads.ferries import crossing_s, seconds
from dispatch.roads.hours import ALWAYS, clauses
from dispatch.roads.rules import CLASSES, GRAPHS, SPEED_KPH, USERS
from dispatch.roads.sizes import SIZES, fits, metres, tonnes

SHUT, ENDS, OPEN = Use.SHUT, Use.ENDS, Use.OPEN


def tags(text: str) -> dict[str, str]:
    """Return the tags of a text such as "highway=service access=private"."""
    return dict(word.split("=", 1) for word in text.split())


@pytest.mark.parametrize(
    ("value", "use"),
    [
        ("yes", OPEN), ("designated", OPEN), ("permissive", OPEN), ("Yes", OPEN),
        ("private", ENDS), ("permit", ENDS), ("destination", ENDS), ("delivery", ENDS),
        ("customers", ENDS), ("residents", ENDS),
        ("no", SHUT), ("agricultural", SHUT), ("forestry", SHUT), ("psv", SHUT), ("bus", SHUT),
        ("a word nobody knows", SHUT),
        ("agricultural;forestry", SHUT), ("agricultural;destination", ENDS),
        ("private; delivery", ENDS), ("no;yes", OPEN),
        ("unknown", None), ("", None), ("unknown;private", ENDS),
    ],
)  # fmt: skip
def test_an_access_value_allows_what_its_table_says(value: str, use: Use | None) -> None:
    assert value_use(value) is use


@pytest.mark.parametrize(
    ("graph", "text", "use"),
    [
        # The class alone.
        ("van", "highway=residential", OPEN),
        ("van", "highway=pedestrian", SHUT),
        ("van", "highway=footway", SHUT),
        ("van", "highway=track", SHUT),
        ("van", "highway=steps motor_vehicle=yes", SHUT),
        ("cargo_bike", "highway=pedestrian", OPEN),
        ("cargo_bike", "highway=footway", SHUT),
        ("foot", "highway=motorway foot=yes", SHUT),
        # Explicit tags above the class.
        ("van", "highway=pedestrian motor_vehicle=yes", OPEN),
        ("van", "highway=pedestrian motor_vehicle=delivery", ENDS),
        ("van", "highway=pedestrian vehicle=destination", ENDS),
        ("van", "highway=pedestrian goods=delivery motor_vehicle=no", ENDS),
        ("van", "highway=pedestrian access=yes", SHUT),
        ("van", "highway=pedestrian access=yes motor_vehicle=no", SHUT),
        ("van", "highway=footway motorcar=private", ENDS),
        ("van", "highway=footway vehicle=yes", SHUT),
        ("van", "highway=track access=yes", OPEN),
        ("van", "highway=track motor_vehicle=agricultural;forestry", SHUT),
        ("cargo_bike", "highway=footway bicycle=yes", OPEN),
        ("foot", "highway=trunk foot=designated", OPEN),
        # The most specific tag decides.
        ("van", "highway=residential access=no motor_vehicle=yes", OPEN),
        ("van", "highway=residential access=yes vehicle=no", SHUT),
        ("van", "highway=residential vehicle=no motorcar=destination", ENDS),
        ("van", "highway=residential motorcar=yes goods=no", SHUT),
        ("van", "highway=residential access=no bus=yes psv=yes", SHUT),
        ("van", "highway=residential motor_vehicle=psv", SHUT),
        ("van", "highway=residential hgv=no", OPEN),
        ("van", "highway=residential psv=no bus=no", OPEN),
        ("van", "highway=service access=private", ENDS),
        ("van", "highway=service access=permit", ENDS),
        ("van", "highway=service access=unknown", OPEN),
        ("van", "highway=service access=invented", SHUT),
        ("cargo_bike", "highway=residential motor_vehicle=no", OPEN),
        ("cargo_bike", "highway=residential vehicle=no bicycle=yes", OPEN),
        ("cargo_bike", "highway=cycleway bicycle=use_sidepath", SHUT),
        ("foot", "highway=service access=private foot=yes", OPEN),
        ("foot", "highway=service access=customers", ENDS),
        ("cargo_bike", "highway=primary motorroad=yes", SHUT),
        ("van", "highway=primary motorroad=yes", OPEN),
        # Size and weight.
        ("van", "highway=residential maxheight=2.5", SHUT),
        ("van", "highway=residential maxheight=8'0\"", SHUT),
        ("van", "highway=residential maxheight=8'7\"", OPEN),
        ("van", "highway=residential maxheight=default", OPEN),
        ("van", "highway=residential maxheight=none", OPEN),
        ("van", "highway=residential maxweight=3.5", OPEN),
        ("van", "highway=residential maxweight=2.8", SHUT),
        ("van", "highway=residential maxwidth=2", SHUT),
        ("van", "highway=residential maxlength=5.5", SHUT),
        ("cargo_bike", "highway=residential maxheight=2.1 maxweight=2", OPEN),
        ("foot", "highway=residential maxheight=1.5", OPEN),
    ],
)
def test_a_way_is_used_as_its_tags_say(graph: str, text: str, use: Use) -> None:
    assert way_use(graph, tags(text)) == (use, use)


@pytest.mark.parametrize(
    ("graph", "text", "uses"),
    [
        ("van", "highway=residential oneway=yes", (OPEN, SHUT)),
        ("van", "highway=residential oneway=-1", (SHUT, OPEN)),
        ("van", "highway=residential junction=roundabout", (OPEN, SHUT)),
        ("van", "highway=residential motor_vehicle:backward=no", (OPEN, SHUT)),
        ("van", "highway=residential vehicle:forward=destination", (ENDS, OPEN)),
        ("van", "highway=residential oneway=yes oneway:motor_vehicle=no", (OPEN, OPEN)),
        ("cargo_bike", "highway=residential oneway=yes oneway:bicycle=no", (OPEN, OPEN)),
        ("foot", "highway=residential oneway=yes", (OPEN, OPEN)),
    ],
)
def test_a_tag_of_one_direction_holds_for_that_direction(
    graph: str, text: str, uses: tuple[Use, Use]
) -> None:
    assert way_use(graph, tags(text)) == uses


@pytest.mark.parametrize(
    ("text", "van", "bike", "foot"),
    [
        ("barrier=bollard", SHUT, OPEN, OPEN),
        ("barrier=bollard access=yes", SHUT, OPEN, OPEN),
        ("barrier=bollard motor_vehicle=yes", OPEN, OPEN, OPEN),
        ("barrier=bollard motor_vehicle=private", ENDS, OPEN, OPEN),
        ("barrier=bollard bicycle=no", SHUT, SHUT, OPEN),
        ("barrier=bollard bicycle=yes foot=yes motor_vehicle=no", SHUT, OPEN, OPEN),
        ("barrier=gate", OPEN, OPEN, OPEN),
        ("barrier=gate locked=yes", ENDS, ENDS, ENDS),
        ("barrier=gate access=private", ENDS, ENDS, ENDS),
        ("barrier=gate access=no foot=yes", SHUT, SHUT, OPEN),
        ("barrier=gate access=no motor_vehicle=delivery", ENDS, SHUT, SHUT),
        ("barrier=lift_gate", OPEN, OPEN, OPEN),
        ("barrier=lift_gate access=permit", ENDS, ENDS, ENDS),
        ("barrier=lift_gate access=psv", SHUT, SHUT, SHUT),
        ("barrier=toll_booth", OPEN, OPEN, OPEN),
        ("barrier=height_restrictor", SHUT, OPEN, OPEN),
        ("barrier=height_restrictor maxheight=2.2", SHUT, OPEN, OPEN),
        ("barrier=height_restrictor maxheight=3", OPEN, OPEN, OPEN),
        ("barrier=gate maxwidth=1.8", SHUT, OPEN, OPEN),
        ("barrier=cycle_barrier", SHUT, OPEN, OPEN),
        ("barrier=cycle_barrier maxwidth=0.8", SHUT, SHUT, OPEN),
        ("barrier=kissing_gate", SHUT, SHUT, OPEN),
        ("barrier=stile", SHUT, SHUT, OPEN),
        ("barrier=wall", SHUT, SHUT, SHUT),
        ("barrier=kerb", OPEN, OPEN, OPEN),
        ("barrier=something_new", SHUT, OPEN, OPEN),
    ],
)
def test_a_barrier_lets_pass_whom_its_tags_say(text: str, van: Use, bike: Use, foot: Use) -> None:
    assert [barrier_use(graph, tags(text)) for graph in GRAPHS] == [van, bike, foot]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("3.5", 3.5), ("3.5 m", 3.5), ("3,5m", 3.5), ("250 cm", 2.5), ("7'6\"", 2.286),
        ("7'", 2.1336), ("7 ft 6 in", 2.286), ("12 ft", 3.6576), ("90 in", 2.286),
        ("none", None), ("default", None), ("below_default", None), ("", None), ("-2", None),
        ("3 parsecs", None),
    ],
)  # fmt: skip
def test_a_length_is_read_with_its_unit(text: str, length: float | None) -> None:
    assert metres(text) == (None if length is None else pytest.approx(length))


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("3.5", 3.5), ("3.5 t", 3.5), ("3500 kg", 3.5), ("7500 lbs", 3.402), ("5 st", 4.536),
        ("none", None), ("3.5 bananas", None), ("", None),
    ],
)  # fmt: skip
def test_a_weight_is_read_with_its_unit(text: str, weight: float | None) -> None:
    assert tonnes(text) == (None if weight is None else pytest.approx(weight, abs=0.001))


def test_the_lowest_limit_of_a_list_counts() -> None:
    assert not fits("van", {"maxheight": "3.0;2.0"})
    assert fits("van", {"maxheight": "3.0;2.9"})


def test_every_class_with_a_speed_exists_and_every_vehicle_has_a_size() -> None:
    assert {name for speeds in SPEED_KPH.values() for name in speeds} <= set(CLASSES)
    assert set(SIZES) == set(USERS) - {"foot"}


def hours(first: int, last: int) -> int:
    """Return the bits of the hours from ``first`` to before ``last``."""
    return sum(1 << hour for hour in range(first, last))


NIGHT = hours(22, 24) | hours(0, 6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no @ (Mo-Fr 07:00-09:00)", [("no", hours(7, 9), 0)]),
        ("no @ 07:30-09:15", [("no", hours(7, 10), hours(8, 9))]),
        ("delivery @ (Mo-Sa 06:00-11:00)", [("delivery", hours(6, 11), hours(6, 11))]),
        ("no @ (22:00-06:00)", [("no", NIGHT, NIGHT)]),
        ("no @ (Mo-Fr 07:00-09:00,16:00-18:00)", [("no", hours(7, 9) | hours(16, 18), 0)]),
        ("no @ (Sa,Su)", [("no", ALWAYS, 0)]),
        ("no @ (07:00-08:00); yes @ (09:00-10:00)",
         [("no", 1 << 7, 1 << 7), ("yes", 1 << 9, 1 << 9)]),
        ("no @ (weight>7.5)", None),
        ("no @ wet", None),
        ("no @ (sunset-sunrise)", None),
        ("yes", None),
    ],
)  # fmt: skip
def test_a_condition_closes_the_hours_it_touches_and_opens_those_it_covers(
    text: str, expected: list[tuple[str, int, int]] | None
) -> None:
    parts = clauses(text)
    assert (parts and [(part.value, part.some, part.every) for part in parts]) == expected


@pytest.mark.parametrize(
    ("extra", "use", "open_hours"),
    [
        ({"motor_vehicle:conditional": "no @ (07:00-09:00)"}, OPEN, ALWAYS & ~hours(7, 9)),
        ({"access:conditional": "no @ (07:00-09:00)", "motor_vehicle": "yes"}, OPEN, ALWAYS),
        ({"motor_vehicle": "no", "motor_vehicle:conditional": "delivery @ (06:00-11:00)"},
         ENDS, hours(6, 11)),
        ({"motor_vehicle": "no", "motor_vehicle:conditional": "yes @ (Sa 06:00-11:00)"},
         SHUT, ALWAYS),
        ({"motor_vehicle:conditional": "destination @ (07:00-09:00)"}, ENDS, ALWAYS),
        ({"motor_vehicle:conditional": "no @ (weight>7.5)"}, OPEN, ALWAYS),
        ({"highway": "pedestrian", "motor_vehicle:conditional": "delivery @ (05:00-10:30)"},
         ENDS, hours(5, 10)),
    ],
)  # fmt: skip
def test_a_van_uses_a_street_with_conditions_in_its_hours(
    extra: dict[str, str], use: Use, open_hours: int
) -> None:
    way = {"highway": "residential", **extra}
    assert way_uses("van", way)[0] == (use, open_hours)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:20", 1200), ("1:05", 3900), ("01:05:30", 3930), ("20", 1200), ("PT20M", 1200),
        ("PT1H30M", 5400), ("20 min", 1200), ("", 0), ("soon", 0), ("99:00", 0),
    ],
)  # fmt: skip
def test_the_duration_of_a_ferry_is_read_with_its_unit(text: str, expected: int) -> None:
    assert seconds(text) == expected


def test_half_the_interval_of_a_ferry_is_waited_and_only_where_its_duration_is_known() -> None:
    assert crossing_s({"duration": "00:20", "interval": "00:30"}) == 2100
    assert crossing_s({"interval": "00:30"}) == 0


@pytest.mark.parametrize(
    ("text", "van", "bike", "foot"),
    [
        ("route=ferry motor_vehicle=yes", OPEN, SHUT, OPEN),
        ("route=ferry", SHUT, SHUT, OPEN),
        ("route=ferry bicycle=yes motorcar=no", SHUT, OPEN, OPEN),
        ("route=ferry foot=no motorcar=private", ENDS, SHUT, SHUT),
    ],
)
def test_a_ferry_takes_those_whom_the_map_names_and_people_on_foot(
    text: str, van: Use, bike: Use, foot: Use
) -> None:
    assert [way_use(graph, tags(text))[0] for graph in GRAPHS] == [van, bike, foot]


@pytest.mark.parametrize(
    ("text", "lorry"),
    [
        ("hgv=no", False), ("hgv=destination", True), ("maxheight=3.5", False),
        ("maxheight=4.2", True), ("maxweight=7.5", False), ("maxweight:hgv=12", False),
        ("maxwidth=2.3", False), ("goods=no", True), ("motor_vehicle=no hgv=yes", True),
    ],
)  # fmt: skip
def test_a_lorry_has_its_own_tags_and_limits(text: str, *, lorry: bool) -> None:
    bit = 1 << USERS.index("lorry")
    assert bool(way_bits(tags(f"highway=residential {text}")).along & bit) is lorry
