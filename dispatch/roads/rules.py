"""The tables of road classes, speeds and hourly traffic for each profile. PURE.

Speeds are average speeds in towns in km/h, stops and turns included; they are not limits. A posted
limit times ``POSTED_SHARE`` replaces the speed of the road class, because the average is below the
limit. Each table that affects times is copied into the meta.json of a network, so that its travel
times can be explained later.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final, Literal, get_args

Profile = Literal["van", "e_van", "cargo_bike", "foot"]
PROFILES: Final[tuple[Profile, ...]] = get_args(Profile)
GRAPHS: Final = ("van", "cargo_bike", "foot")  # an electric van uses the graph of the van
# The order of the bits that say who may use a street. A lorry drives on the graph of the van,
# without the streets that are shut to lorries.
USERS: Final = (*GRAPHS, "lorry")
GRAPH_OF: Final[Mapping[Profile, str]] = {
    "van": "van",
    "e_van": "van",
    "cargo_bike": "cargo_bike",
    "foot": "foot",
}

CLASSES: Final = (
    "motorway",
    "motorway_link",
    "trunk",
    "trunk_link",
    "primary",
    "primary_link",
    "secondary",
    "secondary_link",
    "tertiary",
    "tertiary_link",
    "unclassified",
    "residential",
    "living_street",
    "road",
    "service",
    "track",
    "pedestrian",
    "cycleway",
    "footway",
    "path",
    "bridleway",
    "steps",
    "corridor",
    "ferry",
)
CLASS_ID: Final = {name: at for at, name in enumerate(CLASSES)}

POSTED_SHARE: Final = 0.8
FERRY_KPH: Final = 12  # of a ferry whose duration is not on the map
_VAN: Final = {
    "motorway": 85,
    "motorway_link": 45,
    "trunk": 65,
    "trunk_link": 40,
    "primary": 40,
    "primary_link": 30,
    "secondary": 36,
    "secondary_link": 28,
    "tertiary": 32,
    "tertiary_link": 25,
    "unclassified": 28,
    "residential": 24,
    "living_street": 10,
    "road": 22,
    "service": 12,
    "track": 12,
    "pedestrian": 6,
    "footway": 6,
    "path": 6,
    "cycleway": 6,
    "bridleway": 6,
    "ferry": FERRY_KPH,
}
_BIKE: Final = {
    **dict.fromkeys(
        (
            "primary",
            "primary_link",
            "secondary",
            "secondary_link",
            "tertiary",
            "tertiary_link",
            "unclassified",
            "residential",
            "road",
            "cycleway",
        ),
        16,
    ),
    "trunk": 16,
    "trunk_link": 16,
    "living_street": 12,
    "service": 12,
    "track": 10,
    "path": 10,
    "pedestrian": 6,
    "footway": 6,
    "bridleway": 8,
    "ferry": FERRY_KPH,
}
_FOOT: Final = {
    **dict.fromkeys(set(CLASSES) - {"motorway", "motorway_link", "steps"}, 5),
    "steps": 3,
    "ferry": FERRY_KPH,
}
SPEED_KPH: Final[Mapping[str, Mapping[str, float]]] = {
    "van": _VAN,
    "cargo_bike": _BIKE,
    "foot": _FOOT,
    "lorry": _VAN,
}
# Share of the free speed in each hour of the local day. These are assumed defaults; measurements
# of a town are better. In the two peak hours, main roads lose more speed than side streets.
_PEAK_MAIN: Final = (
    *(1.0,) * 6, 0.92, 0.72, 0.68, 0.80, 0.86, 0.86, 0.84,
    0.84, 0.84, 0.82, 0.76, 0.66, 0.66, 0.78, 0.90, 0.96, 1.0, 1.0,
)  # fmt: skip
_PEAK_SIDE: Final = (
    *(1.0,) * 6, 0.97, 0.88, 0.86, 0.92, 0.94, 0.94, 0.93,
    0.93, 0.93, 0.92, 0.90, 0.86, 0.86, 0.91, 0.96, 0.98, 1.0, 1.0,
)  # fmt: skip
MAIN_CLASSES: Final = frozenset(CLASSES[:8])


def traffic_factor(graph: str, road_class: str, hour: int | None) -> float:
    """Return the share of the free speed at an hour (0 to 23).

    1.0 without an hour or a motor, and on a ferry.
    """
    if hour is None or graph != "van" or road_class == "ferry":
        return 1.0
    return (_PEAK_MAIN if road_class in MAIN_CLASSES else _PEAK_SIDE)[hour % 24]


def tables() -> dict[str, object]:
    """Return the tables as plain data, for meta.json."""
    return {
        "speed_kph": {graph: dict(speeds) for graph, speeds in SPEED_KPH.items()},
        "posted_share": POSTED_SHARE,
        "hourly_share_main": list(_PEAK_MAIN),
        "hourly_share_side": list(_PEAK_SIDE),
        "main_classes": sorted(MAIN_CLASSES),
    }


_NUMBER = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(mph|km/h|kmh|kph)?\s*$", re.IGNORECASE)


def posted_kph(text: str | None) -> int:
    """Return the speed limit of a ``maxspeed`` tag in km/h; 0 if it is unknown.

    OSM has values such as "50", "30 mph", "PT:urban", "none" and "signals". A value that is not a
    speed from 5 to 140 km/h counts as unknown, so that no weight is NaN, zero or infinite.
    """
    if not text:
        return 0
    match = _NUMBER.match(text.split(";")[0])
    if not match:
        return 0
    kph = float(match.group(1)) * (1.609344 if (match.group(2) or "").lower() == "mph" else 1.0)
    return round(kph) if math.isfinite(kph) and 5 <= kph <= 140 else 0


def speed_kph(graph: str, road_class: str, posted: int) -> float:
    """Return the free-flow speed of a road class in km/h; above 0 for each class of the graph."""
    base = SPEED_KPH[graph][road_class]
    if posted <= 0:
        return base
    if graph == "van":
        # Slow classes (service alleys, tracks) stay slow even if their limit is high.
        return min(posted * POSTED_SHARE, base * 2) if base > 15 else min(base, posted)
    return min(base, posted)
