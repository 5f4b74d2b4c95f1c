"""The moves of an order: one table, read by the one function that writes a state."""

from __future__ import annotations

from enum import StrEnum


class OrderState(StrEnum):
    """Where an order stands.

    needs_pin: its place is not on the map · placed: on the map, but hub or date are missing ·
    ready: may be planned · planned: stands in a published plan · loaded · out: on the road ·
    awaiting_collection: at a curbside, counter or locker, where the shopper fetches it ·
    delivered · failed: the last attempt did not succeed · returned: back at the hub · cancelled.
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
    S.AWAITING_COLLECTION: frozenset({S.DELIVERED, S.RETURNED, S.READY}),
    S.FAILED: frozenset({S.READY, S.RETURNED, S.CANCELLED}),
    S.DELIVERED: frozenset(),
    S.RETURNED: frozenset(),
    S.CANCELLED: frozenset(),
}
#: A return goes the other way: it is not loaded at the hub and never delivered. What was picked up
#: is in the vehicle (loaded) until it is back at the hub (returned).
RETURN_MOVES: dict[OrderState, frozenset[OrderState]] = MOVES | {
    S.READY: MOVES[S.READY] - {S.AWAITING_COLLECTION},
    S.PLANNED: frozenset({S.READY, S.OUT, S.CANCELLED}),
    S.OUT: frozenset({S.LOADED, S.FAILED}),
    S.LOADED: frozenset({S.RETURNED}),
}
#: Not yet in anybody's plan: a new file or a person may change everything.
OPEN = frozenset({S.NEEDS_PIN, S.PLACED, S.READY})
#: Nothing moves any more.
ENDED = frozenset(state for state, moves in MOVES.items() if not moves)


def moves_from(state: OrderState, *, is_return: bool) -> frozenset[OrderState]:
    """Return the states that an order can go to next."""
    return (RETURN_MOVES if is_return else MOVES)[state]


def waiting_state(*, has_pin: bool, has_hub: bool, has_date: bool) -> OrderState:
    """Return where an order that is not planned stands: what it still lacks decides."""
    if not has_pin:
        return S.NEEDS_PIN
    return S.READY if has_hub and has_date else S.PLACED
