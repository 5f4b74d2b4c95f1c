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
from lockers.fitting import Size
from lockers.models import LockerBank, LockerReservation
from lockers.policy import locker_policy
from lockers.selectors import HoursWords, Wanted, hours_in_words, nearest_banks
from lockers.services.reserving import fitting_size
from lockers.states import HELD, INSIDE, BankState, Mode, ReservationState

Words = str | Lazy
S = ReservationState
MAP_HOST: Final = "openstreetmap.org"
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

    ``collect_by`` is the earliest end of the parcels inside; None before the deposit.
    """

    bank: LockerBank
    address: str
    hours: HoursWords
    parcels: tuple[ParcelLine, ...]
    collect_by: str
    has_code: bool
    can_extend: bool
    can_move: bool
    map_url: str
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
    left = min((row.extensions for row in rows), default=0) < locker_policy().extensions
    return LockerCard(
        bank=bank,
        address=text_line(bank.address),
        hours=hours_in_words(bank),
        parcels=tuple(ParcelLine(icon=i, tone=t, word=w) for i, t, w in map(_words, rows)),
        collect_by=formatting.day_and_time(min(ends)) if ends else "",
        has_code=S.READY in states and any(end > clock.now() for end in ends),
        can_extend=left and bool(states) and states <= _EXTENDABLE,
        can_move=states <= HELD | {S.QUEUED} and not _is_too_late(order),
        map_url=_map_url(bank),
    )


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


def _map_url(bank: LockerBank) -> str:
    spot = f"{bank.lat:.5f}/{bank.lon:.5f}"
    return f"https://www.openstreetmap.org/?mlat={bank.lat:.5f}&mlon={bank.lon:.5f}#map=17/{spot}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NearLocker:
    """A bank to which an order can move: how far it is from the door, and its hours."""

    bank: LockerBank
    address: str
    distance: str
    hours: HoursWords


def near_lockers(order: Order, rows: Sequence[LockerReservation]) -> list[NearLocker]:
    """Return near banks of the order's hub with room for all its parcels, but not its own."""
    point = order.door.point
    if point is None or not rows:
        return []
    rules = locker_policy()
    sides = list(zip(*(fitting_size(row).sides for row in rows), strict=True))
    least, middle, most = (max(side) for side in sides)
    wanted = Wanted(
        near=point,
        radius_m=rules.choice_radius_m,
        size=Size(width_mm=least, height_mm=middle, depth_mm=most),
        weight_g=max(row.weight_g for row in rows),
        low_door=any(row.low_door for row in rows),
        cooled=any(row.cooled for row in rows),
    )
    banks = LockerBank.objects.select_related("hub").filter(
        hub=order.hub, active=True, state=BankState.ONLINE
    )
    others = banks.exclude(pk__in={row.bank_id for row in rows})
    return [
        NearLocker(
            bank=near.bank,
            address=text_line(near.bank.address),
            distance=formatting.distance(near.distance_m),
            hours=hours_in_words(near.bank),
        )
        for near in nearest_banks(others, wanted, rules.choice_banks)
    ]
