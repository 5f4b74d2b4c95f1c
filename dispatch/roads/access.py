"""The rules that say who may use a way or pass a barrier, read from OpenStreetMap tags. PURE.

Each rule is declared once, in the tables below. A tag for the vehicle itself is stronger than a
general one, and any such tag is stronger than the road class. A value is open only if a table
says so: a value that is in no table closes the way.

Source: https://wiki.openstreetmap.org/wiki/Key:access, Key:barrier, Key:maxheight.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from dispatch.roads.rules import GRAPHS, SPEED_KPH

Tags = Mapping[str, str]
ALL_GRAPHS: Final = (1 << len(GRAPHS)) - 1


class Use(IntEnum):
    """The use of a way or a barrier. The strictest of several rules counts: the minimum."""

    SHUT = 0
    ENDS = 1  # only to reach or to leave a place there: no through traffic
    OPEN = 2


# The keys of each graph, the most specific last. The last key that an object has decides.
ACCESS_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "van": ("access", "vehicle", "motor_vehicle", "motorcar", "goods"),
    "cargo_bike": ("access", "vehicle", "bicycle"),
    "foot": ("access", "foot"),
}
OPEN_VALUES: Final = frozenset(
    {"yes", "designated", "permissive", "official", "public", "discouraged", "dismount"}
)
ENDS_VALUES: Final = frozenset(
    {"private", "permit", "residents", "destination", "delivery", "customers"}
)
UNKNOWN_VALUES: Final = frozenset({"", "unknown", "variable", "fixme"})

# Road classes that a graph uses only if the way has one of these keys with an open value.
_MOTOR: Final = frozenset({"motor_vehicle", "motorcar", "goods"})
_BICYCLE: Final = frozenset({"bicycle"})
_FOOT: Final = frozenset({"foot"})
NEEDS_KEY: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "van": {
        "pedestrian": _MOTOR | {"vehicle"},
        "track": _MOTOR | {"vehicle", "access"},
        **dict.fromkeys(("footway", "path", "cycleway", "bridleway"), _MOTOR),
    },
    "cargo_bike": dict.fromkeys(("trunk", "trunk_link", "footway", "bridleway"), _BICYCLE),
    "foot": dict.fromkeys(("trunk", "trunk_link"), _FOOT),
}


class Barrier(NamedTuple):
    """The use of a kind of barrier without access tags, by graph."""

    van: Use
    cargo_bike: Use
    foot: Use


_ALL: Final = Barrier(Use.OPEN, Use.OPEN, Use.OPEN)
_NO_MOTOR: Final = Barrier(Use.SHUT, Use.OPEN, Use.OPEN)
_ON_FOOT: Final = Barrier(Use.SHUT, Use.SHUT, Use.OPEN)
_NOBODY: Final = Barrier(Use.SHUT, Use.SHUT, Use.SHUT)
BARRIERS: Final[Mapping[str, Barrier]] = {
    **dict.fromkeys(
        (
            "no", "entrance", "gate", "lift_gate", "swing_gate", "sliding_gate", "toll_booth",
            "border_control", "cattle_grid", "sally_port", "kerb", "arch", "height_restrictor",
        ),
        _ALL,
    ),
    **dict.fromkeys(
        (
            "bollard", "block", "bar", "barrier_board", "boulder", "bump_gate", "bus_trap", "chain",
            "cycle_barrier", "debris", "jersey_barrier", "log", "motorcycle_barrier", "planter",
            "rock", "rope", "sump_buster", "wedge",
        ),
        _NO_MOTOR,
    ),
    **dict.fromkeys(
        (
            "full-height_turnstile", "hampshire_gate", "horse_stile", "kissing_gate", "step",
            "stile", "turnstile", "wicket_gate",
        ),
        _ON_FOOT,
    ),
    **dict.fromkeys(
        (
            "city_wall", "ditch", "fence", "guard_rail", "hedge", "retaining_wall", "spikes",
            "wall", "yes",
        ),
        _NOBODY,
    ),
}  # fmt: skip
UNKNOWN_BARRIER: Final = _NO_MOTOR
GATES: Final = frozenset({"gate", "lift_gate", "swing_gate", "sliding_gate", "sally_port"})
# Barriers that stop a van by their shape: a general tag does not open them, a motor tag does.
IN_THE_WAY: Final = frozenset(kind for kind, use in BARRIERS.items() if use is _NO_MOTOR)


@dataclass(frozen=True, slots=True)
class Size:
    """The largest vehicle of a graph: metres with its load, and tonnes of gross weight."""

    height_m: float
    width_m: float
    length_m: float
    weight_t: float


SIZES: Final[Mapping[str, Size]] = {
    "van": Size(height_m=2.6, width_m=2.1, length_m=6.0, weight_t=3.5),
    "cargo_bike": Size(height_m=2.0, width_m=1.0, length_m=2.8, weight_t=0.35),
}
# A height restrictor without a height is there to keep high vehicles out.
RESTRICTOR_HEIGHT_M: Final = 2.1

_LIMITS: Final[Mapping[str, str]] = {
    "maxheight": "height_m",
    "maxheight:physical": "height_m",
    "maxwidth": "width_m",
    "maxwidth:physical": "width_m",
    "maxlength": "length_m",
    "maxweight": "weight_t",
}
_FEET: Final = re.compile(
    r"""^(\d+(?:\.\d+)?)\s*(?:'|ft|feet)\s*(?:(\d+(?:\.\d+)?)\s*(?:"|''|in)?)?$"""
)
_PLAIN: Final = re.compile(r"^(\d+(?:[.,]\d+)?)\s*([a-z]*)$")
_METRES: Final = {"": 1.0, "m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
_TONNES: Final = {
    **dict.fromkeys(("", "t", "ton", "tons", "tonne", "tonnes"), 1.0),
    "kg": 0.001,
    "st": 0.90718474,
    **dict.fromkeys(("lb", "lbs"), 0.00045359237),
}


def metres(text: str) -> float | None:
    """Return a height, width or length tag in metres, such as "2.5 m" or 7'6"; None if unknown."""
    feet = _FEET.match(text.strip().lower())
    if feet:
        return float(feet.group(1)) * 0.3048 + float(feet.group(2) or 0) * 0.0254
    return _measure(text, _METRES)


def tonnes(text: str) -> float | None:
    """Return a weight tag in tonnes, such as "3.5", "3.5 t" or "7500 lbs"; None if unknown."""
    return _measure(text, _TONNES)


def _measure(text: str, units: Mapping[str, float]) -> float | None:
    plain = _PLAIN.match(text.strip().lower())
    if plain is None or plain.group(2) not in units:
        return None
    return float(plain.group(1).replace(",", ".")) * units[plain.group(2)]


def value_use(text: str) -> Use | None:
    """Return the use that an access value allows; None if the value says nothing.

    Of a list such as "agricultural;destination", the value that allows most counts.
    """
    best: Use | None = None
    for word in (part.strip().lower() for part in text.split(";")):
        if word in UNKNOWN_VALUES:
            continue
        use = Use.SHUT
        if word in OPEN_VALUES:
            use = Use.OPEN
        elif word in ENDS_VALUES:
            use = Use.ENDS
        best = use if best is None else max(best, use)
    return best


def _tagged(graph: str, tags: Tags, side: str = "") -> dict[str, Use]:
    """Return the use by key, the most specific key last; a tag of one direction is stronger."""
    uses = {}
    for key in ACCESS_KEYS[graph]:
        use = value_use(tags.get(f"{key}:{side}", "")) if side else None
        if use is None and key in tags:
            use = value_use(tags[key])
        if use is not None:
            uses[key] = use
    return uses


def fits(graph: str, tags: Tags) -> bool:
    """Return True if the vehicle of a graph is within all limits of size and weight."""
    size = SIZES.get(graph)
    if size is None:
        return True
    for key, field in _LIMITS.items():
        read = tonnes if field == "weight_t" else metres
        limits = [read(part) for part in tags.get(key, "").split(";")]
        if any(limit is not None and limit < getattr(size, field) for limit in limits):
            return False
    return True


def way_use(graph: str, tags: Tags) -> tuple[Use, Use]:
    """Return the use of a way by a graph (along, against) its drawn direction."""
    road_class = tags.get("highway", "")
    shut = (
        road_class not in SPEED_KPH[graph]
        or tags.get("area") == "yes"
        or tags.get("route") == "ferry"
        or tags.get("impassable") == "yes"
        or (graph != "van" and tags.get("motorroad") == "yes")
        or not fits(graph, tags)
    )
    if shut:
        return Use.SHUT, Use.SHUT
    ahead, back = directions(graph, tags)
    return (
        _class_use(graph, road_class, tags, "forward") if ahead else Use.SHUT,
        _class_use(graph, road_class, tags, "backward") if back else Use.SHUT,
    )


def _class_use(graph: str, road_class: str, tags: Tags, side: str) -> Use:
    uses = _tagged(graph, tags, side)
    keys = NEEDS_KEY[graph].get(road_class)
    if keys is not None and not any(use > Use.SHUT for key, use in uses.items() if key in keys):
        return Use.SHUT
    return next(reversed(uses.values()), Use.OPEN)


def barrier_use(graph: str, tags: Tags) -> Use:
    """Return the use of a node with the tag ``barrier`` by a graph."""
    kind = tags.get("barrier", "no")
    if not fits(graph, tags):
        return Use.SHUT
    uses = _tagged(graph, tags)
    if graph == "van" and kind in IN_THE_WAY:
        # "access=yes" at a bollard is about people; a motor vehicle needs its own tag.
        uses = {key: use for key, use in uses.items() if key in _MOTOR or use is not Use.OPEN}
    if uses:
        return next(reversed(uses.values()))
    size = SIZES.get(graph)
    if kind == "height_restrictor" and "maxheight" not in tags and size is not None:
        return Use.OPEN if size.height_m <= RESTRICTOR_HEIGHT_M else Use.SHUT
    if kind in GATES and tags.get("locked") == "yes":
        return Use.ENDS
    use: Use = getattr(BARRIERS.get(kind, UNKNOWN_BARRIER), graph)
    return use


def way_bits(tags: Tags) -> tuple[int, int, int, int]:
    """Return the bits of the graphs that may use a way along and against its drawn direction.

    Then those of the graphs that may use it along and against only at the ends of a leg.
    """
    along = against = ends_along = ends_against = 0
    for bit, graph in enumerate(GRAPHS):
        ahead, back = way_use(graph, tags)
        along |= (ahead > Use.SHUT) << bit
        against |= (back > Use.SHUT) << bit
        ends_along |= (ahead is Use.ENDS) << bit
        ends_against |= (back is Use.ENDS) << bit
    return along, against, ends_along, ends_against


def barrier_bits(tags: Tags) -> tuple[int, int]:
    """Return the graphs that may pass a barrier, and the graphs that do so only at the ends."""
    uses = [barrier_use(graph, tags) for graph in GRAPHS]
    usable = sum((use > Use.SHUT) << bit for bit, use in enumerate(uses))
    return usable, sum((use is Use.ENDS) << bit for bit, use in enumerate(uses))


def directions(graph: str, tags: Tags) -> tuple[bool, bool]:
    """Return whether a graph may use a way (along, against), by its one-way tags alone."""
    if graph == "foot":
        one = tags.get("oneway:foot", "no")
    else:
        one = tags.get("oneway", "")
        if not one and (
            tags.get("junction") in {"roundabout", "circular"}
            or tags.get("highway") in {"motorway", "motorway_link"}
        ):
            one = "yes"
        if graph == "cargo_bike":
            contraflow = any(
                tags.get(key, "").startswith("opposite")
                for key in ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both")
            )
            one = tags.get("oneway:bicycle", "no" if contraflow else one)
        else:
            one = tags.get("oneway:motor_vehicle", one)
    if one in {"yes", "1", "true"}:
        return True, False
    if one in {"-1", "reverse"}:
        return False, True
    if one in {"reversible", "alternating"} and graph != "foot":
        return False, False  # the direction changes with the hour and is not in the data
    return True, True


def tables() -> dict[str, object]:
    """Return the tables as plain data, for the meta.json of a network."""
    return {
        "access_keys": {graph: list(keys) for graph, keys in ACCESS_KEYS.items()},
        "open_values": sorted(OPEN_VALUES),
        "ends_values": sorted(ENDS_VALUES),
        "barriers": {
            kind: {graph: use.name.lower() for graph, use in uses._asdict().items()}
            for kind, uses in BARRIERS.items()
        },
        "largest_vehicle": {
            graph: {name: getattr(size, name) for name in Size.__dataclass_fields__}
            for graph, size in SIZES.items()
        },
    }
