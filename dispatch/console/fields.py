"""Form fields that several pages of the console share."""

from __future__ import annotations

from typing import Any

from django import forms

from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import hubs_of
from tenants.permissions import Principal

Choices = list[tuple[str, str]]


def open_hubs(principal: Principal) -> list[Hub]:
    """Return the active hubs of a principal."""
    return list(hubs_of(principal).filter(active=True))


def split_skills(text: str) -> list[str]:
    """Return the skills of a text in which commas separate them."""
    return [word.strip() for word in text.split(",") if word.strip()]


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
