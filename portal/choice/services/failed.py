"""Lets the shoppers of failed orders choose again, as the retailer's rule says."""

from __future__ import annotations

import datetime as dt

from dispatch.live.models import VisitProgress
from dispatch.live.services import failed_to_offer, offer_again
from dispatch.slots.errors import AddressUnknown, OutsideEveryZone
from lastmile.core import clock
from portal.choice.errors import TooLargeForVehicles
from portal.choice.models import Caller
from portal.choice.services.asking import ask_for_order


def offer_failed_again() -> int:
    """Offer failed orders again, or return those without another option; return their number.

    The invitation to choose follows from order.ready. An order for which slots are still being
    computed waits for the next call. Call it outside any transaction.

    Locks, Records: as ``offer_again``. Raises: nothing of its own.
    """
    count = 0
    for visit in failed_to_offer():
        day, is_known = _first_day(visit)
        if is_known:
            count += offer_again(visit=visit, service_date=day)
    return count


def _first_day(visit: VisitProgress) -> tuple[dt.date | None, bool]:
    """Return the first day that can be offered, and whether that is known already.

    Today is left out: the goods have just come back to the hub.
    """
    zone = visit.run.shift.hub.zone
    since = clock.local_date(clock.now(), zone) + dt.timedelta(days=1)
    try:
        answer = ask_for_order(order=visit.order, caller=Caller.SHOPPER, since=since)
    except (AddressUnknown, OutsideEveryZone, TooLargeForVehicles):
        return None, True
    days = [offer.service_date for offer, _rank in answer.offering.offers]
    return min(days, default=None), bool(days) or not answer.offering.not_ready
