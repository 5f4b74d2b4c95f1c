"""A cache in the process: least recently used, limited by bytes. PURE."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

S = TypeVar("S")


def _nbytes(answer: Any) -> int:
    """Return the ``nbytes`` of an array, or of an object made of arrays."""
    return int(answer.nbytes)


class Memory(Generic[S]):
    """A cache of values by key; the least recently used are removed beyond ``most`` bytes.

    ``size`` returns the bytes of a value; by default its ``nbytes``. Threads may share it.
    """

    def __init__(self, most: int, size: Callable[[S], int] = _nbytes) -> None:
        self.most = most
        self.size = size
        self.held: OrderedDict[tuple[object, ...], S] = OrderedDict()
        self.lock = threading.Lock()
        self._bytes = 0

    def get(self, key: tuple[object, ...]) -> S | None:
        """Return the value of a key and mark it as used; None if it is not cached."""
        with self.lock:
            value = self.held.get(key)
            if value is not None:
                self.held.move_to_end(key)
            return value

    def put(self, key: tuple[object, ...], answer: S) -> None:
        """Cache a value; the newest value always stays, even if it is too large."""
        with self.lock:
            before = self.held.pop(key, None)
            if before is not None:
                self._bytes -= self.size(before)
            self.held[key] = answer
            self._bytes += self.size(answer)
            while len(self.held) > 1 and self._bytes > self.most:
                self._bytes -= self.size(self.held.popitem(last=False)[1])

    def bytes(self) -> int:
        """Return the bytes of all cached values."""
        return self._bytes
