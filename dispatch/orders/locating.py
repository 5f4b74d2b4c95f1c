"""Where an order's place lies: as given, else as remembered, else as the geocoder finds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dispatch.fleet.selectors import ServiceMap
from dispatch.orders import addresses, geocoding
from dispatch.orders.checking import PLACE_FIELDS, Checked
from dispatch.orders.models import HUMAN_PINS, PinSource, Place
from dispatch.roads.geocode import Candidate
from lastmile.core.clock import now

# What the memory trusts most stands last: a person's pin, then the retailer's own coordinates.
_TRUST = {PinSource.GEOCODER: 1, PinSource.GIVEN: 2} | dict.fromkeys(HUMAN_PINS, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A point with who put it there and how exactly it is known."""

    lat: float | None = None
    lon: float | None = None
    pin_source: str = ""
    provider: str = ""
    precision: str = ""
    confidence: float | None = None


NO_PIN = Pin()


class Memory:
    """The places a batch may meet again, read with one query."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._by_key: dict[str, list[Place]] = {}
        self._corrected: dict[int, Place] = {}
        for place in Place.objects.filter(key__in={key for key in keys if key}).order_by("pk"):
            self._by_key.setdefault(place.key, []).append(place)
            if place.corrects_id:
                self._corrected[place.corrects_id] = place

    def best(self, key: str) -> Pin | None:
        """The newest of the most trusted pins at an address."""
        pinned = [place for place in self._by_key.get(key, ()) if place.lat is not None]
        if not pinned:
            return None
        return _pin_of(
            max(pinned, key=lambda place: (_TRUST[PinSource(place.pin_source)], place.pk))
        )

    def correction(self, key: str, lat: float, lon: float) -> Pin | None:
        """What a person made of exactly these coordinates at this address, if anything."""
        for place in self._by_key.get(key, ()):
            if place.lat == lat and place.lon == lon and place.pk in self._corrected:
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


def _pin_of(place: Place) -> Pin:
    return Pin(
        lat=place.lat,
        lon=place.lon,
        pin_source=place.pin_source,
        provider=place.provider,
        precision=place.precision,
        confidence=place.confidence,
    )


def locate(batch: Sequence[Checked], services: ServiceMap) -> list[Place]:
    """Return the place of each order: rows that stand already, or new ones not yet saved.

    Coordinates that come with an order are taken as they are, unless a person corrected exactly
    these at this address. Else a remembered pin, else the geocoder's answer over the networks of
    the hubs, else no pin. Orders of one batch at the same place share one row.
    """
    keys = [addresses.key(checked.place) for checked in batch]
    memory = Memory(keys)
    asked = _Geocoder(services)
    fresh: dict[tuple[Any, ...], Place] = {}
    found = []
    for checked, key in zip(batch, keys, strict=True):
        pin = _pin(checked, key, memory) or asked.pin(checked, key)
        fields = {name: checked.place[name] for name in PLACE_FIELDS} | {"key": key} | asdict(pin)
        place = memory.same(fields) or fresh.get(tuple(fields.values()))
        if place is None:
            place = fresh[tuple(fields.values())] = Place(**fields, created_at=now())
        found.append(place)
    return found


class _Geocoder:
    """Asks each address of a batch once."""

    def __init__(self, services: ServiceMap) -> None:
        self._all = sorted({hub.network for hub in services.hubs if hub.network})
        self._met: dict[tuple[str, ...], Pin] = {}

    def pin(self, checked: Checked, key: str) -> Pin:
        """The geocoder's pin, or none; a named hub's network alone is asked."""
        networks = self._all
        if checked.hub is not None:
            networks = [checked.hub.network] if checked.hub.network else []
        question = (key or repr(checked.place), *networks)
        if question not in self._met:
            answer = geocoding.sure(checked.place, networks) if networks else None
            self._met[question] = _pin_from(*answer) if answer else NO_PIN
        return self._met[question]


def _pin_from(candidate: Candidate, network: str) -> Pin:
    return Pin(
        lat=candidate.point.lat,
        lon=candidate.point.lon,
        pin_source=PinSource.GEOCODER.value,
        provider=f"roads:{network}",
        precision=candidate.precision,
        confidence=candidate.confidence,
    )


def _pin(checked: Checked, key: str, memory: Memory) -> Pin | None:
    lat, lon = checked.place["lat"], checked.place["lon"]
    if lat is not None and lon is not None:
        given = Pin(lat=lat, lon=lon, pin_source=PinSource.GIVEN.value)
        return memory.correction(key, lat, lon) or given
    return memory.best(key)
