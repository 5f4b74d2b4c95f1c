"""The job that reads an order file (``intake.import``), and the task that deletes old files."""

from __future__ import annotations

from collections.abc import Mapping

from dispatch.intake.services import forget_files, read_batch
from dispatch.intake.services.reading import OrderWork
from lastmile.core.jobs import Lease
from lastmile.core.tasks import house_task
from lastmile.core.tenancy import for_each_retailer


def import_orders(job: Lease) -> Mapping[str, object]:
    """Read the import that the job's payload names."""
    return read_batch(job, OrderWork())


@house_task("intake.tidy", queue="bulk", time_limit=300, soft_time_limit=280)
def forget_files_everywhere() -> int:
    """Delete the files that no import needs any more, for every retailer; return their number."""
    return sum(forget_files() for _retailer in for_each_retailer())
