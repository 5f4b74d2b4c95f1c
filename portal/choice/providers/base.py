"""The Protocol of a provider of delivery options, and the values that it takes and returns.

A provider is a module of this folder with a ``PROVIDER``. Time windows and curbside come from
``slots.py``, banks of lockers and counters from ``lockers.py``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from dispatch.orders.models import Order, Promise
from dispatch.slots.models import Choice
from dispatch.slots.services import DeliveryRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The question of a session: what is delivered, on which days, and who asks.

    ``session`` is the public id of the session, "" while it is being opened. Places that the
    session holds count as free. ``caller`` is a ``Caller``.
    """

    request: DeliveryRequest
    since: dt.date
    until: dt.date
    caller: str
    session: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOffer:
    """An option that can be kept. ``offer`` is the id under which its provider knows it.

    ``co2_g`` is None where it is not known; such an option is never green. ``details`` are kept
    with the offer for its pages, as JSON.
    """

    provider: str
    offer: str
    option: str
    handovers: tuple[str, ...]
    service_date: dt.date
    opens_at: dt.datetime
    closes_at: dt.datetime
    book_until_at: dt.datetime
    price_minor: int
    currency: str
    price_parts: Sequence[Mapping[str, Any]] = ()
    added_s: int = 0
    added_m: int = 0
    cost_minor: int | None = None
    co2_g: int | None = None
    travel_source: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """An option that is not offered, and the code of the rule or constraint that prevents it."""

    service_date: dt.date
    option: str
    opens_at: dt.datetime
    closes_at: dt.datetime
    reason: str
    offer: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAnswer:
    """The answer of a provider: offers, options that are not offered, days that are not ready.

    ``more_from`` is the first day that the provider left out, because it had too many options.
    """

    offers: tuple[FoundOffer, ...] = ()
    missing: tuple[Missing, ...] = ()
    not_ready: tuple[dt.date, ...] = ()
    more_from: dt.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPlace:
    """A place that is held, as choice shows it.

    ``state`` is live, kept, promised, released or expired; the time decides about expired.
    ``value_minor``, ``weight_g``, ``volume_cm3`` and ``parcels`` describe the basket for which the
    place was held. ``choice`` is the public id of its choice, "" without one.
    """

    hold: str
    session: str
    offer: str
    hub: str
    time_zone: str
    state: str
    expires_at: dt.datetime | None
    option: str
    handover: str
    service_date: dt.date
    opens_at: dt.datetime
    closes_at: dt.datetime
    price_minor: int | None
    currency: str
    price_parts: Sequence[Mapping[str, Any]]
    value_minor: int | None
    weight_g: int
    volume_cm3: int
    parcels: int
    co2_g: int | None
    place_text: str
    choice: str = ""
    order: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The offer that a shopper takes, with the terms that were shown."""

    offer: str
    handover: str
    price_minor: int
    currency: str
    price_parts: Sequence[Mapping[str, Any]] = ()
    added_s: int | None = None
    added_m: int | None = None
    cost_minor: int | None = None
    co2_g: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """The price of a held place before and after a change of the basket, and the reason."""

    old_minor: int | None
    new_minor: int
    currency: str
    code: str
    why: str


class OptionProvider(Protocol):
    """A provider of delivery options.

    ``hold_prefix`` is the prefix of the public ids of its holds.
    """

    name: str
    hold_prefix: str

    def find(self, question: Question) -> ProviderAnswer:
        """Return all options for a question. No transaction is open, and nothing is written."""

    def bookable(self, offers: Collection[str], question: Question) -> set[str]:
        """Return which of these offers can still be taken by their counts, with few queries."""

    def prepare(self, question: Question, offer: str) -> object:
        """Do the slow part of ``hold`` outside any transaction. Nothing is written."""

    def hold(
        self, question: Question, wish: Wish, *, replaces: str = "", prepared: object = None
    ) -> HeldPlace:
        """Keep a place for a short time; the place of the hold ``replaces`` is given back.

        Raises VisitNotPrepared if ``prepared`` is no longer enough: nothing slow happens here.
        """

    def holds_of(self, session: str) -> list[HeldPlace]:
        """Return the places that a session holds now, live or kept, the newest last."""

    def find_hold(self, hold: str) -> HeldPlace | None:
        """Return a hold by its public id, in any state, or None."""

    def release(self, hold: str) -> HeldPlace:
        """Give a place back. A place that was given back before stays as it is."""

    def reprice(self, hold: str, value_minor: int | None) -> PriceChange:
        """Give a held place the price for a basket of another value."""

    def prepare_keep(self, hold: str) -> object:
        """Do the slow part of ``keep`` outside any transaction. Nothing is written."""

    def keep(
        self, hold: str, *, minutes: int, price_minor: int | None, prepared: object = None
    ) -> Choice:
        """Keep a place until the retailer's order comes, as a choice."""

    def prepare_promise(self, hold: str, order: Order) -> object:
        """Do the slow part of ``promise`` outside any transaction. Nothing is written."""

    def promise(
        self, hold: str, order: Order, *, handover: str, cause: str, prepared: object = None
    ) -> Promise:
        """Give an order the promise of a held place, and give its old place back.

        Raises VisitNotPrepared if ``prepared`` is no longer enough: nothing slow happens here.
        """
