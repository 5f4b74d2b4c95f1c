"""A provider of lockers for tests. It keeps its holds in memory, as a locker vendor would."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from dispatch.orders.models import Order, Promise
from dispatch.slots.models import Choice
from lastmile.core import clock
from portal.choice.providers.base import (
    FoundOffer,
    HeldPlace,
    PriceChange,
    ProviderAnswer,
    Question,
    Wish,
)
from tests.factories.orders import DAY

BANK = "bnk_00000000000000000001"


@dataclass(slots=True)
class Lockers:
    """Offers one locker bank for the whole day."""

    name: str = "lockers"
    hold_prefix: str = "rsv"
    co2_g: int = 50
    price_minor: int = 200
    is_there: bool = True
    holds: dict[str, HeldPlace] = field(default_factory=dict)

    def find(self, question: Question) -> ProviderAnswer:
        start = dt.datetime.combine(DAY, dt.time(8), dt.UTC)
        offer = FoundOffer(
            provider=self.name,
            offer=BANK,
            option="locker",
            handovers=("contactless",),
            service_date=DAY,
            opens_at=start,
            closes_at=start + dt.timedelta(hours=12),
            book_until_at=start,
            price_minor=self.price_minor,
            currency=question.request.currency,
            price_parts=[{"code": "base", "amount_minor": self.price_minor}],
            co2_g=self.co2_g,
        )
        return ProviderAnswer(offers=(offer,) if self.is_there else ())

    def bookable(self, offers: Collection[str], question: Question) -> set[str]:
        return {BANK} & set(offers)

    def prepare(self, question: Question, offer: str) -> object:
        return "the bank was asked"

    def hold(
        self, question: Question, wish: Wish, *, replaces: str = "", prepared: object = None
    ) -> HeldPlace:
        assert prepared == "the bank was asked"
        if replaces:
            self.release(replaces)
        start = dt.datetime.combine(DAY, dt.time(8), dt.UTC)
        held = HeldPlace(
            hold=f"rsv_{len(self.holds):020d}",
            session=question.session,
            offer=wish.offer,
            hub=question.request.hub.public_id,
            time_zone=question.request.hub.zone,
            state="live",
            expires_at=clock.now() + dt.timedelta(minutes=15),
            option="locker",
            handover=wish.handover,
            service_date=DAY,
            opens_at=start,
            closes_at=start + dt.timedelta(hours=12),
            price_minor=wish.price_minor,
            currency=wish.currency,
            price_parts=wish.price_parts,
            value_minor=question.request.value_minor,
            weight_g=question.request.weight_g,
            volume_cm3=question.request.volume_cm3,
            parcels=question.request.parcels,
            co2_g=wish.co2_g,
            place_text="Locker bank",
        )
        self.holds[held.hold] = held
        return held

    def holds_of(self, session: str) -> list[HeldPlace]:
        rows = self.holds.values()
        return [row for row in rows if row.session == session and row.state in {"live", "kept"}]

    def find_hold(self, hold: str) -> HeldPlace | None:
        return self.holds.get(hold)

    def release(self, hold: str) -> HeldPlace:
        self.holds[hold] = replace(self.holds[hold], state="released")
        return self.holds[hold]

    def reprice(self, hold: str, value_minor: int | None) -> PriceChange:
        self.holds[hold] = held = replace(self.holds[hold], value_minor=value_minor)
        price = held.price_minor or 0
        return PriceChange(
            old_minor=price, new_minor=price, currency=held.currency, code="unchanged", why=""
        )

    def prepare_keep(self, hold: str) -> object:
        return None

    def keep(
        self, hold: str, *, minutes: int, price_minor: int | None, prepared: object = None
    ) -> Choice:
        held = self.holds[hold]
        choice = Choice.objects.create(
            session=held.session,
            expires_at=clock.now() + dt.timedelta(minutes=minutes),
            option=held.option,
            handover=held.handover,
            place_ref=held.offer,
            place_text=held.place_text,
            opens_at=held.opens_at,
            closes_at=held.closes_at,
            price_minor=held.price_minor,
            currency=held.currency,
            co2_g=held.co2_g,
        )
        self.holds[hold] = replace(held, state="kept", choice=choice.public_id)
        return choice

    def prepare_promise(self, hold: str, order: Order) -> object:
        return None

    def promise(
        self, hold: str, order: Order, *, handover: str, cause: str, prepared: object = None
    ) -> Promise:
        raise NotImplementedError
