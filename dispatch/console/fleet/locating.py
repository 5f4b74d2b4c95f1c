"""Where a hub is: its address looked up on the loaded streets, and whether the streets hold it."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.orders.geocoding import SURE_ENOUGH, street_suggestions
from dispatch.roads import network
from dispatch.roads.network import available
from lastmile.core.geo import Point

MOST_SPOTS = 6
AT_THE_DOOR = frozenset({"house", "interpolated"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One answer to an address: where it is, and on the streets of which network."""

    label: str
    precision: str
    confidence: float
    lat: float
    lon: float
    network: str

    @property
    def value(self) -> str:
        """What the button of this answer sends."""
        return f"{self.lat:.6f},{self.lon:.6f},{self.network}"

    @property
    def sure(self) -> bool:
        """Whether it is the house itself, or between its neighbours."""
        return self.precision in AT_THE_DOOR and self.confidence >= SURE_ENOUGH[self.precision]


def names() -> dict[str, str]:
    """Return name -> title of every loaded network."""
    return {info.name: info.title for info in available()}


def look_up(address: str, chosen: str) -> list[Spot]:
    """Return where an address may be, best first: on the chosen network, else on every one."""
    place = {"text": address} | dict.fromkeys(("street", "house_number", "postcode", "city"), "")
    found = street_suggestions(place, [chosen] if chosen else sorted(names()))
    return [
        Spot(
            label=candidate.label,
            precision=candidate.precision,
            confidence=candidate.confidence,
            lat=candidate.point.lat,
            lon=candidate.point.lon,
            network=name,
        )
        for candidate, name in found[:MOST_SPOTS]
    ]


def only_network_at(lat: float, lon: float) -> str:
    """Return the network that alone holds a place, "" when none or several do."""
    found = [name for name in names() if holds(name, lat, lon)]
    return found[0] if len(found) == 1 else ""


def holds(name: str, lat: float, lon: float) -> bool:
    """Tell whether a place is within reach of a network's streets.

    A network that is not loaded here holds everything: there is nothing to compare with.
    """
    try:
        streets = network.load(name)
    except network.UnknownNetwork:
        return True
    for profile in streets.info.profiles:
        graph = streets.graph(profile)  # type: ignore[arg-type]
        if graph is not None:
            return bool(graph.snap([Point(lat=lat, lon=lon)]).covered[0])
    return streets.info.covers(lat, lon)


def middle_of(name: str) -> str:
    """Return the middle of a network as the map reads it, "" when it is not loaded."""
    for info in available():
        if info.name == name:
            west, south, east, north = info.bbox
            return f"{(west + east) / 2:.6f},{(south + north) / 2:.6f}"
    return ""
