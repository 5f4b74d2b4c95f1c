"""Texts of orders: promises, codes of states and causes, and the timeline of an order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from dispatch.console.words import day_words, window_words
from dispatch.orders.models import Order, Promise
from dispatch.orders.selectors import TimelineEntry
from lastmile.core import clock
from lastmile.core.tenancy import current_retailer

Words = str | Lazy

CANCEL_CAUSES: dict[str, Words] = {
    "shopper": gettext_lazy("The shopper cancelled it"),
    "dispatcher": gettext_lazy("We cannot deliver it"),
    "mistake": gettext_lazy("It was created by mistake"),
}
CAUSES: dict[str, Words] = {
    "file": gettext_lazy("from a file"),
    "api": gettext_lazy("by a connected system"),
    "choice": gettext_lazy("chosen by the shopper"),
    "shopper": gettext_lazy("requested by the shopper"),
    "dispatcher": gettext_lazy("by a dispatcher"),
    "redispatch": gettext_lazy("after the plan was updated"),
    "failed_attempt": gettext_lazy("after a failed attempt"),
}
OUTCOMES: dict[str, Words] = {
    "delivered": gettext_lazy("delivered"),
    "deposited": gettext_lazy("deposited"),
    "picked_up": gettext_lazy("picked up"),
}
REASONS: dict[str, Words] = {
    "not_home": gettext_lazy("no one was home"),
    "address_not_found": gettext_lazy("the address was not found"),
    "no_access": gettext_lazy("no access"),
    "no_parking": gettext_lazy("no parking"),
    "no_time": gettext_lazy("not enough time"),
    "refused": gettext_lazy("the shopper refused it"),
    "parcel_missing": gettext_lazy("the parcel was missing"),
    "parcel_damaged": gettext_lazy("the parcel was damaged"),
    "proof_missing": gettext_lazy("the proof was missing"),
    "vehicle_broke_down": gettext_lazy("the vehicle broke down"),
    "cancelled": gettext_lazy("it was cancelled at the door"),
    "other": gettext_lazy("another reason"),
}
HUB_WAYS: dict[str, Words] = {
    "given": gettext_lazy("as requested"),
    "zone": gettext_lazy("by zone"),
    "nearest": gettext_lazy("the nearest"),
    "only": gettext_lazy("the only hub"),
    "none": gettext_lazy("no hub serves this place"),
}
PINS: dict[str, Words] = {
    "given": gettext_lazy("coordinates from the order"),
    "geocoder": gettext_lazy("found by address"),
    "shopper": gettext_lazy("set by the shopper"),
    "driver": gettext_lazy("set by the driver"),
    "dispatcher": gettext_lazy("set by a dispatcher"),
}
PRECISIONS: dict[str, Words] = {
    "house": gettext_lazy("house number"),
    "interpolated": gettext_lazy("between house numbers"),
    "street": gettext_lazy("street only"),
    "place": gettext_lazy("part of town only"),
    "given": gettext_lazy("not checked"),
}
DIRECTIONS: dict[str, Words] = {
    "outward": gettext_lazy("Delivery"),
    "return": pgettext_lazy("order", "Return"),
}
HANDOVERS: dict[str, Words] = {
    "": gettext_lazy("Not specified"),
    "attended": gettext_lazy("In person"),
    "contactless": gettext_lazy("Contactless"),
}
FIELDS: dict[str, Words] = {
    "notes": gettext_lazy("notes"),
    "handover": gettext_lazy("handover"),
    "least_age": gettext_lazy("minimum age"),
    "signature": gettext_lazy("signature"),
    "access": gettext_lazy("access"),
    "skills": gettext_lazy("skills"),
    "service_s": gettext_lazy("time at the door"),
    "service_date": gettext_lazy("date"),
    "hub": gettext_lazy("hub"),
    "shopper": gettext_lazy("shopper"),
    "place": gettext_lazy("place"),
    "parcels": gettext_lazy("parcels"),
}
# event kind -> (icon, tone, text); %(…)s are filled from the event's facts
EVENT_TEXTS: dict[str, tuple[str, str, Words]] = {
    "order.placed": ("package", "active", gettext_lazy("Created")),
    "order.promised": ("calendar-days", "active", gettext_lazy("Promised for %(window)s")),
    "order.redated": (
        "calendar",
        "",
        gettext_lazy("Served on %(date)s, the date of its slot"),
    ),
    "order.changed": ("pencil", "", gettext_lazy("Changed: %(changed)s")),
    "order.pinned": ("map-pin", "", gettext_lazy("Pin: %(pin)s")),
    "order.ready": ("circle-dot", "", gettext_lazy("Ready to plan")),
    "order.waiting": ("clock", "", gettext_lazy("No hub or date")),
    "order.needs_pin": ("map-pin-off", "", gettext_lazy("Needs a pin")),
    "order.planned": ("route", "active", gettext_lazy("Planned")),
    "order.loaded": ("package-check", "active", gettext_lazy("Loaded")),
    "order.out": ("truck", "active", gettext_lazy("On its way")),
    "order.awaiting_collection": (
        "inbox",
        "active",
        gettext_lazy("Awaiting collection"),
    ),
    "order.delivered": ("circle-check", "ok", gettext_lazy("Delivered")),
    "order.failed": ("circle-x", "failed", gettext_lazy("The attempt failed")),
    "order.returned": ("undo-2", "", gettext_lazy("Returned to the hub")),
    "order.cancelled": ("ban", "failed", gettext_lazy("Cancelled: %(cancel)s")),
    "visit.unplaced": ("triangle-alert", "failed", gettext_lazy("Fits on no route of its day")),
    "visit.arrived": ("map-pin", "active", gettext_lazy("The driver arrived")),
    "order.stop_changed": ("map-pin", "", gettext_lazy("The stop at the lockers changed")),
    "visit.at_bank": ("package", "active", gettext_lazy("The driver was at the lockers with it")),
    "visit.left": ("map-pin", "", gettext_lazy("The vehicle left the door, from its positions")),
    "attempt.recorded": ("footprints", "", gettext_lazy("Attempt: %(outcome)s")),
    "arrival.late": ("triangle-alert", "late", gettext_lazy("Expected after its time window")),
    "proof.checked": ("check", "", gettext_lazy("Proof checked, the shopper can be told")),
    "curbside.on_the_way": ("car", "active", gettext_lazy("The shopper is on the way")),
    "curbside.arrived": ("car", "active", gettext_lazy("The shopper is here")),
    "delivery.rated": ("star", "", gettext_lazy("Rated by the shopper")),
    "order.step_up_confirmed": (
        "key-round",
        "",
        gettext_lazy("The shopper confirmed with a code"),
    ),
}
#: A forecast that moved is no part of what happened; the board shows the newest one.
NOT_SHOWN: Final = frozenset({"arrival.changed"})


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """A line of an order's timeline."""

    icon: str
    tone: str
    words: str
    at: dt.datetime
    actor: str


def zone_of(order: Order) -> str:
    """Return the time zone for an order's times: the zone of its hub, else of the retailer."""
    return order.hub.zone if order.hub else current_retailer().zone


def promise_words(promise: Promise | None, zone: str, day: dt.date | None = None) -> str:
    """Return a promise's time window as text, with its date first unless the date is ``day``."""
    if promise is None:
        return ""
    date = clock.local_date(promise.opens_at, zone)
    words = window_words(promise.opens_at, promise.closes_at, zone)
    return words if date == day else f"{day_words(date)}, {words}"


def timeline_lines(
    entries: list[TimelineEntry], zone: str, names: Mapping[str, str]
) -> list[TimelineLine]:
    """Return the lines of a timeline, newest first; event kinds without a text show their name."""
    shown = [entry for entry in reversed(entries) if entry.kind not in NOT_SHOWN]
    return [_timeline_line(entry, zone, names) for entry in shown]


def _timeline_line(entry: TimelineEntry, zone: str, names: Mapping[str, str]) -> TimelineLine:
    icon, tone, words = EVENT_TEXTS.get(entry.kind, ("circle", "", entry.kind.replace(".", " ")))
    name = names.get(entry.actor) or _actor_words(entry.actor)
    text = str(words) % _facts(entry, zone) if entry.kind in EVENT_TEXTS else str(words)
    return TimelineLine(icon=icon, tone=tone, words=text, at=entry.occurred_at, actor=name)


def _actor_words(actor: str) -> str:
    """Return the words for an actor who is neither a member nor an API key.

    A shopper acts with the link of an order, so the order's id is the actor.
    """
    if actor == "system":
        return ""
    return gettext("Shopper") if actor.startswith("ord_") else actor


def _facts(entry: TimelineEntry, zone: str) -> dict[str, str]:
    data = entry.data
    facts = dict.fromkeys(("changed", "pin", "cancel", "outcome", "window", "date"), "")
    if entry.kind == "order.redated":
        facts["date"] = day_words(dt.date.fromisoformat(str(data["service_date"])))
    if entry.kind == "order.promised":
        opens, closes = (dt.datetime.fromisoformat(str(data[n])) for n in ("opens_at", "closes_at"))
        day = day_words(clock.local_date(opens, zone))
        facts["window"] = f"{day}, {window_words(opens, closes, zone)}"
    names = data.get("changed")
    if isinstance(names, list):
        facts["changed"] = ", ".join(str(FIELDS.get(str(n), n)) for n in names)
    facts["pin"] = str(PINS.get(str(data.get("pin_source")), ""))
    cause = str(data.get("cause", ""))
    facts["cancel"] = str(CANCEL_CAUSES.get(cause, CAUSES.get(cause, cause)))
    if entry.kind == "attempt.recorded":
        reason = str(data.get("reason") or "")
        outcome = str(data.get("outcome"))
        facts["outcome"] = str(REASONS.get(reason) or OUTCOMES.get(outcome) or reason or outcome)
    return facts
