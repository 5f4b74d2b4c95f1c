"""The services of the delivery page: rate a delivery, tell an arrival, erase a person."""

from portal.tracking.services.arriving import tell_here, tell_on_the_way
from portal.tracking.services.erasing import erase_person, forget_texts
from portal.tracking.services.rating import rate_delivery

__all__ = ["erase_person", "forget_texts", "rate_delivery", "tell_here", "tell_on_the_way"]
