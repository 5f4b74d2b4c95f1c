"""Travel matrices with spare places; a place gets its row and column when it is used. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dispatch.solver.model.elements import MAX_TRAVEL, Int32, Slice, TravelTable
from lastmile.core.errors import Problems


@dataclass(frozen=True, slots=True, eq=False)
class PlaceTravel:
    """The travel between a new place and all places of a problem, for one profile.

    Parameters
    ----------
    to_s, from_s : whole numbers, one for each place
        Seconds from each place to the new place (its column), and back (its row).
    to_m, from_m : whole numbers, one for each place
        Metres from each place to the new place, and back.
    hourly : sequence of (to_s, from_s)
        Seconds in each hourly slice of the profile, in their order.
    """

    to_s: npt.ArrayLike
    from_s: npt.ArrayLike
    to_m: npt.ArrayLike
    from_m: npt.ArrayLike
    hourly: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]] = ()


class Grid:
    """The matrices of one profile with ``spare`` more places, which have no travel yet."""

    def __init__(
        self, table: TravelTable, spare: int, memory: tuple[Int32, Int32] | None = None
    ) -> None:
        """Copy the matrices of a profile; ``memory`` is where the seconds and metres are kept."""
        size = len(table.duration_s) + spare
        seconds, metres = memory or (_zeros(size), _zeros(size))
        self.seconds, self.metres = (
            _filled(seconds, table.duration_s),
            _filled(metres, table.distance_m),
        )
        self.hourly = [_filled(_zeros(size), part.duration_s) for part in table.hourly]
        slices = tuple(
            Slice(part.from_s, _read_only(matrix))
            for part, matrix in zip(table.hourly, self.hourly, strict=True)
        )
        self.table = TravelTable(
            table.name, _read_only(self.seconds), _read_only(self.metres), slices
        )

    @property
    def nbytes(self) -> int:
        """The size of the matrices in bytes."""
        return self.seconds.nbytes * (2 + len(self.hourly))

    def check(self, travel: PlaceTravel, places: int, pointer: str, faults: Problems) -> None:
        """Check the travel between a new place and the first places; add faults to ``faults``."""
        for name in ("to_s", "from_s", "to_m", "from_m"):
            _check_line(getattr(travel, name), places, f"{pointer}/{name}", faults)
        if len(travel.hourly) != len(self.hourly):
            count = len(self.hourly)
            faults.add(f"{pointer}/hourly", f"Give the seconds of each of the {count} slices.")
        for at, both in enumerate(travel.hourly):
            for number, line in enumerate(both):
                _check_line(line, places, f"{pointer}/hourly/{at}/{number}", faults)

    def write(self, place: int, travel: PlaceTravel) -> None:
        """Write the travel of a place into its row and column, as far as the lines reach."""
        seconds = [(travel.to_s, travel.from_s), *travel.hourly]
        for matrix, (to, back) in zip([self.seconds, *self.hourly], seconds, strict=True):
            _write(matrix, place, to, back)
        _write(self.metres, place, travel.to_m, travel.from_m)


def check_travel(grids: Sequence[Grid], travel: Sequence[PlaceTravel], places: int) -> None:
    """Raise Invalid unless there is travel for each profile, between all ``places`` and a new one.

    Parameters
    ----------
    places : int
        The number of places that each line of travel covers.
    """
    faults = Problems()
    if len(travel) != len(grids):
        faults.add("/travel", f"Give the travel for each of the {len(grids)} profiles.")
    faults.raise_if_any("The travel to the visit is not valid; see errors.")
    for at, (grid, lines) in enumerate(zip(grids, travel, strict=True)):
        grid.check(lines, places, f"/travel/{at}", faults)
    faults.raise_if_any("The travel to the visit is not valid; see errors.")


def _check_line(values: npt.ArrayLike, places: int, pointer: str, faults: Problems) -> None:
    line = np.asarray(values)
    if line.shape != (places,) or line.dtype.kind not in "iu":
        faults.add(pointer, f"Give {places} whole numbers, one for each place.")
    elif line.size and (line.min() < 0 or line.max() > MAX_TRAVEL):
        faults.add(pointer, f"Every value must be between 0 and {MAX_TRAVEL}.")


def _write(matrix: Int32, place: int, to: npt.ArrayLike, back: npt.ArrayLike) -> None:
    column, row = np.asarray(to), np.asarray(back)
    matrix[: len(column), place], matrix[place, : len(row)] = column, row
    matrix[place, place] = 0


def grids_of(tables: Sequence[TravelTable], spare: int) -> list[Grid]:
    """Return the matrices of some profiles, those of all profiles in one array."""
    size = len(tables[0].duration_s) + spare
    seconds, metres = np.zeros((2, len(tables), size, size), dtype=np.int32)
    return [Grid(table, spare, (seconds[at], metres[at])) for at, table in enumerate(tables)]


def stacked(grids: Sequence[Grid]) -> tuple[Int32, Int32]:
    """Return the seconds and the metres of all profiles of ``grids_of``, without a copy."""
    seconds, metres = grids[0].seconds.base, grids[0].metres.base
    if seconds is None or metres is None or seconds is not metres:
        raise ValueError("These matrices are not in one array.")
    return seconds[0], seconds[1]


def _zeros(size: int) -> Int32:
    return np.zeros((size, size), dtype=np.int32)


def _filled(target: Int32, matrix: Int32) -> Int32:
    """Write a matrix into the first rows and columns of a larger one."""
    target[: len(matrix), : len(matrix)] = matrix
    return target


def _read_only(matrix: Int32) -> Int32:
    """Return a read-only view of a matrix, as a problem keeps it."""
    view = matrix.view()
    view.setflags(write=False)
    return view
