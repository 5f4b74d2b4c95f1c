"""Opens delivery sessions and changes their question: another basket, other days.

The slow part is done outside any transaction: the address is found, and the offers are computed
(``ask_…``). Then one short transaction stores the answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.drafts import PlaceDraft
from dispatch.orders.models import Order
from dispatch.slots.policy import slots_policy
from dispatch.slots.services import (
    DeliveryRequest,
    Goods,
    lock_places,
    request_for_address,
    request_for_order,
)
from lastmile.core import clock
from lastmile.core.errors import Problems
from lastmile.core.formatting import number
from lastmile.core.geo import Point
from portal.choice.errors import SessionChanged
from portal.choice.models import DeliverySession, ShownOffer
from portal.choice.providers import provider_of_hold, providers
from portal.choice.providers.base import HeldPlace, PriceChange, Question
from portal.choice.selectors import offers_of
from portal.choice.sentences import why_price_changed
from portal.choice.services.offering import (
    Offering,
    find_offering,
    forget_rounds,
    store_offering,
)
from portal.choice.services.questions import request_of

SESSION_LASTS: Final = dt.timedelta(hours=24)
MOST_DAYS: Final = 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The caller of a session: its kind, its public id, and the origin of the shop's page."""

    caller: str
    principal: str
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The offers for a question, computed outside a transaction and not stored yet.

    ``round`` is the round of the session for which it was computed; 0 for a new session.
    """

    question: Question
    offering: Offering
    round: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPriceChange:
    """The price of an offer before and after a change of the session, and the reason."""

    offer: str
    change: PriceChange


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedSession:
    """A session after a change, and the prices that changed with it."""

    session: DeliverySession
    changes: tuple[OfferPriceChange, ...]


def ask_for_address(
    *,
    place: PlaceDraft,
    goods: Goods,
    hub: str = "",
    since: dt.date | None = None,
    until: dt.date | None = None,
    caller: str,
) -> Answer:
    """Find an address and compute its offers. Call it outside any transaction.

    Without ``since`` the days begin today; without ``until`` they end where the retailer's policy
    says. Locks: nothing. Records: nothing. Raises: Invalid with pointers; AddressUnknown,
    OutsideEveryZone, TooLargeForVehicles.
    """
    request = request_for_address(place=place, goods=goods, hub=hub)
    return _answer(request, since, until, caller=caller)


def ask_for_order(
    *,
    order: Order,
    caller: str,
    since: dt.date | None = None,
    until: dt.date | None = None,
    place: Point | None = None,
    place_text: str = "",
    earlier: DeliverySession | None = None,
) -> Answer:
    """Compute the offers for an order, at its door or at another ``place``.

    The places that the session ``earlier`` holds count as the shopper's own, and its green offer
    stays green while it is good enough. Call it outside any transaction.

    Locks: nothing. Records: nothing. Raises: as ``ask_for_address``.
    """
    request = request_for_order(order, place=place, place_text=place_text)
    return _answer(request, since, until, caller=caller, session=earlier)


@transaction.atomic
def open_session(
    *, answer: Answer, asker: Asker, language: str = "", place: Mapping[str, Any] | None = None
) -> DeliverySession:
    """Store a new session with the offers that were computed for it.

    ``place`` are the parts of the address as given. Locks: nothing. Records: nothing. Raises:
    nothing of its own.
    """
    request, question = answer.question.request, answer.question
    session = DeliverySession.objects.create(
        caller=asker.caller,
        principal=asker.principal,
        origin=asker.origin,
        order=request.order,
        place=dict(place or {}),
        since=question.since,
        until=question.until,
        language=language,
        expires_at=clock.now() + SESSION_LASTS,
        **columns_of(request),
    )
    store_offering(session, answer.offering)
    return session


def ask_again(
    *,
    session: DeliverySession,
    goods: Goods | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
) -> Answer:
    """Compute the offers of a session again, for another basket or other days.

    Call it outside any transaction. ``goods`` None keeps the basket; the place always stays.
    Locks: nothing. Records: nothing. Raises: as ``ask_for_address``.
    """
    request = request_of(session)
    if goods is not None:
        place = PlaceDraft(text=session.place_text, lat=session.lat, lon=session.lon)
        request = replace(
            request_for_address(place=place, goods=goods, hub=session.hub.public_id),
            zone=session.zone,
            place_text=session.place_text,
        )
    return _answer(
        request,
        since or session.since,
        until or session.until,
        caller=session.caller,
        session=session,
    )


@transaction.atomic
def change_session(
    *, session: DeliverySession, answer: Answer, language: str | None = None
) -> ChangedSession:
    """Store the new question and offers of a session; held places get their new price.

    The result names each price that changed, with the reason. A held place keeps its size: if the
    goods have grown, confirming it is refused until the offer is held again.

    Locks: the session, then the slots and holds of the session. Records: nothing. Raises:
    SessionChanged if another call changed the session at the same time.
    """
    row = lock_session(session)
    if row.round != answer.round:
        raise SessionChanged(
            _("These options were changed at the same moment. Look at them again, then choose.")
        )
    before = {shown.offer: shown for shown in offers_of(row)}
    question = answer.question
    for name, value in columns_of(question.request).items():
        setattr(row, name, value)
    row.since, row.until = question.since, question.until
    row.language = row.language if language is None else language
    row.save()
    store_offering(row, answer.offering)
    changes = [
        _changed(before[shown.offer], shown)
        for shown in offers_of(row)
        if shown.offer in before and before[shown.offer].price_minor != shown.price_minor
    ]
    places = held_by(row)
    if len(places) > 1:
        lock_places([held.hold for held in places])
    for held in places:
        if held.value_minor != row.value_minor:
            provider_of_hold(held.hold).reprice(held.hold, row.value_minor)
    forget_rounds(row, [held.hold for held in places])
    return ChangedSession(session=row, changes=tuple(changes))


def lock_session(session: DeliverySession) -> DeliverySession:
    """Return the present row of a session, locked: one call at a time holds and confirms.

    Locks: the session. Records: nothing. Raises: nothing.
    """
    return DeliverySession.objects.select_for_update(of=("self",)).get(pk=session.pk)


def held_by(session: DeliverySession) -> list[HeldPlace]:
    """Return the places that a session holds now, live or kept, the newest last."""
    return [held for provider in providers() for held in provider.holds_of(session.public_id)]


def columns_of(request: DeliveryRequest) -> dict[str, Any]:
    return {
        "place_text": request.place_text,
        "lat": request.point.lat,
        "lon": request.point.lon,
        "hub": request.hub,
        "zone": request.zone,
        "weight_g": request.weight_g,
        "volume_cm3": request.volume_cm3,
        "parcel_count": request.parcels,
        "parcel_sides_mm": [list(sides) for sides in request.parcel_sides_mm],
        "service_s": request.service_s,
        "skills": sorted(request.skills),
        "collects": request.collects,
        "least_age": request.least_age,
        "signature": request.signature,
        "value_minor": request.value_minor,
        "currency": request.currency,
    }


def _answer(
    request: DeliveryRequest,
    since: dt.date | None,
    until: dt.date | None,
    *,
    caller: str,
    session: DeliverySession | None = None,
) -> Answer:
    first, last = _days(since, until, clock.local_date(clock.now(), request.hub.zone))
    question = Question(
        request=request,
        since=first,
        until=last,
        caller=caller,
        session=session.public_id if session else "",
    )
    offering = find_offering(question, green_before=session.green_offer if session else "")
    return Answer(question=question, offering=offering, round=session.round if session else 0)


def _days(since: dt.date | None, until: dt.date | None, today: dt.date) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of a question. ``today`` is the date at the hub."""
    problems = Problems()
    first = today if since is None else since
    last = until or max(first, today) + dt.timedelta(days=slots_policy().days_ahead)
    if last < first:
        problems.add("/until", _("The last day is before the first day. Exchange them."))
    elif last < today:
        problems.add("/until", _("These days are over. Ask for today or later."), "past")
    elif (last - first).days >= MOST_DAYS:
        text = _("Ask for at most %(most)s days at once.") % {"most": number(MOST_DAYS)}
        problems.add("/until", text)
    problems.raise_if_any(_("Some values are not valid; see errors."))
    return first, last


def _changed(before: ShownOffer, after: ShownOffer) -> OfferPriceChange:
    was_free, is_free = _is_free(before), _is_free(after)
    code = "cost_changed"
    if was_free != is_free:
        code = "now_free" if is_free else "no_longer_free"
    return OfferPriceChange(
        offer=after.offer,
        change=PriceChange(
            old_minor=before.price_minor,
            new_minor=after.price_minor,
            currency=after.currency,
            code=code,
            why=why_price_changed(code, before.price_minor, after.price_minor, after.currency),
        ),
    )


def _is_free(shown: ShownOffer) -> bool:
    """Return True if the base price was waived for the value of the basket."""
    return any(part.get("code") == "free" for part in shown.price_parts)
