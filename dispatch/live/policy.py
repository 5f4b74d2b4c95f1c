"""The sections of the policy about drivers, proof, and what shoppers see of the position."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
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
    early: bool = setting(
        False,
        _("Drivers may deliver before the promised window opens"),
        help=_("If off, a driver who is early waits, and all later stops are expected later."),
    )
    late_minutes: int = setting(
        5,
        _("Minutes after the promised window from which a delay is an incident"),
        help=_("The incident is opened as soon as the delay is expected, before the window ends."),
        least=0,
        most=240,
    )
    dwell_minutes: int = setting(
        15,
        _("Minutes at a stop beyond the planned time from which it is an incident"),
        least=1,
        most=240,
    )
    start_minutes: int = setting(
        10,
        _("Minutes after the planned start from which a shift that has not begun is an incident"),
        least=1,
        most=240,
    )
    signal_minutes: int = setting(
        10,
        _("Minutes without a position from which a vehicle on the road is an incident"),
        help=_("Three times as long for a vehicle that has sent no position on this shift."),
        least=2,
        most=240,
    )
    places_days: int = setting(
        60,
        _("Notes and places of drivers, days"),
        help=_("After this time notes and coordinates are deleted. What happened and when stays."),
        least=1,
        most=400,
    )


class AfterFailed(StrEnum):
    """The rule for an order whose visit failed, once its vehicle is back.

    - ask: a dispatcher decides.
    - next_day: it is planned again for the next day on which its hub is open.
    - option: its shopper is invited to choose another time or option. Without one that fits, its
      goods stay at the hub, and staff is told.
    - hub: its goods stay at the hub, and the order is returned.
    """

    ASK = "ask"
    NEXT_DAY = "next_day"
    OPTION = "option"
    HUB = "hub"


@dataclass(frozen=True, slots=True)
class FailedPolicy:
    """The settings of a retailer for failed attempts."""

    title: ClassVar[Label] = _("Failed attempts")
    after_failed: str = setting(
        AfterFailed.ASK.value,
        _("When a visit failed and the vehicle is back"),
        help=_("The driver can correct an outcome until then."),
        choices=[
            (AfterFailed.ASK.value, _("A dispatcher decides")),
            (AfterFailed.NEXT_DAY.value, _("Try again on the next day")),
            (AfterFailed.OPTION.value, _("The shopper chooses another time or option")),
            (AfterFailed.HUB.value, _("The goods go back to the hub, and the order is returned")),
        ],
    )
    most_attempts: int = setting(
        3,
        _("Most attempts"),
        help=_("After this number the goods go back to the hub."),
        least=1,
        most=10,
    )


@dataclass(frozen=True, slots=True)
class ProofPolicy:
    """The settings of a retailer for the proof of a delivery, and how long it is kept."""

    title: ClassVar[Label] = _("Proof of delivery")
    photo_if_contactless: bool = setting(
        True,
        _("Photo when the goods are left without a person"),
        help=_("Contactless, in a safe place or in a lockbox."),
    )
    name_if_attended: bool = setting(
        False,
        _("Name of the receiver when the goods are handed over in person"),
        help=_("The driver types it, or chooses a neighbour or another person."),
    )
    scan: bool = setting(
        False,
        _("Scan of the parcels at the door"),
        help=_("Only for orders whose parcels have a barcode. The driver can type it."),
    )
    signature_from_value: int = setting(
        0,
        _("Signature from this value of the order, in whole units of its currency"),
        help=_("0 means never. An order that demands a signature is always signed."),
        least=0,
        most=1_000_000,
    )
    photo_days: int = setting(
        365,
        _("Photos, signatures and names of receivers, days"),
        help=_("After this time they are deleted. The hashes and the times stay."),
        least=1,
        most=1_830,
    )


@dataclass(frozen=True, slots=True)
class TrackingPolicy:
    """The settings of a retailer for what shoppers see of the driver's position."""

    title: ClassVar[Label] = _("Live tracking for shoppers")
    shows_position: bool = setting(
        True,
        _("Show shoppers the position of the driver"),
        help=_("Only on the way to them. Without it, shoppers see times and stops."),
    )
    stops_ahead: int = setting(
        0,
        _("Stops before the shopper's stop at which the position appears"),
        help=_("0 means: only when the shopper is the next stop."),
        least=0,
        most=5,
    )
    oldest_minutes: int = setting(
        5,
        _("Minutes after which a position is too old to be shown"),
        least=1,
        most=30,
    )


def proof_policy() -> ProofPolicy:
    """Return the present retailer's settings for the proof of a delivery."""
    return policy(ProofPolicy)


def failed_policy() -> FailedPolicy:
    """Return the present retailer's settings for failed attempts."""
    return policy(FailedPolicy)


def driver_policy() -> DriverPolicy:
    """Return the present retailer's settings for drivers."""
    return policy(DriverPolicy)


def tracking_policy() -> TrackingPolicy:
    """Return the present retailer's settings for the position that shoppers see."""
    return policy(TrackingPolicy)
