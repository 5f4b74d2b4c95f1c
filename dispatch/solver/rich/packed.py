"""Many arrays passed to compiled code as one pointer; this module is not compiled itself. PURE.

A call that passes a hundred arrays one by one copies some seven hundred words, and makes every
function slow to compile. A ``Packed`` keeps its arrays and a table of their addresses and lengths.
Compiled code receives the table's address, and ``pack.name`` there is the array.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

Kinds = tuple[tuple[str, str, int], ...]


class Packed:
    """A set of named arrays; a subclass lists the names in its annotations.

    Raises
    ------
    TypeError
        When an array is missing, unknown, or not C-contiguous.
    """

    names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls.names = tuple(name for name in cls.__annotations__ if name != "names")

    def __init__(self, **arrays: np.ndarray[Any, Any]) -> None:
        if set(arrays) != set(self.names):
            raise TypeError(f"arrays differ: {sorted(set(arrays) ^ set(self.names))}")
        table: list[int] = []
        kinds: list[tuple[str, str, int]] = []
        for name in self.names:
            array = arrays[name]
            if not array.flags.c_contiguous:
                raise TypeError(f"{name} is not contiguous")
            setattr(self, name, array)
            kinds.append((name, array.dtype.name, array.ndim))
            table += [array.ctypes.data, *array.shape]
        self._table = np.array(table, dtype=np.int64)
        self.kinds: Kinds = tuple(kinds)
        self.address = int(self._table.ctypes.data)

    @property
    def nbytes(self) -> int:
        """The size of the arrays in bytes."""
        return sum(int(getattr(self, name).nbytes) for name in self.names)
