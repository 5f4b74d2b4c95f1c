"""Files of travel times and metres between the places of a day, shared by all processes. PURE.

    <var>/days/<schema>/<hub>/<date>@<network version>.<profile>-<hour>

A file has the matrices of one profile at one hour of traffic, with spare capacity, and the place
of each row. It only saves time: it can be deleted at any moment, and a process that misses it
computes the travel again. Another version of the network has other files.

A new place is appended under a lock: first its row and column, and last the number of places in
the header. So a reader never sees a place without its travel, even after a crash.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from dispatch.roads.network import Snaps

MAGIC: Final = b"LMTRAVL1"
HEADER: Final = 64  # bytes: MAGIC, capacity, number of places
SPARE: Final = 16  # places that a new file has space for at least, besides those at first
KEPT_DAYS: Final = 2  # days that a file is kept after its date
Int32 = npt.NDArray[np.int32]
Degrees = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Table:
    """Travel between places: seconds and metres (row = from), and the places on the streets."""

    degrees: Degrees
    seconds: Int32
    metres: Int32
    snaps: Snaps

    def only(self, rows: npt.NDArray[np.int64]) -> Table:
        """Return the table of some places, in this sequence."""
        square = np.ix_(rows, rows)
        snaps = Snaps(self.snaps.edge[rows], self.snaps.share[rows], self.snaps.away_m[rows])
        return Table(self.degrees[rows], self.seconds[square], self.metres[square], snaps)

    def rows_of(self, degrees: Degrees) -> npt.NDArray[np.int64]:
        """Return the row of each place, -1 for a place that the table does not have."""
        index: dict[tuple[float, ...], int] = {}
        for row, place in enumerate(map(tuple, self.degrees.tolist())):
            index.setdefault(place, row)
        rows = [index.get(place, -1) for place in map(tuple, degrees.tolist())]
        return np.array(rows, dtype=np.int64)


class TravelFile:
    """The file of one day, profile and hour."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Table | None:
        """Return the file's table, mapped read-only; None if there is no valid file."""
        try:
            arrays = _Arrays(self.path, "r")
        except (OSError, ValueError):
            return None
        count = arrays.count
        return Table(
            arrays.degrees[:count],
            arrays.seconds[:count, :count],
            arrays.metres[:count, :count],
            Snaps(arrays.edge[:count], arrays.share[:count], arrays.away_m[:count]),
        )

    def save(self, table: Table) -> None:
        """Keep a table: append its new places if the file's places are all in it, else replace.

        Nothing is raised if the disk is full or the folder is not writable: the file only saves
        time.
        """
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self.path):
                if not self._append(table):
                    self._replace(table)

    def _append(self, table: Table) -> bool:
        """Append the places that the file does not have; return False if that is not possible."""
        try:
            arrays = _Arrays(self.path, "r+")
        except (OSError, ValueError):
            return False
        count = arrays.count
        rows = table.rows_of(arrays.degrees[:count])
        if (rows < 0).any():
            return False
        new = np.setdiff1d(_first_rows(table), rows)
        last = count + len(new)
        if last > arrays.capacity:
            return False
        with self.path.open("r+b") as file:
            _reserve(file, arrays.capacity)
        whole = table.only(np.concatenate([rows, new]))
        for target, source in ((arrays.seconds, whole.seconds), (arrays.metres, whole.metres)):
            target[count:last, :last] = source[count:]
            target[:count, count:last] = source[:count, count:]
        arrays.degrees[count:last] = whole.degrees[count:]
        arrays.edge[count:last] = whole.snaps.edge[count:]
        arrays.share[count:last] = whole.snaps.share[count:]
        arrays.away_m[count:last] = whole.snaps.away_m[count:]
        arrays.flush()
        arrays.set_count(last)
        return True

    def _replace(self, table: Table) -> None:
        """Write a new file beside the old one, then put it in its place."""
        whole = table.only(_first_rows(table))
        count = len(whole.degrees)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".new-")
        fresh = Path(name)
        try:
            with os.fdopen(handle, "r+b") as file:
                capacity = count + max(SPARE, count // 4)
                _reserve(file, capacity)
                file.write(MAGIC + np.array([capacity, 0], np.int64).tobytes())
            arrays = _Arrays(fresh, "r+")
            arrays.seconds[:count, :count], arrays.metres[:count, :count] = (
                whole.seconds,
                whole.metres,
            )
            arrays.degrees[:count] = whole.degrees
            arrays.edge[:count] = whole.snaps.edge
            arrays.share[:count], arrays.away_m[:count] = whole.snaps.share, whole.snaps.away_m
            arrays.flush()
            arrays.set_count(count)
            fresh.replace(self.path)
        finally:
            fresh.unlink(missing_ok=True)


class _Arrays:
    """The mapped arrays of a file. Raises OSError or ValueError if it is not a valid file."""

    def __init__(self, path: Path, mode: str) -> None:
        self._map = np.memmap(path, dtype=np.uint8, mode=mode)  # type: ignore[call-overload]
        whole = np.asarray(self._map)
        if whole[: len(MAGIC)].tobytes() != MAGIC:
            raise ValueError(f"{path} is no file of travel.")
        self._header = whole[len(MAGIC) : len(MAGIC) + 16].view(np.int64)
        self.capacity, self.count = (int(value) for value in self._header)
        size = HEADER + self.bytes_of(self.capacity) if 0 < self.capacity < 1 << 20 else -1
        if len(whole) != size or not 0 <= self.count <= self.capacity:
            raise ValueError(f"{path} is damaged.")
        self._whole, self._at = whole, HEADER
        self.degrees = self._take(np.float64, self.capacity, 2)
        self.share = self._take(np.float64, self.capacity)
        self.seconds = self._take(np.int32, self.capacity, self.capacity)
        self.metres = self._take(np.int32, self.capacity, self.capacity)
        self.edge = self._take(np.int32, self.capacity)
        self.away_m = self._take(np.int32, self.capacity)

    @staticmethod
    def bytes_of(capacity: int) -> int:
        """Return the bytes of the arrays with a capacity in places."""
        return capacity * (16 + 8 + 4 + 4) + 2 * capacity * capacity * 4

    def _take(self, kind: Any, *shape: int) -> Any:
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        part = self._whole[self._at : self._at + size]
        self._at += size
        return part.view(kind).reshape(shape)

    def flush(self) -> None:
        """Write all changes to the disk."""
        self._map.flush()

    def set_count(self, count: int) -> None:
        """Write the number of places into the header."""
        self._header[1] = count
        self._map.flush()


def _reserve(file: IO[bytes], capacity: int) -> None:
    """Give a file all its bytes on the disk, before they are written through a map.

    On a full disk this raises OSError. A write through the map of a file with holes would end the
    whole process instead (SIGBUS).
    """
    os.posix_fallocate(file.fileno(), 0, HEADER + _Arrays.bytes_of(capacity))


def _first_rows(table: Table) -> npt.NDArray[np.int64]:
    """Return the first row of each different place, in the sequence of the table."""
    _places, rows = np.unique(table.degrees, axis=0, return_index=True)
    return np.sort(rows)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file; a second process waits."""
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_old(folder: Path, today: dt.date) -> None:
    """Remove the files in a folder whose date is more than KEPT_DAYS ago, then the empty folder."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError, ValueError):
                date = dt.date.fromisoformat(path.name.split("@", maxsplit=1)[0])
                if date < today - dt.timedelta(days=KEPT_DAYS):
                    path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()


def remove_day(folder: Path, date: dt.date) -> None:
    """Remove the files of a date in a folder; the locks stay, because they hold no places.

    The lock of each file is held, so that no other process is about to replace it. Raises OSError
    if a file cannot be removed.
    """
    for path in folder.glob(f"{date}@*"):
        if path.suffix != ".lock":
            with _locked(path):
                path.unlink(missing_ok=True)
