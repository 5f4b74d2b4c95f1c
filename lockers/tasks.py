"""The tasks of lockers: the look after holds, parcels, commands and cabinets."""

from __future__ import annotations

from collections.abc import Mapping

from lastmile.core.jobs import Lease
from lastmile.core.tasks import house_task, retailer_task
from lastmile.core.tenancy import current_schema, for_each_retailer
from lastmile.worklist.selectors import seen
from lastmile.worklist.services import clear
from lockers.models import LockerBank
from lockers.services import POINTER, look_after_lockers, point_to_next_look
from lockers.services.changed_banks import follow_bank
from lockers.services.vendor_following import request_polling


@retailer_task("lockers.look_after", queue="default")
def look_after() -> int:
    """End what is over and tell staff of silent cabinets; return the number of changes.

    The pointers are cleared after the next one was added, so that a fault does not end the watch.
    """
    pointers = seen(current_schema(), POINTER)
    changes = look_after_lockers()
    point_to_next_look()
    clear(pointer_ids=pointers)
    return changes


@house_task("lockers.find", queue="default", time_limit=300, soft_time_limit=280)
def find_lockers() -> int:
    """Point to the next look of every retailer with lockers; return their number.

    Networks are asked for the states of open reservations, because a call may have been lost.

    It starts the watch after an upgrade, and again if a pointer was lost.
    """
    lookers = 0
    for _retailer in for_each_retailer():
        request_polling()
        lookers += point_to_next_look()
    return lookers


def follow_changed_bank(job: Lease) -> Mapping[str, object]:
    """Bring all orders of the bank that the job names to its new place and hours, in batches."""
    bank = LockerBank.objects.select_related("hub").filter(public_id=job.subject).first()
    after: int | None = 0
    while bank is not None and after is not None:
        with job.fenced():
            after = follow_bank(bank=bank, after=after)
    return {}
