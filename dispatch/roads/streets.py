"""Turns the ways of a map into street pieces: splits at junctions, joins the rest. PURE.

The readers (``osm``, ``aequilibrae``) give :class:`Way` objects. All other modules use the arrays
of :class:`StreetArrays`: each row is an undirected street piece with its line, and a bit for each
graph and direction that may use it.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dispatch.roads.hours import ALWAYS
from dispatch.roads.rules import CLASS_ID, USERS

EARTH_RADIUS_M = 6_371_008.8
E7 = 10_000_000
FIRST_FRESH_NODE = 1 << 62  # above every id of a map


@dataclass(frozen=True, slots=True)
class Way:
    """A line of the map.

    ``nodes`` are ids of the map, ``lonlat`` the corners in 1e-7 degrees. ``along`` and ``against``
    have a bit for each user (in the order of ``rules.USERS``) that may use the direction.
    ``ends_*`` has the users that may use it only to reach or to leave a place there.
    ``posted_*`` are speed limits in km/h, 0 if unknown. ``ref`` is the id of the map. ``hours_*``
    are the hours in which a van may use it, as bits. ``kph`` is the speed of a ferry whose duration
    is known, else 0.
    """

    nodes: Sequence[int]
    lonlat: Sequence[tuple[int, int]]
    road_class: str
    name: str
    along: int
    against: int
    posted_along: int = 0
    posted_against: int = 0
    ends_along: int = 0
    ends_against: int = 0
    ref: int = 0
    hours_along: int = ALWAYS
    hours_against: int = ALWAYS
    kph: float = 0.0


class Uses(NamedTuple):
    """Bits of the users that may pass a barrier, and of the users that do so only at the ends."""

    usable: int
    ends: int


@dataclass(slots=True)
class StreetArrays:
    """The streets as columns; each row is one piece between two junctions."""

    node_lonlat: npt.NDArray[np.int32]  # [nodes, 2]
    node_id: npt.NDArray[np.int64]  # ids of the map
    u: npt.NDArray[np.int32]
    v: npt.NDArray[np.int32]
    first: npt.NDArray[np.int64]  # [edges + 1] start of each street in shape
    shape: npt.NDArray[np.int32]  # [corners, 2] lon, lat in 1e-7 degrees
    length_dm: npt.NDArray[np.int32]
    road_class: npt.NDArray[np.uint8]
    name: npt.NDArray[np.int32]  # index in names, 0 = no name
    flags: npt.NDArray[np.uint8]  # bit u: user u may go along; bit u + 4: against
    ends: npt.NDArray[np.uint8]  # as flags: only at the ends of a leg
    posted: npt.NDArray[np.uint8]  # [edges, 2]
    way: npt.NDArray[np.int64]  # [edges, 2] ids of the ways of the map at the start and the end
    hours: npt.NDArray[np.uint32]  # [edges, 2] hours in which a van may go along and against
    kph: npt.NDArray[np.float32]  # speed of a ferry with a known duration, else 0
    names: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.u)


# Class, name, and (along, against): usable by, posted limits, only at the ends of a leg, hours.
# Then the speed of a ferry.
_Key = tuple[int, str, int, int, int, int, int, int, int, int, float]


@dataclass(slots=True)
class _Piece:
    """A part of a way between two junctions; ``key`` must be equal for pieces to be joined."""

    nodes: list[int]
    line: list[tuple[int, int]]
    key: _Key
    ways: tuple[int, int]  # ids of the ways at the start and the end

    def turned(self) -> _Piece:
        """Return the piece in the opposite direction."""
        cls, name, along, against, p1, p2, e1, e2, h1, h2, kph = self.key
        key = (cls, name, against, along, p2, p1, e2, e1, h2, h1, kph)
        return _Piece(self.nodes[::-1], self.line[::-1], key, self.ways[::-1])


def assemble(
    ways: Sequence[Way],
    barriers: Mapping[int, Uses] = MappingProxyType({}),
    kept: Collection[int] = frozenset(),
) -> StreetArrays:
    """Return the streets of ways: split where ways meet, joined where nothing else meets them.

    No street goes on over a node of ``kept``. A node of ``barriers`` becomes short streets between
    its ways, which only some may use.
    """
    pieces = _join(_split(_cut(ways, barriers) if barriers else ways), kept)
    return _columns(pieces)


def _cut(ways: Sequence[Way], barriers: Mapping[int, Uses]) -> list[Way]:
    """Cut each way at its barriers; all parts that end at a barrier meet it in one node.

    The first part keeps the node of the map. Each other part gets a node of its own and a street
    without length to the node of the map.
    """
    fresh = itertools.count(FIRST_FRESH_NODE)
    met: set[int] = set()
    parts: list[Way] = []

    def arm(way: Way, node: int, where: tuple[int, int]) -> int:
        """Return the node at which the next part of a way ends at a barrier."""
        if node not in barriers:
            return node
        if node not in met:
            met.add(node)
            return node
        own = next(fresh)
        bits = (way.along | way.against) & barriers[node].usable
        if bits:
            ends = bits & barriers[node].ends
            parts.append(
                Way((node, own), (where, where), way.road_class, "", bits, bits, 0, 0, ends, ends)
            )
        return own

    for way in ways:
        if not any(node in barriers for node in way.nodes):
            parts.append(way)
            continue
        start, last = 0, len(way.nodes) - 1
        for at in range(1, last + 1):
            if at < last and way.nodes[at] not in barriers:
                continue
            nodes = list(way.nodes[start : at + 1])
            line = way.lonlat[start : at + 1]
            nodes[0], nodes[-1] = arm(way, nodes[0], line[0]), arm(way, nodes[-1], line[-1])
            parts.append(replace(way, nodes=nodes, lonlat=line))
            start = at
    return parts


def _split(ways: Sequence[Way]) -> list[_Piece]:
    """Split each way at the nodes that it shares with other ways."""
    uses: Counter[int] = Counter()
    for way in ways:
        uses.update(way.nodes)
        uses[way.nodes[0]] += 1
        uses[way.nodes[-1]] += 1
    pieces: list[_Piece] = []
    for way in ways:
        key = (
            CLASS_ID[way.road_class],
            way.name,
            way.along,
            way.against,
            way.posted_along,
            way.posted_against,
            way.ends_along,
            way.ends_against,
            way.hours_along,
            way.hours_against,
            way.kph,
        )
        start = 0
        for at in range(1, len(way.nodes)):
            if uses[way.nodes[at]] > 1:
                piece = _Piece(
                    list(way.nodes[start : at + 1]),
                    list(way.lonlat[start : at + 1]),
                    key,
                    (way.ref, way.ref),
                )
                start = at
                if len(set(piece.line)) > 1:  # a piece without length is dropped
                    pieces.append(piece)
                elif piece.nodes[0] != piece.nodes[-1]:
                    # Two nodes at the same position: a line of one unit keeps them connected.
                    lon, lat = piece.line[0]
                    piece.line = [(lon, lat), (lon + 1, lat)]
                    piece.nodes = [piece.nodes[0], piece.nodes[-1]]
                    pieces.append(piece)
    return pieces


def _join(pieces: list[_Piece], kept: Collection[int]) -> list[_Piece]:
    """Join pieces at each node where exactly two pieces meet and their keys are equal."""
    ends: defaultdict[int, list[int]] = defaultdict(list)
    for at, piece in enumerate(pieces):
        ends[piece.nodes[0]].append(at)
        ends[piece.nodes[-1]].append(at)
    for node in kept:
        ends.pop(node, None)
    done = [False] * len(pieces)
    joined: list[_Piece] = []
    for at, piece in enumerate(pieces):
        if done[at]:
            continue
        done[at] = True
        chain = _grow(piece, pieces, ends, done)
        chain = _grow(chain.turned(), pieces, ends, done).turned()
        joined.append(chain)
    return joined


def _grow(
    chain: _Piece, pieces: list[_Piece], ends: dict[int, list[int]], done: list[bool]
) -> _Piece:
    nodes, line, ways = list(chain.nodes), list(chain.line), chain.ways
    while nodes[-1] != nodes[0]:
        met = ends.get(nodes[-1], [])
        following = [at for at in met if not done[at]]
        if len(met) != 2 or len(following) != 1:
            break
        piece = pieces[following[0]]
        if piece.nodes[0] != nodes[-1]:
            piece = piece.turned()
        if piece.key != chain.key:
            break
        done[following[0]] = True
        nodes += piece.nodes[1:]
        line += piece.line[1:]
        ways = ways[0], piece.ways[1]
    return _Piece(nodes, line, chain.key, ways)


def line_length_dm(lonlat: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """Return the length in decimetres of each step of a line in 1e-7 degrees."""
    rad = np.radians(lonlat.astype(np.float64) / E7)
    dlon, dlat = np.diff(rad[:, 0]), np.diff(rad[:, 1])
    mid = (rad[1:, 1] + rad[:-1, 1]) / 2
    steps: npt.NDArray[np.float64] = (
        np.hypot(dlat, dlon * np.cos(mid)) * EARTH_RADIUS_M * 10
    )  # steps are short: a plane differs from the sphere by less than a millimetre
    return steps


def _columns(pieces: list[_Piece]) -> StreetArrays:
    node_at: dict[int, int] = {}
    node_lonlat: list[tuple[int, int]] = []
    names: dict[str, int] = {"": 0}
    count = len(pieces)
    u, v = np.zeros(count, np.int32), np.zeros(count, np.int32)
    first = np.zeros(count + 1, np.int64)
    cls, flags, ends = (np.zeros(count, np.uint8) for _ in range(3))
    name, posted = np.zeros(count, np.int32), np.zeros((count, 2), np.uint8)
    way, hours = np.zeros((count, 2), np.int64), np.zeros((count, 2), np.uint32)
    kph = np.zeros(count, np.float32)
    corners: list[tuple[int, int]] = []
    for at, piece in enumerate(pieces):
        for node, where in ((piece.nodes[0], piece.line[0]), (piece.nodes[-1], piece.line[-1])):
            if node not in node_at:
                node_at[node] = len(node_lonlat)
                node_lonlat.append(where)
        u[at], v[at] = node_at[piece.nodes[0]], node_at[piece.nodes[-1]]
        corners += piece.line
        first[at + 1] = len(corners)
        cls[at] = piece.key[0]
        name[at] = names.setdefault(piece.key[1], len(names))
        flags[at] = piece.key[2] | (piece.key[3] << len(USERS))
        posted[at] = piece.key[4], piece.key[5]
        way[at] = piece.ways
        ends[at] = piece.key[6] | (piece.key[7] << len(USERS))
        hours[at], kph[at] = piece.key[8:10], piece.key[10]
    shape = np.array(corners, np.int32).reshape(-1, 2)
    return StreetArrays(
        node_lonlat=np.array(node_lonlat, np.int32).reshape(-1, 2),
        node_id=np.array(list(node_at), np.int64),
        u=u,
        v=v,
        first=first,
        shape=shape,
        length_dm=_lengths(shape, first),
        road_class=cls,
        name=name,
        flags=flags,
        ends=ends,
        posted=posted,
        way=way,
        hours=hours,
        kph=kph,
        names=list(names),
    )


def _lengths(shape: npt.NDArray[np.int32], first: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    if len(shape) == 0:
        return np.zeros(0, np.int32)
    steps = line_length_dm(shape)
    steps[first[1:-1] - 1] = 0.0  # the step from the end of a piece to the start of the next
    total = np.concatenate([[0.0], np.cumsum(steps)])
    lengths = total[first[1:] - 1] - total[first[:-1]]
    if not np.isfinite(lengths).all():
        raise ValueError(
            "The length of a street is not finite: the map file has invalid coordinates."
        )
    whole: npt.NDArray[np.int32] = np.maximum(1, np.rint(lengths)).astype(np.int32)
    return whole


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Return the metres in one degree of (longitude, latitude) near ``lat``."""
    degree = math.radians(1) * EARTH_RADIUS_M
    return degree * math.cos(math.radians(lat)), degree
