"""The forms of hubs, zones, vehicles and drivers.

Each form has ``initial_values(row)``, which reads an existing row, and ``values()``, which returns
the keyword arguments of the service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from dispatch.console.fields import (
    HubField,
    PhoneInput,
    from_minor,
    open_hubs,
    split_skills,
    to_minor,
)
from dispatch.console.fleet import locating, words
from dispatch.emissions import VEHICLE_CLASSES
from dispatch.fleet.models import Driver, Hub, Vehicle, Zone
from lastmile.core.errors import Invalid
from lastmile.core.tenancy import current_retailer
from tenants.people import selectors as people
from tenants.permissions import Principal, Role

DAYS = range(7)
NO_STREETS = "none"  # the choice of no network; the empty value means not chosen yet


class FleetForm(forms.Form):
    """The base of the fleet's forms: name and external id first, the active flag last."""

    # JSON pointer of a service's error -> field of this form
    fields_by_pointer: ClassVar[dict[str, str]] = {}
    name = forms.CharField(label=_("Name"), max_length=120)
    external_id = forms.CharField(label=_("Your own ID (optional)"), max_length=64, required=False)

    def __init__(self, principal: Principal, row: Any = None, data: Any = None) -> None:
        self.row = row
        super().__init__(data, initial=self.initial_values(row) if row else None)
        hub = self.fields.get("hub")
        if isinstance(hub, HubField):
            offered = open_hubs(principal)
            hub.offer(offered if row is None or row.hub in offered else [row.hub, *offered])
        if row is not None and hasattr(row, "active"):
            self.fields["active"] = forms.BooleanField(label=_("Active"), required=False)
            self.initial["active"] = row.active

    def initial_values(self, row: Any) -> dict[str, Any]:
        """Return the form's initial values for an existing row."""
        plain = {name: getattr(row, name) for name in self.plain_fields if hasattr(row, name)}
        return plain | ({"hub": row.hub.public_id} if "hub" in self.base_fields else {})

    @property
    def plain_fields(self) -> list[str]:
        """The names of the fields that are columns of the row."""
        return [name for name in self.base_fields if name != "hub"]

    def values(self) -> dict[str, Any]:
        """Return the keyword arguments of the service."""
        return dict(self.cleaned_data)


class HubForm(FleetForm):
    """The form of a hub."""

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
        """Offer the loaded networks; if only one is loaded, choose it for a new hub."""
        loaded = locating.network_titles()
        current = {row.network: row.network} if row and row.network else {}
        network = self.fields["network"]
        assert isinstance(network, forms.ChoiceField)
        none = _g("None (straight lines)")
        if not (loaded or current):
            network.choices = [("", none)]
            return
        network.required = True
        network.error_messages["required"] = _g(
            "Choose the street network of the hub's city. Without one, distances are straight "
            "lines."
        )
        network.choices = [
            ("", _g("Choose a street network")), (NO_STREETS, none), *(current | loaded).items(),
        ]  # fmt: skip
        if row is not None:
            self.initial["network"] = row.network or NO_STREETS
        elif len(loaded) == 1:
            self.initial["network"] = next(iter(loaded))

    def fill_from(self, sent: Mapping[str, str]) -> None:
        """Show the values typed so far, without validating them."""
        typed = {name: sent.get(name, "") for name in self.fields if name != "active"}
        self.initial.update(typed)
        if "active" in self.fields:
            self.initial["active"] = bool(sent.get("active"))

    @property
    def streets(self) -> str:
        """The name of the chosen network, or "" if none is chosen."""
        name = str(self["network"].value() or "")
        return "" if name == NO_STREETS else name

    @property
    def zones(self) -> list[str]:
        """The time zones that the browser suggests while the person types."""
        return sorted(name for name in available_timezones() if "/" in name)

    @property
    def days(self) -> list[Any]:
        """The seven fields of the opening hours, Monday first."""
        return [self[f"day_{day}"] for day in DAYS]

    def initial_values(self, row: Hub) -> dict[str, Any]:
        return super().initial_values(row) | {"loading_minutes": row.loading_s // 60}

    def clean(self) -> dict[str, Any]:
        """Read the opening hours of the seven days and check the chosen network."""
        values: dict[str, Any] = super().clean() or {}
        week: list[list[list[int]]] = []
        for day in DAYS:
            try:
                week.append(words.hours_read(values.pop(f"day_{day}", "")))
            except Invalid as fault:
                self.add_error(f"day_{day}", fault.detail)
        if values.get("network") == NO_STREETS:
            values["network"] = ""
        self._refuse_far_streets(values)
        return values | {"hours": week}

    def _refuse_far_streets(self, values: dict[str, Any]) -> None:
        """Refuse a network that does not cover the hub.

        Plans of such a hub would use straight lines instead of streets.
        """
        name, lat, lon = (values.get(key) for key in ("network", "lat", "lon"))
        if not name or lat is None or lon is None or not (-90 <= lat <= 90 and -180 <= lon <= 180):
            return
        if not locating.covers(name, lat, lon):
            title = locating.network_titles().get(name, name)
            self.add_error(
                "network",
                _g(
                    "The hub is outside the street network “%(title)s”. Choose the network of its "
                    "city or none, or move the pin."
                )
                % {"title": title},
            )

    def values(self) -> dict[str, Any]:
        values = super().values()
        minutes = values.pop("loading_minutes")
        if self.row is None or minutes != self.row.loading_s // 60:
            values["loading_s"] = minutes * 60
        return values

    fields_by_pointer = {f"hours/{day}": f"day_{day}" for day in DAYS} | {
        "hours": "day_0",
        "loading_s": "loading_minutes",
    }


class ZoneForm(FleetForm):
    """The form of a zone."""

    hub = HubField(label=_("Hub"))
    polygon = forms.CharField(
        label=_("Boundary (GeoJSON)"), max_length=400_000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def initial_values(self, row: Zone) -> dict[str, Any]:
        return super().initial_values(row) | {"polygon": json.dumps(row.polygon)}

    def clean_polygon(self) -> Any:
        """Return the boundary as data; the service validates its corners."""
        try:
            return json.loads(self.cleaned_data["polygon"])
        except (ValueError, RecursionError):
            raise forms.ValidationError(
                _("This boundary cannot be read. Draw it on the map, or paste a GeoJSON polygon.")
            ) from None


class VehicleForm(FleetForm):
    """The form of a vehicle."""

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

    def initial_values(self, row: Vehicle) -> dict[str, Any]:
        currency = current_retailer().currency
        costs = {name: from_minor(getattr(row, f"{name}_minor"), currency) for name in _COST_FIELDS}
        return super().initial_values(row) | costs | {
            "weight_kg": _short(row.weight_g),
            "volume_l": _short(row.volume_cm3),
            "range_km": None if row.range_m is None else row.range_m // 1000,
            "skills": ", ".join(row.skills),
        }  # fmt: skip

    def values(self) -> dict[str, Any]:
        values, currency = super().values(), current_retailer().currency
        for name in _COST_FIELDS:
            values[f"{name}_minor"] = to_minor(values.pop(name), currency)
        values["weight_g"] = round(values.pop("weight_kg") * 1000)
        values["volume_cm3"] = round(values.pop("volume_l") * 1000)
        values["skills"] = split_skills(values["skills"])
        range_km = values.pop("range_km")
        if "range_km" in self.changed_data or self.row is None:
            values["range_m"] = None if range_km is None else range_km * 1000
        if not values["emission_class"]:
            values.pop("emission_class")
        return values

    fields_by_pointer = {
        "weight_g": "weight_kg",
        "volume_cm3": "volume_l",
        "range_m": "range_km",
        "fixed_cost_minor": "fixed_cost",
        "cost_per_km_minor": "cost_per_km",
        "cost_per_hour_minor": "cost_per_hour",
    }


_COST_FIELDS = ("fixed_cost", "cost_per_km", "cost_per_hour")


def _short(thousandths: int) -> str:
    """Return thousandths as a decimal number without trailing zeros."""
    return f"{thousandths / 1000:.3f}".rstrip("0").rstrip(".")


class DriverForm(FleetForm):
    """The form of a driver."""

    hub = HubField(label=_("Hub"))
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False, widget=PhoneInput())
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

    def initial_values(self, row: Driver) -> dict[str, Any]:
        return super().initial_values(row) | {"skills": ", ".join(row.skills)}

    def values(self) -> dict[str, Any]:
        values = super().values()
        return values | {
            "skills": split_skills(values["skills"]),
            "member": values["member"] or None,
        }
