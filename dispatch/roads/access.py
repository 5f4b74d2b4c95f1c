"""The rules that say who may use a way or pass a barrier, read from OpenStreetMap tags. PURE.

Each rule is declared once, in the tables below. A tag for the vehicle itself is stronger than a
general one, and any such tag is stronger than the road class. A value is open only if a table
says so: a value that is in no table closes the way.

Source: https://wiki.openstreetmap.org/wiki/Key:access, Key:barrier, Key:maxheight.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from dispatch.roads.hours import ALWAYS, clauses
from dispatch.roads.rules import SPEED_KPH, USERS
from dispatch.roads.sizes import LIMITS, RESTRICTOR_HEIGHT_M, SIZES, Size, fits

Tags = Mapping[str, str]
ALL_USERS: Final = (1 << len(USERS)) - 1


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
    "lorry": ("access", "vehicle", "motor_vehicle", "hgv"),
}
OPEN_VALUES: Final = frozenset(
    {"yes", "designated", "permissive", "official", "public", "discouraged", "dismount"}
)
ENDS_VALUES: Final = frozenset(
    {"private", "permit", "residents", "destination", "delivery", "customers"}
)
UNKNOWN_VALUES: Final = frozenset({"", "unknown", "variable", "fixme"})

# Road classes that a graph uses only if the way has one of these keys with an open value.
_MOTOR: Final = frozenset({"motor_vehicle", "motorcar", "goods", "hgv"})
_BICYCLE: Final = frozenset({"bicycle"})
_FOOT: Final = frozenset({"foot"})
_MOTOR_CLASSES: Final = {
    "pedestrian": _MOTOR | {"vehicle"},
    "track": _MOTOR | {"vehicle", "access"},
    "ferry": _MOTOR | {"vehicle"},
    **dict.fromkeys(("footway", "path", "cycleway", "bridleway"), _MOTOR),
}
NEEDS_KEY: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "van": _MOTOR_CLASSES,
    "lorry": _MOTOR_CLASSES,
    "cargo_bike": {
        **dict.fromkeys(("trunk", "trunk_link", "footway", "bridleway"), _BICYCLE),
        "ferry": _BICYCLE | {"vehicle"},
    },
    "foot": dict.fromkeys(("trunk", "trunk_link"), _FOOT),
}


class Barrier(NamedTuple):
    """The use of a kind of barrier without access tags, by graph."""

    van: Use
    cargo_bike: Use
    foot: Use

    @property
    def lorry(self) -> Use:
        """A lorry passes where a van does."""
        return self.van


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


# Graphs whose travel times depend on the hour of the day; conditions are read for them alone.
HOURLY: Final = frozenset({"van", "lorry"})
_SIZE_ONLY: Final = re.compile(r"@\s*\(?\s*(?:weight|weightrating|length|height|width)\s*[<>]")


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


def class_of(tags: Tags) -> str:
    """Return the road class of a way; a ferry is one too."""
    return "ferry" if tags.get("route") == "ferry" else tags.get("highway", "")


def way_use(graph: str, tags: Tags) -> tuple[Use, Use]:
    """Return the use of a way by a graph (along, against) its drawn direction."""
    return tuple(use for use, _hours in way_uses(graph, tags))  # type: ignore[return-value]


def way_uses(graph: str, tags: Tags) -> tuple[tuple[Use, int], tuple[Use, int]]:
    """Return the use and its hours as bits, along and against the drawn direction."""
    road_class = class_of(tags)
    shut = (
        road_class not in SPEED_KPH[graph]
        or tags.get("area") == "yes"
        or tags.get("impassable") == "yes"
        or (graph in {"cargo_bike", "foot"} and tags.get("motorroad") == "yes")
        or not fits(graph, tags)
    )
    nothing = Use.SHUT, ALWAYS
    if shut:
        return nothing, nothing
    ahead, back = directions(graph, tags)
    return (
        _hourly_use(graph, road_class, tags, "forward") if ahead else nothing,
        _hourly_use(graph, road_class, tags, "backward") if back else nothing,
    )


def _hourly_use(graph: str, road_class: str, tags: Tags, side: str) -> tuple[Use, int]:
    """Return the use of one direction with its conditions, and the hours in which it holds.

    An open street that is for visitors in some hours counts as one for visitors all day, as it
    has one place in the network.
    """
    use, hours = _class_use(graph, road_class, tags, side), ALWAYS
    if graph not in HOURLY:
        return use, hours
    keys = ACCESS_KEYS[graph]
    needed = NEEDS_KEY[graph].get(road_class, frozenset(keys))
    for at, key in enumerate(keys):
        if any(value_use(tags.get(later, "")) is not None for later in keys[at + 1 :]):
            continue  # a tag for the vehicle itself is stronger
        for clause in clauses(tags.get(f"{key}:conditional", "")) or []:
            meant = value_use(clause.value)
            if meant is None:
                continue
            if meant < use:
                if meant is Use.SHUT:
                    hours &= ~clause.some
                else:
                    use = meant
            elif use is Use.SHUT and key in needed and clause.every:
                use, hours = meant, clause.every
    return (use, hours) if hours else (Use.SHUT, ALWAYS)


def unread_conditions(tags: Tags) -> bool:
    """Return True if a condition on access for vans cannot be read."""
    return any(
        clauses(tags[f"{key}:conditional"]) is None
        for key in ACCESS_KEYS["van"]
        if f"{key}:conditional" in tags and not _SIZE_ONLY.search(tags[f"{key}:conditional"])
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
    if graph in HOURLY and kind in IN_THE_WAY:
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


class WayBits(NamedTuple):
    """The users of a way, as bits in the order of ``rules.USERS``, by direction.

    ``ends_…`` are those who may use it only at the ends of a leg. ``hours_…`` are the hours in
    which a van may use it.
    """

    along: int
    against: int
    ends_along: int
    ends_against: int
    hours_along: int
    hours_against: int


# The first parts of all keys that decide who may use a way.
_DECIDING: Final = frozenset(
    {key for keys in ACCESS_KEYS.values() for key in keys}
    | set(LIMITS)
    | {"highway", "route", "area", "impassable", "motorroad", "oneway", "junction", "cycleway"}
)


def way_bits(tags: Tags) -> WayBits:
    """Return who may use a way along and against its drawn direction, and when a van may."""
    return _bits(tuple(item for item in tags.items() if item[0].partition(":")[0] in _DECIDING))


@lru_cache(maxsize=4_096)  # the ways of a city have few hundred combinations
def _bits(items: tuple[tuple[str, str], ...]) -> WayBits:
    tags = dict(items)
    along = against = ends_along = ends_against = 0
    hours = (ALWAYS, ALWAYS)
    for bit, user in enumerate(USERS):
        uses = way_uses(user, tags)
        (ahead, _), (back, _) = uses
        along |= (ahead > Use.SHUT) << bit
        against |= (back > Use.SHUT) << bit
        ends_along |= (ahead is Use.ENDS) << bit
        ends_against |= (back is Use.ENDS) << bit
        if user == "van":
            hours = uses[0][1], uses[1][1]
    return WayBits(along, against, ends_along, ends_against, *hours)


def barrier_bits(tags: Tags) -> tuple[int, int]:
    """Return the graphs that may pass a barrier, and the graphs that do so only at the ends."""
    uses = [barrier_use(user, tags) for user in USERS]
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
