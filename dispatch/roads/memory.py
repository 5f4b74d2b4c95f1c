"""Answers kept in the process: least recently used, bounded by bytes. PURE."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

S = TypeVar("S")


def _nbytes(answer: Any) -> int:
    """Return what an array, or what is made of arrays, says that it takes."""
    return int(answer.nbytes)


class Memory(Generic[S]):
    """Answers by key; the oldest go when all together take more than ``most`` bytes.

    ``size`` returns the bytes of an answer; without it, an answer says its own ``nbytes``.
    """

    def __init__(self, most: int, size: Callable[[S], int] = _nbytes) -> None:
        self.most = most
        self.size = size
        self.held: OrderedDict[tuple[object, ...], S] = OrderedDict()
        self.lock = threading.Lock()
        self._bytes = 0

    def get(self, key: tuple[object, ...]) -> S | None:
        """Return an answer and mark it as used."""
        with self.lock:
            found = self.held.get(key)
            if found is not None:
                self.held.move_to_end(key)
            return found

    def put(self, key: tuple[object, ...], answer: S) -> None:
        """Keep an answer; at least the newest one stays."""
        with self.lock:
            before = self.held.pop(key, None)
            if before is not None:
                self._bytes -= self.size(before)
            self.held[key] = answer
            self._bytes += self.size(answer)
            while len(self.held) > 1 and self._bytes > self.most:
                self._bytes -= self.size(self.held.popitem(last=False)[1])

    def bytes(self) -> int:
        """Return how much memory the kept answers take."""
        return self._bytes
