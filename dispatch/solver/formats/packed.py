"""A file format that passes a problem to another process, with memory-mapped matrices. PURE.

With 10,000 places a matrix has 400 MB; as text it would be several times larger. The file is

    b"lastmile-packed/1\\n" | 8 bytes little endian: length of the head | head | matrices

The head is JSON: the ``statement`` of ``formats.json`` and, for each profile, its name and the
number of each of its matrices. Matrices are little endian int32, row by row, on 64-byte
boundaries. Equal matrices are stored once: several profiles may share one, or one may hold both
times and distances.
"""

from __future__ import annotations

import mmap
import os
from typing import IO, Any, Final

import numpy as np

from dispatch.solver.formats.json import dumps, loads, problem_from_statement, statement
from dispatch.solver.model.problem import Int32, Problem, Slice, TravelTable
from lastmile.core.errors import Invalid

MAGIC: Final = b"lastmile-packed/1\n"
ALIGN: Final = 64  # bytes
LENGTH: Final = 8  # bytes that hold the length of the head


def write(problem: Problem, file: IO[bytes]) -> None:
    """Write a problem; ``file`` is a real file, empty and open for writing."""
    matrices: dict[int, Int32] = {}
    profiles = [_describe(profile, matrices) for profile in problem.profiles]
    order = {key: at for at, key in enumerate(matrices)}
    head = {
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
    encoded = dumps(head).encode()
    file.write(MAGIC + len(encoded).to_bytes(LENGTH, "little") + encoded)
    file.write(b"\0" * (-file.tell() % ALIGN))
    for matrix in matrices.values():
        np.ascontiguousarray(matrix, dtype="<i4").tofile(file)
        file.write(b"\0" * (-matrix.nbytes % ALIGN))
    file.flush()


def _describe(profile: TravelTable, matrices: dict[int, Int32]) -> dict[str, Any]:
    """Add a profile's matrices to ``matrices``; return its description with their keys."""

    def key_of(matrix: Int32) -> int:
        # A problem copies its matrices, so equal matrices may be different objects.
        same = next((k for k, m in matrices.items() if m is matrix or _equal(m, matrix)), None)
        if same is not None:
            return same
        matrices[id(matrix)] = matrix
        return id(matrix)

    return {
        "name": profile.name,
        "duration_s": key_of(profile.duration_s),
        "distance_m": key_of(profile.distance_m),
        "hourly": [(s.from_s, key_of(s.duration_s)) for s in profile.hourly],
    }


def _equal(one: Int32, other: Int32) -> bool:
    """Return True if two matrices are equal; their first rows are compared first, for speed."""
    return bool(np.array_equal(one[:2], other[:2]) and np.array_equal(one, other))


def read(file: IO[bytes]) -> Problem:
    """Read a packed problem; its matrices stay in the file and are mapped read-only.

    Raises
    ------
    Invalid
        When the file is incomplete, or the problem in it is not valid.
    """
    size = os.fstat(file.fileno()).st_size
    if size < len(MAGIC) + LENGTH:
        raise Invalid("This is not a packed problem: the file is too short.")
    data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if data[: len(MAGIC)] != MAGIC:
        raise Invalid("This is not a packed problem: its first bytes are wrong.")
    begin = len(MAGIC) + LENGTH
    end = begin + int.from_bytes(data[len(MAGIC) : begin], "little")
    head = loads(data[begin:end])
    places = int(head["places"])
    step = places * places * 4
    first, step = end + -end % ALIGN, step + -step % ALIGN

    def matrix(number: int) -> Int32:
        at = first + number * step
        if at + places * places * 4 > size:
            raise Invalid("The packed problem is incomplete: write it again.")
        flat = np.frombuffer(data, dtype="<i4", count=places * places, offset=at)
        return flat.reshape(places, places)

    profiles = tuple(
        TravelTable(
            p["name"],
            matrix(p["duration_s"]),
            matrix(p["distance_m"]),
            tuple(Slice(from_s, matrix(number)) for from_s, number in p["hourly"]),
        )
        for p in head["profiles"]
    )
    return problem_from_statement(head["problem"], profiles)
