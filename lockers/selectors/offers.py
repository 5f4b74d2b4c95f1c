"""Which near banks can be offered for the parcels of a shopper: rooms, distance, day and times.

The first choice, another locker for an order, and the invitation to choose all ask here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from dispatch.fleet.hours import open_spans
from dispatch.fleet.models import Hub
from lastmile.core import clock
from lastmile.core.geo import Point
from lockers.fitting import ParcelNeed, Size
from lockers.hours import HoursUnreadable
from lockers.models import LockerBank
from lockers.policy import LockerPolicy, locker_policy
from lockers.selectors.chances import chances_free
from lockers.selectors.hours import hours_of
from lockers.selectors.lists import banks
from lockers.selectors.nearest import NearBank, Wanted, nearest_banks
from lockers.states import BankKind, BankState

MOST_DAYS_LOOKED: Final = 14
#: A walk is longer than the straight line by this factor, at this speed. Usual values; a model.
WALK_DETOUR: Final = 1.3
WALK_M_PER_S: Final = 1.25
_DAY: Final = dt.timedelta(days=1)
_LEAST_WINDOW: Final = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BankSearch:
    """A search for banks that can be offered: the hub, the door, the parcels and the days.

    ``besides`` are pks of banks that are left out.
    """

    hub: Hub
    near: Point
    parcels: Sequence[ParcelNeed]
    since: dt.date
    until: dt.date
    besides: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class BankOffer:
    """A bank that can be offered: the way, the chance to have room then, the day and the times.

    ``opens_at`` and ``closes_at`` are the window of the promise. ``book_until_at`` is when the day
    can be chosen no more.
    """

    bank: LockerBank
    distance_m: int
    walk_s: int
    chance: float
    day: dt.date
    opens_at: dt.datetime
    closes_at: dt.datetime
    ready_at: dt.datetime
    collect_until: dt.datetime
    book_until_at: dt.datetime


def bank_offers(search: BankSearch) -> list[BankOffer]:
    """Return the near banks that have room for all parcels now, the nearest first.

    All are for the first day that the hub can still serve. Takes two to six statements.
    """
    rules = locker_policy()
    day = first_day(search.hub, search.since, search.until, rules)
    if day is None or not search.parcels:
        return []
    at = ready_at(search.hub.zone, day, rules)
    until = collect_until(at, rules)
    near = [one for one in _near(search, rules) if opens_within(one.bank, at, until)]
    chances = chances_free([one.bank for one in near], search.parcels, at)
    return [
        _offer(one, day, rules, chances[one.bank.pk]) for one in near if chances[one.bank.pk] > 0
    ]


def banks_with_room(rows: Iterable[LockerBank], parcels: Sequence[ParcelNeed]) -> set[int]:
    """Return the pks of the banks that are in use, connected, and have room for all parcels now."""
    usable = [bank for bank in rows if bank.active and bank.state == BankState.ONLINE]
    chances = chances_free(usable, parcels, clock.now())
    return {pk for pk, chance in chances.items() if chance > 0}


def has_bank_near(hub: Hub, near: Point) -> bool:
    """Return True if shoppers at a place are offered lockers: a bank in use is near enough."""
    rules = locker_policy()
    if not rules.in_choice:
        return False
    wanted = Wanted(near=near, radius_m=rules.choice_radius_m)
    rows = banks().filter(hub=hub, active=True, state=BankState.ONLINE)
    return bool(nearest_banks(rows, wanted, 1))


def _near(search: BankSearch, rules: LockerPolicy) -> list[NearBank]:
    wanted = Wanted(
        near=search.near,
        radius_m=rules.choice_radius_m,
        size=largest(one.need.size for one in search.parcels),
        weight_g=max(one.weight_g for one in search.parcels),
        cooled=any(one.need.cooled for one in search.parcels),
        low_door=any(one.need.low_door for one in search.parcels),
    )
    rows = banks().filter(hub=search.hub, active=True, state=BankState.ONLINE)
    return nearest_banks(rows.exclude(pk__in=search.besides), wanted, rules.choice_banks)


def _offer(near: NearBank, day: dt.date, rules: LockerPolicy, chance: float) -> BankOffer:
    bank = near.bank
    ready = ready_at(bank.hub.zone, day, rules)
    opens_at, closes_at = window_of(bank, day, rules)
    return BankOffer(
        bank=bank,
        distance_m=near.distance_m,
        walk_s=round(near.distance_m * WALK_DETOUR / WALK_M_PER_S),
        chance=chance,
        day=day,
        opens_at=opens_at,
        closes_at=closes_at,
        ready_at=ready,
        collect_until=collect_until(ready, rules),
        book_until_at=order_until(bank.hub, day, rules),
    )


def largest(sizes: Iterable[Size]) -> Size:
    """Return a size that is at least as large as each size on each of its sorted sides."""
    sides = list(zip(*(size.sides for size in sizes), strict=True))
    least, middle, most = (max(side) for side in sides)
    return Size(width_mm=least, height_mm=middle, depth_mm=most)


def first_day(hub: Hub, since: dt.date, until: dt.date, rules: LockerPolicy) -> dt.date | None:
    """Return the first day on which the hub is open and that can still be chosen, or None."""
    now = clock.now()
    day = max(since, clock.local_date(now, hub.zone))
    last = min(until, day + MOST_DAYS_LOOKED * _DAY)
    while day <= last:
        if order_until(hub, day, rules) > now and open_spans(hub.hours, day, hub.zone):
            return day
        day += _DAY
    return None


def order_until(hub: Hub, day: dt.date, rules: LockerPolicy) -> dt.datetime:
    """Return until when a bank can be chosen for a day."""
    return _local(day - _DAY, rules.order_by_minute, hub.zone)


def ready_at(zone: str, day: dt.date, rules: LockerPolicy) -> dt.datetime:
    """Return when the parcels of a day are in their lockers at the latest."""
    return _local(day, rules.ready_minute, zone)


def window_of(
    bank: LockerBank, day: dt.date, rules: LockerPolicy
) -> tuple[dt.datetime, dt.datetime]:
    """Return the window of the promise.

    For a locker it is the time in which the parcels come: from the hub's opening until they are
    ready. For a counter, to which nothing is driven, it is from then until the hub closes.
    """
    hub = bank.hub
    ready = ready_at(hub.zone, day, rules)
    spans = open_spans(hub.hours, day, hub.zone)
    if bank.kind == BankKind.COUNTER:
        return ready, max([ready + _LEAST_WINDOW, *(closes_at for _opens_at, closes_at in spans)])
    return min([ready - _LEAST_WINDOW, *(opens_at for opens_at, _closes_at in spans)]), ready


def collect_until(ready_by: dt.datetime, rules: LockerPolicy) -> dt.datetime:
    """Return until when parcels wait that come as late as promised."""
    return ready_by + dt.timedelta(hours=rules.collect_hours)


def deposit_by(ready_by: dt.datetime, rules: LockerPolicy) -> dt.datetime:
    """Return until when the courier may come: a day late at most, and not before the setting."""
    return max(ready_by + _DAY, clock.now() + dt.timedelta(hours=rules.deposit_hours))


def opens_within(bank: LockerBank, since: dt.datetime, until: dt.datetime) -> bool:
    """Return True if a bank is open at some time in which the parcel can be collected."""
    try:
        opens = hours_of(bank).opens_next_at(since)
    except HoursUnreadable:
        return False
    return opens is not None and opens < until


def _local(day: dt.date, minute: int, zone: str) -> dt.datetime:
    time = dt.time(minute // 60, minute % 60)
    return dt.datetime.combine(day, time, clock.zone(zone)).astimezone(dt.UTC)
