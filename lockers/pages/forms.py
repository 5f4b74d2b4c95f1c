"""The forms of banks, of compartments and of files of points."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from dispatch.console.fields import HubField, open_hubs
from lastmile.core.geo import Point
from lastmile.core.phones import region_of
from lastmile.core.tenancy import current_retailer
from lockers.fitting import Size
from lockers.models import Compartment, LockerBank
from lockers.pages import words
from lockers.services.banks import BankDraft
from lockers.services.doors import DoorPlan
from tenants.permissions import Principal

_MOST_MM = 3000


class BankForm(forms.Form):
    """The form of a bank of lockers or of a counter."""

    name = forms.CharField(label=_("Name"), max_length=160)
    external_id = forms.CharField(label=_("Your own ID (optional)"), max_length=64, required=False)
    hub = HubField(label=_("Hub that serves it"))
    kind = forms.ChoiceField(label=_("Kind"), choices=list(words.KINDS.items()))
    network = forms.CharField(label=_("Network (optional)"), max_length=64, required=False)
    address = forms.CharField(label=_("Address"), max_length=500, required=False)
    access = forms.CharField(label=_("How to find it"), max_length=500, required=False)
    lat = forms.FloatField(
        label=_("Latitude"), min_value=-90, max_value=90,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )  # fmt: skip
    lon = forms.FloatField(
        label=_("Longitude"), min_value=-180, max_value=180,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )  # fmt: skip
    zone = forms.CharField(label=_("Time zone"), max_length=64)
    country = forms.CharField(label=_("Country, two letters"), max_length=2)
    hours = forms.CharField(
        label=_("Opening hours"), max_length=500, required=False,
        help_text=_(
            "For example Mo-Fr 08:00-20:00; Sa 09:00-17:00; PH off. PH are public holidays. Empty "
            "means always open."
        ),
    )  # fmt: skip
    capabilities = forms.MultipleChoiceField(
        label=_("Equipment"), required=False, choices=list(words.CAPABILITIES.items()),
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    most_weight_kg = forms.DecimalField(
        label=_("Greatest weight of a parcel, kg (optional)"), required=False, min_value=0,
        max_value=1000, decimal_places=3,
    )  # fmt: skip

    def __init__(
        self, principal: Principal, bank: LockerBank | None = None, data: Any = None
    ) -> None:
        super().__init__(data, initial=_initial(bank))
        hub, offered = self.fields["hub"], open_hubs(principal)
        assert isinstance(hub, HubField)
        hub.offer(offered if bank is None or bank.hub in offered else [bank.hub, *offered])
        if bank is not None:
            self.fields["active"] = forms.BooleanField(label=_("Active"), required=False)
            self.initial["active"] = bank.active

    def draft(self) -> BankDraft:
        """Return the bank that the form describes."""
        data = dict(self.cleaned_data)
        data.pop("active", None)
        weight = data.pop("most_weight_kg")
        return BankDraft(
            point=Point(lat=data.pop("lat"), lon=data.pop("lon")),
            external_id=data.pop("external_id") or None,
            country=data.pop("country").upper(),
            most_weight_g=int(weight * 1000) if weight else None,
            **data,
        )


def _initial(bank: LockerBank | None) -> dict[str, Any]:
    if bank is None:
        zone = current_retailer().zone
        return {"zone": zone, "country": region_of(zone)}
    names = ("name", "kind", "network", "address", "access", "lat", "lon", "zone", "country")
    values = {name: getattr(bank, name) for name in names}
    weight = bank.most_weight_g
    return values | {
        "external_id": bank.external_id or "",
        "hub": bank.hub.public_id,
        "hours": bank.hours,
        "capabilities": bank.capabilities,
        "most_weight_kg": None if weight is None else weight / 1000,
    }


class DoorsForm(forms.Form):
    """The template that adds compartments: columns of equal doors."""

    columns = forms.IntegerField(label=_("Columns"), min_value=1, max_value=50, initial=3)
    doors = forms.IntegerField(label=_("Doors in a column"), min_value=1, max_value=50, initial=6)
    size_class = forms.CharField(label=_("Size class"), max_length=16, required=False, initial="M")
    width_mm = forms.IntegerField(
        label=_("Inner width, mm"), initial=380, min_value=1, max_value=_MOST_MM
    )
    height_mm = forms.IntegerField(
        label=_("Inner height, mm"), initial=190, min_value=1, max_value=_MOST_MM
    )
    depth_mm = forms.IntegerField(
        label=_("Inner depth, mm"), initial=640, min_value=1, max_value=_MOST_MM
    )
    low_doors = forms.IntegerField(
        label=_("Low doors in a column"), min_value=0, max_value=50, initial=2, required=False,
        help_text=_("The lowest doors that a person in a wheelchair reaches."),
    )  # fmt: skip
    cooled = forms.BooleanField(label=_("Cooled"), required=False)

    def plan(self) -> DoorPlan:
        """Return the doors that the form describes."""
        data = self.cleaned_data
        return DoorPlan(
            columns=data["columns"],
            doors=data["doors"],
            inside=_size(data),
            size_class=data["size_class"],
            low_doors=data["low_doors"] or 0,
            cooled=data["cooled"],
        )


class CompartmentForm(forms.Form):
    """The form of one compartment."""

    number = forms.CharField(label=_("Number on the door"), max_length=16)
    side = forms.CharField(label=_("Column"), max_length=16, required=False)
    size_class = forms.CharField(label=_("Size class"), max_length=16, required=False)
    width_mm = forms.IntegerField(label=_("Inner width, mm"), min_value=1, max_value=_MOST_MM)
    height_mm = forms.IntegerField(label=_("Inner height, mm"), min_value=1, max_value=_MOST_MM)
    depth_mm = forms.IntegerField(label=_("Inner depth, mm"), min_value=1, max_value=_MOST_MM)
    low = forms.BooleanField(label=_("Low door"), required=False)
    cooled = forms.BooleanField(label=_("Cooled"), required=False)

    def __init__(self, box: Compartment, data: Any = None) -> None:
        super().__init__(data, initial={name: getattr(box, name) for name in self.base_fields})

    def values(self) -> dict[str, Any]:
        """Return the columns of the compartment."""
        data = dict(self.cleaned_data)
        inside = _size(data)
        rest = ("number", "side", "size_class", "low", "cooled")
        return {"inside": inside} | {name: data[name] for name in rest}


def _size(data: dict[str, Any]) -> Size:
    return Size(width_mm=data["width_mm"], height_mm=data["height_mm"], depth_mm=data["depth_mm"])


class PointsForm(forms.Form):
    """A file of points, with the hub and the kind for points without their own."""

    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".geojson,.json,.csv,.tsv,.txt,.xlsx"}),
        error_messages={"required": _("Choose a file first.")},
    )
    hub = HubField(label=_("Hub for points without a hub"), required=False)
    kind = forms.ChoiceField(label=_("Kind of points without one"), required=False)

    def __init__(self, principal: Principal, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hub, kind = self.fields["hub"], self.fields["kind"]
        assert isinstance(hub, HubField)
        assert isinstance(kind, forms.ChoiceField)
        limited = principal.hubs is not None
        hub.required = limited
        hub.offer(open_hubs(principal), "" if limited else _g("The nearest hub"))
        kinds = [(name, words.KINDS[name]) for name in ("vendor", "counter")]
        kind.choices = [("", _g("Refuse them")), *kinds]
