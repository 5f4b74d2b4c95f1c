"""Travel times and distances between places, and the lines between them. PURE.

Each result names its basis: ``source``, the places without a street (``uncovered``), and a note,
as a code with parameters for translation and as an English sentence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from dispatch.roads import hierarchy
from dispatch.roads.engines import choosing
from dispatch.roads.geometry import Drawn, Ferry, Line, lines_between
from dispatch.roads.memory import Memory
from dispatch.roads.network import SNAP_LIMIT_M, Graph, Network, UnknownNetwork, load
from dispatch.roads.rules import PROFILES, Profile
from dispatch.roads.walking import BESIDE_M, with_walks
from lastmile.core.geo import EARTH_RADIUS_M, Point

DETOUR: Final = 1.4  # a way along streets is about 1.4 times as long as the straight line
STRAIGHT_KPH: Final[Mapping[str, float]] = {
    "van": 28.0,
    "e_van": 28.0,
    "cargo_bike": 15.0,
    "foot": 5.0,
}
CACHE_BYTES: Final = 96 * 1024 * 1024
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class TravelMatrix:
    """Travel times and distances between N places, row = from, column = to.

    Parameters
    ----------
    duration_s, distance_m : int32[N, N]
        Seconds of the fastest path with the walks at both ends, and the metres of the vehicle.
    source : str
        ``roads``, or ``straight_line`` if no pair is connected by streets.
    note : str
        A remark for people, in English; empty if there is none.
    snapped_m : int32[N]
        Metres on foot from each place to where a vehicle stops; the search limit for an uncovered
        place.
    note_code, note_params
        The same note, for translation: ``no_network``, ``unknown_network``, ``no_profile``,
        ``nothing_covered``, ``some_uncovered``, ``engine_failed``.
    uncovered : tuple of int
        Rows whose times are straight-line estimates although ``source`` is ``roads``.
    """

    duration_s: Int32
    distance_m: Int32
    source: Literal["roads", "straight_line"]
    note: str
    snapped_m: Int32
    note_code: str = ""
    note_params: Mapping[str, object] = field(default_factory=dict)
    uncovered: tuple[int, ...] = ()
    network_version: str = ""

    @property
    def nbytes(self) -> int:
        """The size of the two tables in bytes."""
        return self.duration_s.nbytes + self.distance_m.nbytes


@dataclass(frozen=True, slots=True)
class Leg:
    """The way from one place to the next; ``line`` has the corners of the drive as (lon, lat).

    ``walk_m`` are the metres on foot to the place, beyond what is beside the street.
    """

    duration_s: int
    distance_m: int
    line: Line
    source: Literal["roads", "straight_line"]
    ferries: tuple[Ferry, ...] = ()
    walk_m: int = 0


_NOTES: Final[Mapping[str, str]] = {
    "engine_failed": "The routing service (ROADS_URL) did not answer: the times are those of the "
    "embedded street network.",
    "no_network": "No street network is chosen: distances are straight lines times {detour}.",
    "unknown_network": "There is no street network {network}: distances are straight lines times "
    "{detour}. Build it with manage.py roads_build.",
    "no_profile": "The network {network} has no streets for {profile}: distances are straight "
    "lines times {detour}.",
    "nothing_covered": "No place is within {limit_m} m of a street of {network}: distances are "
    "straight lines times {detour}.",
    "some_uncovered": "{count} places are more than {limit_m} m from every street of {network}: "
    "their distances are straight lines times {detour}.",
}


def travel(
    points: Sequence[Point],
    *,
    network: str | None,
    profile: Profile,
    depart_minute: int | None = None,
    var: Path | str | None = None,
    outside: bool = True,
) -> TravelMatrix:
    """Return the travel times and distances between all places.

    Parameters
    ----------
    network : str or None
        Name of a network; None or "" for straight lines.
    depart_minute : int or None
        Local minute of the day at the hub, which gives the hour of traffic. None is free flow.
    outside : bool
        False asks no routing service. A caller in a transaction must not wait for a server.

    Notes
    -----
    Results are cached in the process, up to CACHE_BYTES; the key is network version, profile,
    hour and places. They are not written to disk, because 1,000 x 1,000 places of Greater Porto
    take well under a second and a file would have to be cleaned up.

    If the installation has a routing service (``engines``), its times are returned; without its
    answer those of the embedded network, with a note.
    """
    answer = choosing.chosen().table(points, points, profile) if outside else choosing.Answer()
    if answer.times is not None:
        return _outside(points, answer.times, answer.engine)
    inside = _travel_inside(points, network, profile, depart_minute, var)
    return _with_failure(inside) if answer.failed else inside


def _outside(points: Sequence[Point], times: tuple[Int32, Int32], engine: str) -> TravelMatrix:
    """Return the times of a routing service; it does not say how far places are from a street."""
    return TravelMatrix(
        *times, "roads", "", np.zeros(len(points), np.int32), network_version=engine
    )


def _with_failure(inside: TravelMatrix) -> TravelMatrix:
    """Return the same times, with the note that the routing service did not answer.

    A note about the embedded network itself is kept, as it says more about the times.
    """
    if inside.note_code:
        return inside
    code, params, text = _note("engine_failed", {})
    return replace(inside, note=text, note_code=code, note_params=params)


def _travel_inside(
    points: Sequence[Point],
    network: str | None,
    profile: Profile,
    depart_minute: int | None,
    var: Path | str | None,
) -> TravelMatrix:
    """Return the travel over the embedded network."""
    graph, code, network_found = graph_of(network, profile, var)
    if graph is None or network_found is None:
        return _straight(points, profile, code, {"network": network or "", "profile": profile})
    hour = hour_of(depart_minute, graph)
    digest = hashlib.sha256(np.array([(p.lat, p.lon) for p in points]).tobytes()).hexdigest()
    key = (str(network_found.folder), graph.name, profile, hour, digest)
    result = _cache.get(key)
    if result is None:
        result = _over_roads(points, network_found, graph, profile, hour)
        for array in (result.duration_s, result.distance_m, result.snapped_m):
            array.setflags(write=False)
        _cache.put(key, result)
    return result


def leg_between(
    start: Point,
    end: Point,
    *,
    network: str | None,
    profile: Profile,
    depart_minute: int | None = None,
    var: Path | str | None = None,
    outside: bool = True,
) -> tuple[int, int]:
    """Return seconds and metres from one place to another, as ``travel`` does.

    Nothing is cached: the start is the place of a moving vehicle and does not come again.
    """
    points = [start, end]
    times = choosing.chosen().table([start], [end], profile).times if outside else None
    if times is not None:
        return int(times[0][0, 0]), int(times[1][0, 0])
    graph, code, loaded = graph_of(network, profile, var)
    if graph is None or loaded is None:
        whole = _straight(points, profile, code, {"network": network or "", "profile": profile})
    else:
        whole = _over_roads(points, loaded, graph, profile, hour_of(depart_minute, graph))
    return int(whole.duration_s[0, 1]), int(whole.distance_m[0, 1])


def hour_of(depart_minute: int | None, graph: Graph) -> int | None:
    """Return the hour of traffic; None is free flow, which holds for all graphs but the van's."""
    if depart_minute is None or graph.name != "van":
        return None
    return depart_minute // 60 % 24


def graph_of(
    network: str | None, profile: Profile, var: Path | str | None
) -> tuple[Graph | None, str, Network | None]:
    """Return the profile's graph, the note code if there is none, and the network."""
    if profile not in PROFILES:
        raise ValueError(f"{profile!r} is not a profile; use one of {', '.join(PROFILES)}.")
    if not network:
        return None, "no_network", None
    try:
        loaded = load(network, var)
    except UnknownNetwork:
        return None, "unknown_network", None
    return loaded.graph(profile), "no_profile", loaded


def _over_roads(
    points: Sequence[Point], network: Network, graph: Graph, profile: Profile, hour: int | None
) -> TravelMatrix:
    snaps = graph.snap(points)
    covered = snaps.covered
    params: dict[str, object] = {"network": network.info.title}
    if len(points) and not covered.any():
        return _straight(points, profile, "nothing_covered", params, snaps.away_m)
    duration, distance = split(graph.at(hour).table(snaps.only(covered)))
    walks_m = snaps.away_m[covered]
    places = [point for point, here in zip(points, covered.tolist(), strict=True) if here]
    duration = with_walks(duration, walks_m, walks_m, same_places(places, places))
    if covered.all():
        return TravelMatrix(
            duration, distance, "roads", "", snaps.away_m, network_version=network.version
        )
    whole = _straight(points, profile, "some_uncovered", params, snaps.away_m)
    rows = np.ix_(covered, covered)
    whole.duration_s[rows] = duration
    whole.distance_m[rows] = distance
    outside = np.flatnonzero(~covered).tolist()
    code, note_params, text = _note("some_uncovered", {**params, "count": len(outside)})
    return TravelMatrix(
        whole.duration_s,
        whole.distance_m,
        "roads",
        text,
        snaps.away_m,
        code,
        note_params,
        tuple(outside),
        network.version,
    )


def same_places(starts: Sequence[Point], ends: Sequence[Point]) -> npt.NDArray[np.bool_]:
    """Return True for each pair of equal places (row = start, column = end)."""
    numbers: dict[Point, int] = {}
    rows, columns = (
        np.array([numbers.setdefault(point, len(numbers)) for point in points], np.int64)
        for points in (starts, ends)
    )
    equal: npt.NDArray[np.bool_] = rows[:, None] == columns[None, :]
    return equal


def split(costs: npt.NDArray[np.int64]) -> tuple[Int32, Int32]:
    """Return whole seconds and whole metres of composite costs."""
    if (costs >= hierarchy.ENDLESS).any():
        raise ValueError(
            "Some places have no path between them: the network is not strongly connected."
        )
    seconds = ((costs >> hierarchy.SHIFT) + 5) // 10
    metres = ((costs & hierarchy.LENGTH_MASK) + 5) // 10
    return seconds.astype(np.int32), metres.astype(np.int32)


def _note(code: str, params: Mapping[str, object]) -> tuple[str, dict[str, object], str]:
    note_params = {**params, "detour": DETOUR, "limit_m": SNAP_LIMIT_M}
    return code, note_params, _NOTES[code].format(**note_params)


def straight_between(
    starts: Sequence[Point], ends: Sequence[Point], profile: Profile
) -> tuple[Int32, Int32]:
    """Return seconds and metres along straight lines times DETOUR (row = start, column = end)."""
    rows, columns = (
        np.array([(p.lat, p.lon) for p in points]).reshape(-1, 2) for points in (starts, ends)
    )
    return straight_lines(rows, columns, profile)


def straight_lines(
    starts: npt.NDArray[np.float64], ends: npt.NDArray[np.float64], profile: Profile
) -> tuple[Int32, Int32]:
    """Return the same for places as latitudes and longitudes in degrees, shape [places, 2]."""
    (lat_a, lon_a), (lat_b, lon_b) = np.radians(starts).T, np.radians(ends).T
    h = (
        np.sin((lat_a[:, None] - lat_b) / 2) ** 2
        + np.cos(lat_a)[:, None] * np.cos(lat_b) * np.sin((lon_a[:, None] - lon_b) / 2) ** 2
    )
    metres = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, h))) * DETOUR
    seconds = np.rint(metres * 3.6 / STRAIGHT_KPH[profile]).astype(np.int32)
    return seconds, np.rint(metres).astype(np.int32)


def _straight(
    points: Sequence[Point],
    profile: Profile,
    code: str,
    params: Mapping[str, object],
    snapped_m: Int32 | None = None,
) -> TravelMatrix:
    seconds, metres = straight_between(points, points, profile)
    code, note_params, text = _note(code, {"count": len(points), **params})
    return TravelMatrix(
        seconds,
        metres,
        "straight_line",
        text,
        np.zeros(len(points), np.int32) if snapped_m is None else snapped_m,
        code,
        note_params,
        tuple(range(len(points))) if snapped_m is not None else (),
    )


def legs(
    points: Sequence[Point],
    *,
    network: str | None,
    profile: Profile,
    depart_minute: int | None = None,
    var: Path | str | None = None,
) -> list[Leg]:
    """Return the way from each place to the next, along streets where both places have one."""
    times = travel(points, network=network, profile=profile, depart_minute=depart_minute, var=var)
    graph, _, _ = graph_of(network, profile, var)
    lines: dict[int, Drawn] = {}
    if graph is not None and times.source == "roads":
        lines = lines_between(graph.at(hour_of(depart_minute, graph)), graph.snap(points))
    result = []
    for at, (a, b) in enumerate(pairwise(points)):
        drawn, away_m = lines.get(at), int(times.snapped_m[at + 1])
        result.append(
            Leg(
                int(times.duration_s[at, at + 1]),
                int(times.distance_m[at, at + 1]),
                drawn.line if drawn else [(a.lon, a.lat), (b.lon, b.lat)],
                "roads" if drawn else "straight_line",
                drawn.ferries if drawn else (),
                away_m if drawn and away_m > BESIDE_M else 0,
            )
        )
    return result


def route_geometry(
    points: Sequence[Point],
    network: str | None,
    profile: Profile,
    var: Path | str | None = None,
) -> list[Line]:
    """Return the (lon, lat) line of each leg along the streets, or a straight line without them."""
    return [leg.line for leg in legs(points, network=network, profile=profile, var=var)]


_cache: Memory[TravelMatrix] = Memory(CACHE_BYTES)
__all__ = ["Leg", "TravelMatrix", "leg_between", "legs", "route_geometry", "travel"]
