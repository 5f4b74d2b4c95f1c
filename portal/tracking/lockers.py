"""The card of an order in a locker: where it is, until when, and what its shopper can do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

from dispatch.orders.models import Order
from dispatch.orders.wording import text_line
from dispatch.slots.errors import TooLate
from dispatch.slots.services.leaving import refuse_too_late
from lastmile.core import clock, formatting
from lastmile.core.tenancy import current_retailer
from lockers.fitting import ParcelNeed
from lockers.models import LockerBank, LockerReservation, VendorReservation
from lockers.policy import locker_policy
from lockers.selectors import (
    BankOffer,
    BankSearch,
    HoursWords,
    bank_offers,
    hours_in_words,
)
from lockers.services import CollectionTerms
from lockers.services.reserving import need_of
from lockers.states import HELD, INSIDE, BankKind, BankState, Mode, ReservationState
from portal.shopper.pickups import MAP_HOST, map_url, price_words

Words = str | Lazy
S = ReservationState
#: State -> icon, tone and word.
STATES: Final[dict[S, tuple[str, str, Words]]] = {
    S.QUEUED: ("clock", "active", _("Waiting for a free locker")),
    S.HARD_HELD: ("clock", "active", _("Kept for you")),
    S.AWAITING_DEPOSIT: ("truck", "active", _("On its way to the locker")),
    S.DEPOSITED: ("inbox", "active", _("In the locker; other parcels are to come")),
    S.READY: ("inbox", "ok", _("Ready for you")),
    S.COLLECT_EXPIRED: ("clock-alert", "risk", _("The time to collect it has passed")),
    S.COURIER_TO_COLLECT: ("undo-2", "risk", _("Goes back to the shop")),
    S.BLOCKED: ("circle-alert", "risk", _("The door does not open. The shop is helping.")),
    S.DISPUTED: ("circle-alert", "risk", _("The shop is checking this parcel")),
}
_SHOWN: Final = frozenset({S.QUEUED, *HELD, *INSIDE}) - {S.SOFT_HELD}
_EXTENDABLE: Final = frozenset({S.READY, S.COLLECT_EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelLine:
    """A parcel of the order: its state in words. The door is shown with the code only."""

    icon: str
    tone: str
    word: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class LockerCard:
    """The part of the page for an order in a locker.

    ``collect_by`` is the earliest end of the parcels inside; None before the deposit. ``network``
    is the name of the network that sends its own code, "" for our code; ``numbers`` are the
    parcels' numbers there.
    """

    bank: LockerBank
    address: str
    hours: HoursWords
    parcels: tuple[ParcelLine, ...]
    collect_by: str
    has_code: bool
    has_new_code: bool
    can_extend: bool
    can_move: bool
    map_url: str
    network: str = ""
    numbers: tuple[str, ...] = ()
    map_host: str = MAP_HOST


def lockers_of(order: Order) -> tuple[LockerReservation, ...]:
    """Return the reservations of an order that its shopper sees, the oldest first."""
    rows = LockerReservation.objects.filter(
        order=order, mode=Mode.HARD, state__in=[state.value for state in _SHOWN]
    )
    return tuple(rows.select_related("bank__hub", "compartment", "order").order_by("pk"))


def card_of(order: Order, rows: Sequence[LockerReservation]) -> LockerCard | None:
    """Return the card of an order; None without a reservation."""
    if not rows:
        return None
    bank = rows[-1].bank
    states = {S(row.state) for row in rows}
    ends = [row.collect_by for row in rows if row.collect_by and row.state in _EXTENDABLE]
    most = max(row.extensions for row in rows)
    is_open = S.READY in states and any(end > clock.now() for end in ends)
    is_ours = bank.kind != BankKind.VENDOR
    return LockerCard(
        bank=bank,
        address=text_line(bank.address),
        hours=hours_in_words(bank),
        parcels=tuple(ParcelLine(icon=i, tone=t, word=w) for i, t, w in map(_words, rows)),
        collect_by=formatting.day_and_time(min(ends)) if ends else "",
        has_code=is_open and is_ours,
        has_new_code=is_open and is_ours and bank.state == BankState.ONLINE,
        can_extend=is_ours and most < locker_policy().extensions and states <= _EXTENDABLE,
        can_move=states <= HELD | {S.QUEUED} and not _is_too_late(order),
        map_url=map_url(bank.point),
        network="" if is_ours else bank.network or bank.name,
        numbers=() if is_ours else _numbers(rows),
    )


def _numbers(rows: Sequence[LockerReservation]) -> tuple[str, ...]:
    """Return the numbers under which the network knows the parcels, as far as it told them."""
    known = VendorReservation.objects.filter(reservation__in=rows).exclude(tracking="")
    return tuple(known.order_by("pk").values_list("tracking", flat=True))


def collect_by_of(rows: Iterable[LockerReservation]) -> dt.datetime | None:
    """Return until when all parcels that wait can be collected; None if none waits."""
    ends = [row.collect_by for row in rows if row.state == S.READY and row.collect_by is not None]
    return min(ends, default=None)


def mark_of(rows: Iterable[LockerReservation]) -> list[tuple[Any, ...]]:
    """Return what changes when the card does."""
    return [(row.public_id, row.state, row.collect_by, row.extensions) for row in rows]


def spaced(pin: str) -> str:
    """Return a PIN in two groups, so that it is easy to type."""
    half = (len(pin) + 1) // 2
    return f"{pin[:half]} {pin[half:]}"


def _words(row: LockerReservation) -> tuple[str, str, Words]:
    return STATES[S(row.state)]


def _is_too_late(order: Order) -> bool:
    try:
        refuse_too_late(order, clock.now())
    except TooLate:
        return True
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class NearLocker:
    """A bank to which an order can move, as its shopper sees it: the way, the times, the price."""

    offer: BankOffer
    address: str
    distance: str
    hours: HoursWords
    ready: str
    price: str

    @property
    def bank(self) -> LockerBank:
        """The bank."""
        return self.offer.bank


def near_lockers(order: Order, rows: Sequence[LockerReservation]) -> list[NearLocker]:
    """Return near banks with room for all parcels of an order, but not its own.

    They have the rules and the terms of the first choice.
    """
    point, hub = order.door.point, order.hub
    if point is None or hub is None or not rows:
        return []
    today = clock.local_date(clock.now(), hub.zone)
    search = BankSearch(
        hub=hub,
        near=point,
        parcels=[ParcelNeed(need=need_of(row), weight_g=row.weight_g) for row in rows],
        since=max(order.service_date or today, today),
        until=dt.date.max - dt.timedelta(days=400),
        besides=frozenset(row.bank_id for row in rows),
    )
    return [_near(order, offer) for offer in bank_offers(search)]


def _near(order: Order, offer: BankOffer) -> NearLocker:
    terms = terms_of(order, offer)
    return NearLocker(
        offer=offer,
        address=text_line(offer.bank.address),
        distance=formatting.distance(offer.distance_m),
        hours=hours_in_words(offer.bank),
        ready=formatting.day_and_time(offer.ready_at),
        price=price_words(terms.price_minor or 0, terms.currency),
    )


def terms_of(order: Order, offer: BankOffer) -> CollectionTerms:
    """Return the terms on which an order moves to a bank: those of a first choice."""
    return CollectionTerms(
        opens_at=offer.opens_at,
        closes_at=offer.closes_at,
        service_date=offer.day,
        option=offer.bank.option,
        price_minor=locker_policy().choice_price_minor,
        currency=current_retailer().currency,
    )
