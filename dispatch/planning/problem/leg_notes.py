"""The notes about the way to a stop: a ferry, or a walk from the vehicle to the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dispatch.roads.doors import doors_of
from dispatch.roads.matrix import Leg, graph_of, legs
from dispatch.roads.rules import Profile
from dispatch.roads.walking import walk_s_of
from lastmile.core.geo import Point

Notes = tuple[Mapping[str, Any], ...]


def drive(points: Sequence[Point], *, network: str | None, profile: Profile) -> list[Leg]:
    """Return the legs of a route, with their lines."""
    return legs(points, network=network, profile=profile)


def notes_of(route: Sequence[Leg]) -> list[Notes]:
    """Return the notes of each leg, as a stop stores them: a code with parameters."""
    return [_notes(leg) for leg in route]


def notes_without_lines(
    points: Sequence[Point], *, network: str | None, profile: Profile
) -> list[Notes]:
    """Return the notes of the legs between places whose lines are known already.

    The legs are computed again only if there is something to say.
    """
    graph, _code, _network = graph_of(network, profile, None)
    if graph is None:
        return [()] * (len(points) - 1)
    walked = any(door.walk_m for door in doors_of(points, network=network, profile=profile))
    if not walked and not graph.has_ferries:
        return [()] * (len(points) - 1)
    return notes_of(drive(points, network=network, profile=profile))


def _notes(leg: Leg) -> Notes:
    ferries = [
        {"code": "ferry", "name": ferry.name, "duration_s": ferry.duration_s}
        for ferry in leg.ferries
    ]
    walks = [
        {"code": "walk", "distance_m": leg.walk_m, "duration_s": walk_s_of(leg.walk_m)}
        for _ in range(leg.walk_m > 0)
    ]
    return (*ferries, *walks)
