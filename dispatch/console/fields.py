"""Form fields that several pages of the console share."""

from __future__ import annotations

from typing import Any

from django import forms

from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import hubs_of
from tenants.permissions import Principal

Choices = list[tuple[str, str]]


def open_hubs(principal: Principal) -> list[Hub]:
    """The hubs of a principal that take new work."""
    return list(hubs_of(principal).filter(active=True))


def words_of(text: str) -> list[str]:
    """Skills, apart by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


class HubField(forms.ChoiceField):
    """One of the hubs that the person works for, as a row.

    Give it its hubs by ``offer``; somebody limited to hubs cannot leave it empty.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._hubs: dict[str, Hub] = {}

    def offer(self, hubs: list[Hub], empty: str = "") -> None:
        """Set what may be chosen; ``empty`` is the wording of no choice."""
        self._hubs = {hub.public_id: hub for hub in hubs}
        none: Choices = [("", empty)] if empty else []
        self.choices = [*none, *((hub.public_id, hub.name) for hub in hubs)]
        if not empty and len(hubs) == 1 and self.initial is None:
            self.initial = hubs[0].public_id

    def clean(self, value: Any) -> Hub | None:
        """Return the hub, or None where no choice is allowed."""
        return self._hubs.get(super().clean(value))
