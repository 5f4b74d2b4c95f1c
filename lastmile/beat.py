"""A beat that may run twice: each schedule fires once in each of its windows.

The turn is taken by moving one row on in PostgreSQL (``claim_window``), in the transaction around
the publishing: the second beat waits for the row, finds the window taken, and does nothing. A
beat that dies in between has taken nothing. There is no leader to elect and no lock to lose, and
a beat that slept catches up by one run, not by all that it missed.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from celery.beat import ScheduleEntry, Scheduler
from celery.schedules import schedule
from django.db import Error, connection, transaction
from kombu.exceptions import OperationalError

from lastmile.core.clock import real_now
from lastmile.core.tenancy import shared_context
from lastmile.schedule import SCHEDULE
from lastmile.worklist.services import claim_window

log = logging.getLogger(__name__)


def window(instant: dt.datetime, every_s: int) -> dt.datetime:
    """Return the start of the window of ``every_s`` seconds (counted from 1970) we are in."""
    stamp = int(instant.timestamp())
    return dt.datetime.fromtimestamp(stamp - stamp % every_s, dt.UTC)


class OncePerWindowScheduler(Scheduler):
    """Reads ``lastmile.schedule``; keeps nothing on disk, so any number may run."""

    def setup_schedule(self) -> None:
        """Make an entry of each task in the schedule."""
        for name, scheduled in SCHEDULE.items():
            self.schedule[name] = ScheduleEntry(
                name=name,
                task=scheduled.task,
                # Twice a window: clocks of two beats differ, and the row decides anyway.
                schedule=schedule(scheduled.every_s / 2, app=self.app),
                options={"queue": scheduled.queue, "expires": max(60, scheduled.every_s)},
                app=self.app,
            )

    def apply_async(
        self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **kwargs: Any
    ) -> Any:
        """Publish the entry if this window's turn is still to be had."""
        if advance:
            self.reserve(entry)
        name = str(entry.name)
        try:
            return self.fire(name, producer)
        except (Error, OperationalError, OSError):
            log.warning("%s did not fire; the next round tries again", name, exc_info=True)
            return None
        finally:
            connection.close()

    def fire(self, name: str, producer: Any = None) -> Any:
        """Take the turn and publish, both or neither; return the result or None."""
        scheduled = SCHEDULE[name]
        with shared_context(), transaction.atomic():
            if not claim_window(name=name, due_at=window(real_now(), scheduled.every_s)):
                return None
            return self.app.send_task(
                scheduled.task,
                producer=producer,
                retry=False,
                queue=scheduled.queue,
                expires=max(60, scheduled.every_s),
            )
