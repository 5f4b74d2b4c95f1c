"""Hints: messages through the broker that tell workers about work in PostgreSQL.

A hint may be lost, repeated or late. The sweep finds work whose hint was lost, and a conditional
claim makes repeated and late hints harmless. So an unavailable broker does not make a request
fail, and hardly slows it down.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

EXPIRES_S = 120  # by then the sweep has sent a new hint
QUIET_S = 3.0  # pause after a failure: without it, each hint would wait for a time-out
_quiet_until = 0.0


def publish(task: str, *, queue: str, expires: float = EXPIRES_S, **options: Any) -> bool:
    """Send a task to the broker; return True if the broker accepted it.

    A worker that gets the task after ``expires`` seconds drops it. An unavailable broker is logged,
    and no exception is raised.
    """
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    kwargs = options.pop("kwargs", {})
    try:
        current_app.send_task(
            task, kwargs=kwargs, queue=queue, expires=expires, retry=False, **options
        )
    except (OperationalError, OSError) as away:
        _quiet_until = time.monotonic() + QUIET_S
        log.warning(
            "The broker did not accept a hint for %s (%s); the sweep will send it.", task, away
        )
        return False
    return True


class Gathered:
    """A hint that all retailers share that ask for a task within a moment of this process.

    The task gets their schemas. It is sent after the commits of all that asked, so it sees their
    work. If the process ends before, the sweep finds the work by its pointers.

    Parameters
    ----------
    task, queue : str
        The task, and the queue that it goes to.
    within_s : float
        The time between the first call and the hint.
    """

    def __init__(self, task: str, *, queue: str, within_s: float) -> None:
        self._task, self._queue, self._within_s = task, queue, within_s
        self._schemas: set[str] = set()
        self._lock = threading.Lock()

    def ask(self, schema: str) -> None:
        """Send the hint soon. Call it after the commit."""
        with self._lock:
            is_first = not self._schemas
            self._schemas.add(schema)
        if is_first:
            timer = threading.Timer(self._within_s, self._send)
            timer.daemon = True
            timer.start()

    def _send(self) -> None:
        with self._lock:
            schemas, self._schemas = sorted(self._schemas), set()
        publish(self._task, queue=self._queue, kwargs={"schemas": schemas})


@dataclass(frozen=True, slots=True)
class Hint:
    """A hint that is sent once after the commit, even if the transaction asks for it repeatedly.

    Parameters
    ----------
    gather_s : float
        The least time between two tasks of equal hints from this process. The first hint is sent
        at once. The next one starts its task after that time, so it sees the commits until then,
        and their own hints are left out. 0 sends every hint at once.
    """

    task: str
    queue: str
    kwargs: tuple[tuple[str, Any], ...]
    options: tuple[tuple[str, Any], ...] = field(default=())
    gather_s: float = 0.0

    def __call__(self) -> None:
        wait_s = self._wait_s()
        if wait_s is None:
            return
        options = dict(self.options) | ({"countdown": wait_s} if wait_s else {})
        sent = publish(self.task, queue=self.queue, kwargs=dict(self.kwargs), **options)
        if sent and self.gather_s:
            _starts_at[self] = time.monotonic() + wait_s

    def _wait_s(self) -> float | None:
        """Return the seconds until the task may start; None if a task that comes is enough."""
        if not self.gather_s:
            return 0.0
        last, at = _starts_at.get(self, float("-inf")), time.monotonic()
        return None if last > at else max(0.0, last + self.gather_s - at)


#: Gathered hint -> the time before which the task of the last one does not start. One row for each
#: retailer.
_starts_at: dict[Hint, float] = {}


def after_commit(hint: Hint) -> bool:
    """Send the hint after the commit; return False if this transaction will send it already.

    When a savepoint is rolled back, Django drops its callbacks together with its rows. So a
    registered hint always belongs to rows that are committed.
    """
    if any(entry[1] == hint for entry in connection.run_on_commit):
        return False
    transaction.on_commit(hint)
    return True
