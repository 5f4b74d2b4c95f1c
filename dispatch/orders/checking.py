"""Validates one draft against the limits and the retailer's hubs, and names all faults at once."""

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
from dispatch.orders.handovers import needs_person, person_needed, without_person
from dispatch.orders.models import OLDEST, YOUNGEST, Direction, Handover, Order, Shopper
from dispatch.orders.windows import checked_date
from lastmile.core.errors import FieldProblem, Invalid, Problems
from lastmile.core.ids import looks_like
from lastmile.core.phones import e164, is_in_use, region_of
from lastmile.core.tenancy import current_retailer
from lastmile.core.units import spread

DEFAULT_SERVICE_S = 180
MAX_PARCELS = 999
MAX_WEIGHT_G = 40_000_000
MAX_VOLUME_CM3 = 120_000_000
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_WEIGHT, _VOLUME = values.whole(0, MAX_WEIGHT_G), values.whole(0, MAX_VOLUME_CM3)
_SIDE = values.whole(1, 20_000, null=True)
CONTACTS = {
    "phone": gettext_lazy("The telephone number cannot be read. The order is kept without it."),
    "email": gettext_lazy("The e-mail address cannot be read. The order is kept without it."),
    "language": gettext_lazy("The language cannot be read. The order is kept without it."),
}
CONTACTS_KEPT = {
    "phone": gettext_lazy("The telephone number cannot be read. The previous one is kept."),
    "email": gettext_lazy("The e-mail address cannot be read. The previous one is kept."),
    "language": gettext_lazy("The language cannot be read. The previous one is kept."),
}
_MONEY = values.whole(0, 10**13, null=True)


@dataclass(frozen=True)
class RetailerData:
    """The retailer's data that all drafts of a batch are checked against, read once."""

    services: ServiceMap
    zone: str
    currency: str

    def region(self) -> str:
        """Return the country of all hubs, or "" if the countries differ.

        Without hubs, return the country of the retailer.
        """
        zones = {hub.zone for hub in self.services.hubs} or {self.zone}
        regions = {region_of(zone) for zone in zones}
        return regions.pop() if len(regions) == 1 else ""

    def hub_called(self, ref: str) -> Hub | None:
        """Return the active hub with this public id, external id or name, or None."""
        name = ref.strip().removeprefix("external_id:")
        for hub in self.services.hubs:
            if name in {hub.public_id, hub.external_id}:
                return hub
        folded = name.casefold()
        return next((h for h in self.services.hubs if h.name.casefold() == folded), None)


def read_retailer_data() -> RetailerData:
    """Read the retailer's hubs, zones, time zone and currency."""
    retailer = current_retailer()
    return RetailerData(services=service_map(), zone=retailer.zone, currency=retailer.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A valid draft. ``own`` holds the columns of the order's own row."""

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
    text = values.storable(raw, most=254).strip()
    if text:
        try:
            validate_email(text)
        except ValidationError:
            raise Invalid(
                _("This is not an e-mail address. Write it like ana@example.com.")
            ) from None
    return text


def _language(raw: Any) -> str:
    text = values.storable(raw, most=35).strip()
    if text and not _LANGUAGE.fullmatch(text):
        raise Invalid(_("This is not a language tag. Use one such as en or es-CL (BCP 47)."))
    return text


def _country(raw: Any) -> str:
    text = values.storable(raw, most=64).strip().upper()
    if text and not (len(text) == 2 and text.isascii() and text.isalpha()):
        raise Invalid(_("Write the country as two letters (ISO 3166), such as PT."))
    return text


def _currency(raw: Any) -> str:
    text = values.storable(raw, most=64).strip()
    if text and not (len(text) == 3 and text.isascii() and text.isupper()):
        raise Invalid(_("Write the currency as three capital letters (ISO 4217), such as EUR."))
    return text


def shopper_rules(region: str) -> dict[str, values.Rule]:
    """Return the rules for a shopper's fields. ``region`` is the country of national numbers."""

    def phone(raw: Any) -> str:
        text = values.storable(raw, most=64).strip()
        return e164(text, region) if text else ""

    return {"name": values.text(200), "phone": phone, "email": _email, "language": _language}


def _least_age(raw: Any) -> int:
    if (
        isinstance(raw, bool)
        or not isinstance(raw, int)
        or not (raw == 0 or YOUNGEST <= raw <= OLDEST)
    ):
        raise Invalid(
            _("Write the least age in years, from %(least)d to %(most)d, or 0 for no age check.")
            % {"least": YOUNGEST, "most": OLDEST}
        )
    return raw


def _choice(raw: Any) -> str:
    text = values.storable(raw, most=64).strip()
    if text and not looks_like(text, "chc"):
        raise Invalid(_("This is not the id of a choice. It starts with chc_. Send it unchanged."))
    return text


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
    "least_age": _least_age,
    "signature": values.boolean,
    "notes": values.text(4_000),
}


class _FaultCollector:
    """The faults of one draft, collected part by part."""

    def __init__(self) -> None:
        self.problems = Problems()

    def clean(
        self, raw: Mapping[str, Any], rules: Mapping[str, values.Rule], under: str = ""
    ) -> dict[str, Any]:
        try:
            return values.clean(raw, rules)
        except Invalid as fault:
            for error in fault.errors:
                self.problems.add(under + error.pointer, error.detail, error.code)
            return {}


def check(
    draft: OrderDraft,
    retailer: RetailerData,
    *,
    lenient: bool = False,
    previous: Shopper | None = None,
) -> Checked:
    """Return the draft with every value in its normal form.

    ``lenient`` accepts an order with a contact that cannot be read, because the goods can go out
    without a telephone number. The contact is left out and a warning is added. If the order has a
    ``previous`` shopper, the contact of that shopper is kept.

    Raises
    ------
    Invalid
        With all faults, each with its JSON pointer into the API's request.
    """
    faults = _FaultCollector()
    own = faults.clean({name: getattr(draft, name) for name in ORDER_RULES}, ORDER_RULES)
    faults.clean({"choice": draft.choice}, {"choice": _choice})
    _check_handover(own, faults.problems)
    _check_choice(draft, faults.problems)
    hub = _hub(draft, retailer, faults.problems)
    region = region_of(hub.zone) if hub else retailer.region()
    contacts, warnings = _contacts(draft, shopper_rules(region), previous) if lenient else ({}, [])
    shopper = faults.clean(asdict(draft.shopper) | contacts, shopper_rules(region), "/shopper")
    warnings += _phone_warnings(shopper.get("phone", ""))
    place = faults.clean(asdict(draft.place), PLACE_RULES, "/place")
    _check_place(place, faults.problems)
    parcels = [
        faults.clean({f.name: getattr(p, f.name) for f in fields(ParcelDraft)}, PARCEL_RULES,
                     f"/parcels/{n}")
        for n, p in enumerate(draft.parcels[: MAX_PARCELS + 1])
    ]  # fmt: skip
    date = checked_date(draft, hub.zone if hub else retailer.zone, faults.problems)
    faults.problems.raise_if_any(_("The order is not valid. Check the fields listed in errors."))
    parcels = _totals(own, parcels, faults.problems)
    faults.problems.raise_if_any(_("The order is not valid. Check the fields listed in errors."))
    if own["service_s"] is None:
        own["service_s"] = DEFAULT_SERVICE_S
    if own["value_minor"] is None and own["price_minor"] is None:
        own["currency"] = ""
    elif not own["currency"]:
        own["currency"] = retailer.currency
    return Checked(
        own=own, shopper=shopper, place=place, parcels=parcels, hub=hub, service_date=date,
        window=draft.window, digest=draft.digest(), warnings=tuple(warnings),
    )  # fmt: skip


def _contacts(
    draft: OrderDraft, rules: Mapping[str, values.Rule], previous: Shopper | None
) -> tuple[dict[str, str], list[FieldProblem]]:
    """Return replacements for the contacts that cannot be read, and a warning for each."""
    replacements, warnings = dict[str, str](), list[FieldProblem]()
    for name in CONTACTS:
        try:
            rules[name](getattr(draft.shopper, name))
        except Invalid:
            replacements[name] = getattr(previous, name, "")
            texts, code = (CONTACTS_KEPT, "kept") if replacements[name] else (CONTACTS, "left_out")
            warnings += [FieldProblem(f"/shopper/{name}", str(texts[name]), code)]
    return replacements, warnings


def _phone_warnings(phone: str) -> list[FieldProblem]:
    """Return a warning for a valid telephone number that no network is known to use."""
    if not phone or is_in_use(phone):
        return []
    text = _("This telephone number does not seem to be in use. Check it with the shopper.")
    return [FieldProblem("/shopper/phone", text, "doubtful")]


def _hub(draft: OrderDraft, retailer: RetailerData, problems: Problems) -> Hub | None:
    if not draft.hub:
        return None
    hub = retailer.hub_called(draft.hub)
    if hub is None:
        problems.add(
            "/hub",
            _("No active hub is called %(hub)r. Use the id, external_id or name of an active hub.")
            % {"hub": draft.hub[:64]},
            "unknown_hub",
        )
    return hub


def _check_handover(own: Mapping[str, Any], problems: Problems) -> None:
    """Refuse a contactless handover if the order demands a person."""
    demands = Order(least_age=own.get("least_age", 0), signature=own.get("signature", False))
    if needs_person(demands) and without_person(handover=own.get("handover", "")):
        refusal = person_needed(demands, "/handover")
        problems.add("/handover", refusal.detail, refusal.errors[0].code)


def _check_choice(draft: OrderDraft, problems: Problems) -> None:
    """Refuse an order with a choice and a time window: the choice has its own window."""
    if draft.choice and draft.window is not None:
        problems.add(
            "/choice",
            _("The order has a choice and a time window. Send only one of them."),
            "choice_and_window",
        )


def _check_place(place: Mapping[str, Any], problems: Problems) -> None:
    if not place:
        return
    if (place["lat"] is None) != (place["lon"] is None):
        problems.add("/place", _("Give both latitude and longitude, or neither."))
    if place["lat"] is not None and place["lon"] is not None:
        values.refuse_null_island(place["lat"], place["lon"], problems, "/place")
    has_address = any(place[name].strip() for name in ("text", "street", "city", "postcode"))
    if place["lat"] is None and not has_address:
        problems.add(
            "/place", _("The address is missing. Give an address or coordinates."), "required"
        )


def _totals(
    own: dict[str, Any], parcels: list[dict[str, Any]], problems: Problems
) -> list[dict[str, Any]]:
    """Make parcels and totals agree; without listed parcels, all parcels share the totals."""
    count = own["parcel_count"]
    if len(parcels) > MAX_PARCELS:
        problems.add(
            "/parcels",
            _("An order can have at most %(most)d parcels. Split the order.")
            % {"most": MAX_PARCELS},
        )
        return parcels
    if parcels and count is not None and count != len(parcels):
        problems.add(
            "/parcel_count",
            _("This is not the number of listed parcels. Correct the number or leave it out."),
        )
        return parcels
    ids = [p["external_id"] for p in parcels if p["external_id"]]
    if len(ids) != len(set(ids)):
        problems.add(
            "/parcels",
            _("Two parcels of the order have the same external_id. Give each parcel its own."),
        )
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
                f"/{name}",
                _("This total is too large. The maximum is %(most)d. Split the order.")
                % {"most": most},
            )
    return parcels


PLACE_FIELDS: tuple[str, ...] = tuple(
    f.name for f in fields(PlaceDraft) if f.name not in {"lat", "lon"}
)
