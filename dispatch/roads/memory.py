"""Answers kept in the process: least recently used, bounded by bytes. PURE."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """What can say how much memory it takes."""

    @property
    def nbytes(self) -> int: ...


S = TypeVar("S", bound=Sized)


class Memory(Generic[S]):
    """Answers by key; the oldest go when all together take more than ``most`` bytes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held: OrderedDict[tuple[object, ...], S] = OrderedDict()
        self.lock = threading.Lock()

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
            self.held[key] = answer
            while len(self.held) > 1 and self.bytes() > self.most:
                self.held.popitem(last=False)

    def bytes(self) -> int:
        """Return how much memory the kept answers take."""
        return sum(answer.nbytes for answer in self.held.values())
