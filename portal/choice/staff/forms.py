"""The form of the question why an option was not offered."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from dispatch.fleet.models import Hub
from dispatch.orders.drafts import PlaceDraft
from dispatch.slots.services import Goods
from lastmile.core.http.forms import DateField
from lastmile.core.tenancy import current_retailer
from tenants.selectors import today

MOST_DAYS = 14


class WhyForm(forms.Form):
    """An address, the goods, and the days to look at."""

    address = forms.CharField(label=_("Address"), max_length=500)
    lat = forms.FloatField(
        label=_("Latitude"), required=False, widget=forms.NumberInput(attrs={"step": "any"})
    )
    lon = forms.FloatField(
        label=_("Longitude"), required=False, widget=forms.NumberInput(attrs={"step": "any"})
    )
    hub = forms.ChoiceField(label=_("Hub"), required=False)
    weight_kg = forms.DecimalField(
        label=_("Weight, kg"), min_value=0, max_value=10_000, initial=2, decimal_places=3
    )
    volume_litres = forms.DecimalField(
        label=_("Volume, litres"), min_value=0, max_value=100_000, initial=10, decimal_places=3
    )
    parcels = forms.IntegerField(label=_("Parcels"), min_value=1, max_value=1000, initial=1)
    since = DateField(label=_("From day"))
    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=MOST_DAYS, initial=3)

    def __init__(self, hubs: list[Hub], data: Any = None) -> None:
        super().__init__(data, initial={"since": today()})
        hub = self.fields["hub"]
        assert isinstance(hub, forms.ChoiceField)
        named = [(row.public_id, row.name) for row in hubs]
        hub.choices = [("", _g("Chosen by the address")), *named]

    def clean(self) -> dict[str, Any]:
        """Check that both coordinates are given, or neither."""
        values: dict[str, Any] = super().clean() or {}
        if (values.get("lat") is None) != (values.get("lon") is None):
            self.add_error("lon", _g("Give both coordinates, or neither."))
        return values

    def place(self) -> PlaceDraft:
        """Return the address as the services take it."""
        values = self.cleaned_data
        return PlaceDraft(text=values["address"], lat=values["lat"], lon=values["lon"])

    def goods(self) -> Goods:
        """Return the goods as the services take them."""
        values = self.cleaned_data
        return Goods(
            parcel_count=values["parcels"],
            weight_g=round(values["weight_kg"] * 1000),
            volume_cm3=round(values["volume_litres"] * 1000),
            currency=current_retailer().currency,
        )
