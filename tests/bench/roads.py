"""Greater Porto built, and a matrix of 1,000 x 1,000, compared with plain scipy in the same run."""

from __future__ import annotations

import math
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dispatch.roads import build, osm, tiles
from dispatch.roads.matrix import legs, travel
from dispatch.roads.network import Graph, load
from lastmile.core.geo import Point
from tests.shared import shared_data

PLACES, ORACLE_ROWS, SEED = 1_000, 50, 11
MOST_SECONDS = 10.0


def timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def places(graph: Graph, count: int, seed: int) -> list[Point]:
    """Return points some metres beside streets drawn by a seed."""
    rng = np.random.default_rng(seed)
    streets = graph.streets
    edges = rng.choice(graph.core_streets, count)
    spots = streets.shape[streets.first[edges]] / 1e7 + rng.normal(0, 1e-4, (count, 2))
    return [Point(lon=lon, lat=lat) for lon, lat in spots.tolist()]


def build_porto(var: Path) -> tuple[float, float]:
    """Return the seconds to read the file, and to build the network from it."""
    file = shared_data("osm") / "porto_portugal.osm.pbf"
    started = time.perf_counter()
    city = osm.read(file)
    read = time.perf_counter() - started
    origin = build.Origin("Greater Porto", file.name)
    return read, timed(lambda: build.build(city, name="porto", origin=origin, var=var))


def oracle_seconds(graph: Graph, points: list[Point]) -> float:
    """Return scipy's seconds for all rows, from ORACLE_ROWS of them; every answer is compared."""
    from scipy.sparse.csgraph import dijkstra

    weighted = graph.at(None)
    few = graph.snap(points[:ORACLE_ROWS])
    if not (weighted.table(few) == weighted.table(few, oracle=True)).all():
        raise AssertionError("The hierarchy and scipy's Dijkstra disagree.")
    nodes = weighted.ends(graph.snap(points)).low
    took = timed(lambda: dijkstra(weighted.sparse[0], indices=nodes[:ORACLE_ROWS]))
    return took / ORACLE_ROWS * len(points)


def tile_figures(var: Path) -> str:
    """Return the slowest and largest tile of the middle of the town, by zoom."""
    west, south, east, north = load("porto", var).info.bbox
    figures = []
    for z in (10, 12, 14):
        across = ((west + east) / 2 / 360 + 0.5) * 2**z
        lat = math.radians((south + north) / 2)
        down = (0.5 - math.asinh(math.tan(lat)) / (2 * math.pi)) * 2**z
        took, size = 0.0, 0
        for x in range(int(across) - 2, int(across) + 3):
            for y in range(int(down) - 2, int(down) + 3):
                started = time.perf_counter()
                size = max(size, len(tiles.tile("porto", z, x, y, var)))
                took = max(took, time.perf_counter() - started)
        figures.append(f"z{z} {took * 1000:.0f} ms {size / 1000:.0f} kB")
    return ", ".join(figures)


def run() -> str:
    """Run the campaign for `make proof roads`."""
    with tempfile.TemporaryDirectory() as place:
        var = Path(place)
        read, built = build_porto(var)
        figures = [f"Greater Porto read {read:.1f} s, built {built:.1f} s (three graphs)"]
        for profile in ("van", "cargo_bike", "foot"):
            graph = load("porto", var).graph(profile)
            if graph is None:
                raise AssertionError(f"No graph for {profile}.")
            points = places(graph, PLACES, SEED)
            first = timed(lambda: travel(points, network="porto", profile=profile, var=var))  # noqa: B023 - called at once
            if first > MOST_SECONDS:
                raise AssertionError(f"{profile}: {first:.1f} s is over {MOST_SECONDS} s.")
            scipy = oracle_seconds(graph, points)
            figures.append(
                f"{profile} {PLACES} x {PLACES} times and lengths {first:.2f} s"
                f" (first call; plain scipy {scipy:.1f} s, {scipy / first:.0f} times)"
            )
        route = points[:40]
        took = timed(lambda: legs(route, network="porto", profile="van", var=var))
        figures.append(f"40 legs drawn {took:.2f} s; tiles at most {tile_figures(var)}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return "; ".join([*figures, f"peak {peak:.0f} MB"])


if __name__ == "__main__":
    print(run())
