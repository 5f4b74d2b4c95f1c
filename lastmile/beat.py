"""A Celery beat that may run in several copies: each scheduled task runs once per time window.

A beat claims a window by updating one row in PostgreSQL (``claim_window``), in the transaction in
which it publishes the task. A second beat waits for the row lock, sees that the window is claimed,
and does nothing. If a beat dies before its commit, the window is still free. So no leader election
is needed. A beat that was down catches up with one run, not with every run that it missed.
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
    """Return the start of the window that holds an instant.

    Windows last ``every_s`` seconds each and are counted from 1970.
    """
    stamp = int(instant.timestamp())
    return dt.datetime.fromtimestamp(stamp - stamp % every_s, dt.UTC)


class OncePerWindowScheduler(Scheduler):
    """The scheduler that reads ``lastmile.schedule``. It stores nothing on disk."""

    def setup_schedule(self) -> None:
        """Add each task of the schedule to Celery's own schedule."""
        for name, scheduled in SCHEDULE.items():
            self.schedule[name] = ScheduleEntry(
                name=name,
                task=scheduled.task,
                # Try twice per window: the clocks of two beats differ, and the row in
                # PostgreSQL lets only one attempt succeed.
                schedule=schedule(scheduled.every_s / 2, app=self.app),
                options={"queue": scheduled.queue, "expires": max(60, scheduled.every_s)},
                app=self.app,
            )

    def apply_async(
        self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **kwargs: Any
    ) -> Any:
        """Publish the task of an entry unless its window is already claimed.

        Without the database or the broker, log a warning and return None: beat tries again.
        """
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
        """Claim the window and publish the task, both or neither.

        Return Celery's result, or None when another beat has claimed the window.
        """
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
