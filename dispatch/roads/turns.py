"""Turn restrictions as the map says them. PURE.

A restriction names a way on which a vehicle arrives, a junction, and a way on which it must not
leave (or must). There may be ways in between, and hours in which it holds. How restrictions are
obeyed is in ``junctions``.

Source: https://wiki.openstreetmap.org/wiki/Relation:restriction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from dispatch.roads.access import HOURLY
from dispatch.roads.hours import ALWAYS, clauses
from dispatch.roads.rules import GRAPHS

# The keys of a restriction, and the words of its tag "except", that concern each graph.
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "van": (
        "restriction",
        "restriction:motor_vehicle",
        "restriction:motorcar",
        "restriction:goods",
    ),
    "cargo_bike": ("restriction", "restriction:bicycle"),
    "foot": (),
}
ENDINGS: Final = ("", ":conditional")
EXCEPT: Final[Mapping[str, frozenset[str]]] = {
    "van": frozenset({"vehicle", "motor_vehicle", "motorcar", "goods"}),
    "cargo_bike": frozenset({"vehicle", "bicycle"}),
    "foot": frozenset(),
}
NO: Final = frozenset(
    {"no_left_turn", "no_right_turn", "no_straight_on", "no_u_turn", "no_entry", "no_exit"}
)
ONLY: Final = frozenset({"only_left_turn", "only_right_turn", "only_straight_on", "only_u_turn"})


@dataclass(frozen=True, slots=True)
class Turn:
    """A restriction of the map: ids of ways and of the junction between them.

    ``only`` is True if no other way out is allowed. ``graphs`` has a bit for each graph.
    ``between`` are the ways in between; then ``via`` is the junction before the first of them, and
    ``further`` are the junctions after each. ``hours`` are the hours in which it holds, as bits.
    """

    arrive: tuple[int, ...]
    via: int
    leave: tuple[int, ...]
    only: bool
    graphs: int
    between: tuple[int, ...] = ()
    further: tuple[int, ...] = ()
    hours: int = ALWAYS


def read(tags: Mapping[str, str], members: Sequence[tuple[str, int, str]]) -> Turn | None:
    """Return the restriction of a relation; None if it is not one that can be obeyed.

    Members are (type, id, role). The junctions of a restriction over ways in between are not
    known yet (see ``with_junctions``).
    """
    exempt = {word.strip() for word in tags.get("except", "").split(";")}
    graphs, only, hours = 0, False, ALWAYS
    for bit, graph in enumerate(GRAPHS):
        if exempt & EXCEPT[graph]:
            continue
        for key in KEYS[graph]:
            value, bits = tags.get(key, ""), ALWAYS
            if not value and graph in HOURLY:
                value, bits = _hourly(tags.get(f"{key}:conditional", ""))
            if value in NO or value in ONLY:
                only, hours = value in ONLY, bits
                graphs |= 1 << bit
    junctions = [ref for kind, ref, role in members if role == "via" and kind == "n"]
    between = tuple(ref for kind, ref, role in members if role == "via" and kind == "w")
    arrive = tuple(ref for kind, ref, role in members if role == "from" and kind == "w")
    leave = tuple(ref for kind, ref, role in members if role == "to" and kind == "w")
    if not graphs or not arrive or not leave or (len(junctions) != 1) == (not between):
        return None
    return Turn(arrive, junctions[0] if junctions else 0, leave, only, graphs, between, hours=hours)


def _hourly(text: str) -> tuple[str, int]:
    """Return the value of a conditional restriction and its hours; "" if it cannot be read."""
    for clause in clauses(text) or []:
        if clause.value in NO or clause.value in ONLY:
            return clause.value, clause.some
    return "", ALWAYS


def with_junctions(turn: Turn, nodes: Mapping[int, Sequence[int]]) -> Turn | None:
    """Return a restriction over ways in between with its junctions; None if they are not clear.

    ``nodes`` are the nodes of each way.
    """
    ways = [turn.arrive[:1], *((way,) for way in turn.between), turn.leave[:1]]
    junctions = []
    for one, other in pairwise(ways):
        shared = set(nodes.get(one[0], ())) & set(nodes.get(other[0], ()))
        if len(shared) != 1:
            return None
        junctions.append(shared.pop())
    if len(set(junctions)) != len(junctions):
        return None
    return replace(turn, via=junctions[0], further=tuple(junctions[1:]))
