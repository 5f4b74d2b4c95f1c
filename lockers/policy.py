"""The section of the policy about lockers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from tenants.people.selectors import policy
from tenants.sections import LARGEST, Label, setting


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
    in_choice: bool = setting(
        True,
        _("Offer shoppers your lockers and counters"),
        help=_("They see those near their address that have room for their parcels."),
    )
    choice_radius_m: int = setting(
        2_000,
        _("Metres from the address within which lockers are offered"),
        least=100,
        most=50_000,
    )
    choice_banks: int = setting(5, _("Lockers that one shopper sees at most"), least=1, most=20)
    choice_price_minor: int = setting(
        0,
        _("Price of a delivery to a locker"),
        help=_("In the smallest unit of your currency, such as cents."),
        least=0,
        most=LARGEST,
    )
    ready_minute: int = setting(
        18 * 60,
        _("Minute of the day when all parcels are in their lockers"),
        help=_("Counted from midnight: 1080 is 18:00."),
        least=60,
        most=1439,
    )
    order_by_minute: int = setting(
        20 * 60,
        _("Minute of the day before until which a locker can be chosen"),
        help=_("Counted from midnight: 1200 is 20:00."),
        least=0,
        most=1439,
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
