"""Sessions, holds and choices as the API shows them: plain values for the shapes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from dispatch.orders.models import Option
from dispatch.slots.models import Choice
from dispatch.slots.rules.grams import shown_grams
from dispatch.slots.states import ChoiceState
from lastmile.core import clock, formatting
from lockers.models import LockerBank
from lockers.selectors import is_open_at
from portal.choice.models import DeliverySession, ShownOffer
from portal.choice.providers.base import HeldPlace
from portal.choice.selectors import waiting_choice
from portal.choice.sentences import why_missing, why_ranked
from portal.choice.services import bookable_offers, held_by
from portal.choice.services.asking import OfferPriceChange
from portal.shopper.requesting import is_requested, would_be_requested


def session_picture(
    session: DeliverySession, *, costs: bool, changes: Sequence[OfferPriceChange] = ()
) -> dict[str, Any]:
    """Return a session with the offers that can still be booked, and what it holds.

    ``costs`` shows what each offer costs the retailer.
    """
    now = clock.now()
    held = held_by(session)
    own = {place.offer for place in held}
    rows = bookable_offers(session, own)
    choice = waiting_choice(session)
    return {
        "id": session.public_id,
        "place": session.place,
        "place_text": session.place_text,
        "lat": session.lat,
        "lon": session.lon,
        "time_zone": session.hub.zone,
        "time_zone_name": formatting.zone(session.hub.zone, rows[0].opens_at if rows else now),
        "language": session.language,
        "since": session.since,
        "until": session.until,
        "basket": session,
        "offers": _offers(rows, session.hub.zone, own=own, costs=costs),
        "not_ready": session.not_ready,
        "more_from": session.more_from,
        "not_offered": [
            item
            | {
                "why": why_missing(str(item["reason"])),
                "service_date": clock.local_date(
                    dt.datetime.fromisoformat(str(item["opens_at"])), session.hub.zone
                ),
            }
            for item in session.not_offered
        ],
        "hold": hold_picture(held[-1], now) if held else None,
        "choice": choice_picture(choice, now, orders=costs) if choice else None,
        "price_changes": changes,
        "created_at": session.created_at,
        "expires_at": session.expires_at,
    }


def hold_picture(held: HeldPlace, now: dt.datetime) -> dict[str, Any]:
    """Return a held place with the seconds that are left."""
    shown = {name: getattr(held, name) for name in held.__slots__}
    return shown | {
        "service_date": clock.local_date(held.opens_at, held.time_zone),
        "co2_g": shown_grams(held.co2_g),
        "choice": held.choice or None,
        "requested": would_be_requested(
            hub=held.hub, service_date=held.service_date, option=held.option
        ),
        "expires_in_s": _seconds_left(held.expires_at, now),
    }


def choice_picture(choice: Choice, now: dt.datetime, *, orders: bool) -> dict[str, Any]:
    """Return a choice with the seconds that are left; ``orders`` shows the order that used it."""
    state = choice.state
    if state == ChoiceState.WAITING and choice.expires_at <= now:
        state = ChoiceState.EXPIRED
    return {
        "id": choice.public_id,
        "session": choice.session,
        "hold": choice.hold.public_id if choice.hold else None,
        "state": str(state),
        "option": choice.option,
        "handover": choice.handover,
        "opens_at": choice.opens_at,
        "closes_at": choice.closes_at,
        "price_minor": choice.price_minor,
        "currency": choice.currency,
        "co2_g": choice.co2_g,
        "value_minor": choice.value_minor,
        "place_text": _place_of(choice),
        "requested": _is_requested(choice),
        "expires_at": choice.expires_at,
        "expires_in_s": _seconds_left(choice.expires_at, now) or 0,
        "order": choice.order.public_id if orders and choice.order else None,
    }


def _place_of(choice: Choice) -> str:
    """Return the place of a choice; a pickup at the hub never shows the shopper's own address."""
    if choice.hold is None or choice.option == Option.WINDOW:
        return choice.place_text
    return choice.hold.slot.hub.place_text


def _is_requested(choice: Choice) -> bool:
    """Return True if a dispatcher must still confirm the time of a choice."""
    if choice.state == ChoiceState.USED and choice.order is not None:
        return is_requested(choice.order)
    if choice.hold is None:
        return False
    slot = choice.hold.slot
    return would_be_requested(
        hub=slot.hub.public_id, service_date=slot.service_date, option=choice.option
    )


def _offers(
    rows: Sequence[ShownOffer], zone: str, *, own: set[str], costs: bool
) -> list[dict[str, Any]]:
    named = {row.details["bank"] for row in rows if "bank" in row.details}
    banks = {bank.public_id: bank for bank in LockerBank.objects.filter(public_id__in=named)}
    return [
        _offer(row, zone, held=row.offer in own, costs=costs)
        | {"bank": _bank(row, banks.get(row.details.get("bank", "")))}
        for row in rows
    ]


def _bank(row: ShownOffer, bank: LockerBank | None) -> dict[str, Any] | None:
    """Return the bank of an offer with the way to it; None for other options."""
    if bank is None:
        return None
    names = ("name", "address", "access", "lat", "lon", "hours")
    shown = {"id": bank.public_id} | {name: getattr(bank, name) for name in names}
    shown["open_now"] = is_open_at(bank, clock.now())
    instants = ("ready_by", "collect_until")
    times = {name: dt.datetime.fromisoformat(row.details[name]) for name in instants}
    return shown | dict(row.details) | times


def _offer(row: ShownOffer, zone: str, *, held: bool, costs: bool) -> dict[str, Any]:
    names = (
        *("offer", "rank", "option", "handovers", "opens_at", "closes_at", "book_until_at"),
        *("price_minor", "currency", "price_parts", "green", "reason"),
    )
    shown = {name: getattr(row, name) for name in names}
    return shown | {
        "service_date": clock.local_date(row.opens_at, zone),
        "co2_g": shown_grams(row.co2_g),
        "why": why_ranked(row.reason),
        "held": held,
        "cost": row if costs else None,
    }


def _seconds_left(expires_at: dt.datetime | None, now: dt.datetime) -> int | None:
    return None if expires_at is None else max(0, int((expires_at - now).total_seconds()))
