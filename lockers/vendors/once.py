"""Asks a network for a reservation at most once, though calls may end unclear."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

from lockers.vendors.base import LockerVendor, VendorError, VendorRequest, VendorStatus

#: An unclear call may still arrive at the network, or be missing in its lists, for this time. It
#: is several times the time limit of a call.
SETTLED_AFTER: Final = dt.timedelta(seconds=120)
#: The network's clock may differ from this machine's by this much.
CLOCKS_DIFFER: Final = dt.timedelta(minutes=5)


def reserve_once(
    vendor: LockerVendor,
    request: VendorRequest,
    *,
    first_tried_at: dt.datetime | None,
    last_tried_at: dt.datetime | None,
    now: dt.datetime,
    before_sending: Callable[[], object],
) -> VendorStatus:
    """Reserve, and look an unclear earlier call up before another one is sent.

    Parameters
    ----------
    first_tried_at, last_tried_at : datetime or None
        The real times of the first and the last call with this reference that ended unclear. None
        if there was none.
    now : datetime
        The real time.
    before_sending : function
        Called before the reservation is asked for. It must store the time of this call, because
        the process may die before the answer.

    Raises
    ------
    VendorError
        With ``unclear``: call again after ``retry_after_s``. Without it, this call reserved
        nothing, and its time may be forgotten.
    """
    status = find_earlier(
        vendor,
        request.reference,
        first_tried_at=first_tried_at,
        last_tried_at=last_tried_at,
        now=now,
    )
    if status is not None:
        return status
    before_sending()
    return vendor.reserve(request)


def find_earlier(
    vendor: LockerVendor,
    reference: str,
    *,
    first_tried_at: dt.datetime | None,
    last_tried_at: dt.datetime | None,
    now: dt.datetime,
) -> VendorStatus | None:
    """Return what an unclear earlier call reserved; None if nothing did and nothing can any more.

    Raises VendorError when it cannot tell, or not yet (code ``not_settled``).
    """
    if first_tried_at is not None and last_tried_at is not None:
        status = vendor.find(reference, first_tried_at - CLOCKS_DIFFER)
        if status is not None:
            return status
        settled_at = last_tried_at + SETTLED_AFTER
        if now < settled_at:
            raise VendorError(
                "an earlier call is not settled yet",
                permanent=False,
                unclear=True,
                code="not_settled",
                retry_after_s=int((settled_at - now).total_seconds()) + 1,
            )
    return None
