"""The embedded network held against OSRM and Valhalla on real maps: `make proof streets`.

Both engines come as wheels from the package index. They are unpacked under var/proof/streets and
run on loopback, with the streets of the same map files. For each map, pairs of places are drawn by
a seed. Compared are the free-flow times of vans: the rank correlation, the pairs without a way, and
the largest differences, each with what differs.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from django.conf import settings

from dispatch.roads import build, osm
from dispatch.roads.engines.base import NO_WAY, RoadEngine, table
from dispatch.roads.engines.osrm import OsrmEngine
from dispatch.roads.engines.valhalla import ValhallaEngine
from dispatch.roads.matrix import travel
from dispatch.roads.network import Graph, load
from lastmile.core.geo import Point, distance_m
from lastmile.core.providers import HttpClient, Limits
from tests.shared import shared_data

MAPS: Final = {
    "porto": "porto_portugal.osm.pbf",
    "helsinki": "helsinki_centre.osm.pbf",
    "baltimore": "baltimore_east.osm.pbf",
}
PLACES, GROUP, SEED = 230, 10, 17  # 23 groups of 10 x 10 places: 2,070 pairs
LEAST_CORRELATION: Final = 0.97
LARGEST: Final = 10
WHEELS: Final = ("osrm-bindings==26.10.0", "pyvalhalla==3.9.1")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Seconds by both engines of some pairs, with the places; NO_WAY where there is none."""

    starts: Sequence[Point]
    ends: Sequence[Point]
    own_s: Floats
    other_s: Floats
    other_m: Floats


def engines_folder() -> Path:
    """Return the folder with the unpacked programs of both engines; download them once."""
    home = Path(settings.VAR) / "proof" / "streets"
    if not (home / "valhalla").exists():
        wheels = home / "wheels"
        wheels.mkdir(parents=True, exist_ok=True)
        python = ["--no-deps", "--only-binary", ":all:", "--python-version", "312"]
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "-q", *python, *WHEELS, "-d", str(wheels)],
            check=True,
        )
        for wheel in wheels.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(home)
        for program in [*(home / "osrm/bin").iterdir(), *(home / "valhalla/bin").iterdir()]:
            program.chmod(0o755)
    return home


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def running(command: Sequence[str | Path], probe: str) -> Iterator[None]:
    """Run a server until the end of the block; it is up when the probe answers anything."""
    server = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 60
        while not answers(probe):
            if time.monotonic() > until:
                raise AssertionError(f"{Path(command[0]).name} does not answer.")
            time.sleep(0.1)
        yield
    finally:
        server.kill()  # Valhalla waits for its connections when it is asked to end
        server.wait()


def answers(probe: str) -> bool:
    """Return True if a server gives any answer, also one that refuses the call."""
    try:
        urllib.request.urlopen(probe, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@contextlib.contextmanager
def osrm(home: Path, file: Path, place: Path) -> Iterator[RoadEngine]:
    """Build OSRM's network of a map and serve it on loopback."""
    programs, data = home / "osrm/bin", place / "osrm" / "map.osm.pbf"
    data.parent.mkdir(parents=True)
    shutil.copy(file, data)
    base = data.with_name("map.osrm")
    for command in (
        [programs / "osrm-extract", "-p", home / "osrm/share/profiles/car.lua", data],
        [programs / "osrm-partition", base],
        [programs / "osrm-customize", base],
    ):
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    serve = [programs / "osrm-routed", "--algorithm", "mld", "-i", "127.0.0.1", "-p", str(port)]
    with running([*serve, base], url):
        yield OsrmEngine(HttpClient(url, limits=Limits(total_s=60)))


@contextlib.contextmanager
def valhalla(home: Path, file: Path, place: Path) -> Iterator[RoadEngine]:
    """Build Valhalla's tiles of a map and serve them on loopback."""
    folder, port = place / "valhalla", free_port()
    folder.mkdir(parents=True)
    url = f"http://127.0.0.1:{port}"
    config = folder / "valhalla.json"
    words = {
        "--mjolnir-tile-dir": folder / "tiles",
        "--httpd-service-listen": f"tcp://127.0.0.1:{port}",
        "--httpd-service-loopback": f"ipc://{folder}/loopback",
        "--httpd-service-interrupt": f"ipc://{folder}/interrupt",
    }
    written = subprocess.run(
        [sys.executable, str(home / "valhalla/valhalla_build_config.py")]
        + [str(part) for pair in words.items() for part in pair],
        check=True,
        capture_output=True,
    )
    config.write_bytes(written.stdout)
    programs = home / "valhalla/bin"
    subprocess.run(
        [str(programs / "valhalla_build_tiles"), "-c", str(config), str(file)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with running([programs / "valhalla_service", config, "1"], f"{url}/status"):
        yield ValhallaEngine(HttpClient(url, limits=Limits(total_s=60)))


def places(graph: Graph, count: int, seed: int) -> list[Point]:
    """Return points on the streets that everybody may drive through, drawn by a seed.

    Motorways and ferries are left out: a vehicle does not stop there, so an engine that starts on
    one answers another question.
    """
    rng = np.random.default_rng(seed)
    streets = graph.streets
    edges = rng.choice(np.intersect1d(graph.core_streets, graph.doors), count)
    middle = (streets.first[edges] + streets.first[edges + 1]) // 2
    corners = streets.shape[np.minimum(middle, streets.first[edges + 1] - 1)] / 1e7
    return [Point(lon=lon, lat=lat) for lon, lat in corners.tolist()]


def measured(network: str, var: Path, engine: RoadEngine, count: int = PLACES) -> Pairs:
    """Return the times of both for the pairs within groups of places."""
    graph = load(network, var).graph("van")
    if graph is None:
        raise AssertionError(f"No streets for vans in {network}.")
    points = places(graph, count, SEED)
    starts: list[Point] = []
    ends: list[Point] = []
    own: list[Floats] = []
    others: list[tuple[Floats, Floats]] = []
    apart = ~np.eye(GROUP, dtype=bool)
    for first in range(0, count, GROUP):
        group = points[first : first + GROUP]
        seconds = travel(group, network=network, profile="van", var=var).duration_s
        other_s, other_m = table(engine, group, group, "van")
        own.append(seconds[apart].astype(float))
        others.append((other_s[apart].astype(float), other_m[apart].astype(float)))
        rows, columns = np.nonzero(apart)
        starts += [group[at] for at in rows.tolist()]
        ends += [group[at] for at in columns.tolist()]
    seconds_of, metres_of = zip(*others, strict=True)
    return Pairs(
        starts, ends, np.concatenate(own), np.concatenate(seconds_of), np.concatenate(metres_of)
    )


def rank_correlation(pairs: Pairs) -> float:
    """Return Spearman's rank correlation of the pairs that both can drive."""
    from scipy.stats import spearmanr

    both = (pairs.own_s < NO_WAY) & (pairs.other_s < NO_WAY)
    return float(spearmanr(pairs.own_s[both], pairs.other_s[both]).statistic)


def differences(pairs: Pairs, network: str, var: Path) -> list[str]:
    """Return the pairs whose times differ most from the usual share, each with what differs.

    The usual share is the median of our time and the other's. What differs is the way, if its
    length is another one, else the speed on it.
    """
    both = np.flatnonzero((pairs.own_s > 0) & (pairs.other_s > 0) & (pairs.other_s < NO_WAY))
    share = np.log(pairs.own_s[both] / pairs.other_s[both])
    usual = float(np.median(share))
    worst = both[np.argsort(-np.abs(share - usual))[:LARGEST]]
    lines = []
    for at in worst.tolist():
        points = [pairs.starts[at], pairs.ends[at]]
        own_m = int(travel(points, network=network, profile="van", var=var).distance_m[0, 1])
        other_m = int(pairs.other_m[at])
        longer = abs(own_m - other_m) > 0.1 * max(own_m, other_m)
        straight = round(distance_m(*points))
        a, b = points
        lines.append(
            f"{a.lat:.5f},{a.lon:.5f} to {b.lat:.5f},{b.lon:.5f} ({straight} m straight): "
            f"{pairs.own_s[at]:.0f} s {own_m} m, other {pairs.other_s[at]:.0f} s {other_m} m: "
            f"{'another way' if longer else 'the same way at another speed'}"
        )
    return lines


def compared(network: str, var: Path, engine: RoadEngine) -> tuple[str, list[str]]:
    """Return the figures of a map and an engine, and the promises that are broken."""
    pairs = measured(network, var, engine)
    correlation = rank_correlation(pairs)
    possible = int((pairs.other_s < NO_WAY).sum())
    impossible = int(((pairs.own_s >= NO_WAY) & (pairs.other_s < NO_WAY)).sum())
    ratio = float(np.median(pairs.own_s[pairs.other_s > 0] / pairs.other_s[pairs.other_s > 0]))
    name = f"{network}/{engine.name}"
    broken = [f"{name}: correlation {correlation:.3f}"] * (correlation <= LEAST_CORRELATION)
    broken += [f"{name}: {impossible} pairs impossible here"] * (impossible > 0)
    details = Path(settings.VAR) / "proof" / "streets" / f"{network}-{engine.name}.txt"
    details.write_text("\n".join(differences(pairs, network, var)) + "\n", encoding="utf-8")
    figures = (
        f"{name}: {len(pairs.own_s)} pairs, {possible} possible there, {impossible} of them not "
        f"here, rank correlation {correlation:.4f}, our time {ratio:.2f} times the other, largest "
        f"differences in {details.name}"
    )
    return figures, broken


def run(maps: Sequence[str] = tuple(MAPS)) -> str:
    """Run the campaign; raise with all figures if a promise is broken."""
    home = engines_folder()
    var = home / "networks"
    figures: list[str] = []
    broken: list[str] = []
    for network in maps:
        file = shared_data("osm") / MAPS[network]
        began = time.process_time()
        city = osm.read(file)
        build.build(city, name=network, origin=build.Origin(network, file.name), var=var)
        figures.append(f"{network} read and built {time.process_time() - began:.1f} s of CPU")
        place = home / "work" / network
        shutil.rmtree(place, ignore_errors=True)
        for serve in (osrm, valhalla):
            with serve(home, file, place) as engine:
                text, faults = compared(network, var, engine)
            figures.append(text)
            broken += faults
    if broken:
        raise AssertionError("; ".join([*broken, *figures]))
    return "; ".join(figures)


if __name__ == "__main__":
    print(run())
