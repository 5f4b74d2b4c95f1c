"""Wakes the sender: pointers to messages, and hints that start a pump.

A running pump looks at the due pointers every few milliseconds. So a hint is needed only to start
one, and one hint in half a second from each process is enough: a pump runs on for a second after
its last message, and a hint is valid for two.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Final

from django.db import transaction

from lastmile.core.clock import now
from lastmile.core.hints import publish
from lastmile.core.tenancy import current_retailer, current_schema
from lastmile.worklist.services import point_once

SEND: Final = "notifications.send"  # the kind of pointers to messages
PUMP_TASK: Final = "notifications.pump"
PUMP_QUEUE: Final = "send"
HINT_EXPIRES_S: Final = 2
HINT_PAUSE_S: Final = 0.5
#: A pointer that is due later than this is enough for the messages after it.
MARGIN_S: Final = 30.0

_hinted_at = float("-inf")


def wake(*, at: dt.datetime | None = None) -> None:
    """Add a pointer for a message that is due at ``at`` (business time), and hint after the commit.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    due_in_s = 0.0 if at is None else real_seconds(at)
    point_in(due_in_s)
    if due_in_s <= HINT_PAUSE_S:
        transaction.on_commit(hint)


def point_in(due_in_s: float) -> None:
    """Add a pointer to the messages of this retailer, due in some real seconds.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    point_once(schema=current_schema(), kind=SEND, due_in_s=due_in_s, margin_s=MARGIN_S)


def real_seconds(at: dt.datetime) -> float:
    """Return the real seconds from now until a business time; 0 if it is over."""
    clock = current_retailer().clock
    rate = 1.0 if clock is None else clock.rate
    return max(0.0, (at - now()).total_seconds() / rate)


def hint() -> None:
    """Ask the send worker for a pump, at most once in half a second from this process."""
    global _hinted_at
    if time.monotonic() - _hinted_at < HINT_PAUSE_S:
        return
    _hinted_at = time.monotonic()
    publish(PUMP_TASK, queue=PUMP_QUEUE, expires=HINT_EXPIRES_S)
