"""The parcels of a delivery as lockers need them, and the refusals of a bank in words."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.utils.translation import gettext as _

from dispatch.slots.services import DeliveryRequest
from lastmile.core.errors import DomainError
from lastmile.core.refusals import unknown
from lockers.errors import NoFreeCompartment, ReservationMoveNotAllowed
from lockers.fitting import Need, ParcelNeed, Size
from lockers.models import LockerBank
from lockers.selectors import banks
from lockers.states import Capability
from portal.choice.errors import LockerGone

MOST_PARCELS: Final = 4  # compartments that one order takes at most. Chosen.


def parcels_of(request: DeliveryRequest) -> list[ParcelNeed]:
    """Return the needs of the parcels of a delivery; none if the size of one is not known.

    A parcel without sides counts as a cube of its share of the volume that is left. That is a
    model: a courier whose parcel does not fit gets another compartment at the bank.
    """
    known = [Size(width_mm=a, height_mm=b, depth_mm=c) for a, b, c in request.parcel_sides_mm]
    count = max(request.parcels, 1)
    known, left = known[:count], count - len(known[:count])
    if left:
        share = request.volume_cm3 - sum(size.volume_mm3 for size in known) / 1000
        if share <= 0:
            return []
        side = round((share / left * 1000) ** (1 / 3))
        known += [Size(width_mm=side, height_mm=side, depth_mm=side)] * left if side else []
    if not 0 < len(known) <= MOST_PARCELS:
        return []
    cooled = Capability.COOLED in request.skills
    weight = -(-request.weight_g // len(known))
    return [ParcelNeed(need=Need(size=size, cooled=cooled), weight_g=weight) for size in known]


def may_be_left(request: DeliveryRequest) -> bool:
    """Return True if goods may wait in a locker: a delivery that needs nobody at the door."""
    return not request.collects and not request.must_be_attended


def offered_bank(offer: str) -> tuple[LockerBank, dt.date]:
    """Return the bank and the day of an offer. Raises LockerGone."""
    public_id, _dot, date = offer.partition(".")
    bank = banks().filter(public_id=public_id, active=True).first()
    try:
        day = dt.date.fromisoformat(date)
    except ValueError:
        raise unknown() from None
    if bank is None:
        raise LockerGone(
            _("This locker is no longer in use. Choose another one."),
            data={"reason": "site_unknown"},
        )
    return bank, day


def no_longer(detail: str, bank: LockerBank, reason: object = "") -> LockerGone:
    """Return the refusal of a bank that can no longer take the parcels."""
    return LockerGone(detail, data={"bank": bank.public_id, "reason": str(reason or "")})


def too_late_for(bank: LockerBank) -> LockerGone:
    """Return the refusal of a day whose last time to choose a locker has passed."""
    return no_longer(_("This locker can no longer be reached on that day. Look again."), bank)


def refused_by(bank: LockerBank, refused: DomainError) -> LockerGone:
    """Return what a shopper reads if a bank refused the parcels."""
    texts: dict[type[DomainError], str] = {
        NoFreeCompartment: _("This locker has just filled up. Choose another one."),
        ReservationMoveNotAllowed: _("The locker is no longer kept for you. Choose again."),
    }
    other = _("This locker cannot take your parcels now. Choose another one.")
    return no_longer(texts.get(type(refused), other), bank, refused.data.get("reason"))
