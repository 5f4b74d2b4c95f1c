"""For commands: see a job through, whether workers are up or not."""

from __future__ import annotations

import time
from collections.abc import Callable

from lastmile.core.models import FINISHED, Job
from lastmile.core.runner import run_job

POLL_S = 0.5


class StillRunning(TimeoutError):
    """The job had not ended in time; it goes on."""


def wait_for_job(
    public_id: str, *, timeout_s: float, on_progress: Callable[[int, str], None] | None = None
) -> Job:
    """Run the job here unless a worker has it, and return it when it has ended.

    Where no worker is up, the command is the worker; where one is, whoever claims first does it.

    Raises
    ------
    StillRunning
        It has not ended after ``timeout_s`` seconds.
    """
    deadline = time.monotonic() + timeout_s
    said = (-1, "")
    while True:
        run_job(public_id)
        job = Job.objects.get(public_id=public_id)
        if job.state in FINISHED:
            return job
        if on_progress and (job.progress_percent, job.progress_note) != said:
            said = (job.progress_percent, job.progress_note)
            on_progress(*said)
        if time.monotonic() > deadline:
            raise StillRunning(
                f"{public_id} is {job.state} after {timeout_s:.0f} s. It goes on; "
                "see the board, or ask operations/ for it."
            )
        time.sleep(POLL_S)
