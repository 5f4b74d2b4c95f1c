"""The folders of networks: read-only versions under LASTMILE_VAR/roads/<name>/. PURE.

    <var>/roads/<name>/current          one line: the current version
    <var>/roads/<name>/<version>/       meta.json, names.json, *.bin, addresses.sqlite
    <var>/roads/<name>.lock             locked by the process that builds

A version is built in a temporary folder and renamed when it is complete. Then ``current`` is
replaced in one step, so that a reader sees the old version or the new one, never a part of one.
The version before stays on disk for processes that still use it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lastmile.core.errors import NotFound
from lastmile.core.geo import Point

BUILDER = 6  # increase it when the arrays change their shape or meaning
KEPT = 2
_NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,62}$")


class UnknownNetwork(NotFound):
    """There is no network of this name; the message says how to build one."""

    code = "unknown_network"


@dataclass(frozen=True, slots=True)
class NetworkInfo:
    """The facts of a network for pages and operators.

    ``bbox`` is (west, south, east, north) in degrees. ``attribution`` must be shown with each map,
    route or geocoded place that is made from the network.
    """

    name: str
    version: str
    title: str
    source: str
    licence: str
    attribution: str
    bbox: tuple[float, float, float, float]
    profiles: tuple[str, ...]
    counts: dict[str, int]
    builder: int
    notes: tuple[str, ...]

    def covers(self, lat: float, lon: float) -> bool:
        """Return True if a point is inside the bounds of the network."""
        west, south, east, north = self.bbox
        return south <= lat <= north and west <= lon <= east


def var_folder(var: Path | str | None = None) -> Path:
    """Return the data folder: the argument, else LASTMILE_VAR, else ``var`` beside the code."""
    if var is not None:
        return Path(var)
    setting = os.environ.get("LASTMILE_VAR")
    return Path(setting) if setting else Path(__file__).resolve().parents[2] / "var"


def network_folder(name: str, var: Path | str | None = None) -> Path:
    """Return the folder of a network; raises UnknownNetwork if the name is not allowed."""
    if not _NAME.match(name):
        raise UnknownNetwork(
            f"{name!r} is not a network name: use small letters, digits, '-' and '_', at most 63."
        )
    return var_folder(var) / "roads" / name


def current_version(name: str, var: Path | str | None = None) -> str:
    """Return the current version of a network; raises UnknownNetwork if there is none."""
    try:
        return (network_folder(name, var) / "current").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise UnknownNetwork(
            f"There is no street network {name!r}. "
            f"Build it with: manage.py roads_build FILE.osm.pbf --name {name}"
        ) from None


def read_meta(folder: Path) -> dict[str, Any]:
    """Return the content of meta.json of a version."""
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    return meta


def info_of(folder: Path) -> NetworkInfo:
    """Return the facts of the version in a folder."""
    meta = read_meta(folder)
    west, south, east, north = meta["bbox"]
    return NetworkInfo(
        name=meta["name"],
        version=folder.name,
        title=meta["title"],
        source=meta["source"],
        licence=meta["licence"],
        attribution=meta["attribution"],
        bbox=(west, south, east, north),
        profiles=tuple(meta["profiles"]),
        counts=meta["counts"],
        builder=meta["builder"],
        notes=tuple(meta["notes"]),
    )


def available(var: Path | str | None = None) -> list[NetworkInfo]:
    """Return all usable networks of the installation, sorted by name."""
    root = var_folder(var) / "roads"
    infos = []
    for pointer in sorted(root.glob("*/current")):
        folder = pointer.parent / pointer.read_text(encoding="ascii").strip()
        try:
            info = info_of(folder)
        except FileNotFoundError:
            continue  # two new builds replaced it meanwhile, or it was deleted by hand
        if info.builder == BUILDER:
            infos.append(info)
    return infos


def covering(points: Sequence[Point], var: Path | str | None = None) -> str | None:
    """Return the network whose bounds contain the most places; None if none contains any.

    Of several such networks, return the smallest.
    """
    best: tuple[int, float, str] | None = None
    for info in available(var):
        inside = sum(info.covers(point.lat, point.lon) for point in points)
        west, south, east, north = info.bbox
        rank = (inside, -(east - west) * (north - south), info.name)
        if inside and (best is None or rank > best):
            best = rank
    return best[2] if best else None


@contextmanager
def new_version(name: str, var: Path | str | None = None) -> Iterator[Path]:
    """Give a folder to build in; make it the current version at the end of the block.

    If the block fails, the folder is deleted. Locks: the name; a second process that builds waits.
    """
    home = network_folder(name, var)
    home.mkdir(parents=True, exist_ok=True)
    with (home.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place = Path(tempfile.mkdtemp(prefix=f".building-{name}-", dir=home.parent))
        try:
            yield place
            _sync(place)
            version = f"{_next_number(home):06d}"
            place.chmod(0o755)
            place.rename(home / version)
            _point(home, version)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        _forget_old(home)


def _versions(home: Path) -> list[str]:
    return sorted(entry.name for entry in home.iterdir() if entry.name.isdigit())


def _next_number(home: Path) -> int:
    return int((_versions(home) or ["0"])[-1]) + 1


def _sync(place: Path) -> None:
    for entry in place.rglob("*"):
        if entry.is_file():
            with entry.open("rb") as file:
                os.fsync(file.fileno())


def _point(home: Path, version: str) -> None:
    fresh = home / f".current-{os.getpid()}"
    with fresh.open("w", encoding="ascii") as file:
        file.write(version + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(home / "current")


def _forget_old(home: Path) -> None:
    for version in _versions(home)[:-KEPT]:
        shutil.rmtree(home / version, ignore_errors=True)
