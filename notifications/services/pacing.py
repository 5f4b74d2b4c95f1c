"""The pacer: a thread that starts the calls of prepared messages at their sending times.

The pump claims, checks and stores, which takes many times longer than the pause between two
calls. So another thread watches the times. It has no database and no retailer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from notifications.services.lanes import AccountLane, Prepared

log = logging.getLogger(__name__)

LONGEST_WAIT_S: Final = 0.25  # it is woken when messages were prepared or calls have ended


class Pacer:
    """Starts the calls of the lanes that it watches.

    Parameters
    ----------
    start : Callable
        Starts the call of a message of a lane, in the pacer's thread; it must not wait.
    """

    def __init__(self, start: Callable[[AccountLane, Prepared], None]) -> None:
        self._start = start
        self._lanes: list[AccountLane] = []
        self._changed = threading.Condition()
        self._is_awake = False
        self._ends = False
        self._thread: threading.Thread | None = None

    def watch(self, lane: AccountLane) -> None:
        """Watch a lane too. The thread starts with the first one."""
        with self._changed:
            self._lanes = [*self._lanes, lane]
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="pacer", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Look at the lanes now: messages were prepared, or calls have ended."""
        with self._changed:
            self._is_awake = True
            self._changed.notify()

    def stop(self) -> None:
        """End the thread. Prepared messages stay where they are."""
        with self._changed:
            self._ends = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ends:
            for lane in self._lanes:
                while (one := lane.take()) is not None:
                    try:
                        self._start(lane, one)
                    except Exception as fault:  # noqa: BLE001 - the others must be sent
                        # Its lease runs out; then it is looked up.
                        log.error("A call cannot be started: %s", type(fault).__name__)
                        lane.landed()
            waits_s = [wait for lane in self._lanes if (wait := lane.sends_in_s) is not None]
            with self._changed:
                if not self._is_awake and not self._ends:
                    self._changed.wait(min([LONGEST_WAIT_S, *waits_s]))
                self._is_awake = False
