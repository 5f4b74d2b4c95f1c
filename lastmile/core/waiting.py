"""A function for commands that need the result of a job: run the job, or wait for its worker."""

from __future__ import annotations

import time
from collections.abc import Callable

from lastmile.core.models import FINISHED, Job
from lastmile.core.runner import run_job

POLL_S = 0.5


class StillRunning(TimeoutError):
    """The job has not ended in time; it continues."""


def wait_for_job(
    public_id: str, *, timeout_s: float, on_progress: Callable[[int, str], None] | None = None
) -> Job:
    """Run a job in this process unless a worker has claimed it; return the job when it has ended.

    Raises
    ------
    StillRunning
        The job has not ended after ``timeout_s`` seconds.
    """
    deadline = time.monotonic() + timeout_s
    reported = (-1, "")
    while True:
        run_job(public_id)
        job = Job.objects.get(public_id=public_id)
        if job.state in FINISHED:
            return job
        if on_progress and (job.progress_percent, job.progress_note) != reported:
            reported = (job.progress_percent, job.progress_note)
            on_progress(*reported)
        if time.monotonic() > deadline:
            raise StillRunning(
                f"{public_id} is {job.state} after {timeout_s:.0f} s. It continues; "
                "see the board, or GET /api/v1/operations/."
            )
        time.sleep(POLL_S)
