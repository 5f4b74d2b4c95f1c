"""The states of an order and the allowed moves between them."""

from __future__ import annotations

from enum import StrEnum


class OrderState(StrEnum):
    """The state of an order.

    - needs_pin: the place of the order is not on the map.
    - placed: the place is on the map, but the hub or the service date is missing.
    - ready: the order can be planned.
    - planned: a published plan contains the order.
    - loaded: the goods are in the vehicle.
    - out: the goods are on the road.
    - awaiting_collection: the goods are at a curbside, counter or locker for the shopper.
    - delivered: the shopper has the goods.
    - failed: the last attempt failed.
    - returned: the goods are back at the hub.
    - cancelled: the order was cancelled.
    """

    NEEDS_PIN = "needs_pin"
    PLACED = "placed"
    READY = "ready"
    PLANNED = "planned"
    LOADED = "loaded"
    OUT = "out"
    AWAITING_COLLECTION = "awaiting_collection"
    DELIVERED = "delivered"
    FAILED = "failed"
    RETURNED = "returned"
    CANCELLED = "cancelled"


S = OrderState
MOVES: dict[OrderState, frozenset[OrderState]] = {
    S.NEEDS_PIN: frozenset({S.PLACED, S.READY, S.CANCELLED}),
    S.PLACED: frozenset({S.NEEDS_PIN, S.READY, S.CANCELLED}),
    S.READY: frozenset({S.NEEDS_PIN, S.PLACED, S.PLANNED, S.AWAITING_COLLECTION, S.CANCELLED}),
    S.PLANNED: frozenset({S.READY, S.LOADED, S.OUT, S.AWAITING_COLLECTION, S.CANCELLED}),
    S.LOADED: frozenset({S.READY, S.PLANNED, S.OUT}),
    S.OUT: frozenset({S.AWAITING_COLLECTION, S.DELIVERED, S.FAILED}),
    S.AWAITING_COLLECTION: frozenset({S.DELIVERED, S.FAILED, S.RETURNED, S.READY}),
    S.FAILED: frozenset({S.READY, S.RETURNED, S.CANCELLED}),
    S.DELIVERED: frozenset(),
    S.RETURNED: frozenset(),
    S.CANCELLED: frozenset(),
}
#: The moves of a return. Its goods are not loaded at the hub and are never delivered. After the
#: pickup they are in the vehicle (loaded) until they are back at the hub (returned).
RETURN_MOVES: dict[OrderState, frozenset[OrderState]] = MOVES | {
    S.READY: MOVES[S.READY] - {S.AWAITING_COLLECTION},
    S.PLANNED: frozenset({S.READY, S.OUT, S.CANCELLED}),
    S.OUT: frozenset({S.LOADED, S.FAILED}),
    S.LOADED: frozenset({S.RETURNED}),
}
#: The moves of a correction: the driver reported another outcome of the same visit.
CORRECTIONS: dict[OrderState, frozenset[OrderState]] = {
    S.DELIVERED: frozenset({S.FAILED}),
    S.FAILED: frozenset({S.DELIVERED}),
}
RETURN_CORRECTIONS: dict[OrderState, frozenset[OrderState]] = {
    S.LOADED: frozenset({S.FAILED}),
    S.FAILED: frozenset({S.LOADED}),
}
#: States of an order that no plan contains yet: a new file or a person may change everything.
OPEN = frozenset({S.NEEDS_PIN, S.PLACED, S.READY})
#: States that have no further moves.
ENDED = frozenset(state for state, moves in MOVES.items() if not moves)


def moves_from(state: OrderState, *, is_return: bool) -> frozenset[OrderState]:
    """Return the states that an order can move to from ``state``."""
    return (RETURN_MOVES if is_return else MOVES)[state]


def corrections_from(state: OrderState, *, is_return: bool) -> frozenset[OrderState]:
    """Return the states that a correction of the last attempt can move an order to."""
    return (RETURN_CORRECTIONS if is_return else CORRECTIONS).get(state, frozenset())


def waiting_state(*, has_pin: bool, has_hub: bool, has_date: bool) -> OrderState:
    """Return the state of an order that is not planned, from the data that it still lacks."""
    if not has_pin:
        return S.NEEDS_PIN
    return S.READY if has_hub and has_date else S.PLACED
