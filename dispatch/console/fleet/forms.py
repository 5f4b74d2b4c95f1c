"""The forms of hubs, zones, vehicles and drivers: what a person types, as services take it.

Each has ``start(row)`` for what stands, and ``said()`` for what the service is told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from dispatch.console.fields import HubField, open_hubs, words_of
from dispatch.console.fleet import locating, words
from dispatch.emissions import VEHICLE_CLASSES
from dispatch.fleet.models import Driver, Hub, Vehicle, Zone
from lastmile.core.errors import Invalid
from lastmile.core.tenancy import current_retailer
from tenants.people import selectors as people
from tenants.permissions import Principal, Role

DAYS = range(7)
NO_STREETS = "none"  # a choice of its own; empty is not chosen yet


class NounForm(forms.Form):
    """A noun of fleet: name and own number first, whether it is in use last."""

    fields_of: ClassVar[dict[str, str]] = {}  # where a service's pointers point in this form
    name = forms.CharField(label=_("Name"), max_length=120)
    external_id = forms.CharField(label=_("Your own ID (optional)"), max_length=64, required=False)

    def __init__(self, principal: Principal, row: Any = None, data: Any = None) -> None:
        self.row = row
        super().__init__(data, initial=self.start(row) if row else None)
        hub = self.fields.get("hub")
        if isinstance(hub, HubField):
            offered = open_hubs(principal)
            hub.offer(offered if row is None or row.hub in offered else [row.hub, *offered])
        if row is not None and hasattr(row, "active"):
            self.fields["active"] = forms.BooleanField(label=_("Active"), required=False)
            self.initial["active"] = row.active

    def start(self, row: Any) -> dict[str, Any]:
        """What the form shows of a row that stands."""
        plain = {name: getattr(row, name) for name in self.fields_kept if hasattr(row, name)}
        return plain | ({"hub": row.hub.public_id} if "hub" in self.base_fields else {})

    @property
    def fields_kept(self) -> list[str]:
        return [name for name in self.base_fields if name != "hub"]

    def said(self) -> dict[str, Any]:
        """What the service is told."""
        return dict(self.cleaned_data)


class HubForm(NounForm):
    """A depot or a store."""

    address = forms.CharField(label=_("Address"), max_length=500, required=False)
    lat = forms.FloatField(label=_("Latitude"), widget=forms.NumberInput(attrs={"step": "any"}))
    lon = forms.FloatField(label=_("Longitude"), widget=forms.NumberInput(attrs={"step": "any"}))
    zone = forms.CharField(
        label=_("Time zone"), max_length=64, widget=forms.TextInput(attrs={"list": "zones"})
    )
    loading_minutes = forms.IntegerField(
        label=_("Minutes to load a vehicle"), min_value=0, max_value=240, initial=20
    )
    network = forms.ChoiceField(label=_("Street network"), required=False)

    def __init__(self, principal: Principal, row: Hub | None = None, data: Any = None) -> None:
        super().__init__(principal, row, data)
        week = row.hours if row else [[[360, 1320]]] * 7
        for day in DAYS:
            self.fields[f"day_{day}"] = forms.CharField(
                label=words.day_name(day), required=False, max_length=120,
                initial=words.hours_words(week[day]),
            )  # fmt: skip
        self._offer_networks(row)
        if row is None:
            self.initial["zone"] = current_retailer().zone

    def _offer_networks(self, row: Hub | None) -> None:
        """Offer the loaded networks; only a sole one is chosen beforehand."""
        loaded = locating.names()
        kept = {row.network: row.network} if row and row.network else {}
        network = self.fields["network"]
        assert isinstance(network, forms.ChoiceField)
        none = _g("None (straight lines)")
        if not (loaded or kept):
            network.choices = [("", none)]
            return
        network.required = True
        network.error_messages["required"] = _g(
            "Choose the street network of the hub's city. Without one, distances are straight "
            "lines."
        )
        network.choices = [
            ("", _g("Choose a street network")), (NO_STREETS, none), *(kept | loaded).items(),
        ]  # fmt: skip
        if row is not None:
            self.initial["network"] = row.network or NO_STREETS
        elif len(loaded) == 1:
            self.initial["network"] = next(iter(loaded))

    def take(self, sent: Mapping[str, str]) -> None:
        """Show what somebody has typed so far, without judging it."""
        typed = {name: sent.get(name, "") for name in self.fields if name != "active"}
        self.initial.update(typed)
        if "active" in self.fields:
            self.initial["active"] = bool(sent.get("active"))

    @property
    def streets(self) -> str:
        """The network that the form names now, "" for none."""
        found = str(self["network"].value() or "")
        return "" if found == NO_STREETS else found

    @property
    def zones(self) -> list[str]:
        """What the browser offers while a time zone is typed."""
        return sorted(name for name in available_timezones() if "/" in name)

    @property
    def days(self) -> list[Any]:
        """The seven fields of opening hours."""
        return [self[f"day_{day}"] for day in DAYS]

    def start(self, row: Hub) -> dict[str, Any]:
        return super().start(row) | {"loading_minutes": row.loading_s // 60}

    def clean(self) -> dict[str, Any]:
        """Read the seven days."""
        kept: dict[str, Any] = super().clean() or {}
        week: list[list[list[int]]] = []
        for day in DAYS:
            try:
                week.append(words.hours_read(kept.pop(f"day_{day}", "")))
            except Invalid as fault:
                self.add_error(f"day_{day}", fault.detail)
        if kept.get("network") == NO_STREETS:
            kept["network"] = ""
        self._refuse_far_streets(kept)
        return kept | {"hours": week}

    def _refuse_far_streets(self, kept: dict[str, Any]) -> None:
        """A hub on the streets of another city would be planned along straight lines."""
        name, lat, lon = (kept.get(key) for key in ("network", "lat", "lon"))
        if not name or lat is None or lon is None or not (-90 <= lat <= 90 and -180 <= lon <= 180):
            return
        if not locating.holds(name, lat, lon):
            title = locating.names().get(name, name)
            self.add_error(
                "network",
                _g(
                    "The hub is outside the street network “%(title)s”. Choose the network of its "
                    "city or none, or move the pin."
                )
                % {"title": title},
            )

    def said(self) -> dict[str, Any]:
        kept = super().said()
        minutes = kept.pop("loading_minutes")
        if self.row is None or minutes != self.row.loading_s // 60:
            kept["loading_s"] = minutes * 60
        return kept

    fields_of = {f"hours/{day}": f"day_{day}" for day in DAYS} | {
        "hours": "day_0",
        "loading_s": "loading_minutes",
    }


class ZoneForm(NounForm):
    """A piece of the map that a hub serves."""

    hub = HubField(label=_("Hub"))
    polygon = forms.CharField(
        label=_("Boundary (GeoJSON)"), max_length=400_000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def start(self, row: Zone) -> dict[str, Any]:
        return super().start(row) | {"polygon": json.dumps(row.polygon)}

    def clean_polygon(self) -> Any:
        """The border as data; its corners are judged by the service."""
        try:
            return json.loads(self.cleaned_data["polygon"])
        except (ValueError, RecursionError):
            raise forms.ValidationError(
                _("This boundary cannot be read. Draw it on the map, or paste a GeoJSON polygon.")
            ) from None


class VehicleForm(NounForm):
    """What carries."""

    hub = HubField(label=_("Hub"))
    plate = forms.CharField(label=_("Number plate"), max_length=20, required=False)
    profile = forms.ChoiceField(
        label=_("Vehicle type"), choices=lambda: list(words.PROFILES.items()), initial="van"
    )
    energy = forms.ChoiceField(
        label=_("Energy"), choices=lambda: list(words.ENERGIES.items()), initial="diesel"
    )
    weight_kg = forms.DecimalField(label=_("Capacity, kg"), max_digits=8, decimal_places=3)
    volume_l = forms.DecimalField(label=_("Capacity, litres"), max_digits=9, decimal_places=3)
    parcels = forms.IntegerField(label=_("Capacity, parcels"))
    fixed_cost = forms.DecimalField(
        label=_("Cost per day"), min_value=0, max_digits=12, required=False
    )
    cost_per_km = forms.DecimalField(
        label=_("Cost per km"), min_value=0, max_digits=12, required=False
    )
    cost_per_hour = forms.DecimalField(
        label=_("Cost per hour"), min_value=0, max_digits=12, required=False
    )
    range_km = forms.IntegerField(label=_("Range, km"), required=False)
    skills = forms.CharField(
        label=_("Skills"),
        required=False,
        help_text=_("Separate with commas, for example: cold, lift."),
    )
    emission_class = forms.ChoiceField(label=_("Emission class"), required=False)

    def __init__(self, principal: Principal, row: Vehicle | None = None, data: Any = None) -> None:
        super().__init__(principal, row, data)
        emission = self.fields["emission_class"]
        assert isinstance(emission, forms.ChoiceField)
        emission.choices = [
            ("", _g("Same as the vehicle type")),
            *((name, words.CLASSES.get(name, name)) for name in VEHICLE_CLASSES),
        ]

    def start(self, row: Vehicle) -> dict[str, Any]:
        currency = current_retailer().currency
        costs = {name: words.from_minor(getattr(row, f"{name}_minor"), currency) for name in _COSTS}
        return super().start(row) | costs | {
            "weight_kg": _short(row.weight_g),
            "volume_l": _short(row.volume_cm3),
            "range_km": None if row.range_m is None else row.range_m // 1000,
            "skills": ", ".join(row.skills),
        }  # fmt: skip

    def said(self) -> dict[str, Any]:
        kept, currency = super().said(), current_retailer().currency
        for name in _COSTS:
            kept[f"{name}_minor"] = words.to_minor(kept.pop(name), currency)
        kept["weight_g"] = round(kept.pop("weight_kg") * 1000)
        kept["volume_cm3"] = round(kept.pop("volume_l") * 1000)
        kept["skills"] = words_of(kept["skills"])
        range_km = kept.pop("range_km")
        if "range_km" in self.changed_data or self.row is None:
            kept["range_m"] = None if range_km is None else range_km * 1000
        if not kept["emission_class"]:
            kept.pop("emission_class")
        return kept

    fields_of = {
        "weight_g": "weight_kg",
        "volume_cm3": "volume_l",
        "range_m": "range_km",
        "fixed_cost_minor": "fixed_cost",
        "cost_per_km_minor": "cost_per_km",
        "cost_per_hour_minor": "cost_per_hour",
    }


_COSTS = ("fixed_cost", "cost_per_km", "cost_per_hour")


def _short(thousandths: int) -> str:
    """Thousandths as a number without needless zeros."""
    return f"{thousandths / 1000:.3f}".rstrip("0").rstrip(".")


class DriverForm(NounForm):
    """Who drives."""

    hub = HubField(label=_("Hub"))
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    skills = forms.CharField(
        label=_("Skills"),
        required=False,
        help_text=_("Separate with commas, for example: cold, lift."),
    )
    member = forms.ChoiceField(
        label=_("Member"), required=False,
        help_text=_(
            "A member with the driver role. A driver without a member cannot use the driver app."
        ),
    )  # fmt: skip

    def __init__(self, principal: Principal, row: Driver | None = None, data: Any = None) -> None:
        super().__init__(principal, row, data)
        drivers = people.members().filter(role=Role.DRIVER, active=True).order_by("name")
        named = dict(drivers.values_list("public_id", "name"))
        if row and row.member:
            named.setdefault(row.member, people.names_of({row.member}).get(row.member, row.member))
        member = self.fields["member"]
        assert isinstance(member, forms.ChoiceField)
        member.choices = [("", _g("No one")), *named.items()]

    def start(self, row: Driver) -> dict[str, Any]:
        return super().start(row) | {"skills": ", ".join(row.skills)}

    def said(self) -> dict[str, Any]:
        kept = super().said()
        return kept | {"skills": words_of(kept["skills"]), "member": kept["member"] or None}
