"""The states of slots, holds and choices and the allowed moves between them."""

from __future__ import annotations

from enum import StrEnum


class SlotState(StrEnum):
    """The state of a slot. A closed slot is not offered; its promises are kept."""

    OPEN = "open"
    CLOSED = "closed"


class HoldState(StrEnum):
    """The state of a hold.

    - live: a shopper looks at the place. It ends at ``expires_at``.
    - kept: the place is kept for the retailer's order. It ends at ``expires_at``.
    - promised: an order has a promise for the place.
    - released: the place was given back.
    """

    LIVE = "live"
    KEPT = "kept"
    PROMISED = "promised"
    RELEASED = "released"


class ChoiceState(StrEnum):
    """The state of a choice.

    - waiting: the retailer's order has not come yet.
    - used: an order came and has the promise.
    - expired: no order came in time.
    - cancelled: the shopper or the retailer took it back.
    """

    WAITING = "waiting"
    USED = "used"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


H, C = HoldState, ChoiceState
#: A promised hold is released when the promise is superseded or the order is cancelled. A hold
#: that was released because it expired is live again if its place still fits.
HOLD_MOVES: dict[HoldState, frozenset[HoldState]] = {
    H.LIVE: frozenset({H.KEPT, H.PROMISED, H.RELEASED}),
    H.KEPT: frozenset({H.PROMISED, H.RELEASED}),
    H.PROMISED: frozenset({H.RELEASED}),
    H.RELEASED: frozenset({H.LIVE}),
}
#: An expired choice may still be used or wait again: if its slot still fits, it is kept.
CHOICE_MOVES: dict[ChoiceState, frozenset[ChoiceState]] = {
    C.WAITING: frozenset({C.USED, C.EXPIRED, C.CANCELLED}),
    C.EXPIRED: frozenset({C.WAITING, C.USED, C.CANCELLED}),
    C.USED: frozenset(),
    C.CANCELLED: frozenset(),
}
#: States in which a hold takes a place of its slot, also after its time until it is given back.
TAKING = frozenset({H.LIVE, H.KEPT, H.PROMISED})
