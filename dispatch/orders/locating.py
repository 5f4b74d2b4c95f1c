"""Where an order's place lies: as given, else as remembered, else as the geocoder finds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import ServiceMap
from dispatch.orders import addresses, reach
from dispatch.orders.checking import PLACE_FIELDS, Checked
from dispatch.orders.geocoding import (
    APART_M,
    Answer,
    FallbackGeocoder,
    SearchArea,
    geocoder_query,
    judge,
)
from dispatch.orders.models import HUMAN_PINS, PinSource, Place
from lastmile.core.clock import now
from lastmile.core.geo import Point, distance_m

# What the memory trusts most stands last: a person's pin, then the retailer's own coordinates.
_TRUST = {PinSource.GEOCODER: 1, PinSource.GIVEN: 2} | dict.fromkeys(HUMAN_PINS, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A point with who put it there and how exactly it is known, or why there is none."""

    lat: float | None = None
    lon: float | None = None
    pin_source: str = ""
    provider: str = ""
    precision: str = ""
    confidence: float | None = None
    doubt: str = ""
    doubted_lat: float | None = None
    doubted_lon: float | None = None


class Memory:
    """The places a batch may meet again, read with one query."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._by_key: dict[str, list[Place]] = {}
        self._corrected: dict[int, Place] = {}
        for place in Place.objects.filter(key__in={key for key in keys if key}).order_by("pk"):
            self._by_key.setdefault(place.key, []).append(place)
            if place.corrects_id:
                self._corrected[place.corrects_id] = place

    def best(self, checked: Checked, key: str, services: ServiceMap) -> Pin | None:
        """The newest of the most trusted pins at an address, in the town that is meant.

        The same words mean another door in another town. So a pin counts where the address names
        its town, or where it lies in the town of the hub. What a geocoder found is asked for again.
        """
        pinned = [
            (place, point)
            for place in self._by_key.get(key, ())
            if (point := place.point) is not None
            and place.pin_source != PinSource.GEOCODER
            and not reach.doubt_of(point, checked.hub, services)
        ]
        pinned = [pair for pair in pinned if _is_meant(pair[1], checked, services)]
        if not pinned:
            return None
        place, point = max(pinned, key=lambda p: (_TRUST[PinSource(p[0].pin_source)], p[0].pk))
        if place.pin_source == PinSource.GIVEN and _far_apart([p for _place, p in pinned]):
            return None  # two orders gave two places for one address: neither is known to be right
        return _pin_of(place)

    def correction(self, key: str, lat: float, lon: float) -> Pin | None:
        """What a person made of exactly these coordinates at this address, if anything."""
        for place in self._by_key.get(key, ()):
            spots = {(place.lat, place.lon), (place.doubted_lat, place.doubted_lon)}
            if (lat, lon) in spots and place.pk in self._corrected:
                while place.pk in self._corrected:
                    place = self._corrected[place.pk]
                return _pin_of(place)
        return None

    def same(self, fields: Mapping[str, Any]) -> Place | None:
        """A place already written with exactly these columns."""
        for place in self._by_key.get(fields["key"], ()):
            if all(getattr(place, name) == value for name, value in fields.items()):
                return place
        return None


def _is_meant(point: Point, checked: Checked, services: ServiceMap) -> bool:
    """Whether a pin kept for the same words lies in the town that this order is for."""
    if checked.hub is None:
        return _names_its_town(checked) or reach.in_one_town(services)
    if checked.place["city"] or checked.place["postcode"]:
        return True
    return reach.in_town_of(point, checked.hub, services)


def _names_its_town(checked: Checked) -> bool:
    parts = addresses.parts_of(checked.place)
    return bool(parts.city or parts.postcode)


def _far_apart(points: Sequence[Point]) -> bool:
    return any(distance_m(points[0], point) > APART_M for point in points)


def _pin_of(place: Place) -> Pin:
    return Pin(
        lat=place.lat,
        lon=place.lon,
        pin_source=place.pin_source,
        provider=place.provider,
        precision=place.precision,
        confidence=place.confidence,
    )


def locate(
    batch: Sequence[Checked], services: ServiceMap, geocoder: FallbackGeocoder
) -> list[Place]:
    """Return the place of each order: rows that stand already, or new ones not yet saved.

    Coordinates that come with an order are taken as they are where a hub reaches them, unless a
    person corrected exactly these at this address. Else a remembered pin, else the geocoder's
    answer over the networks of the hubs, else no pin and why. Orders of one batch at the same
    place share one row.
    """
    keys = [addresses.key(checked.place) for checked in batch]
    memory = Memory(keys)
    asked = _Asker(services, geocoder)
    fresh: dict[tuple[Any, ...], Place] = {}
    found = []
    for checked, key in zip(batch, keys, strict=True):
        pin = _pin(checked, key, memory, services) or asked.pin(checked, key)
        fields = {name: checked.place[name] for name in PLACE_FIELDS} | {"key": key} | asdict(pin)
        place = memory.same(fields) or fresh.get(tuple(fields.values()))
        if place is None:
            place = fresh[tuple(fields.values())] = Place(**fields, created_at=now())
        found.append(place)
    return found


class _Asker:
    """Asks each address of a batch once."""

    def __init__(self, services: ServiceMap, geocoder: FallbackGeocoder) -> None:
        self._hubs = services.hubs
        self._met: dict[tuple[str, ...], Pin] = {}
        self._geocoder = geocoder

    def pin(self, checked: Checked, key: str) -> Pin:
        """The geocoder's pin, or none; of a named hub, its own network alone is asked."""
        hubs = self._hubs if checked.hub is None else [checked.hub]
        area = search_area_of(hubs)
        question = (key or repr(checked.place), *area.networks, *(hub.public_id for hub in hubs))
        if question not in self._met:
            verdict = judge(self._geocoder.find(geocoder_query(checked.place), area))
            found = _pin_from(verdict.answer) if verdict.answer else Pin(doubt=verdict.doubt)
            self._met[question] = found
        return self._met[question]


def search_area_of(hubs: Iterable[Hub]) -> SearchArea:
    """Where a place is looked for: in the networks of these hubs, and near them."""
    known = list(hubs)
    networks = sorted({hub.network for hub in known if hub.network})
    return SearchArea(networks, [hub.point for hub in known])


def _pin_from(answer: Answer) -> Pin:
    found = answer.candidate
    return Pin(
        lat=found.point.lat,
        lon=found.point.lon,
        pin_source=PinSource.GEOCODER.value,
        provider=answer.provider,
        precision=found.precision,
        confidence=found.confidence,
    )


def _pin(checked: Checked, key: str, memory: Memory, services: ServiceMap) -> Pin | None:
    lat, lon = checked.place["lat"], checked.place["lon"]
    if lat is None or lon is None:
        return memory.best(checked, key, services)
    corrected = memory.correction(key, lat, lon)
    if corrected is not None:
        return corrected
    doubt = reach.doubt_of(Point(lat=lat, lon=lon), checked.hub, services)
    if doubt:
        return Pin(doubt=doubt, doubted_lat=lat, doubted_lon=lon)
    return Pin(lat=lat, lon=lon, pin_source=PinSource.GIVEN.value)
