"""Finds every slot that can truly be kept for a delivery, with price and marginal cost.

No row is locked, and no transaction is open while travel times are computed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.db.models import Q

from dispatch.fleet.selectors import vehicles
from dispatch.orders.models import Handover
from dispatch.slots.counts import WAITING
from dispatch.slots.models import Caller, Hold, Slot
from dispatch.slots.policy import SlotPolicy, slots_policy
from dispatch.slots.rules.ranking import Candidate, green_of, ranked
from dispatch.slots.selectors import free_of, slots_for
from dispatch.slots.services.holding import amounts_of, has_day, promised_hold
from dispatch.slots.services.pricing import quote
from dispatch.slots.services.requests import DeliveryRequest
from dispatch.slots.services.visits import NOT_READY, FoundWindow, needs_visit, window_costs
from dispatch.slots.states import HoldState, SlotState
from lastmile.core import clock
from lastmile.core.geo import Point

#: Slots that one search looks at; a search with more ends after a whole day. Chosen.
MOST_SLOTS: Final = 1_000
_A_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A slot that can be kept for a delivery, with its price and its marginal cost.

    ``co2_g`` is None where the shopper drives, because that trip is not known. ``reason`` is the
    code of the sentence that says why the offer has its rank. ``hold`` and ``held_until`` are set
    if the asking session holds the slot.
    """

    slot: str
    option: str
    handovers: tuple[str, ...]
    service_date: dt.date
    opens_at: dt.datetime
    closes_at: dt.datetime
    book_until_at: dt.datetime
    price_minor: int
    currency: str
    price_parts: tuple[Mapping[str, Any], ...]
    added_s: int
    added_m: int
    cost_minor: int | None
    co2_g: int | None
    place_text: str
    point: Point
    travel_source: str
    green: bool = False
    rank: int = 0
    reason: str = ""
    hold: str = ""
    held_until: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotOffered:
    """A slot that is not offered, and the code of the rule or constraint that prevents it.

    Codes: closed, passed, orders, work_s, weight_g, volume_cm3, checkouts, too_large, return (the
    slot takes no returns), not_ready, no_shift, and the constraints of the router.
    """

    slot: str | None
    service_date: dt.date
    option: str
    opens_at: dt.datetime
    closes_at: dt.datetime
    reason: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferList:
    """The offers, best first; the slots that are not offered; the days that are not ready.

    ``more_from`` is the first day that this search left out, because it had too many slots.
    """

    offers: tuple[Offer, ...]
    not_offered: tuple[NotOffered, ...]
    not_ready: tuple[dt.date, ...]
    more_from: dt.date | None = None


def find_offers(
    *,
    request: DeliveryRequest,
    since: dt.date,
    until: dt.date,
    session: str = "",
    green_before: str = "",
    caller: str = "",
    explain: bool = False,
) -> OfferList:
    """Return every slot from ``since`` to ``until`` that can be kept for a delivery.

    The live places that the session holds, its kept place in the same slot, and the present
    promise of the request's order count as free: a new hold replaces those. ``green_before`` is
    the slot that the session marked green before. ``caller`` "checkout" applies the share of a slot
    that checkouts may hold. ``explain`` names the constraint that prevents each window, which takes
    longer; otherwise it is ``no_room``. A search looks at MOST_SLOTS slots, in whole days;
    ``more_from`` of the answer is where the next one begins.

    Locks: nothing. Records: nothing. Raises: nothing; a day that is not ready is in ``not_ready``.
    """
    search = _Search(request, session, caller)
    slots, more_from = search.slots(since, until)
    by_counts, refused = search.by_counts(slots)
    costs = search.costs([slot for slot in by_counts if needs_visit(slot)], explain=explain)
    offers: list[Offer] = []
    for slot in by_counts:
        window = costs.get(slot.pk)
        if window is not None and window.cost is None:
            refused.append(not_offered(slot, window.why))
        else:
            offers.append(search.offer(slot, window))
    not_ready = {it.service_date for it in refused if it.reason == NOT_READY}
    return OfferList(
        offers=tuple(_ranked(offers, green_before, search.policy)),
        not_offered=tuple(sorted(refused, key=lambda it: (it.opens_at, it.slot or ""))),
        not_ready=tuple(sorted(not_ready)),
        more_from=more_from,
    )


def _ranked(offers: Sequence[Offer], green_before: str, policy: SlotPolicy) -> list[Offer]:
    """Return offers in the order in which they are shown, with rank, sentence and green mark."""
    candidates = [
        Candidate(
            key=offer.slot,
            opens_at=offer.opens_at,
            price_minor=offer.price_minor,
            co2_g=offer.co2_g,
        )
        for offer in offers
    ]
    green = green_of(candidates, before=green_before, stickiness_percent=policy.green_stickiness)
    by_key = {offer.slot: offer for offer in offers}
    return [
        replace(by_key[it.key], rank=it.rank, reason=it.reason, green=it.key == green)
        for it in ranked(candidates, green=green)
    ]


def not_offered(slot: Slot, reason: str, params: Mapping[str, Any] | None = None) -> NotOffered:
    """Return a slot as not offered, with the code of the reason."""
    return NotOffered(
        slot=slot.public_id,
        service_date=slot.service_date,
        option=slot.option,
        opens_at=slot.opens_at,
        closes_at=slot.closes_at,
        reason=reason,
        params=params or {},
    )


class _Search:
    """A search for offers: the request, the time, and the holds that count as free."""

    def __init__(self, request: DeliveryRequest, session: str, caller: str) -> None:
        self.request = request
        self.policy = slots_policy()
        self.at = clock.now()
        self.amounts = amounts_of(request)
        self.by_checkout = caller == Caller.CHECKOUT
        self.own = self._own_holds(session)
        self.promised = promised_hold(request.order)

    def _own_holds(self, session: str) -> dict[int, list[Hold]]:
        """Return the holds of the session and of the order that last, by pk of their slot."""
        of_asker = Q(session=session) if session else Q(pk__in=[])
        if self.request.order is not None:
            of_asker |= Q(order=self.request.order)
        rows = Hold.objects.filter(of_asker, state__in=WAITING, expires_at__gt=self.at)
        by_slot: dict[int, list[Hold]] = {}
        for row in rows.order_by("pk"):
            by_slot.setdefault(row.slot_id, []).append(row)
        return by_slot

    def slots(self, since: dt.date, until: dt.date) -> tuple[list[Slot], dt.date | None]:
        """Return the slots of the request's area, from today to the last day that is offered.

        The second value is the first day that is left out, None without one. One day is always
        complete.
        """
        today = clock.local_date(self.at, self.request.hub.zone)
        last = today + dt.timedelta(days=self.policy.days_ahead)
        rows = slots_for(self.request.hub, self.request.zone, max(since, today), min(until, last))
        rows = rows.filter(opens_at__gt=self.at).order_by("opens_at", "closes_at", "pk")
        dates = rows.order_by("service_date", "pk").values_list("service_date", flat=True)
        beyond = dates[MOST_SLOTS : MOST_SLOTS + 1].first()
        if beyond is None:
            return list(rows), None
        more_from = max(beyond, dates[0] + _A_DAY)
        return list(rows.filter(service_date__lt=more_from)), more_from

    def by_counts(self, slots: Sequence[Slot]) -> tuple[list[Slot], list[NotOffered]]:
        """Return the slots that rules and counts allow, and the others with the reason."""
        ignored = [hold.pk for holds in self.own.values() for hold in holds]
        if self.promised is not None:
            ignored.append(self.promised.pk)
        free = free_of(
            slots,
            self.at,
            checkout_share=self.policy.checkout_share_percent,
            ignored=ignored,
        )
        too_large = any(map(needs_visit, slots)) and not self._fits_a_vehicle()
        allowed, refused = [], []
        for slot in slots:
            late = has_day(self.request.order, slot)
            if slot.state != SlotState.OPEN:
                reason = "closed"
            elif (slot.opens_at if late else slot.book_until_at) <= self.at:
                reason = "passed"
            elif too_large and needs_visit(slot):
                reason = "too_large"
            elif self.request.collects and not needs_visit(slot):
                reason = "return"
            else:
                reason = free[slot.pk].lacks(self.amounts, by_checkout=self.by_checkout)
            if reason:
                detail = {"closed_reason": slot.closed_reason} if reason == "closed" else {}
                refused.append(not_offered(slot, reason, detail))
            else:
                allowed.append(slot)
        return allowed, refused

    def _fits_a_vehicle(self) -> bool:
        """Return True if some vehicle of the hub can carry the goods at all."""
        return (
            vehicles()
            .filter(
                hub=self.request.hub,
                active=True,
                weight_g__gte=self.request.weight_g,
                volume_cm3__gte=self.request.volume_cm3,
                parcels__gte=self.request.parcels,
            )
            .exists()
        )

    def costs(self, slots: Sequence[Slot], *, explain: bool) -> dict[int, FoundWindow]:
        """Return what each time window costs in the tentative plan of its day, by pk.

        A kept place stays when another slot is held, so it counts as replaced in its own slot only.
        """
        kept: dict[int, set[str]] = {}
        replaced = {self.request.order.public_id} if self.request.order is not None else set()
        for hold in (hold for holds in self.own.values() for hold in holds):
            if hold.state == HoldState.KEPT:
                kept.setdefault(hold.slot_id, set()).add(hold.public_id)
            else:
                replaced.add(hold.public_id)
        others = [slot for slot in slots if slot.pk not in kept]
        costs = window_costs(others, self.request, without=replaced, explain=explain)
        for slot in (slot for slot in slots if slot.pk in kept):
            without = replaced | kept[slot.pk]
            costs |= window_costs([slot], self.request, without=without, explain=explain)
        return costs

    def offer(self, slot: Slot, window: FoundWindow | None) -> Offer:
        """Return a slot as an offer, with its price."""
        cost = window.cost if window else None
        priced = quote(
            slot,
            value_minor=self.request.value_minor,
            cost_minor=cost.cost_minor if cost else None,
            policy=self.policy,
        )
        held = next(reversed(self.own.get(slot.pk, [])), None)
        at_door = needs_visit(slot)
        return Offer(
            slot=slot.public_id,
            option=slot.option,
            handovers=self._handovers(at_door),
            service_date=slot.service_date,
            opens_at=slot.opens_at,
            closes_at=slot.closes_at,
            book_until_at=slot.book_until_at,
            price_minor=priced.price_minor,
            currency=self.request.currency,
            price_parts=tuple(priced.parts_as_json()),
            added_s=cost.added_s if cost else 0,
            added_m=cost.added_m if cost else 0,
            cost_minor=cost.cost_minor if cost else None,
            co2_g=cost.co2_g if cost else None,
            place_text=self.request.place_text if at_door else self.request.hub.place_text,
            point=self.request.point if at_door else self.request.hub.point,
            travel_source=window.travel_source if window else "",
            hold=held.public_id if held else "",
            held_until=held.expires_at if held else None,
        )

    def _handovers(self, at_door: bool) -> tuple[str, ...]:
        if at_door and not self.request.must_be_attended:
            return (Handover.ATTENDED.value, Handover.CONTACTLESS.value)
        return (Handover.ATTENDED.value,)
