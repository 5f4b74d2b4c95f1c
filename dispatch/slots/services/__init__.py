"""The services of slots."""

from dispatch.slots.services.choosing import (
    cancel_choice,
    keep_hold,
    lock_days_of_choices,
    prepare_choice,
    use_choice,
)
from dispatch.slots.services.erasing import erase_person, forget_places
from dispatch.slots.services.following import adopt_promises, settle_order
from dispatch.slots.services.holding import (
    PreparedHold,
    Terms,
    hold_slot,
    prepare_hold,
    release_hold,
)
from dispatch.slots.services.offering import NotOffered, Offer, OfferList, find_offers
from dispatch.slots.services.pricing import Repriced, reprice_hold, repriced
from dispatch.slots.services.promising import prepare_again, prepare_promise, promise_hold
from dispatch.slots.services.requests import (
    DeliveryRequest,
    Goods,
    request_elsewhere,
    request_for_address,
    request_for_order,
)
from dispatch.slots.services.visits import PreparedVisit

__all__ = [
    "DeliveryRequest",
    "Goods",
    "NotOffered",
    "Offer",
    "OfferList",
    "PreparedHold",
    "PreparedVisit",
    "Repriced",
    "Terms",
    "adopt_promises",
    "cancel_choice",
    "erase_person",
    "find_offers",
    "forget_places",
    "hold_slot",
    "keep_hold",
    "lock_days_of_choices",
    "prepare_again",
    "prepare_choice",
    "prepare_hold",
    "prepare_promise",
    "promise_hold",
    "release_hold",
    "reprice_hold",
    "repriced",
    "request_elsewhere",
    "request_for_address",
    "request_for_order",
    "settle_order",
    "use_choice",
]
