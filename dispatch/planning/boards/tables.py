"""The travel between the places of a day: from the shared files, computed where they miss some."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from django.conf import settings

from dispatch.planning.boards.files import Table, TravelFile, remove_day, remove_old
from dispatch.planning.problem.day import Day
from dispatch.roads.added import KnownPlaces, travel_to_known
from dispatch.roads.matrix import TravelMatrix, travel
from dispatch.roads.rules import Profile
from lastmile.core.clock import now
from lastmile.core.geo import Point
from lastmile.core.tenancy import current_schema

# Places without travel in the file that a request computes by itself; a job computes more. Chosen:
# each takes up to 10 ms on a large network.
FEW: Final = 48


class FilesMissing(Exception):
    """The files of a day miss more than FEW places: a job should compute the travel."""


def folder_of(hub: str) -> Path:
    """Return the folder of a hub's travel files."""
    return Path(settings.DAYS_FOLDER) / current_schema() / hub


def remove_old_files() -> None:
    """Remove the travel files of past days of all hubs of the retailer on this machine."""
    for folder in (Path(settings.DAYS_FOLDER) / current_schema()).glob("*"):
        remove_old(folder, now().date())


def remove_files_of(days: Collection[tuple[Path, dt.date]]) -> None:
    """Remove the travel files of some days on this machine; ``days`` are (folder, date).

    Boards and files are made again when someone asks for the day.
    """
    for folder, date in days:
        remove_day(folder, date)


def tables_of(day: Day, *, wait: bool) -> dict[str, tuple[KnownPlaces, Table]]:
    """Return the places of a day on the streets and the travel between them, by profile.

    Raises
    ------
    FilesMissing
        Without ``wait``, when the travel of more than FEW places must be computed.
    """
    result = {}
    for name in sorted({shift.profile for shift in day.shifts}):
        result[name] = _table_of(day, name, wait=wait)  # type: ignore[arg-type]
    return result


def matrices_of(tables: Mapping[str, tuple[KnownPlaces, Table]]) -> dict[str, TravelMatrix]:
    """Return the tables as the matrices from which a problem is built."""
    return {
        name: TravelMatrix(
            duration_s=table.seconds,
            distance_m=table.metres,
            source="roads" if table.snaps.covered.any() else "straight_line",
            note="",
            snapped_m=table.snaps.away_m,
            network_version=known.version,
        )
        for name, (known, table) in tables.items()
    }


def path_of(day: Day, known: KnownPlaces) -> Path:
    """Return the path of the file for the places of a day, of one profile and hour."""
    network = f"{day.network}@{known.version}" if known.version else "straight"
    hour = "free" if known.hour is None else f"{known.hour:02d}"
    return folder_of(day.hub) / f"{day.service_date}@{network}.{known.profile}-{hour}"


def save(day: Day, known: KnownPlaces, table: Table) -> None:
    """Keep a table in its file, and remove the files of past days."""
    path = path_of(day, known)
    TravelFile(path).save(table)


def _table_of(day: Day, profile: Profile, *, wait: bool) -> tuple[KnownPlaces, Table]:
    network, minute = day.network or None, day.traffic_minute
    empty = KnownPlaces([], network=network, profile=profile, depart_minute=minute)
    degrees = np.array([(point.lat, point.lon) for point in day.points])
    stored = TravelFile(path_of(day, empty)).read()
    rows = np.full(len(degrees), -1) if stored is None else stored.rows_of(degrees)
    present = np.flatnonzero(rows >= 0)
    missing = np.flatnonzero(rows < 0)
    if not wait and len(missing) > FEW:
        raise FilesMissing
    if stored is None or len(missing) > FEW:
        known = KnownPlaces(day.points, network=network, profile=profile, depart_minute=minute)
        whole = travel(day.points, network=network, profile=profile, depart_minute=minute)
        table = Table(degrees, whole.duration_s, whole.distance_m, known.snaps)
        save(day, known, table)
        return known, table
    part = stored.only(rows[present])
    if not len(missing):
        return empty.with_places(day.points, part.snaps), part
    table, known = _completed(day.points, present, missing, part, empty)
    save(day, known, table)
    return known, table


def _completed(
    points: tuple[Point, ...],
    present: np.ndarray,  # type: ignore[type-arg]
    missing: np.ndarray,  # type: ignore[type-arg]
    part: Table,
    empty: KnownPlaces,
) -> tuple[Table, KnownPlaces]:
    """Return the table of all places: those present in a part, and the missing ones computed."""
    known = empty.with_places([points[at] for at in present], part.snaps)
    count, size = len(points), len(present)
    order = np.concatenate([present, missing])
    seconds, metres = np.zeros((2, count, count), np.int32)
    seconds[:size, :size], metres[:size, :size] = part.seconds, part.metres
    for at, number in enumerate(missing.tolist(), start=size):
        (added,) = travel_to_known(points[number], [known])
        seconds[at, :at], metres[at, :at] = added.to_s, added.to_m
        seconds[:at, at], metres[:at, at] = added.from_s, added.from_m
        known = known.with_place(at, points[number])
    back = np.empty_like(order)
    back[order] = np.arange(count)
    whole = Table(known.degrees, seconds, metres, known.snaps).only(back)
    return whole, known.with_places(points, whole.snaps)
