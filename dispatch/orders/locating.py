"""Finds the pin of each order: given coordinates, else an earlier pin, else the geocoder."""

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

# A higher number wins: a pin that a person set, then coordinates that the retailer sent.
_TRUST = {PinSource.GEOCODER: 1, PinSource.GIVEN: 2} | dict.fromkeys(HUMAN_PINS, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A point with its source and precision, or the reason why there is no point."""

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
    """The stored places with the same addresses as a batch of orders, read with one query."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._by_key: dict[str, list[Place]] = {}
        self._corrected: dict[int, Place] = {}
        for place in Place.objects.filter(key__in={key for key in keys if key}).order_by("pk"):
            self._by_key.setdefault(place.key, []).append(place)
            if place.corrects_id:
                self._corrected[place.corrects_id] = place

    def best_pin(self, checked: Checked, key: str, services: ServiceMap) -> Pin | None:
        """Return the newest of the most trusted pins for an address, or None.

        The same text can mean another door in another town. So a pin counts only if the address
        names its town, or if the pin is in the town of the hub. Pins from a geocoder do not count,
        because the geocoder is asked again.
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
            return None  # orders gave different coordinates for one address: both are unreliable
        return _pin_of(place)

    def correction(self, key: str, lat: float, lon: float) -> Pin | None:
        """Return the pin with which a person corrected exactly these coordinates, or None."""
        for place in self._by_key.get(key, ()):
            spots = {(place.lat, place.lon), (place.doubted_lat, place.doubted_lon)}
            if (lat, lon) in spots and place.pk in self._corrected:
                while place.pk in self._corrected:
                    place = self._corrected[place.pk]
                return _pin_of(place)
        return None

    def same_place(self, fields: Mapping[str, Any]) -> Place | None:
        """Return a stored place with exactly these columns, or None."""
        for place in self._by_key.get(fields["key"], ()):
            if all(getattr(place, name) == value for name, value in fields.items()):
                return place
        return None


def _is_meant(point: Point, checked: Checked, services: ServiceMap) -> bool:
    """Return True if a stored pin for the same address text is in the town of this order."""
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
    """Return the place of each order: a stored row, or a new row that is not saved yet.

    The pin comes from the first source that has one:

    - The coordinates of the order, if a hub can deliver to them. If a person corrected exactly
      these coordinates before, the corrected pin replaces them.
    - An earlier pin for the same address.
    - The geocoder, which searches the networks of the hubs.

    Without a pin, the place holds the doubt. Orders of one batch with the same place share a row.
    """
    keys = [addresses.key(checked.place) for checked in batch]
    memory = Memory(keys)
    batch_geocoder = _BatchGeocoder(services, geocoder)
    new_places: dict[tuple[Any, ...], Place] = {}
    places = []
    for checked, key in zip(batch, keys, strict=True):
        pin = _known_pin(checked, key, memory, services) or batch_geocoder.pin(checked, key)
        fields = {name: checked.place[name] for name in PLACE_FIELDS} | {"key": key} | asdict(pin)
        place = memory.same_place(fields) or new_places.get(tuple(fields.values()))
        if place is None:
            place = new_places[tuple(fields.values())] = Place(**fields, created_at=now())
        places.append(place)
    return places


class _BatchGeocoder:
    """A geocoder that is asked only once for each address of a batch."""

    def __init__(self, services: ServiceMap, geocoder: FallbackGeocoder) -> None:
        self._hubs = services.hubs
        self._pins: dict[tuple[str, ...], Pin] = {}
        self._geocoder = geocoder

    def pin(self, checked: Checked, key: str) -> Pin:
        """Return the geocoder's pin, or a pin without a point and the doubt.

        For an order that names its hub, only the network of that hub is searched.
        """
        hubs = self._hubs if checked.hub is None else [checked.hub]
        area = search_area_of(hubs)
        question = (key or repr(checked.place), *area.networks, *(hub.public_id for hub in hubs))
        if question not in self._pins:
            verdict = judge(self._geocoder.find(geocoder_query(checked.place), area))
            pin = _pin_from(verdict.answer) if verdict.answer else Pin(doubt=verdict.doubt)
            self._pins[question] = pin
        return self._pins[question]


def search_area_of(hubs: Iterable[Hub]) -> SearchArea:
    """Return the area in which a geocoder searches: the networks and surroundings of the hubs."""
    hub_list = list(hubs)
    networks = sorted({hub.network for hub in hub_list if hub.network})
    return SearchArea(networks, [hub.point for hub in hub_list])


def _pin_from(answer: Answer) -> Pin:
    candidate = answer.candidate
    return Pin(
        lat=candidate.point.lat,
        lon=candidate.point.lon,
        pin_source=PinSource.GEOCODER.value,
        provider=answer.provider,
        precision=candidate.precision,
        confidence=candidate.confidence,
    )


def _known_pin(checked: Checked, key: str, memory: Memory, services: ServiceMap) -> Pin | None:
    """Return the pin of an order, or None if a geocoder must be asked.

    An order with coordinates gets them as its pin, or the point to which a person corrected them.
    If no hub can deliver to the coordinates, the pin has a doubt and no point. An order without
    coordinates gets the best earlier pin of its address.
    """
    lat, lon = checked.place["lat"], checked.place["lon"]
    if lat is None or lon is None:
        return memory.best_pin(checked, key, services)
    corrected = memory.correction(key, lat, lon)
    if corrected is not None:
        return corrected
    doubt = reach.doubt_of(Point(lat=lat, lon=lon), checked.hub, services)
    if doubt:
        return Pin(doubt=doubt, doubted_lat=lat, doubted_lon=lon)
    return Pin(lat=lat, lon=lon, pin_source=PinSource.GIVEN.value)
