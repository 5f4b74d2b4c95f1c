"""The audit log's words for hubs, zones, vehicles, drivers and shifts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dispatch.console.fleet import words as fleet_words
from dispatch.fleet.models import Driver, Hub, Shift, Vehicle, Zone
from lastmile.core import formatting
from lastmile.core.templatetags.look import status_word, when
from lastmile.core.tenancy import current_retailer
from tenants.audit_words import AuditWords, Field, Names, Sentence

SENTENCES: Mapping[str, Sentence] = {
    "hub.added": Sentence(gettext_lazy("%(who)s added the hub %(what)s"), adds=True),
    "hub.changed": Sentence(gettext_lazy("%(who)s changed the hub %(what)s")),
    "hub.retired": Sentence(
        gettext_lazy("%(who)s deactivated the hub %(what)s"), tells=("active",)
    ),
    "zone.added": Sentence(gettext_lazy("%(who)s added the zone %(what)s"), adds=True),
    "zone.changed": Sentence(gettext_lazy("%(who)s changed the zone %(what)s")),
    "zone.removed": Sentence(gettext_lazy("%(who)s removed the zone %(what)s"), tells=("name",)),
    "vehicle.added": Sentence(gettext_lazy("%(who)s added the vehicle %(what)s"), adds=True),
    "vehicle.changed": Sentence(gettext_lazy("%(who)s changed the vehicle %(what)s")),
    "vehicle.retired": Sentence(
        gettext_lazy("%(who)s deactivated the vehicle %(what)s"), tells=("active",)
    ),
    "driver.added": Sentence(gettext_lazy("%(who)s added the driver %(what)s"), adds=True),
    "driver.changed": Sentence(gettext_lazy("%(who)s changed the driver %(what)s")),
    "driver.retired": Sentence(
        gettext_lazy("%(who)s deactivated the driver %(what)s"), tells=("active",)
    ),
    "shift.added": Sentence(gettext_lazy("%(who)s added the shift of %(what)s"), adds=True),
    "shift.changed": Sentence(gettext_lazy("%(who)s changed the shift of %(what)s")),
    "shift.cancelled": Sentence(
        gettext_lazy("%(who)s cancelled the shift of %(what)s"), tells=("state",)
    ),
}


def _thousandths(value: int) -> str:
    return formatting.number(value / 1000, 3, trim=True)


def _minutes(seconds: int) -> str:
    return formatting.number(seconds // 60)


def _cost(minor: int) -> str:
    return formatting.money(minor, current_retailer().currency)


def _instant(stored: str) -> str:
    return when(dt.datetime.fromisoformat(stored), "both")


def _day(stored: str) -> str:
    return formatting.date(dt.date.fromisoformat(stored))


def _hours(week: Sequence[Sequence[Sequence[int]]]) -> str:
    """Return a week's opening hours; consecutive days with the same hours are combined."""
    parts: list[str] = []
    first = 0
    for day in range(1, len(week) + 1):
        if day < len(week) and week[day] == week[first]:
            continue
        name = fleet_words.day_name(first)
        if day - 1 > first:
            name = f"{name}–{fleet_words.day_name(day - 1)}"
        parts.append(f"{name} {fleet_words.hours_words(week[first]) or _('closed')}")
        first = day
    return ", ".join(parts)


def _breaks(stored: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(formatting.duration(one["duration_s"]) for one in stored)


def _profile(code: str) -> str:
    return str(fleet_words.PROFILES.get(code, code))


def _energy(code: str) -> str:
    return str(fleet_words.ENERGIES.get(code, code))


def _emission_class(code: str) -> str:
    return str(fleet_words.CLASSES.get(code, code))


_NAME = Field(gettext_lazy("Name"))
_OWN_ID = Field(gettext_lazy("Your own ID"))
_HUB = Field(gettext_lazy("Hub"))
_ACTIVE = Field(gettext_lazy("Active"))
_SKILLS = Field(gettext_lazy("Skills"))
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "hub": {
        "name": _NAME,
        "external_id": _OWN_ID,
        "address": Field(gettext_lazy("Address")),
        "lat": Field(gettext_lazy("Latitude"), str),
        "lon": Field(gettext_lazy("Longitude"), str),
        "zone": Field(gettext_lazy("Time zone")),
        "hours": Field(gettext_lazy("Opening hours"), _hours),
        "loading_s": Field(gettext_lazy("Minutes to load a vehicle"), _minutes),
        "network": Field(gettext_lazy("Street network")),
        "active": _ACTIVE,
    },
    "zone": {
        "name": _NAME,
        "external_id": _OWN_ID,
        "hub": _HUB,
        "area_m2": Field(gettext_lazy("Area"), formatting.area),
        "active": _ACTIVE,
    },
    "vehicle": {
        "name": _NAME,
        "external_id": _OWN_ID,
        "hub": _HUB,
        "plate": Field(gettext_lazy("Number plate")),
        "profile": Field(gettext_lazy("Vehicle type"), _profile),
        "energy": Field(gettext_lazy("Energy"), _energy),
        "weight_g": Field(gettext_lazy("Capacity, kg"), _thousandths),
        "volume_cm3": Field(gettext_lazy("Capacity, litres"), _thousandths),
        "parcels": Field(gettext_lazy("Capacity, parcels")),
        "fixed_cost_minor": Field(gettext_lazy("Cost per day"), _cost),
        "cost_per_km_minor": Field(gettext_lazy("Cost per km"), _cost),
        "cost_per_hour_minor": Field(gettext_lazy("Cost per hour"), _cost),
        "skills": _SKILLS,
        "range_m": Field(gettext_lazy("Range, km"), _thousandths),
        "emission_class": Field(gettext_lazy("Emission class"), _emission_class),
        "own_co2_mg_per_m": Field(gettext_lazy("Own CO2e, g per km")),
        "active": _ACTIVE,
    },
    "driver": {
        "name": _NAME,
        "external_id": _OWN_ID,
        "phone": Field(gettext_lazy("Phone")),
        "hub": _HUB,
        "skills": _SKILLS,
        "member": Field(gettext_lazy("Member")),
        "active": _ACTIVE,
    },
    "shift": {
        "external_id": _OWN_ID,
        "hub": _HUB,
        "vehicle": Field(gettext_lazy("Vehicle")),
        "driver": Field(gettext_lazy("Driver")),
        "service_date": Field(gettext_lazy("Day"), _day),
        "starts_at": Field(gettext_lazy("Starts"), _instant),
        "ends_at": Field(gettext_lazy("Ends"), _instant),
        "breaks": Field(gettext_lazy("Breaks"), _breaks),
        "state": Field(gettext_lazy("Status"), status_word),
    },
}


def names(ids: Iterable[str]) -> Names:
    """Return the names of hubs, zones, vehicles, drivers and shifts: at most one query each."""
    ids_by_prefix: dict[str, set[str]] = {}
    for public_id in ids:
        ids_by_prefix.setdefault(public_id.partition("_")[0], set()).add(public_id)
    known_names: dict[str, str] = {}
    for prefix, model in (("hub", Hub), ("zon", Zone), ("veh", Vehicle), ("drv", Driver)):
        if prefix in ids_by_prefix:
            rows = model.objects.filter(public_id__in=ids_by_prefix[prefix])  # type: ignore[attr-defined]
            known_names |= dict(rows.values_list("public_id", "name"))
    if "sft" in ids_by_prefix:
        shifts = Shift.objects.filter(public_id__in=ids_by_prefix["sft"])
        for shift, vehicle, day in shifts.values_list("public_id", "vehicle__name", "service_date"):
            known_names[shift] = _("%(vehicle)s on %(day)s") % {
                "vehicle": vehicle,
                "day": formatting.date(day),
            }
    return known_names


def words() -> AuditWords:
    """Return the words of the audit log for the fleet."""
    return AuditWords(sentences=SENTENCES, fields=FIELDS, names=names)
