"""What every page of the office asks first: who sits here, and which hubs are theirs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from dispatch.fleet import selectors as fleet
from dispatch.fleet.models import Hub
from lastmile.core import clock
from lastmile.core.errors import Invalid
from lastmile.core.tenancy import current_retailer
from tenants.permissions import Principal, visible

Choices = list[tuple[str, str]]


def principal_of(request: HttpRequest) -> Principal:
    """The member whom ``@page`` let in."""
    principal: Principal = request.principal  # type: ignore[attr-defined]
    return principal


def hubs_of(principal: Principal) -> QuerySet[Hub]:
    """The hubs that a principal works for."""
    return visible(principal, fleet.hubs(), "public_id")


def open_hubs(principal: Principal) -> list[Hub]:
    """Those of them that take new work."""
    return list(hubs_of(principal).filter(active=True))


def today() -> dt.date:
    """The date at the retailer's place."""
    return clock.local_date(clock.now(), current_retailer().zone)


def date_of(said: str) -> dt.date | None:
    """A date of a query string; None for anything else."""
    try:
        return dt.date.fromisoformat(said)
    except ValueError:
        return None


def version_of(request: HttpRequest) -> int | None:
    """The version that a form was filled in at. Raises Invalid when it is no number."""
    said = request.POST.get("version", "")
    if not said:
        return None
    if not (said.isascii() and said.isdigit() and len(said) < 10):
        raise Invalid(_("This form is damaged. Reload the page."))
    return int(said)


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
