"""Gives promises. A promise is never edited; a new promise supersedes it, with a cause."""

from __future__ import annotations

import datetime as dt
import re

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.orders.drafts import PromisedPlace, PromiseDraft
from dispatch.orders.errors import OrderUnderWay, status_word
from dispatch.orders.events import PROMISED, REDATED, PromisedFacts, RedatedFacts
from dispatch.orders.handovers import needs_person, person_needed, without_person
from dispatch.orders.models import (
    Cause,
    Handover,
    Option,
    Order,
    PinSource,
    Place,
    Promise,
)
from dispatch.orders.services.moves import lock_order, rewrite
from dispatch.orders.states import ENDED, OPEN, OrderState
from dispatch.orders.windows import LONGEST_WINDOW, within_a_day
from lastmile.core import clock, formatting
from lastmile.core.errors import Invalid, Problems
from lastmile.core.events import Lane, record
from lastmile.core.tenancy import current_retailer

#: Options for which the shopper collects the goods.
COLLECTED = frozenset({Option.CURBSIDE, Option.LOCKER, Option.HUB})
#: Causes with which a person waits for what follows. Files and keys may bring thousands at once.
_BY_A_PERSON = frozenset({Cause.SHOPPER, Cause.CHOICE, Cause.DISPATCHER})
_CURRENCY = re.compile(r"[A-Z]{3}")
_SLOT = re.compile(r"([a-z]{3}_[0-9a-z]{1,24})?")


@transaction.atomic
def set_promise(*, order: Order, draft: PromiseDraft, version: int | None = None) -> Promise:
    """Give the shopper of an order a promise: an option, a time window and a place.

    The service date is that of the draft. Without one, the same window keeps its service date, and
    another window gets its local date. The same promise again changes nothing.
    Locks: the order. Records: order.promised. Raises: Invalid, Stale; OrderUnderWay if the order
    has ended or awaits collection. If the order is not open, also if the promise would change the
    date, or change between delivery and collection.
    """
    _check(draft)
    row = lock_order(order, version)
    state = OrderState(row.state)
    if state in ENDED or state == OrderState.AWAITING_COLLECTION:
        raise OrderUnderWay(
            _("The order has the status “%(status)s”, so no new promise is possible.")
            % {"status": status_word(row.state)}
        )
    date = _date_of(row, draft)
    if state not in OPEN and date != row.service_date:
        raise OrderUnderWay(
            _("The order has the status “%(status)s” on %(date)s. Remove it from its route before "
              "you change the date.")
            % {"status": status_word(row.state), "date": formatting.date(row.service_date)}
        )  # fmt: skip
    before = row.promise
    collected_before = before is not None and before.option in COLLECTED
    if state not in OPEN and (draft.option in COLLECTED) != collected_before:
        raise OrderUnderWay(
            _("The order has the status “%(status)s”. Remove it from its route before you change "
              "between delivery and collection.") % {"status": status_word(row.state)}
        )  # fmt: skip
    promise = promise_of(row, draft, _place_of(row, draft))
    if needs_person(row) and without_person(handover=promise.handover, option=promise.option):
        raise person_needed(row, "/option" if promise.option == Option.LOCKER else "/handover")
    if before is not None and _equal(before, promise) and date == row.service_date:
        return before
    promise.save()
    rewrite(row, {"promise": promise, "service_date": date})
    record_promise(row, promise)
    return promise


@transaction.atomic
def serve_on(*, order: Order, service_date: dt.date) -> Order:
    """Let the round of another date serve the promised window; the promise stays as it is.

    A window after midnight may belong to the round of the evening before. An order without a
    promise or under way, and a date that is not next to the window, change nothing.
    Locks: the order. Records: order.redated if the date differs. Raises: nothing.
    """
    row = lock_order(order)
    promise, before = row.promise, row.service_date
    if promise is None or before is None or OrderState(row.state) not in OPEN:
        return row
    if service_date != before and within_a_day(service_date, _local_date(row, promise.opens_at)):
        row.service_date = service_date
        row.version += 1
        row.save(update_fields=["service_date", "version"])
        facts = RedatedFacts(service_date=service_date, before=before)
        record(REDATED, facts, subject=row.public_id)
    return row


def _local_date(row: Order, instant: dt.datetime) -> dt.date:
    """Return the date of an instant at the order's hub, or at the retailer's without a hub."""
    return clock.local_date(instant, row.hub.zone if row.hub else current_retailer().zone)


def _date_of(row: Order, draft: PromiseDraft) -> dt.date:
    """Return the service date of a new promise. Raises Invalid for a date of another window."""
    before, window = row.promise, (draft.opens_at, draft.closes_at)
    same = before is not None and (before.opens_at, before.closes_at) == window
    if draft.service_date is None and same and row.service_date is not None:
        return row.service_date
    local = _local_date(row, draft.opens_at)
    if draft.service_date is None:
        return local
    if not within_a_day(draft.service_date, local):
        problems = Problems()
        problems.add(
            "/service_date",
            _("The time window does not open on this date. Change the date or the window."),
        )
        problems.raise_if_any()
    return draft.service_date


def promise_of(row: Order, draft: PromiseDraft, place: Place | None = None) -> Promise:
    """Return the next promise of a locked order, not saved yet.

    ``place`` None means the place of the order.
    """
    before = row.promise or row.promises.order_by("-number").first()
    handover = before.handover if before else row.handover
    return Promise(
        order=row,
        number=before.number + 1 if before else 1,
        option=draft.option,
        handover=handover if draft.handover is None else draft.handover,
        place=place or row.place,
        elsewhere=place is not None,
        opens_at=draft.opens_at.astimezone(dt.UTC),
        closes_at=draft.closes_at.astimezone(dt.UTC),
        slot=draft.slot,
        price_minor=draft.price_minor,
        currency=draft.currency,
        co2_g=draft.co2_g,
        cause=draft.cause,
        supersedes=before,
        made_at=clock.now(),
    )


def _place_of(row: Order, draft: PromiseDraft) -> Place | None:
    """Return the saved place of a promise, or None if it is the place of the order."""
    if draft.place is not None:
        return _place_at(draft.place)
    if draft.option not in COLLECTED:
        return None
    if row.hub is None:
        raise Invalid(
            _("The order has no hub yet, so the shopper cannot collect it. Choose a hub first.")
        )
    return _place_at(hub_spot(row.hub))


def hub_spot(hub: Hub) -> PromisedPlace:
    """Return a hub as the place of a promise, with its street, so that a shopper finds it."""
    return PromisedPlace(reference=hub.public_id, text=hub.place_text, point=hub.point)


def _place_at(spot: PromisedPlace) -> Place:
    """Return the row of a promised place. A place that has moved gets a new row."""
    values = {
        "key": f"at:{spot.reference}",
        "text": spot.text,
        "lat": spot.point.lat,
        "lon": spot.point.lon,
        "pin_source": PinSource.GIVEN,
    }
    existing = Place.objects.filter(**values).order_by("pk").first()
    return existing or Place.objects.create(**values, created_at=clock.now())


def record_promise(row: Order, promise: Promise) -> None:
    """Record the event of a new promise; a promise that a person made is handled at once."""
    lane = Lane.PERSON if promise.cause in _BY_A_PERSON else Lane.BULK
    record(PROMISED, promise_facts(promise), subject=row.public_id, lane=lane)


def promise_facts(promise: Promise) -> PromisedFacts:
    """Return the facts of a promise for its event; the place is named by its id."""
    return PromisedFacts(
        promise=promise.public_id,
        option=str(promise.option),
        opens_at=promise.opens_at,
        closes_at=promise.closes_at,
        cause=str(promise.cause),
        supersedes=promise.supersedes.public_id if promise.supersedes else None,
        place=promise.place.public_id if promise.elsewhere else None,
        slot=promise.slot or None,
        price_minor=promise.price_minor,
        currency=promise.currency or None,
        co2_g=promise.co2_g,
    )


_TERMS = (
    "option", "handover", "place_id", "opens_at", "closes_at", "slot", "price_minor", "currency",
    "co2_g",
)  # fmt: skip


def _equal(before: Promise, after: Promise) -> bool:
    return all(getattr(before, name) == getattr(after, name) for name in _TERMS)


def _check(draft: PromiseDraft) -> None:
    problems = Problems()
    aware = draft.opens_at.utcoffset() is not None and draft.closes_at.utcoffset() is not None
    if not aware:
        problems.add(
            "/opens_at",
            _("The times of the window have no time zone. Write them with their offset from UTC."),
        )
    elif not dt.timedelta(0) < draft.closes_at - draft.opens_at <= LONGEST_WINDOW:
        problems.add(
            "/closes_at", _("The time window must close after it opens, and within seven days.")
        )
    for name, word, words in (
        ("cause", draft.cause, Cause.values),
        ("option", draft.option, Option.values),
        ("handover", draft.handover or "", ["", *Handover.values]),
    ):
        if word not in words:
            problems.add(
                f"/{name}",
                _("This must be one of: %(words)s.") % {"words": ", ".join(filter(None, words))},
            )
    _check_terms(draft, problems)
    problems.raise_if_any()


def _check_terms(draft: PromiseDraft, problems: Problems) -> None:
    """Check the terms besides the time window: price, CO2, slot and bank of lockers."""
    if (draft.price_minor is None) != (draft.currency == ""):
        problems.add("/currency", _("Give both the price and its currency, or neither."))
    if draft.currency and not _CURRENCY.fullmatch(draft.currency):
        problems.add(
            "/currency", _("Write the currency as three capital letters (ISO 4217), such as EUR.")
        )
    for name, number in (("price_minor", draft.price_minor), ("co2_g", draft.co2_g)):
        if number is not None and number < 0:
            problems.add(f"/{name}", _("This must be 0 or more."))
    if not _SLOT.fullmatch(draft.slot):
        problems.add("/slot", _("This must be the id of a slot."))
    if draft.option == Option.LOCKER and draft.place is None:
        problems.add("/place", _("The locker bank is missing. Choose one."))
