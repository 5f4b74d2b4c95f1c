"""The section of the policy about lockers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from tenants.people.selectors import policy
from tenants.sections import Label, setting


class AfterUncollected(StrEnum):
    """The rule for an order whose parcel a courier took out because nobody collected it.

    - hub: its goods go back to the hub, and the order is returned.
    - next_day: it is planned again for the next day on which its hub is open.
    """

    HUB = "hub"
    NEXT_DAY = "next_day"


@dataclass(frozen=True, slots=True)
class LockerPolicy:
    """The settings of a retailer for lockers."""

    title: ClassVar[Label] = _("Lockers")
    soft_hold_minutes: int = setting(
        10, _("Minutes for which a compartment is kept during a checkout"), least=1, most=120
    )
    deposit_hours: int = setting(
        72,
        _("Hours in which a parcel must be put into its compartment"),
        help=_("After that the compartment is given back, unless its bank is offline."),
        least=1,
        most=336,
    )
    collect_hours: int = setting(
        72, _("Hours in which a shopper can collect a parcel"), least=1, most=336
    )
    extensions: int = setting(
        1, _("How often the time to collect can be extended"), least=0, most=10
    )
    after_uncollected: str = setting(
        AfterUncollected.HUB.value,
        _("When a courier took out a parcel that nobody collected"),
        choices=[
            (AfterUncollected.HUB.value, _("The order is returned to the hub")),
            (AfterUncollected.NEXT_DAY.value, _("Deliver it on the next day")),
        ],
    )
    stop_s: int = setting(
        180,
        _("Seconds that a driver needs at a bank, for any number of parcels"),
        help=_("For parking and the way to the bank. Planning counts it once for each stop."),
        least=0,
        most=3600,
    )
    parcel_s: int = setting(
        45, _("Seconds that a driver needs for each parcel at a bank"), least=0, most=900
    )


def locker_policy() -> LockerPolicy:
    """Return the retailer's settings for lockers."""
    return policy(LockerPolicy)
