"""The retailer work that a job does in the house."""

from __future__ import annotations

from collections.abc import Mapping

from lastmile.core.jobs import Lease
from tenants.services import build


def run_opening(job: Lease) -> Mapping[str, str]:
    """Make the tables of the retailer that the job is about; safe to run again."""
    with job.fenced():
        ref = build(job.subject)
    return {"schema": ref.schema, "domain": ref.domain}
