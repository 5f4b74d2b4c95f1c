"""The problems of the solver's campaigns, by name; each process makes them from the name.

- vrptw/R1_10_4: shared instance, DIMACS distances; best known by DIMACS
- pairs/lr108: Li & Lim, exact distances; hierarchical record
- porto/400/money: Greater Porto's streets, by money or distance; mixed: vans and bikes
- city/5000: a synthetic city with one hub; hubs/5000 has five hubs
- metro/5000: the city of performance.md 2c, drawn again from its figures
- amazon/DLA8: one driver's day, great circle; the driver's own order
- loggibud/0: a day of deliveries, great circle; best published plan
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from dispatch.solver.formats.text import parse
from dispatch.solver.model.problem import Int32, Problem, TravelTable, VehicleShift, Visit, Window
from tests.bench.solver_porto import porto
from tests.shared import shared_data

EARTH_M = 6_371_008.8
HOUR = 3600
CITY_SIDE_M, CITY_CLUSTERS, CITY_DAY_S = 30_000, 25, 9 * HOUR


@dataclass(frozen=True, slots=True)
class Case:
    """A problem with what is known about it.

    ``unit`` minor units are one of the case's own unit (a tenth of a distance, a kilometre).
    ``text`` is the file it was read from, for the second referee. ``known`` are costs by source.
    """

    problem: Problem
    unit: float
    known: dict[str, float] = field(default_factory=dict)
    text: str = ""

    @property
    def best(self) -> float | None:
        """Return the lowest known cost, in the case's own unit."""
        return min(self.known.values(), default=None)


def load(name: str) -> Case:
    """Return the case of this name. Raises KeyError for an unknown kind."""
    kind, _, rest = name.partition("/")
    return KINDS[kind](rest)


def vrptw(name: str) -> Case:
    """Return a shared instance by the DIMACS convention."""
    folder = shared_data("vrptw")
    text = (folder / f"{name}.txt").read_text(encoding="utf-8")
    instance = parse(text)
    with (folder / "bks.csv").open(encoding="utf-8") as file:
        best = {row["instance"]: float(row["bks_dimacs"]) for row in csv.DictReader(file)}
    return Case(instance.problem, instance.scale, {"best known": best[name]}, text)


def pairs(name: str) -> Case:
    """Return a Li & Lim instance in double precision; its record has the fewest vehicles first."""
    folder = shared_data("vrptw") / "pdptw"
    text = (folder / f"{name}.txt").read_text(encoding="utf-8")
    instance = parse(text, "exact")
    with (folder / "bks.csv").open(encoding="utf-8") as file:
        best = {row["instance"]: float(row["hier_distance"]) for row in csv.DictReader(file)}
    return Case(instance.problem, instance.scale, {"fewest vehicles": best[name]}, text)


def streets(name: str) -> Case:
    """Return a case of ``solver_porto``: ``400/money``; costs in whole money or kilometres."""
    count, _, objective = name.partition("/")
    return Case(porto(int(count), objective), 1000 if objective == "distance" else 100)


def city(name: str) -> Case:
    """Return a city with one hub in the middle; cost = seconds of travel."""
    return Case(_city(int(name), CITY), 1)


def hubs(name: str) -> Case:
    """Return the same city with its vehicles at five hubs."""
    return Case(_city(int(name), CITY, hubs=5), 1)


def metro(name: str) -> Case:
    """Return the city of performance.md 2c, whose seed is not published; cost = seconds of travel.

    Other unpublished figures were chosen so that PyVRP reaches the published cost: 599,667 in 60 s.
    """
    return Case(_city(int(name), METRO), 1)


@dataclass(frozen=True, slots=True)
class Town:
    """The parameters of synthetic cities: speed, service, width of clusters."""

    metres_per_s: float
    service_s: int
    spread_m: int
    spare: float  # vehicles, as a multiple of the number that the load needs


CITY: Final = Town(8.0, 120, 1_200, 1.4)
METRO: Final = Town(5.5, 300, 2_100, 1.6)


def _city(count: int, town: Town, hubs: int = 1) -> Problem:
    draw = np.random.default_rng(20_000 + count)
    centres = draw.uniform(0, CITY_SIDE_M, (CITY_CLUSTERS, 2))
    centre = centres[draw.integers(0, CITY_CLUSTERS, count)]
    homes = centre + draw.normal(0, town.spread_m, (count, 2))
    middle = np.array([[CITY_SIDE_M / 2, CITY_SIDE_M / 2]])
    corners = CITY_SIDE_M * np.array([[0.2, 0.2], [0.2, 0.8], [0.8, 0.2], [0.8, 0.8]])
    hub_places = middle if hubs == 1 else np.vstack([middle, corners])
    at = np.vstack([hub_places, np.clip(homes, 0, CITY_SIDE_M)])
    seconds = _straight(at, town.metres_per_s)
    demand = draw.integers(1, 4, count)
    windowed = draw.random(count) < 0.4
    opens = draw.integers(0, CITY_DAY_S - 2 * HOUR + 1, count)
    reach = seconds[:hubs, hubs:].min(axis=0)
    vehicles = max(hubs, math.ceil(town.spare * demand.sum() / 150))
    return Problem(
        profiles=(TravelTable("van", seconds, seconds),),
        visits=tuple(
            Visit(
                f"s{i}",
                i + hubs,
                town.service_s,
                (int(demand[i]),),
                (Window(int(o := max(opens[i], reach[i] - HOUR)), int(o) + 2 * HOUR),)
                if windowed[i]
                else (),
            )
            for i in range(count)
        ),
        vehicles=tuple(
            VehicleShift(
                f"van{v}", v % hubs, v % hubs, 0, CITY_DAY_S, capacity=(150,), cost_per_km=1000
            )
            for v in range(vehicles)
        ),
        dimensions=("parcels",),
        name=f"city {count}, {hubs} hubs",
    )


def _straight(at: np.ndarray, metres_per_s: float) -> Int32:
    """Return whole seconds in a straight line, computed row by row to save memory."""
    table = np.empty((len(at), len(at)), dtype=np.int32)
    for row, spot in enumerate(at):
        table[row] = np.hypot(*(at - spot).T) / metres_per_s + 0.5
    table.setflags(write=False)  # a read-only matrix is used without a copy
    return table


def amazon(name: str) -> Case:
    """Return an Amazon route over great circles, station to station, without windows and volumes.

    The driver's own order is priced in the same way, by distance alone.
    """
    folder = shared_data("amazon_lastmile")
    routes = json.loads((folder / "route_data.json").read_text(encoding="utf-8"))
    orders = json.loads((folder / "actual_sequences.json").read_text(encoding="utf-8"))
    key = next(k for k, route in routes.items() if route["station_code"] == name)
    stops = routes[key]["stops"]
    driven = sorted(stops, key=lambda stop: int(orders[key]["actual"][stop]))
    way = great_circle([(stops[s]["lat"], stops[s]["lng"]) for s in driven])
    assert stops[driven[0]]["type"] == "Station"
    own = int(way[np.arange(len(way)), np.roll(np.arange(len(way)), -1)].sum())
    # The solver gets the stops in the file's order, not in the driver's.
    shuffled = [0, *(driven.index(s) for s in stops if s != driven[0])]
    return Case(
        _loads(way[np.ix_(shuffled, shuffled)], [1] * (len(way) - 1), 1000, 1, f"amazon {name}"),
        1000,
        {"driver": own / 1000},
    )


def loggibud(day: str) -> Case:
    """Return a LoggiBUD day over great circles, as ``published_costs.csv`` measures plans."""
    folder = shared_data("loggibud_brasilia")
    name = f"cvrp-0-df-{day}"
    instance = json.loads((folder / "instances" / f"{name}.json").read_text(encoding="utf-8"))
    spots = [(d["point"]["lat"], d["point"]["lng"]) for d in instance["deliveries"]]
    way = great_circle([(instance["origin"]["lat"], instance["origin"]["lng"]), *spots])
    with (folder / "published_costs.csv").open(encoding="utf-8") as file:
        known = {
            row["baseline"]: float(row["great_circle_km"])
            for row in csv.DictReader(file)
            if row["instance"] == name
        }
    sizes = [int(d["size"]) for d in instance["deliveries"]]
    fleet = math.ceil(1.5 * sum(sizes) / instance["vehicle_capacity"])
    problem = _loads(way, sizes, instance["vehicle_capacity"], fleet, f"loggibud {day}")
    return Case(problem, 1000, known)


def great_circle(spots: list[tuple[float, float]]) -> Int32:
    """Return whole metres between places of (lat, lon), radius as in the published figures."""
    lat, lon = np.radians(np.array(spots)).T
    half = (
        np.sin((lat[:, None] - lat) / 2) ** 2
        + np.cos(lat)[:, None] * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    )
    table: Int32 = (2 * EARTH_M * np.arcsin(np.sqrt(half)) + 0.5).astype(np.int32)
    return table


def _loads(way: Int32, sizes: list[int], room: int, fleet: int, name: str) -> Problem:
    """Return a problem of distance and one load only; a metre is a minor unit."""
    return Problem(
        profiles=(TravelTable("great circle", way, way),),
        visits=tuple(Visit(f"d{i}", i + 1, 0, (size,)) for i, size in enumerate(sizes)),
        vehicles=tuple(
            VehicleShift(f"van{v}", 0, 0, 0, 10**8, capacity=(room,), cost_per_km=1000)
            for v in range(fleet)
        ),
        dimensions=("size",),
        name=name,
    )


KINDS: dict[str, Callable[[str], Case]] = {
    "vrptw": vrptw,
    "pairs": pairs,
    "porto": streets,
    "city": city,
    "hubs": hubs,
    "metro": metro,
    "amazon": amazon,
    "loggibud": loggibud,
}
CACHE = Path(__file__).resolve().parents[2] / "var" / "proof" / "solver"
