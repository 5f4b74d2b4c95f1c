"""The states of a hold of a bank of lockers, and the moves between them. PURE."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from lockers.states import ReservationState


class PlaceState(StrEnum):
    """The state of a hold at a bank of lockers.

    - live: a shopper looks at it. It ends by itself after minutes.
    - kept: a choice keeps it for the retailer's order.
    - promised: an order has it.
    - expired: its time is over, or the bank lost its compartments. It can be held again.
    - released: it was given back, or its order went to another place. It never comes back.
    """

    LIVE = "live"
    KEPT = "kept"
    PROMISED = "promised"
    EXPIRED = "expired"
    RELEASED = "released"


P, S = PlaceState, ReservationState
#: A choice whose time is over can be kept again, as long as its bank has room.
PLACE_MOVES: Final[dict[PlaceState, frozenset[PlaceState]]] = {
    P.LIVE: frozenset({P.KEPT, P.PROMISED, P.EXPIRED, P.RELEASED}),
    P.KEPT: frozenset({P.PROMISED, P.EXPIRED, P.RELEASED}),
    P.EXPIRED: frozenset({P.KEPT, P.PROMISED, P.RELEASED}),
    P.PROMISED: frozenset({P.RELEASED}),
    P.RELEASED: frozenset(),
}
#: A hold may be confirmed from these states: kept for an order, or promised to one.
CONFIRMABLE: Final = frozenset({P.LIVE, P.KEPT, P.EXPIRED})
#: Reservations in these states no longer serve the order of a hold.
LEFT: Final = frozenset({S.CANCELLED, S.MOVED, S.REJECTED})


def place_state(
    reservations: frozenset[ReservationState],
    *,
    is_released: bool,
    has_order: bool,
    has_choice: bool,
    is_over: bool,
) -> PlaceState:
    """Return the state of a hold.

    Parameters
    ----------
    reservations : frozenset of ReservationState
        The states of its compartments.
    is_released : bool
        It was given back.
    has_order, has_choice : bool
        An order has taken it; a choice keeps it.
    is_over : bool
        The time of its choice, or of one of its compartments, is over.
    """
    if is_released:
        return P.RELEASED
    if has_order:
        return P.RELEASED if reservations and reservations <= LEFT else P.PROMISED
    if reservations and reservations <= {S.CANCELLED}:
        return P.RELEASED
    if is_over or reservations != {S.SOFT_HELD}:
        return P.EXPIRED
    return P.KEPT if has_choice else P.LIVE
