"""The job that reads an order file; wired in the switchboard as ``intake.import``."""

from __future__ import annotations

from collections.abc import Mapping

from dispatch.intake.services import read_batch
from lastmile.core.jobs import Lease


def import_orders(job: Lease) -> Mapping[str, int]:
    """Read the batch that the job's payload names."""
    return read_batch(job)
