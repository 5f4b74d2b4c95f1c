"""The boards of this process: least recently used, limited by bytes and by number."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings

from dispatch.planning.boards.board import HubBoard, Stamp

Key = tuple[str, str, int, dt.date]  # database, schema, pk of the hub, service date
MB = 1024 * 1024
# Entries without a board that are kept: more days than questions ask for at once. Chosen.
MOST_EMPTY: Final = 1_000


@dataclass(slots=True)
class Entry:
    """The board of one hub and date; hold ``lock`` while you use ``board``.

    The lock is held for milliseconds. Building a board can take seconds: its thread holds
    ``building``, so that no other thread builds the same one. A thread that holds the row of the
    day uses ``first``: one that explains many windows gives way to it between two of them.
    """

    key: Key
    lock: threading.RLock = field(default_factory=threading.RLock)
    building: threading.Lock = field(default_factory=threading.Lock)
    turn: threading.Lock = field(default_factory=threading.Lock)  # held while one goes first
    board: HubBoard | None = None
    closed: Stamp | None = None  # the state of the day in which no shift took more visits
    nbytes: int = 0  # of the board, as noted by ``BoardCache.note``
    missing_since: float | None = None  # monotonic seconds; the files of this machine miss the day

    @contextmanager
    def first(self) -> Iterator[None]:
        """Hold the lock, and get it before threads that give way."""
        with self.turn:
            self.lock.acquire()
        try:
            yield
        finally:
            self.lock.release()

    def give_way(self) -> None:
        """Wait until no thread that goes first waits for the lock. Call it without the lock."""
        with self.turn:
            pass


class BoardCache:
    """The boards of a process by schema, hub and date. Threads may share it."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def entry(self, key: Key) -> Entry:
        """Return the entry of a hub and date, and mark it as used; it may have no board yet."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self._forget_empty()
                entry = self._entries[key] = Entry(key)
            self._entries.move_to_end(key)
            return entry

    def note(self, entry: Entry) -> None:
        """Note the size of a board that was built or changed; forget the least used if needed.

        The caller holds the entry's lock. The newest entry always stays.
        """
        nbytes = 0 if entry.board is None else entry.board.nbytes
        with self._lock:
            entry.nbytes = nbytes
            total = self.nbytes
            while total > self.most_bytes and len(self._entries) > 1:
                oldest = next(iter(self._entries))
                if self._entries[oldest] is entry:
                    break
                total -= self._entries.pop(oldest).nbytes

    def _forget_empty(self) -> None:
        """Make room for an entry: forget the least used ones without a board beyond MOST_EMPTY."""
        empty = [key for key, entry in self._entries.items() if entry.board is None]
        for key in empty[: max(0, len(empty) + 1 - MOST_EMPTY)]:
            del self._entries[key]

    def clear(self) -> None:
        """Forget all boards."""
        with self._lock:
            self._entries.clear()

    @property
    def nbytes(self) -> int:
        """The bytes of all boards, approximately."""
        return sum(entry.nbytes for entry in list(self._entries.values()))

    def __len__(self) -> int:
        return sum(entry.board is not None for entry in list(self._entries.values()))


CACHE = BoardCache(settings.LIMIT_BOARDS_MB * MB)
