"""The tasks of the choice: orders that failed, and choices of lockers."""

from __future__ import annotations

from lastmile.core.tasks import house_task, retailer_task
from lastmile.core.tenancy import current_schema, for_each_retailer
from lastmile.worklist.selectors import seen
from lastmile.worklist.services import clear
from portal.choice.services import offer_failed_again
from portal.choice.services.taking import POINTER, look_after_choices


@house_task("choice.offer_failed", queue="bulk", time_limit=300, soft_time_limit=280)
def offer_failed() -> int:
    """Let shoppers of failed orders choose again where the rule says so; return how many."""
    return sum(offer_failed_again() for _retailer in for_each_retailer())


@retailer_task("choice.take", queue="default")
def take_lockers_of_orders() -> int:
    """Take the compartments of choices whose order has come, and end choices that are over.

    Return how many orders got their compartments.
    """
    pointers = seen(current_schema(), POINTER)
    taken = look_after_choices()
    clear(pointer_ids=pointers)
    return taken
