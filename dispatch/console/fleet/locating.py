"""Finding a hub's place: address look-up on the loaded networks, and which network covers it."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.orders.geocoding import SURE_ENOUGH, street_suggestions
from dispatch.roads import network
from dispatch.roads.network import available
from lastmile.core.geo import Point

MAX_MATCHES = 6
HOUSE_PRECISIONS = frozenset({"house", "interpolated"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressMatch:
    """A place that matches an address, with the network that it was found on."""

    label: str
    precision: str
    confidence: float
    lat: float
    lon: float
    network: str

    @property
    def value(self) -> str:
        """The value that this match's button sends."""
        return f"{self.lat:.6f},{self.lon:.6f},{self.network}"

    @property
    def sure(self) -> bool:
        """Is the match certain: at a house number or between two, with enough confidence?"""
        return self.precision in HOUSE_PRECISIONS and self.confidence >= SURE_ENOUGH[self.precision]


def network_titles() -> dict[str, str]:
    """Return the title of every loaded network, by its name."""
    return {info.name: info.title for info in available()}


def look_up(address: str, chosen: str) -> list[AddressMatch]:
    """Return the places that match an address, best first.

    Only the chosen network is searched, or every loaded network if none is chosen.
    """
    place = {"text": address} | dict.fromkeys(("street", "house_number", "postcode", "city"), "")
    candidates = street_suggestions(place, [chosen] if chosen else sorted(network_titles()))
    return [
        AddressMatch(
            label=candidate.label,
            precision=candidate.precision,
            confidence=candidate.confidence,
            lat=candidate.point.lat,
            lon=candidate.point.lon,
            network=name,
        )
        for candidate, name in candidates[:MAX_MATCHES]
    ]


def only_network_at(lat: float, lon: float) -> str:
    """Return the only network that covers a place, or "" if none or several do."""
    matches = [name for name in network_titles() if covers(name, lat, lon)]
    return matches[0] if len(matches) == 1 else ""


def covers(name: str, lat: float, lon: float) -> bool:
    """Return True if a network's streets cover a place.

    Also True for a network that is not loaded here, because its streets are unknown.
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


def center_of(name: str) -> str:
    """Return the centre of a network as "lon,lat" for the map, or "" if it is not loaded."""
    for info in available():
        if info.name == name:
            west, south, east, north = info.bbox
            return f"{(west + east) / 2:.6f},{(south + north) / 2:.6f}"
    return ""
