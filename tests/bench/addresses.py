"""Addresses of two cities found by the geocoder, with and without their object in the index.

``python -m tests.bench.addresses`` prints the rows that are far off.
"""

from __future__ import annotations

import csv
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dispatch.roads import build, osm
from dispatch.roads.geocode import AddressParts, Candidate, find
from lastmile.core.geo import Point, distance_m
from tests.shared import shared_data

CITIES = {"baltimore": "baltimore_east", "helsinki": "helsinki_centre"}
WITHIN_M, WITHOUT_M = 50, 100
AT_LEAST = {"with": 0.95, "without": 0.80}


@dataclass(frozen=True, slots=True)
class Row:
    city: str
    source: str
    parts: AddressParts
    point: Point


@dataclass(frozen=True, slots=True)
class Outcome:
    row: Row
    best: Candidate | None

    @property
    def away_m(self) -> float:
        return distance_m(self.row.point, self.best.point) if self.best else float("inf")


def rows(city: str) -> list[Row]:
    with (shared_data("addresses_osm") / f"{city}.csv").open(encoding="utf-8") as file:
        return [
            Row(
                city,
                row["osm_id"],
                AddressParts(row["street"], row["housenumber"], row["postcode"], row["city"]),
                Point(lat=float(row["lat"]), lon=float(row["lon"])),
            )
            for row in csv.DictReader(file)
        ]


def build_networks(var: Path) -> None:
    for network in CITIES.values():
        file = shared_data("osm") / f"{network}.osm.pbf"
        build.build(osm.read(file), name=network, origin=build.Origin(network, file.name), var=var)


def outcomes(city: str, var: Path, left_out: str) -> Iterator[Outcome]:
    """Find each row of a city.

    ``left_out`` is "none", "own" (the row's object) or "twins" (all objects of its address).
    """
    all_rows = rows(city)
    twins: dict[tuple[str, str], set[str]] = {}
    for row in all_rows:
        twins.setdefault((row.parts.street, row.parts.number), set()).add(row.source)
    for row in all_rows:
        out = {
            "none": set(),
            "own": {row.source},
            "twins": twins[row.parts.street, row.parts.number],
        }[left_out]
        best = find(row.parts, CITIES[city], var=var, leave_out=out, limit=1)
        yield Outcome(row, best[0] if best else None)


def neighbours_known(city: str, row: Row) -> bool:
    """Return True if the street has another numbered house once the row's address is left out."""
    return any(
        other.parts.street == row.parts.street and other.parts.number != row.parts.number
        for other in _rows_of(city)
    )


_cache: dict[str, list[Row]] = {}


def _rows_of(city: str) -> list[Row]:
    if city not in _cache:
        _cache[city] = rows(city)
    return _cache[city]


def share(outcomes: list[Outcome], within_m: float) -> float:
    return sum(outcome.away_m <= within_m for outcome in outcomes) / len(outcomes)


def measure(var: Path) -> dict[str, float]:
    """Return the shares found: with all objects, without the own one, without the whole address."""
    figures: dict[str, float] = {}
    for city in CITIES:
        figures[f"{city} with, 50 m"] = share(list(outcomes(city, var, "none")), WITHIN_M)
        figures[f"{city} own out, 100 m"] = share(list(outcomes(city, var, "own")), WITHOUT_M)
        with_neighbours = [o for o in outcomes(city, var, "twins") if neighbours_known(city, o.row)]
        figures[f"{city} address out, 100 m"] = share(with_neighbours, WITHOUT_M)
        interpolated = [o for o in with_neighbours if o.best and o.best.precision == "interpolated"]
        near = sum(o.away_m <= WITHOUT_M for o in interpolated) / len(with_neighbours)
        figures[f"{city} address out, said interpolated and within 100 m"] = near
    return figures


def run() -> str:
    """Run the campaign for `make proof addresses`."""
    with tempfile.TemporaryDirectory() as place:
        var = Path(place)
        build_networks(var)
        started = time.monotonic()
        figures = measure(var)
        took = time.monotonic() - started
    for name, value in figures.items():
        least = AT_LEAST["with"] if " with," in name else AT_LEAST["without"]
        if value < least:
            raise AssertionError(f"{name}: {value:.3f} is under {least}.")
    count = 3 * sum(len(_rows_of(city)) for city in CITIES)
    summary = ", ".join(f"{name} {value:.1%}" for name, value in figures.items())
    return f"{summary}; {count / took:,.0f} addresses/s"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        build_networks(Path(place))
        for name, value in measure(Path(place)).items():
            print(f"{name:45} {value:.4f}")
        for city in CITIES:
            for left_out, within in (("none", WITHIN_M), ("twins", WITHOUT_M)):
                wrong = [o for o in outcomes(city, Path(place), left_out) if o.away_m > within]
                kinds = Counter(o.best.precision if o.best else "nothing" for o in wrong)
                print(city, left_out, len(wrong), dict(kinds))
                for o in wrong[:25]:
                    print(
                        "  ",
                        o.row.parts,
                        round(o.away_m),
                        o.best and (o.best.label, o.best.precision, o.best.confidence),
                    )
