"""The data classes that the readers of all file formats fill. PURE."""

from __future__ import annotations

from dataclasses import dataclass, field

from dispatch.roads.streets import Uses, Way
from dispatch.roads.turns import Turn
from dispatch.roads.water import Shore


@dataclass(frozen=True, slots=True)
class AddressObject:
    """An object with a house number, or a named place (then ``number`` is empty)."""

    source_id: str
    number: str
    street: str
    postcode: str
    city: str
    name: str
    kind: str
    lat: float
    lon: float


@dataclass(slots=True)
class Area:
    """A polygon for the base map; ``ring`` has its corners (lon, lat) in 1e-7 degrees."""

    kind: str  # water | park
    name: str
    ring: list[tuple[int, int]]


@dataclass(slots=True)
class City:
    """All data of one map file; ``left_out`` counts the unused ways by reason.

    ``unread`` counts the ferries, and what the map says in a way that cannot be read.

    ``turn_restrictions`` counts those of the map, ``turns`` are the ones that can be obeyed.
    ``barriers`` are the nodes that not everybody may pass. ``shores`` are lines that nobody crosses
    without a bridge, with corners (lon, lat) in 1e-7 degrees.
    """

    ways: list[Way] = field(default_factory=list)
    addresses: list[AddressObject] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    turn_restrictions: int = 0
    turns: list[Turn] = field(default_factory=list)
    barriers: dict[int, Uses] = field(default_factory=dict)
    shores: list[Shore] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)
