"""A problem in one file whose matrices are mapped, not read: from one process to another. PURE.

At 10,000 places a matrix has 400 MB; as text it would have several times that. The file is

    b"lastmile-packed/1\\n" | 8 bytes little endian: length of the head | head | matrices

with the head as JSON: the ``statement`` of ``formats.json`` and, for each profile, its name and
where each matrix begins. Matrices are little endian int32, row by row, on 64-byte boundaries; one
that several profiles share, or that is both times and distances, stands once.
"""

from __future__ import annotations

import mmap
import os
from typing import IO, Any, Final

import numpy as np

from dispatch.solver.formats.json import dumps, loads, stated, statement
from dispatch.solver.model.problem import Int32, Problem, Slice, TravelTable
from lastmile.core.errors import Invalid

MAGIC: Final = b"lastmile-packed/1\n"
ALIGN: Final = 64
LENGTH: Final = 8


def write(problem: Problem, file: IO[bytes]) -> None:
    """Write a problem; ``file`` is a real file, empty and open for writing."""
    matrices: dict[int, Int32] = {}
    profiles = [_describe(profile, matrices) for profile in problem.profiles]
    order = {key: at for at, key in enumerate(matrices)}
    said = {
        "problem": statement(problem),
        "places": problem.places,
        "profiles": [
            {
                name: [[from_s, order[key]] for from_s, key in value]
                if name == "hourly"
                else (value if name == "name" else order[value])
                for name, value in profile.items()
            }
            for profile in profiles
        ],
    }
    head = dumps(said).encode()
    file.write(MAGIC + len(head).to_bytes(LENGTH, "little") + head)
    file.write(b"\0" * (-file.tell() % ALIGN))
    for matrix in matrices.values():
        np.ascontiguousarray(matrix, dtype="<i4").tofile(file)
        file.write(b"\0" * (-matrix.nbytes % ALIGN))
    file.flush()


def _describe(profile: TravelTable, matrices: dict[int, Int32]) -> dict[str, Any]:
    """Note a profile's matrices by identity and return its description."""

    def noted(matrix: Int32) -> int:
        # A problem owns its matrices: where the same numbers came in twice, it has two copies.
        same = next((k for k, m in matrices.items() if m is matrix or _equal(m, matrix)), None)
        if same is not None:
            return same
        matrices[id(matrix)] = matrix
        return id(matrix)

    return {
        "name": profile.name,
        "duration_s": noted(profile.duration_s),
        "distance_m": noted(profile.distance_m),
        "hourly": [(s.from_s, noted(s.duration_s)) for s in profile.hourly],
    }


def _equal(one: Int32, other: Int32) -> bool:
    """Tell whether two matrices are the same; most differ in their first rows."""
    return bool(np.array_equal(one[:2], other[:2]) and np.array_equal(one, other))


def read(file: IO[bytes]) -> Problem:
    """Read what ``write`` wrote; the matrices stay in the file and are mapped read-only.

    Raises
    ------
    Invalid
        When the file is not whole, or the problem in it does not fit.
    """
    size = os.fstat(file.fileno()).st_size
    if size < len(MAGIC) + LENGTH:
        raise Invalid("This is no packed problem: it is too short.")
    data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if data[: len(MAGIC)] != MAGIC:
        raise Invalid("This is no packed problem: it does not begin as one.")
    begin = len(MAGIC) + LENGTH
    end = begin + int.from_bytes(data[len(MAGIC) : begin], "little")
    said = loads(data[begin:end])
    places = int(said["places"])
    step = places * places * 4
    first, step = end + -end % ALIGN, step + -step % ALIGN

    def matrix(number: int) -> Int32:
        at = first + number * step
        if at + places * places * 4 > size:
            raise Invalid("The packed problem is not whole: write it anew.")
        flat = np.frombuffer(data, dtype="<i4", count=places * places, offset=at)
        return flat.reshape(places, places)

    profiles = tuple(
        TravelTable(
            p["name"],
            matrix(p["duration_s"]),
            matrix(p["distance_m"]),
            tuple(Slice(from_s, matrix(number)) for from_s, number in p["hourly"]),
        )
        for p in said["profiles"]
    )
    return stated(said["problem"], profiles)
