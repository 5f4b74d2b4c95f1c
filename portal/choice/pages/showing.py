"""The offers of a session as the page shows them: by day and by time, with marks and reasons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from dispatch.orders.models import Option, Order
from dispatch.orders.wording import AT_HUB, span_line
from lastmile.core import formatting
from portal.choice.models import DeliverySession, ShownOffer
from portal.choice.pages.banks import PROVIDER, BankLine, bank_lines
from portal.choice.pages.words import (
    GREEN_MARK,
    MARKS,
    OPTIONS,
    RETURN_OPTION,
    Words,
    why_here,
)
from portal.choice.providers.base import HeldPlace
from portal.choice.sentences import why_missing
from portal.choice.services import bookable_offers
from portal.shopper.pickups import price_words
from portal.shopper.requesting import is_requested

FEW_OFFERS = 18  # offers that the page shows first, so that it stays small on a phone


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferLine:
    """An offer as a radio button: its texts, marks and state."""

    offer: str
    day: str
    window: str
    option: Words
    price: str
    grams: str
    reason: str
    marks: tuple[tuple[str, str, Words], ...]
    held: bool
    agreed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingLine:
    """A time that is not offered, and why."""

    window: str
    option: Words
    why: str


@dataclass(slots=True, kw_only=True)
class DayGroup:
    """A day with its offers and the times that are not available."""

    date: dt.date
    offers: list[OfferLine] = field(default_factory=list)
    missing: list[MissingLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPage:
    """Everything that the page of offers shows."""

    days: list[DayGroup]
    full_days: list[DayGroup]
    more_days: int
    options: list[tuple[str, Words]]
    not_ready: list[dt.date]
    count: int
    requested: bool
    title: Words
    pickup_place: str
    banks: list[BankLine]


def page_of(
    session: DeliverySession,
    order: Order,
    held: Sequence[HeldPlace],
    *,
    option: str = "",
    every_day: bool = False,
) -> OfferPage:
    """Return the offers of a session by day; ``option`` keeps one option.

    Without ``every_day`` only the first days are shown, up to ``FEW_OFFERS`` offers, and the days
    of the green offer and of the held one.
    """
    own = {place.offer for place in held}
    shown = bookable_offers(session, own)
    lines = [row for row in shown if not option or row.option == option]
    banks = [row for row in lines if row.provider == PROVIDER]
    timed = [row for row in lines if row.provider != PROVIDER]
    groups = _groups(timed, session.not_offered, order, own, option)
    with_offers = [group for group in groups if group.offers]
    first = _first_days(with_offers)
    first |= {_date_of(row.opens_at) for row in timed if row.green}
    first |= {_date_of(row.opens_at) for row in timed if row.offer in own}
    days = with_offers if every_day else [g for g in with_offers if g.date in first]
    return OfferPage(
        days=days,
        full_days=[group for group in groups if not group.offers],
        more_days=len(with_offers) - len(days),
        options=_options(shown, order),
        not_ready=[dt.date.fromisoformat(str(day)) for day in session.not_ready],
        count=len(lines),
        requested=is_requested(order),
        title=_title(lines, order),
        pickup_place=_pickup_place(session, timed),
        banks=bank_lines(banks, order, own),
    )


def _title(rows: Sequence[ShownOffer], order: Order) -> Words:
    """Return the question of the page: who comes depends on the options that are left."""
    options = {row.option for row in rows}
    if any(row.provider == PROVIDER for row in rows):
        return _("How would you like to get it?")
    if options and Option.WINDOW not in options:
        return _("When will you collect it?")
    return _("When may we pick it up?") if order.direction == "return" else _("When may we come?")


def _pickup_place(session: DeliverySession, rows: Sequence[ShownOffer]) -> str:
    """Return where goods are collected, if one of the offers is a pickup at the hub; else ""."""
    return session.hub.place_text if any(row.option in AT_HUB for row in rows) else ""


def _first_days(groups: Sequence[DayGroup]) -> set[dt.date]:
    """Return the first days with ``FEW_OFFERS`` offers together, and at least one day."""
    days: set[dt.date] = set()
    count = 0
    for group in groups:
        count += len(group.offers)
        if days and count > FEW_OFFERS:
            break
        days.add(group.date)
    return days


def _groups(
    rows: Iterable[ShownOffer],
    missing: Iterable[dict[str, Any]],
    order: Order,
    held: set[str],
    option: str,
) -> list[DayGroup]:
    groups: dict[dt.date, DayGroup] = {}

    def group(date: dt.date) -> DayGroup:
        return groups.setdefault(date, DayGroup(date=date))

    for row in sorted(rows, key=lambda row: (row.opens_at, row.closes_at, row.rank)):
        group(_date_of(row.opens_at)).offers.append(_line(row, order, held))
    for item in sorted(missing, key=lambda item: str(item["opens_at"])):
        if not option or item["option"] == option:
            date = _date_of(dt.datetime.fromisoformat(str(item["opens_at"])))
            group(date).missing.append(_missing(item, order))
    return [groups[date] for date in sorted(groups)]


def _date_of(opens_at: dt.datetime) -> dt.date:
    """Return the date of a window as the shopper knows it, in the active time zone.

    A window after midnight may belong to the round of the evening before.
    """
    return timezone.localdate(opens_at)


def _line(row: ShownOffer, order: Order, held: set[str]) -> OfferLine:
    promise = order.promise
    return OfferLine(
        offer=row.offer,
        day=formatting.named_day(_date_of(row.opens_at)),
        window=window_of(row.opens_at, row.closes_at),
        option=option_words(row.option, order),
        price=price_words(row.price_minor, row.currency),
        grams="" if row.co2_g is None else grams_words(row.co2_g),
        reason=why_here(row.reason),
        marks=((GREEN_MARK,) if row.green else ()) + MARKS.get(row.reason, ()),
        held=row.offer in held,
        agreed=promise is not None and promise.slot == row.offer,
    )


def _missing(item: dict[str, Any], order: Order) -> MissingLine:
    opens_at, closes_at = (
        dt.datetime.fromisoformat(str(item[name])) for name in ("opens_at", "closes_at")
    )
    return MissingLine(
        window=window_of(opens_at, closes_at),
        option=option_words(str(item["option"]), order),
        why=why_missing(str(item["reason"])),
    )


def _options(rows: Sequence[ShownOffer], order: Order) -> list[tuple[str, Words]]:
    """Return the options that are offered, for the filter; none if there is only one."""
    present = {row.option for row in rows}
    codes = [code for code in OPTIONS if code in present]
    return [(code, option_words(code, order)) for code in codes] if len(codes) > 1 else []


def option_words(option: str, order: Order) -> Words:
    """Return the name of an option; a return is picked up at the door."""
    if option == "window" and order.direction == "return":
        return RETURN_OPTION
    return OPTIONS.get(option, option)


def window_of(opens_at: dt.datetime, closes_at: dt.datetime) -> str:
    """Return a window as ``10:00–12:00`` in the active time zone."""
    return span_line(opens_at, closes_at)


def grams_words(co2_g: int) -> str:
    """Return the grams of CO2e that a delivery adds; a route that gets shorter adds none."""
    return _("%(grams)s of CO2e") % {"grams": formatting.grams(max(0, co2_g))}
