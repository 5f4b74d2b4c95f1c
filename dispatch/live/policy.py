"""The section of the policy about drivers: corrections, and how long places are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from tenants.people.selectors import policy
from tenants.sections import Label, setting


@dataclass(frozen=True, slots=True)
class DriverPolicy:
    """The settings of a retailer for drivers."""

    title: ClassVar[Label] = _("Drivers")
    correction_minutes: int = setting(
        60,
        _("Minutes in which a driver can correct an outcome"),
        help=_("After this time the correction is an incident, and a dispatcher decides."),
        least=0,
        most=1440,
    )
    places_days: int = setting(
        60,
        _("Notes and places of drivers, days"),
        help=_("After this time notes and coordinates are deleted. What happened and when stays."),
        least=1,
        most=400,
    )


def driver_policy() -> DriverPolicy:
    """Return the present retailer's settings for drivers."""
    return policy(DriverPolicy)
