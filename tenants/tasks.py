"""The retailer work that a job does in the house."""

from __future__ import annotations

from collections.abc import Mapping

from lastmile.core.jobs import Lease
from tenants.people.services import add_first_owner
from tenants.services import build


def run_opening(job: Lease) -> Mapping[str, str]:
    """Make the tables of the retailer that the job is about, and let its first owner in.

    Safe to run again after a crash at any point.
    """
    with job.fenced():
        ref = build(job.subject)
    add_first_owner(ref)
    return {"schema": ref.schema, "domain": ref.domain}
