"""The job that opens a retailer; it runs in the operator's schema."""

from __future__ import annotations

from collections.abc import Mapping

from lastmile.core.jobs import Lease
from tenants.people.services import add_first_owner
from tenants.services import build


def run_opening(job: Lease) -> Mapping[str, str]:
    """Create the tables of the job's retailer and add its first owner.

    Safe to run again after a crash at any point.
    """
    with job.fenced():
        ref = build(job.subject)
    add_first_owner(ref)
    return {"schema": ref.schema, "domain": ref.domain}
