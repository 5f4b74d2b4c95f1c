"""Reads and writes many arrays in one memory-mapped file, so that a graph opens one file. PURE."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

ALIGN: Final = 64
MAGIC: Final = b"LMARRAY1"


def write_arrays(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Write a JSON index of (name, type, shape, offset), then the arrays."""
    index, at = [], 0
    for name, array in arrays.items():
        index.append((name, array.dtype.str, array.shape, at))
        at += -(-array.nbytes // ALIGN) * ALIGN
    head = json.dumps(index).encode()
    head += b" " * (-(len(MAGIC) + 8 + len(head)) % ALIGN)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(MAGIC + len(head).to_bytes(8, "little") + head)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).tobytes())
            file.write(b"\0" * (-array.nbytes % ALIGN))


def map_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a file of :func:`write_arrays`, mapped read-only.

    Raises ValueError for any other file.
    """
    whole = np.memmap(path, dtype=np.uint8, mode="r")
    if whole[: len(MAGIC)].tobytes() != MAGIC:
        raise ValueError(f"{path} is not a file of arrays. Build the network again.")
    start = len(MAGIC) + 8
    size = int.from_bytes(whole[len(MAGIC) : start].tobytes(), "little")
    arrays = {}
    for name, kind, shape, at in json.loads(whole[start : start + size].tobytes()):
        dtype = np.dtype(kind)
        nbytes = int(np.prod(shape)) * dtype.itemsize
        first = start + size + at
        # A plain array instead of a memmap for each column: slicing a memmap is slower.
        raw = np.asarray(whole[first : first + nbytes])
        arrays[name] = raw.view(dtype).reshape(shape)
    return arrays
