"""Hints to the broker: "there is work". The work itself stands in PostgreSQL first.

A hint may be lost, doubled or late; the sweep heals the first, conditional claims the others.
Therefore a broker that is away never fails, and hardly slows, the request that gave the hint.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Any

from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

EXPIRES_S = 120  # a hint that waited longer has been given anew by the sweep
QUIET_S = 3.0  # after a failure nobody waits for the broker's time-out again so soon
_quiet_until = 0.0


def publish(task: str, *, queue: str, **options: Any) -> bool:
    """Tell the workers now; return whether the broker took it. Never raises for a broker away."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    kwargs = options.pop("kwargs", {})
    try:
        current_app.send_task(
            task, kwargs=kwargs, queue=queue, expires=EXPIRES_S, retry=False, **options
        )
    except (OperationalError, OSError) as away:
        _quiet_until = time.monotonic() + QUIET_S
        log.warning("The broker did not take a hint for %s (%s); the sweep will.", task, away)
        return False
    return True


@dataclass(frozen=True, slots=True)
class Hint:
    """A hint to be given once, after the commit, however often the transaction asked for it."""

    task: str
    queue: str
    kwargs: tuple[tuple[str, Any], ...]
    options: tuple[tuple[str, Any], ...] = field(default=())

    def __call__(self) -> None:
        publish(self.task, queue=self.queue, kwargs=dict(self.kwargs), **dict(self.options))


def after_commit(hint: Hint) -> bool:
    """Give the hint after the commit; return False when this transaction had it already.

    Django forgets the callbacks of a savepoint that is rolled back, together with the rows
    written in it: so what is registered here is true of the rows as well.
    """
    if any(entry[1] == hint for entry in connection.run_on_commit):
        return False
    transaction.on_commit(hint)
    return True
