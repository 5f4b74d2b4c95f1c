"""Promises: given once, superseded with a cause, never edited."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.checking import LONGEST_WINDOW
from dispatch.orders.errors import OrderUnderWay
from dispatch.orders.events import PROMISED, PromisedFacts
from dispatch.orders.models import Cause, Handover, Option, Order, Promise
from dispatch.orders.services.moves import lock_order, rewrite
from dispatch.orders.states import ENDED, OPEN, OrderState
from lastmile.core import clock
from lastmile.core.errors import Problems
from lastmile.core.events import record
from lastmile.core.tenancy import current_retailer


@transaction.atomic
def set_promise(
    *,
    order: Order,
    opens_at: dt.datetime,
    closes_at: dt.datetime,
    cause: str,
    option: str = Option.WINDOW,
    handover: str | None = None,
    version: int | None = None,
) -> Promise:
    """Promise an order's shopper a window at its present place.

    The window's local date becomes the service date. The same promise again changes nothing.
    Locks: the order. Records: order.promised. Raises: Invalid, Stale, OrderUnderWay when the order
    has ended, or when its day would change while a plan holds it.
    """
    _check(opens_at, closes_at, cause, option, handover)
    row = lock_order(order, version)
    if OrderState(row.state) in ENDED:
        raise OrderUnderWay(
            _("The order is %(state)s; nothing can be promised any more.") % {"state": row.state}
        )
    zone = row.hub.zone if row.hub else current_retailer().zone
    date = clock.local_date(opens_at, zone)
    if OrderState(row.state) not in OPEN and date != row.service_date:
        raise OrderUnderWay(
            _("The order is %(state)s for %(date)s; take it off that plan before changing its day.")
            % {"state": row.state, "date": row.service_date}
        )
    before = row.promise
    made = promise_of(row, opens_at, closes_at, cause, option, handover)
    if before is not None and _equal(before, made):
        return before
    made.save()
    rewrite(row, {"promise": made, "service_date": date})
    record_promise(row, made)
    return made


def promise_of(
    row: Order,
    opens_at: dt.datetime,
    closes_at: dt.datetime,
    cause: str,
    option: str = Option.WINDOW,
    handover: str | None = None,
) -> Promise:
    """Return the next promise of a locked order, not yet saved."""
    before = row.promise or row.promises.order_by("-number").first()
    kept = handover if handover is not None else (before.handover if before else row.handover)
    return Promise(
        order=row,
        number=before.number + 1 if before else 1,
        option=option,
        handover=kept,
        place=row.place,
        opens_at=opens_at.astimezone(dt.UTC),
        closes_at=closes_at.astimezone(dt.UTC),
        cause=cause,
        supersedes=before,
        made_at=clock.now(),
    )


def record_promise(row: Order, made: Promise) -> None:
    """Record what was promised; times are facts, the place is named by its id."""
    record(PROMISED, promise_facts(made), subject=row.public_id)


def promise_facts(made: Promise) -> PromisedFacts:
    """Return the ids and facts of a promise that its event carries."""
    return PromisedFacts(
        promise=made.public_id,
        option=str(made.option),
        opens_at=made.opens_at,
        closes_at=made.closes_at,
        cause=str(made.cause),
        supersedes=made.supersedes.public_id if made.supersedes else None,
    )


def _equal(before: Promise, made: Promise) -> bool:
    names = ("option", "handover", "place_id", "opens_at", "closes_at")
    return all(getattr(before, name) == getattr(made, name) for name in names)


def _check(
    opens_at: dt.datetime, closes_at: dt.datetime, cause: str, option: str, handover: str | None
) -> None:
    problems = Problems()
    aware = opens_at.utcoffset() is not None and closes_at.utcoffset() is not None
    if not aware:
        problems.add("/opens_at", _("Write the window's times with their offset from UTC."))
    elif not dt.timedelta(0) < closes_at - opens_at <= LONGEST_WINDOW:
        problems.add("/closes_at", _("The window must close after it opens, within seven days."))
    for name, word, words in (
        ("cause", cause, Cause.values),
        ("option", option, Option.values),
        ("handover", handover or "", ["", *Handover.values]),
    ):
        if word not in words:
            problems.add(
                f"/{name}",
                _("This must be one of: %(words)s.") % {"words": ", ".join(filter(None, words))},
            )
    problems.raise_if_any()
