"""Reads an OpenStreetMap extract with pyosmium. PURE."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import osmium
from osmium import osm

from dispatch.roads import ferries, turns
from dispatch.roads.access import (
    ALL_USERS,
    barrier_bits,
    class_of,
    unread_conditions,
    way_bits,
)
from dispatch.roads.city import AddressObject, Area, City
from dispatch.roads.rules import CLASS_ID, posted_kph
from dispatch.roads.streets import E7, Uses, Way, line_length_dm
from dispatch.roads.water import is_shore, is_water

KEYS = (
    "highway",
    "addr:housenumber",
    "place",
    "natural",
    "leisure",
    "landuse",
    *sorted(f"{key}{end}" for keys in turns.KEYS.values() for key in keys for end in turns.ENDINGS),
    "barrier",
    "waterway",
    "route",
)
POND_M: Final = 400  # a shore shorter than this is that of a pond, which one walks around
_GREEN = {"park", "garden", "golf_course", "nature_reserve", "pitch", "common"}
_GREEN_LAND = {"forest", "grass", "recreation_ground", "village_green", "cemetery", "meadow"}


@dataclass(slots=True)
class Outlines:
    """Ways of multipolygons that must be read, as their tags are on the relation.

    ``addresses`` are the tags of an address by way, ``shores`` the outlines of water.
    """

    addresses: dict[int, Mapping[str, str]] = field(default_factory=dict)
    shores: set[int] = field(default_factory=set)


def read(path: Path, report: Callable[[str], None] = lambda _text: None) -> City:
    """Read streets, barriers, addresses, places, water and parks, and turn restrictions.

    Raises
    ------
    ValueError
        If the file is not an OSM extract or contains no street.
    """
    city = City()
    outlines = Outlines()
    try:
        objects = (
            osmium.FileProcessor(str(path))
            .with_locations()
            .with_filter(osmium.filter.KeyFilter(*KEYS))
        )
        for item in objects:
            tags = {tag.k: tag.v for tag in item.tags}
            if isinstance(item, osm.Node):
                _node(city, item.id, tags, item.location)
            elif isinstance(item, osm.Way):
                _way(city, item, tags)
            elif isinstance(item, osm.Relation):
                _relation(city, item, tags, outlines)
        if outlines.addresses or outlines.shores:
            report(
                f"{len(outlines.addresses)} addresses and {len(outlines.shores)} shores are on "
                "multipolygons; reading their outlines."
            )
            _read_outlines(city, path, outlines)
    except RuntimeError as fault:
        raise ValueError(
            f"{path.name} cannot be read as OpenStreetMap data ({fault}). "
            "Give a .osm.pbf or .osm file, for example an extract of your city."
        ) from fault
    _find_junctions(city)
    if not city.ways:
        raise ValueError(
            f"{path.name} contains no street that a vehicle or a person may use. "
            "Check that the extract includes highways."
        )
    return city


def _find_junctions(city: City) -> None:
    """Complete the restrictions over ways in between; leave those out that are not clear."""
    members = {
        way
        for turn in city.turns
        if turn.between
        for way in (*turn.arrive, *turn.between, *turn.leave)
    }
    if members:
        nodes = {way.ref: way.nodes for way in city.ways if way.ref in members}
        complete = [turns.with_junctions(t, nodes) if t.between else t for t in city.turns]
        city.turns = [turn for turn in complete if turn is not None]


def _node(city: City, osm_id: int, tags: Mapping[str, str], where: osm.Location) -> None:
    if where.valid():
        _address(city, f"n{osm_id}", tags, where.lat, where.lon)
    if "barrier" in tags:
        usable, ends = barrier_bits(tags)
        if usable != ALL_USERS or ends:
            city.barriers[osm_id] = Uses(usable, ends)


def _way(city: City, way: osm.Way, tags: Mapping[str, str]) -> None:
    refs: list[int] = []
    line: list[tuple[int, int]] = []
    for ref in way.nodes:
        where = ref.location
        if where.valid():  # an extract may name nodes outside of it, without a location
            refs.append(ref.ref)
            line.append((where.x, where.y))
    if not line:
        return
    if "highway" in tags or tags.get("route") == "ferry":
        _street(city, way.id, refs, line, tags)
    if "addr:housenumber" in tags or "place" in tags:
        body = line[:-1] if len(line) > 1 and line[0] == line[-1] else line
        _address(
            city,
            f"w{way.id}",
            tags,
            sum(y for _, y in body) / len(body) / E7,
            sum(x for x, _ in body) / len(body) / E7,
        )
    if is_shore(tags):
        _shore(city, line)
    kind = _area_kind(tags)
    if kind and len(line) > 3 and line[0] == line[-1]:
        city.areas.append(Area(kind, tags.get("name", ""), line))


def _street(
    city: City, ref: int, refs: list[int], line: list[tuple[int, int]], tags: Mapping[str, str]
) -> None:
    road_class = class_of(tags)
    if road_class not in CLASS_ID or len(refs) < 2:
        city.left_out[road_class] = city.left_out.get(road_class, 0) + 1
        return
    bits = way_bits(tags)
    if unread_conditions(tags):
        city.unread["conditions"] = city.unread.get("conditions", 0) + 1
    if not bits.along and not bits.against:
        city.left_out["no access"] = city.left_out.get("no access", 0) + 1
        return
    both = posted_kph(tags.get("maxspeed"))
    crossing_s = ferries.crossing_s(tags) if road_class == "ferry" else 0
    if road_class == "ferry":
        kind = "ferries" if crossing_s else "ferries_without_duration"
        city.unread[kind] = city.unread.get(kind, 0) + 1
    city.ways.append(
        Way(
            nodes=refs,
            lonlat=line,
            road_class=road_class,
            name=tags.get("name", ""),
            along=bits.along,
            against=bits.against,
            posted_along=posted_kph(tags.get("maxspeed:forward")) or both,
            posted_against=posted_kph(tags.get("maxspeed:backward")) or both,
            ends_along=bits.ends_along,
            ends_against=bits.ends_against,
            ref=ref,
            hours_along=bits.hours_along,
            hours_against=bits.hours_against,
            kph=_mean_kph(line, crossing_s) if crossing_s else 0.0,
        )
    )


def _mean_kph(line: list[tuple[int, int]], seconds: int) -> float:
    """Return the speed with which a line takes this time."""
    metres = float(line_length_dm(np.array(line, np.int32)).sum()) / 10
    return max(0.05, metres * 3.6 / seconds)


def _area_kind(tags: Mapping[str, str]) -> str:
    if is_water(tags):
        return "water"
    if tags.get("leisure") in _GREEN or tags.get("landuse") in _GREEN_LAND:
        return "park"
    return "park" if tags.get("natural") in {"wood", "scrub", "grassland", "beach"} else ""


def _address(city: City, source_id: str, tags: Mapping[str, str], lat: float, lon: float) -> None:
    number = tags.get("addr:housenumber", "")
    place = "" if number else (tags.get("name", "") if "place" in tags else "")
    if not number and not place:
        return
    city.addresses.append(
        AddressObject(
            source_id=source_id,
            number=number,
            street=tags.get("addr:street", "") or (tags.get("addr:place", "") if number else ""),
            postcode=tags.get("addr:postcode", ""),
            city=tags.get("addr:city", ""),
            name=place or tags.get("name", ""),
            kind=tags.get("place", "house" if number else ""),
            lat=lat,
            lon=lon,
        )
    )


def _shore(city: City, line: list[tuple[int, int]]) -> None:
    """Add a shore, unless it is that of a pond, which one walks around."""
    if len(line) < 2:
        return
    closed = line[0] == line[-1]
    if not closed or line_length_dm(np.array(line, np.int32)).sum() >= 10 * POND_M:
        city.shores.append(line)


def _relation(
    city: City, relation: osm.Relation, tags: Mapping[str, str], outlines: Outlines
) -> None:
    if tags.get("type", "").startswith("restriction"):
        city.turn_restrictions += 1
        turn = turns.read(tags, [(m.type, m.ref, m.role) for m in relation.members])
        if turn is not None:
            city.turns.append(turn)
    if tags.get("type") != "multipolygon":
        return
    ways = [m.ref for m in relation.members if m.type == "w"]
    outer = [m.ref for m in relation.members if m.type == "w" and m.role in {"outer", ""}]
    if "addr:housenumber" in tags and outer:
        outlines.addresses[outer[0]] = {**tags, "@relation": str(relation.id)}
    if is_shore(tags):
        outlines.shores.update(ways)


def _read_outlines(city: City, path: Path, outlines: Outlines) -> None:
    """Read the file again for the ways whose tags are on a relation."""
    wanted = [*outlines.addresses, *outlines.shores]
    ways: Iterable[object] = (
        osmium.FileProcessor(str(path), osm.NODE | osm.WAY)
        .with_locations()
        .with_filter(osmium.filter.EntityFilter(osm.WAY))
        .with_filter(osmium.filter.IdFilter(wanted))
    )
    for way in ways:
        if not isinstance(way, osm.Way):
            continue
        places = [ref.location for ref in way.nodes if ref.location.valid()]
        if way.id in outlines.shores and not is_shore({tag.k: tag.v for tag in way.tags}):
            _shore(city, [(where.x, where.y) for where in places])
        tags = outlines.addresses.get(way.id)
        if places and tags is not None:
            lon = sum(where.lon for where in places) / len(places)
            lat = sum(where.lat for where in places) / len(places)
            _address(city, f"r{tags['@relation']}", tags, lat, lon)
