"""One draft against the retailer's hubs and limits: a checked order, or every fault at once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dispatch.fleet import skills, values
from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import ServiceMap, service_map
from dispatch.orders.drafts import (
    LocalWindowDraft,
    OrderDraft,
    ParcelDraft,
    PlaceDraft,
    WindowDraft,
)
from dispatch.orders.models import Direction, Handover, Shopper
from lastmile.core import clock
from lastmile.core.errors import FieldProblem, Invalid, Problems
from lastmile.core.phones import e164, is_in_use, region_of
from lastmile.core.tenancy import current_retailer
from lastmile.core.units import spread

DEFAULT_SERVICE_S = 180
MAX_PARCELS = 999
MAX_WEIGHT_G = 40_000_000
MAX_VOLUME_CM3 = 120_000_000
LONGEST_WINDOW = dt.timedelta(days=7)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_WEIGHT, _VOLUME = values.whole(0, MAX_WEIGHT_G), values.whole(0, MAX_VOLUME_CM3)
_SIDE = values.whole(1, 20_000, null=True)
CONTACTS = {
    "phone": gettext_lazy("The telephone number cannot be read. The order is kept without it."),
    "email": gettext_lazy("The e-mail address cannot be read. The order is kept without it."),
    "language": gettext_lazy("The language cannot be read. The order is kept without it."),
}
STAYS = {
    "phone": gettext_lazy("The telephone number cannot be read. The one that was known stays."),
    "email": gettext_lazy("The e-mail address cannot be read. The one that was known stays."),
    "language": gettext_lazy("The language cannot be read. The one that was known stays."),
}
_MONEY = values.whole(0, 10**13, null=True)


@dataclass(frozen=True)
class Book:
    """What every draft of a batch is held against, read once."""

    services: ServiceMap
    zone: str
    currency: str

    def region(self) -> str:
        """The country of all hubs; of the retailer where there is none; "" when hubs differ."""
        zones = {hub.zone for hub in self.services.hubs} or {self.zone}
        regions = {region_of(zone) for zone in zones}
        return regions.pop() if len(regions) == 1 else ""

    def hub_called(self, ref: str) -> Hub | None:
        """The active hub with this public id, external id or name."""
        wanted = ref.strip().removeprefix("external_id:")
        for hub in self.services.hubs:
            if wanted in {hub.public_id, hub.external_id}:
                return hub
        folded = wanted.casefold()
        return next((h for h in self.services.hubs if h.name.casefold() == folded), None)


def read_book() -> Book:
    """Read the retailer's hubs, zones, time zone and currency."""
    retailer = current_retailer()
    return Book(services=service_map(), zone=retailer.zone, currency=retailer.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A draft whose every value fits. ``own`` are the order's own columns."""

    own: dict[str, Any]
    shopper: dict[str, str]
    place: dict[str, Any]
    parcels: list[dict[str, Any]]
    hub: Hub | None
    service_date: dt.date | None
    window: WindowDraft | LocalWindowDraft | None
    digest: str
    warnings: tuple[FieldProblem, ...] = ()


def _email(raw: Any) -> str:
    kept = values.storable(raw, most=254).strip()
    if kept:
        try:
            validate_email(kept)
        except ValidationError:
            raise Invalid(
                _("This is not an e-mail address; write it like ana@example.com.")
            ) from None
    return kept


def _language(raw: Any) -> str:
    kept = values.storable(raw, most=35).strip()
    if kept and not _LANGUAGE.fullmatch(kept):
        raise Invalid(_("This is not a language tag (BCP 47) such as en or es-CL."))
    return kept


def _country(raw: Any) -> str:
    kept = values.storable(raw, most=64).strip().upper()
    if kept and not (len(kept) == 2 and kept.isascii() and kept.isalpha()):
        raise Invalid(_("Write the country as two letters (ISO 3166), such as PT."))
    return kept


def _currency(raw: Any) -> str:
    kept = values.storable(raw, most=64).strip()
    if kept and not (len(kept) == 3 and kept.isascii() and kept.isupper()):
        raise Invalid(_("Write the currency as three capital letters (ISO 4217), such as EUR."))
    return kept


def shopper_rules(region: str) -> dict[str, values.Rule]:
    """Rules of a shopper's fields; ``region`` reads national phone numbers."""

    def phone(raw: Any) -> str:
        kept = values.storable(raw, most=64).strip()
        return e164(kept, region) if kept else ""

    return {"name": values.text(200), "phone": phone, "email": _email, "language": _language}


def _maybe(rule: values.Rule) -> values.Rule:
    return lambda raw: None if raw is None else rule(raw)


PLACE_RULES: dict[str, values.Rule] = {
    "text": values.text(2_000),
    "street": values.text(200),
    "house_number": values.text(32),
    "unit": values.text(64),
    "postcode": values.text(32),
    "city": values.text(120),
    "region": values.text(120),
    "country": _country,
    "lat": _maybe(values.degrees(90)),
    "lon": _maybe(values.degrees(180)),
}
PARCEL_RULES: dict[str, values.Rule] = {
    "external_id": values.external_id,
    "barcode": values.text(64),
    "weight_g": _WEIGHT,
    "volume_cm3": _VOLUME,
    "length_mm": _SIDE,
    "width_mm": _SIDE,
    "height_mm": _SIDE,
}
ORDER_RULES: dict[str, values.Rule] = {
    "external_id": values.external_id,
    "direction": values.one_of(*Direction.values),
    "service_s": values.whole(0, 8 * 3600, null=True),
    "parcel_count": values.whole(1, MAX_PARCELS, null=True),
    "weight_g": _maybe(_WEIGHT),
    "volume_cm3": _maybe(_VOLUME),
    "skills": skills.normalise,
    "value_minor": _MONEY,
    "price_minor": _MONEY,
    "currency": _currency,
    "handover": values.one_of("", *Handover.values),
    "notes": values.text(4_000),
}


class _Desk:
    """Collects the faults of one draft part by part."""

    def __init__(self) -> None:
        self.problems = Problems()

    def part(
        self, raw: Mapping[str, Any], rules: Mapping[str, values.Rule], under: str = ""
    ) -> dict[str, Any]:
        try:
            return values.clean(raw, rules)
        except Invalid as fault:
            for found in fault.errors:
                self.problems.add(under + found.pointer, found.detail, found.code)
            return {}


def check(
    draft: OrderDraft, book: Book, *, lenient: bool = False, known: Shopper | None = None
) -> Checked:
    """Return the draft with every value in its kept form.

    ``lenient`` leaves out a contact that cannot be read, with a warning, and keeps the order: the
    goods go out without a telephone number. What the ``known`` shopper of the order has stays.

    Raises
    ------
    Invalid
        With every fault, each by its JSON pointer in the API's shape.
    """
    desk = _Desk()
    own = desk.part({name: getattr(draft, name) for name in ORDER_RULES}, ORDER_RULES)
    hub = _hub(draft, book, desk.problems)
    region = region_of(hub.zone) if hub else book.region()
    read, warnings = _contacts(draft, shopper_rules(region), known) if lenient else ({}, [])
    shopper = desk.part(asdict(draft.shopper) | read, shopper_rules(region), "/shopper")
    warnings += _doubtful(shopper.get("phone", ""))
    place = desk.part(asdict(draft.place), PLACE_RULES, "/place")
    _check_place(place, desk.problems)
    parcels = [
        desk.part({f.name: getattr(p, f.name) for f in fields(ParcelDraft)}, PARCEL_RULES,
                  f"/parcels/{n}")
        for n, p in enumerate(draft.parcels[: MAX_PARCELS + 1])
    ]  # fmt: skip
    date = _date(draft, book, hub, desk.problems)
    desk.problems.raise_if_any(_("The order does not fit; see errors."))
    parcels = _totals(own, parcels, desk.problems)
    desk.problems.raise_if_any(_("The order does not fit; see errors."))
    if own["service_s"] is None:
        own["service_s"] = DEFAULT_SERVICE_S
    if own["value_minor"] is None and own["price_minor"] is None:
        own["currency"] = ""
    elif not own["currency"]:
        own["currency"] = book.currency
    return Checked(
        own=own, shopper=shopper, place=place, parcels=parcels, hub=hub, service_date=date,
        window=draft.window, digest=draft.digest(), warnings=tuple(warnings),
    )  # fmt: skip


def _contacts(
    draft: OrderDraft, rules: Mapping[str, values.Rule], known: Shopper | None
) -> tuple[dict[str, str], list[FieldProblem]]:
    """What stands in for the contacts that cannot be read, and what is to be said of each."""
    instead, warnings = dict[str, str](), list[FieldProblem]()
    for name in CONTACTS:
        try:
            rules[name](getattr(draft.shopper, name))
        except Invalid:
            instead[name] = getattr(known, name, "")
            words, code = (STAYS, "kept") if instead[name] else (CONTACTS, "left_out")
            warnings += [FieldProblem(f"/shopper/{name}", str(words[name]), code)]
    return instead, warnings


def _doubtful(phone: str) -> list[FieldProblem]:
    """What is to be said of a number that can be dialled and that nobody seems to have."""
    if not phone or is_in_use(phone):
        return []
    words = _("No network is known to give out this number. Check it with the shopper.")
    return [FieldProblem("/shopper/phone", words, "doubtful")]


def _hub(draft: OrderDraft, book: Book, problems: Problems) -> Hub | None:
    if not draft.hub:
        return None
    hub = book.hub_called(draft.hub)
    if hub is None:
        problems.add(
            "/hub",
            _("There is no open hub called %(hub)r; use the id, external_id or name of one.")
            % {"hub": draft.hub[:64]},
            "unknown_hub",
        )
    return hub


def _check_place(place: Mapping[str, Any], problems: Problems) -> None:
    if not place:
        return
    if (place["lat"] is None) != (place["lon"] is None):
        problems.add("/place", _("Give both latitude and longitude, or neither."))
    if place["lat"] is not None and place["lon"] is not None:
        values.refuse_null_island(place["lat"], place["lon"], problems, "/place")
    said = any(place[name].strip() for name in ("text", "street", "city", "postcode"))
    if place["lat"] is None and not said:
        problems.add("/place", _("Say where: an address or coordinates."), "required")


def _date(draft: OrderDraft, book: Book, hub: Hub | None, problems: Problems) -> dt.date | None:
    """Check window and date against each other; return the date that is meant, if any."""
    window, zone = draft.window, hub.zone if hub else book.zone
    date = draft.service_date
    if date is not None and not 2000 <= date.year <= 2100:
        problems.add("/service_date", _("This date lies outside the years 2000 to 2100."))
        return None
    if isinstance(window, LocalWindowDraft):
        whole = all(
            isinstance(m, int) and 0 <= m <= 2880
            for m in (window.opens_minute, window.closes_minute)
        )
        if date is None:
            problems.add("/service_date", _("A window in local time needs its date."), "required")
        if not whole or window.opens_minute >= 1440 or window.opens_minute == window.closes_minute:
            problems.add("/window", _("The window must open on its day and close later."))
        return date
    if window is None:
        return date
    if window.opens_at.utcoffset() is None or window.closes_at.utcoffset() is None:
        problems.add("/window", _("Write the window's times with their offset from UTC."))
        return date
    if not dt.timedelta(0) < window.closes_at - window.opens_at <= LONGEST_WINDOW:
        problems.add("/window", _("The window must close after it opens, within seven days."))
        return date
    if date is not None and not _within_a_day(date, clock.local_date(window.opens_at, zone)):
        problems.add("/service_date", _("The window does not open on this date."))
    return date


def _within_a_day(date: dt.date, opens: dt.date) -> bool:
    """The hub, and so its zone, may not be chosen yet: one day's difference is let pass."""
    return abs((date - opens).days) <= 1


def _totals(
    own: dict[str, Any], parcels: list[dict[str, Any]], problems: Problems
) -> list[dict[str, Any]]:
    """Make parcels and totals agree: parcels that are not listed share the totals."""
    count = own["parcel_count"]
    if len(parcels) > MAX_PARCELS:
        problems.add(
            "/parcels",
            _("An order holds at most %(most)d parcels; split it.") % {"most": MAX_PARCELS},
        )
        return parcels
    if parcels and count is not None and count != len(parcels):
        problems.add(
            "/parcel_count", _("This is not the number of parcels listed; drop one of both.")
        )
        return parcels
    ids = [p["external_id"] for p in parcels if p["external_id"]]
    if len(ids) != len(set(ids)):
        problems.add("/parcels", _("Two parcels of the order have the same external_id."))
        return parcels
    if not parcels:
        count = count or 1
        weights = spread(own["weight_g"] or 0, [1] * count)
        volumes = spread(own["volume_cm3"] or 0, [1] * count)
        parcels = [{"weight_g": w, "volume_cm3": v} for w, v in zip(weights, volumes, strict=True)]
    own["parcel_count"] = len(parcels)
    for name, most in (("weight_g", MAX_WEIGHT_G), ("volume_cm3", MAX_VOLUME_CM3)):
        if own[name] is None:
            own[name] = sum(p[name] for p in parcels)
        if own[name] > most:
            problems.add(
                f"/{name}", _("The order is too large: at most %(most)d.") % {"most": most}
            )
    return parcels


def window_of(
    window: WindowDraft | LocalWindowDraft, date: dt.date | None, zone: str
) -> tuple[dt.datetime, dt.datetime]:
    """Return the window as instants, its wall-clock minutes read in ``zone``.

    Raises Invalid when a jump of the clock leaves nothing of it.
    """
    if isinstance(window, WindowDraft):
        return window.opens_at.astimezone(dt.UTC), window.closes_at.astimezone(dt.UTC)
    if date is None:
        raise Invalid(_("A window in local time needs its date."))
    closes = window.closes_minute
    if closes <= window.opens_minute:
        closes += 1440
    opens_at = clock.local_instant(date, window.opens_minute, zone)
    closes_at = clock.local_instant(date, closes, zone)
    if opens_at >= closes_at:
        problems = Problems()
        problems.add("/window", _("On this date the clock jumps over the window; choose another."))
        problems.raise_if_any(_("The order does not fit; see errors."))
    return opens_at, closes_at


PLACE_FIELDS: tuple[str, ...] = tuple(
    f.name for f in fields(PlaceDraft) if f.name not in {"lat", "lon"}
)
