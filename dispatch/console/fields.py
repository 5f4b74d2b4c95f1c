"""Form fields that several pages of the console share."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import hubs_of
from lastmile.core.money import exponent
from lastmile.core.phones import example, region_of
from lastmile.core.tenancy import current_retailer
from tenants.permissions import Principal

Choices = list[tuple[str, str]]


def open_hubs(principal: Principal) -> list[Hub]:
    """Return the active hubs of a principal."""
    return list(hubs_of(principal).filter(active=True))


def split_skills(text: str) -> list[str]:
    """Return the skills of a text in which commas separate them."""
    return [word.strip() for word in text.split(",") if word.strip()]


class PhoneInput(forms.TextInput):
    """An input for a telephone number; its example is a number of the retailer's country."""

    input_type = "tel"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Add the example as the placeholder, if the retailer's country is known."""
        context = super().get_context(name, value, attrs)
        sample = example(region_of(current_retailer().zone))
        if sample:
            context["widget"]["attrs"]["placeholder"] = sample
        return context


class HubField(forms.ChoiceField):
    """A choice among hubs; its value is the hub's row.

    ``offer`` sets the hubs that can be chosen.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._hubs: dict[str, Hub] = {}

    def offer(self, hubs: list[Hub], empty: str = "") -> None:
        """Set the hubs that can be chosen; ``empty`` labels the choice of no hub, if allowed."""
        self._hubs = {hub.public_id: hub for hub in hubs}
        none: Choices = [("", empty)] if empty else []
        self.choices = [*none, *((hub.public_id, hub.name) for hub in hubs)]
        if not empty and len(hubs) == 1 and self.initial is None:
            self.initial = hubs[0].public_id

    def clean(self, value: Any) -> Hub | None:
        """Return the chosen hub, or None if none was chosen."""
        return self._hubs.get(super().clean(value))


def to_minor(amount: Decimal | None, currency: str) -> int:
    """Return a typed amount in minor units."""
    return 0 if amount is None else round(amount * 10 ** exponent(currency))


def from_minor(minor: int, currency: str) -> Decimal:
    """Return minor units as a decimal amount."""
    places = exponent(currency)
    return (Decimal(minor) / 10**places).quantize(Decimal(1).scaleb(-places))
