"""Composes the offers of all providers: marks the green one, ranks them, stores what was shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from dispatch.slots.policy import slots_policy
from dispatch.slots.rules.ranking import Candidate, Ranked, green_of, ranked
from lastmile.core import clock
from lastmile.core.errors import FieldProblem
from portal.choice.errors import TooLargeForVehicles
from portal.choice.models import DeliverySession, ShownOffer
from portal.choice.providers import provider_called, providers
from portal.choice.providers.base import FoundOffer, Missing, Question
from portal.choice.selectors import offers_of
from portal.choice.services.questions import question_of

TOO_LARGE = "too_large"
LOCKERS: Final = "lockers"  # the provider whose stored offers are looked at again
KEPT_ROUNDS: Final = 3  # rounds of offers that a session keeps
MOST_MISSING = 400  # options that are not offered which one session stores


@dataclass(frozen=True, slots=True, kw_only=True)
class Offering:
    """The offers of a question, best first, and the options and days that are missing.

    ``more_from`` is the first day that is left out, because there are too many options.
    """

    offers: tuple[tuple[FoundOffer, Ranked], ...]
    green: str
    missing: tuple[Missing, ...]
    not_ready: tuple[dt.date, ...]
    more_from: dt.date | None = None


def find_offering(question: Question, *, green_before: str = "") -> Offering:
    """Ask every provider and return the ranked offers. Call it outside any transaction.

    Locks: nothing. Records: nothing. Raises: TooLargeForVehicles if nothing is offered because no
    vehicle can carry the goods.
    """
    answers = [provider.find(question) for provider in providers()]
    more_from = min((it.more_from for it in answers if it.more_from), default=None)
    last = more_from or dt.date.max
    offers_by_id = {
        offer.offer: offer
        for answer in answers
        for offer in answer.offers
        if offer.service_date < last
    }
    candidates = [
        Candidate(
            key=offer.offer,
            opens_at=offer.opens_at,
            price_minor=offer.price_minor,
            co2_g=offer.co2_g,
        )
        for offer in offers_by_id.values()
    ]
    sticky = slots_policy().green_stickiness
    green = green_of(candidates, before=green_before, stickiness_percent=sticky)
    missing = tuple(it for answer in answers for it in answer.missing if it.service_date < last)
    if not offers_by_id and any(item.reason == TOO_LARGE for item in missing):
        raise _too_large()
    return Offering(
        offers=tuple((offers_by_id[row.key], row) for row in ranked(candidates, green=green)),
        green=green,
        missing=missing,
        not_ready=tuple(sorted({date for answer in answers for date in answer.not_ready})),
        more_from=more_from,
    )


def bookable_offers(session: DeliverySession, own: Collection[str]) -> list[ShownOffer]:
    """Return the offers of a session that can still be booked, and its ``own`` held ones.

    A bank of lockers that was closed, lost its connection or has filled up since is left out.

    If one of the stored offers is over, the others get the rank, the reason and the green mark that
    they have among themselves. The rows are not saved.
    """
    now = clock.now()
    stored = list(offers_of(session))
    rows = [row for row in stored if row.book_until_at > now or row.offer in own]
    full = _banks_without_room(session, rows) - set(own)
    rows = [row for row in rows if row.offer not in full]
    if len(rows) == len(stored):
        return rows
    candidates = [
        Candidate(
            key=row.offer, opens_at=row.opens_at, price_minor=row.price_minor, co2_g=row.co2_g
        )
        for row in rows
    ]
    sticky = slots_policy().green_stickiness
    green = green_of(candidates, before=session.green_offer, stickiness_percent=sticky)
    by_offer = {row.offer: row for row in rows}
    for place in ranked(candidates, green=green):
        row = by_offer[place.key]
        row.rank, row.reason, row.green = place.rank, place.reason, place.key == green
    return sorted(rows, key=lambda row: row.rank)


def _banks_without_room(session: DeliverySession, rows: Sequence[ShownOffer]) -> set[str]:
    """Return the offers at banks that can no longer be taken; without banks, without a query."""
    shown = {row.offer for row in rows if row.provider == LOCKERS}
    if not shown:
        return set()
    return shown - provider_called(LOCKERS).bookable(shown, question_of(session))


def forget_rounds(session: DeliverySession, holds: Collection[str]) -> int:
    """Delete the offers of old rounds of a session, so that looking again adds no rows for ever.

    The newest ``KEPT_ROUNDS`` rounds stay, and those from which something was chosen or is held
    now. Locks: the deleted rows. Records: nothing. Raises: nothing of its own.
    """
    rows = ShownOffer.objects.filter(session=session)
    needed = rows.filter(Q(chosen_at__isnull=False) | Q(hold__in=list(holds)))
    old = rows.filter(round__lte=session.round - KEPT_ROUNDS)
    return old.exclude(round__in=set(needed.values_list("round", flat=True))).delete()[0]


@transaction.atomic
def store_offering(session: DeliverySession, offering: Offering) -> None:
    """Store the offers as the next round of a session, which the caller has locked or made.

    Locks: nothing more. Records: nothing. Raises: nothing of its own.
    """
    session.round += 1
    session.green_offer = offering.green
    session.not_ready = [date.isoformat() for date in offering.not_ready]
    session.not_offered = [_as_json(item) for item in offering.missing[:MOST_MISSING]]
    session.more_from = offering.more_from
    session.save(update_fields=["round", "green_offer", "not_ready", "not_offered", "more_from"])
    shown_at = clock.now()
    ShownOffer.objects.bulk_create(
        ShownOffer(
            session=session,
            round=session.round,
            rank=row.rank,
            provider=offer.provider,
            offer=offer.offer,
            option=offer.option,
            handovers=list(offer.handovers),
            service_date=offer.service_date,
            opens_at=offer.opens_at,
            closes_at=offer.closes_at,
            book_until_at=offer.book_until_at,
            price_minor=offer.price_minor,
            currency=offer.currency,
            price_parts=[dict(part) for part in offer.price_parts],
            added_s=offer.added_s,
            added_m=offer.added_m,
            cost_minor=offer.cost_minor,
            co2_g=offer.co2_g,
            travel_source=offer.travel_source,
            green=offer.offer == offering.green,
            reason=row.reason,
            details=dict(offer.details),
            shown_at=shown_at,
        )
        for offer, row in offering.offers
    )


def _as_json(item: Missing) -> dict[str, object]:
    return {
        "offer": item.offer,
        "service_date": item.service_date.isoformat(),
        "option": item.option,
        "opens_at": item.opens_at.isoformat(),
        "closes_at": item.closes_at.isoformat(),
        "reason": item.reason,
        "params": dict(item.params),
    }


def _too_large() -> TooLargeForVehicles:
    text = _(
        "No vehicle of this hub can carry these parcels. Split the order, or ask the shop how it "
        "can be delivered."
    )
    return TooLargeForVehicles(text, errors=[FieldProblem("/parcels", text, TOO_LARGE)])
