"""The task of the choice that beat starts."""

from __future__ import annotations

from lastmile.core.tasks import house_task
from lastmile.core.tenancy import for_each_retailer
from portal.choice.services import offer_failed_again


@house_task("choice.offer_failed", queue="bulk", time_limit=300, soft_time_limit=280)
def offer_failed() -> int:
    """Let shoppers of failed orders choose again where the rule says so; return how many."""
    return sum(offer_failed_again() for _retailer in for_each_retailer())
