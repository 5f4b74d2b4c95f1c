"""The rules for offering banks of lockers: parcels, distance, day and times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from dispatch.fleet.hours import open_spans
from dispatch.fleet.models import Hub
from dispatch.orders.models import Option
from dispatch.slots.services import DeliveryRequest
from lastmile.core import clock
from lastmile.core.errors import DomainError
from lastmile.core.refusals import unknown
from lockers.errors import NoFreeCompartment, ReservationMoveNotAllowed
from lockers.fitting import Size
from lockers.hours import HoursUnreadable
from lockers.models import LockerBank
from lockers.policy import LockerPolicy, locker_policy
from lockers.selectors import NearBank, Wanted, hours_of, nearest_banks
from lockers.services import Need, ParcelNeed
from lockers.states import BankKind, BankState, Capability
from portal.choice.errors import LockerGone

MOST_PARCELS: Final = 4  # compartments that one order takes at most. Chosen.
MOST_DAYS_LOOKED: Final = 14
#: A walk is longer than the straight line by this factor, at this speed. Usual values; a model.
WALK_DETOUR: Final = 1.3
WALK_M_PER_S: Final = 1.25
_DAY: Final = dt.timedelta(days=1)
_LEAST_WINDOW: Final = dt.timedelta(hours=1)


def parcels_of(request: DeliveryRequest) -> list[ParcelNeed]:
    """Return the needs of the parcels of a delivery; none if the size of one is not known.

    A parcel without sides counts as a cube of its share of the volume that is left. That is a
    model: a courier whose parcel does not fit gets another compartment at the bank.
    """
    known = [Size(width_mm=a, height_mm=b, depth_mm=c) for a, b, c in request.parcel_sides_mm]
    count = max(request.parcels, 1)
    known, left = known[:count], count - len(known[:count])
    if left:
        share = request.volume_cm3 - sum(size.volume_mm3 for size in known) / 1000
        if share <= 0:
            return []
        side = round((share / left * 1000) ** (1 / 3))
        known += [Size(width_mm=side, height_mm=side, depth_mm=side)] * left if side else []
    if not 0 < len(known) <= MOST_PARCELS:
        return []
    cooled = Capability.COOLED in request.skills
    weight = -(-request.weight_g // len(known))
    return [ParcelNeed(need=Need(size=size, cooled=cooled), weight_g=weight) for size in known]


def banks_near(request: DeliveryRequest, most: int) -> list[NearBank]:
    """Return the near banks of the hub that fit the largest parcel, the nearest first."""
    parcels, rules = parcels_of(request), locker_policy()
    wanted = Wanted(
        near=request.point,
        radius_m=rules.choice_radius_m,
        size=largest(parcels),
        weight_g=parcels[0].weight_g,
        cooled=parcels[0].need.cooled,
    )
    rows = active_banks().filter(hub=request.hub, state=BankState.ONLINE)
    return nearest_banks(rows, wanted, most)


def option_of(bank: LockerBank) -> str:
    """Return the option that a bank serves: a counter hands out, a locker opens by a code."""
    return Option.HUB if bank.kind == BankKind.COUNTER else Option.LOCKER


def walk_s(distance_m: int) -> int:
    """Return how long a walk takes that is this long in a straight line. A model."""
    return round(distance_m * WALK_DETOUR / WALK_M_PER_S)


def may_be_left(request: DeliveryRequest) -> bool:
    """Return True if goods may wait in a locker: a delivery that needs nobody at the door."""
    return not request.collects and not request.must_be_attended


def active_banks() -> QuerySet[LockerBank]:
    return LockerBank.objects.select_related("hub").filter(active=True)


def largest(parcels: Iterable[ParcelNeed]) -> Size:
    """Return a size that is at least as large as each parcel on each of its sorted sides."""
    sides = list(zip(*(parcel.need.size.sides for parcel in parcels), strict=True))
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
    return _local(day - _DAY, rules.order_by_minute, hub.zone)


def ready_at(zone: str, day: dt.date, rules: LockerPolicy) -> dt.datetime:
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


def _local(day: dt.date, minute: int, zone: str) -> dt.datetime:
    time = dt.time(minute // 60, minute % 60)
    return dt.datetime.combine(day, time, clock.zone(zone)).astimezone(dt.UTC)


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


def offered_bank(offer: str) -> tuple[LockerBank, dt.date]:
    """Return the bank and the day of an offer. Raises LockerGone."""
    public_id, _dot, date = offer.partition(".")
    bank = active_banks().filter(public_id=public_id).first()
    try:
        day = dt.date.fromisoformat(date)
    except ValueError:
        raise unknown() from None
    if bank is None:
        raise LockerGone(
            _("This locker is no longer in use. Choose another one."),
            data={"reason": "site_unknown"},
        )
    return bank, day


def no_longer(detail: str, bank: LockerBank, reason: object = "") -> LockerGone:
    """Return the refusal of a bank that can no longer take the parcels."""
    return LockerGone(detail, data={"bank": bank.public_id, "reason": str(reason or "")})


def refused_by(bank: LockerBank, refused: DomainError) -> LockerGone:
    """Return what a shopper reads if a bank refused the parcels."""
    texts: dict[type[DomainError], str] = {
        NoFreeCompartment: _("This locker has just filled up. Choose another one."),
        ReservationMoveNotAllowed: _("The locker is no longer kept for you. Choose again."),
    }
    other = _("This locker cannot take your parcels now. Choose another one.")
    return no_longer(texts.get(type(refused), other), bank, refused.data.get("reason"))
