"""Banks of lockers and counters as the pages of choosing show them: in a list and on a map."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from dispatch.fleet.selectors.street_maps import NO_STREET_MAP, street_map_of
from dispatch.orders.models import Order
from dispatch.orders.wording import clock_words, text_line
from lastmile.core import formatting
from lastmile.core.errors import DomainError
from lockers.models import LockerBank
from lockers.policy import locker_policy
from lockers.selectors import HoursWords, hours_in_words
from lockers.selectors.offers import collect_until, ready_at
from portal.choice.models import DeliverySession, ShownOffer
from portal.choice.pages.words import OPTIONS, Words
from portal.choice.providers.base import HeldPlace
from portal.choice.selectors import offers_of
from portal.shopper.pickups import MAP_HOST, map_url, price_words

PROVIDER = "lockers"
#: Chances, in per cent, at which the words change.
SURE, LIKELY = 90, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class BankLine:
    """A bank as a radio button: where it is, when it is open, when the parcels are there.

    ``number`` is its number on the map, from 1, the nearest first.
    """

    number: int
    offer: str
    name: str
    address: str
    walk: str
    hours: HoursWords
    access: str
    ready: str
    until: str
    option: Words
    price: str
    chance: str
    held: bool
    agreed: bool
    lat: float
    lon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BankFacts:
    """The facts about a bank that the shopper reads before booking it."""

    hours: HoursWords
    access: str
    ready: str
    until: str
    map_url: str
    map_host: str = MAP_HOST


def bank_lines(rows: Sequence[ShownOffer], order: Order, held: Collection[str]) -> list[BankLine]:
    """Return the offers of banks, the shortest way first. Takes one query."""
    banks = {bank.public_id: bank for bank in _banks(rows)}
    known = [row for row in rows if row.details.get("bank") in banks]
    known.sort(key=lambda row: (row.details["distance_m"], row.rank))
    return [
        _line(number, row, banks[row.details["bank"]], order, held)
        for number, row in enumerate(known, 1)
    ]


def near_offers(session: DeliverySession, refused: DomainError | None) -> list[ShownOffer]:
    """Return the offers that a refusal names as alternatives, with the names of their banks."""
    facts = refused.data.get("alternatives", []) if refused else []
    named = [str(fact.get("offer", "")) for fact in facts]
    rows = {row.offer: row for row in offers_of(session).filter(offer__in=named)}
    near = [rows[offer] for offer in named if offer in rows]
    _name_banks(near)
    return near


def _name_banks(rows: Sequence[ShownOffer]) -> None:
    """Give each offer of a bank the name of its bank as ``bank_name``."""
    names = {bank.public_id: bank.name for bank in _banks(rows)}
    for row in rows:
        row.bank_name = names.get(row.details.get("bank"), "")  # type: ignore[attr-defined]


def bank_map(
    session: DeliverySession, lines: Sequence[BankLine], secret: str
) -> dict[str, Any] | None:
    """Return the data of the map with the address and the banks; None without banks."""
    if not lines:
        return None
    home = {"id": "home", "name": _("Your address"), "lat": session.lat, "lon": session.lon}
    banks = [
        {
            "id": line.offer,
            "name": f"{formatting.number(line.number)}. {line.name}",
            "lat": line.lat,
            "lon": line.lon,
        }
        for line in lines
    ]
    return {
        "places": {"hubs": [home, *banks]},
        "streets": _streets(session, secret),
        "center": f"{session.lon},{session.lat}",
    }


def facts_of(held: HeldPlace) -> BankFacts | None:
    """Return what to know about the bank of a held place; None for other options."""
    public_id = held.offer.partition(".")[0]
    bank = LockerBank.objects.select_related("hub").filter(public_id=public_id).first()
    if bank is None:
        return None
    rules = locker_policy()
    ready = ready_at(bank.hub.zone, held.service_date, rules)
    return BankFacts(
        hours=hours_in_words(bank),
        access=bank.access,
        ready=ready_words(ready),
        until=formatting.day_and_time(collect_until(ready, rules)),
        map_url=map_url(bank.point),
    )


def ready_words(ready_by: dt.datetime) -> str:
    """Return the day and the time when the parcels are there at the latest."""
    day = formatting.named_day(timezone.localdate(ready_by))
    texts = {"day": day, "time": clock_words(ready_by)}
    return _("%(day)s by %(time)s") % texts


def _banks(rows: Sequence[ShownOffer]) -> Sequence[LockerBank]:
    named = {row.details.get("bank", "") for row in rows}
    return list(LockerBank.objects.filter(public_id__in=named)) if named else []


def _line(
    number: int, row: ShownOffer, bank: LockerBank, order: Order, held: Collection[str]
) -> BankLine:
    promise, details = order.promise, row.details
    until = dt.datetime.fromisoformat(details["collect_until"])
    return BankLine(
        number=number,
        offer=row.offer,
        name=bank.name,
        address=text_line(bank.address),
        walk=walk_words(details),
        hours=hours_in_words(bank),
        access=bank.access,
        ready=ready_words(dt.datetime.fromisoformat(details["ready_by"])),
        until=formatting.day_and_time(until),
        option=OPTIONS.get(row.option, row.option),
        price=price_words(row.price_minor, row.currency),
        chance=chance_words(details["chance_percent"]),
        held=row.offer in held,
        agreed=promise is not None and promise.place.key == f"at:{bank.public_id}",
        lat=bank.lat,
        lon=bank.lon,
    )


def walk_words(details: Mapping[str, Any]) -> str:
    """Return how far a bank is, as minutes on foot and as a distance."""
    minutes = max(1, round(details["walk_s"] / 60))
    texts = {
        "minutes": formatting.duration(minutes * 60),
        "distance": formatting.distance(details["distance_m"]),
    }
    return _("About %(minutes)s on foot (%(distance)s)") % texts


def chance_words(percent: int) -> str:
    """Return how likely a compartment is still free later, in words."""
    if percent >= SURE:
        return _("Very likely to have room, also later")
    if percent >= LIKELY:
        return _("Likely to have room, also later")
    return _("May be full soon")


def _streets(session: DeliverySession, secret: str) -> Mapping[str, Any]:
    """Return the street map of the session's hub, with tiles that the link may read."""
    streets = street_map_of([session.hub])
    about = streets["tilejson"]
    if about is None:
        return NO_STREET_MAP
    tile = reverse("tracking:tile", args=[secret, session.hub.network, about["version"], 0, 0, 0])
    return {"tilejson": about, "tiles": tile.removesuffix("0/0/0.pbf") + "{z}/{x}/{y}.pbf"}
