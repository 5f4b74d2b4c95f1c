"""Promises: given once, superseded with a cause, never edited."""

from __future__ import annotations

import datetime as dt
import re

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.orders.checking import LONGEST_WINDOW
from dispatch.orders.drafts import PromisedPlace, PromiseDraft
from dispatch.orders.errors import OrderUnderWay
from dispatch.orders.events import PROMISED, PromisedFacts
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
from lastmile.core import clock
from lastmile.core.errors import Invalid, Problems
from lastmile.core.events import record
from lastmile.core.tenancy import current_retailer

#: Options for which the shopper comes to the goods.
COLLECTED = frozenset({Option.CURBSIDE, Option.LOCKER, Option.HUB})
_CURRENCY = re.compile(r"[A-Z]{3}")
_SLOT = re.compile(r"([a-z]{3}_[0-9a-z]{1,24})?")


@transaction.atomic
def set_promise(*, order: Order, draft: PromiseDraft, version: int | None = None) -> Promise:
    """Promise an order's shopper an option, a window and a place.

    The window's local date becomes the service date. The same promise again changes nothing.
    Locks: the order. Records: order.promised. Raises: Invalid, Stale, OrderUnderWay when the order
    has ended or awaits collection, or when its day, or whether a van brings it, would change while
    a plan holds it.
    """
    _check(draft)
    row = lock_order(order, version)
    state = OrderState(row.state)
    if state in ENDED or state == OrderState.AWAITING_COLLECTION:
        raise OrderUnderWay(
            _("The order is %(state)s; nothing can be promised any more.") % {"state": row.state}
        )
    zone = row.hub.zone if row.hub else current_retailer().zone
    date = clock.local_date(draft.opens_at, zone)
    if state not in OPEN and date != row.service_date:
        raise OrderUnderWay(
            _("The order is %(state)s for %(date)s; take it off that plan before changing its day.")
            % {"state": row.state, "date": row.service_date}
        )
    before = row.promise
    collected_before = before is not None and before.option in COLLECTED
    if state not in OPEN and (draft.option in COLLECTED) != collected_before:
        raise OrderUnderWay(
            _("The order is %(state)s; take it off that plan before a shopper collects it, or "
              "before a van brings it.") % {"state": row.state}
        )  # fmt: skip
    made = promise_of(row, draft, _place_of(row, draft))
    if before is not None and _equal(before, made):
        return before
    made.save()
    rewrite(row, {"promise": made, "service_date": date})
    record_promise(row, made)
    return made


def promise_of(row: Order, draft: PromiseDraft, place: Place | None = None) -> Promise:
    """Return the next promise of a locked order, not yet saved; ``place`` None is its own."""
    before = row.promise or row.promises.order_by("-number").first()
    kept = before.handover if before else row.handover
    return Promise(
        order=row,
        number=before.number + 1 if before else 1,
        option=draft.option,
        handover=kept if draft.handover is None else draft.handover,
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
    """Return the place of a promise that is not kept at the order's own place, saved."""
    if draft.place is not None:
        return _place_at(draft.place)
    if draft.option not in COLLECTED:
        return None
    if row.hub is None:
        raise Invalid(
            _("The order has no hub yet, so nobody can collect it there. Choose a hub first.")
        )
    return _place_at(hub_spot(row.hub))


def hub_spot(hub: Hub) -> PromisedPlace:
    """Return a hub as the place of a promise."""
    return PromisedPlace(reference=hub.public_id, text=hub.name, point=hub.point)


def _place_at(spot: PromisedPlace) -> Place:
    """Return the row of a promised place; a place that has moved is another row."""
    values = {
        "key": f"at:{spot.reference}",
        "text": spot.text,
        "lat": spot.point.lat,
        "lon": spot.point.lon,
        "pin_source": PinSource.GIVEN,
    }
    found = Place.objects.filter(**values).order_by("pk").first()
    return found or Place.objects.create(**values, created_at=clock.now())


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
        place=made.place.public_id if made.elsewhere else None,
        slot=made.slot or None,
        price_minor=made.price_minor,
        currency=made.currency or None,
        co2_g=made.co2_g,
    )


_TERMS = (
    "option", "handover", "place_id", "opens_at", "closes_at", "slot", "price_minor", "currency",
    "co2_g",
)  # fmt: skip


def _equal(before: Promise, made: Promise) -> bool:
    return all(getattr(before, name) == getattr(made, name) for name in _TERMS)


def _check(draft: PromiseDraft) -> None:
    problems = Problems()
    aware = draft.opens_at.utcoffset() is not None and draft.closes_at.utcoffset() is not None
    if not aware:
        problems.add("/opens_at", _("Write the window's times with their offset from UTC."))
    elif not dt.timedelta(0) < draft.closes_at - draft.opens_at <= LONGEST_WINDOW:
        problems.add("/closes_at", _("The window must close after it opens, within seven days."))
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
    """Check what was agreed beside the window: price, grams, slot and the bank of lockers."""
    if (draft.price_minor is None) != (draft.currency == ""):
        problems.add("/currency", _("A price needs its currency, and a currency its price."))
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
        problems.add("/place", _("Say which bank of lockers the order goes to."))
