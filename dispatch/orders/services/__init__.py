"""The services of orders: place, change, promise, move, attempt, cancel and erase."""

from dispatch.orders.services.access import clear_access, reveal_code, set_access
from dispatch.orders.services.adding import add_order
from dispatch.orders.services.attempting import note_arrival, record_attempt, record_attempt_of
from dispatch.orders.services.changing import (
    cancel_order,
    change_order,
    return_order,
    try_again,
)
from dispatch.orders.services.correcting import correct_attempt
from dispatch.orders.services.erasing import erase_person, find_person
from dispatch.orders.services.linking import (
    end_links_of_ended_orders,
    end_shopper_link,
    make_shopper_link,
    renew_shopper_link,
)
from dispatch.orders.services.moves import (
    lock_orders,
    mark_awaiting_collection,
    mark_loaded,
    mark_out,
    mark_planned,
    mark_unplanned,
)
from dispatch.orders.services.pinning import set_pin
from dispatch.orders.services.placing import place_order, place_orders, place_prepared
from dispatch.orders.services.preparing import Prepared, prepare_orders
from dispatch.orders.services.promising import serve_on, set_promise
from dispatch.orders.services.sharing import leave_stop, share_stop

__all__ = [
    "Prepared",
    "add_order",
    "cancel_order",
    "change_order",
    "clear_access",
    "correct_attempt",
    "end_links_of_ended_orders",
    "end_shopper_link",
    "erase_person",
    "find_person",
    "leave_stop",
    "lock_orders",
    "make_shopper_link",
    "mark_awaiting_collection",
    "mark_loaded",
    "mark_out",
    "mark_planned",
    "mark_unplanned",
    "note_arrival",
    "place_order",
    "place_orders",
    "place_prepared",
    "prepare_orders",
    "record_attempt",
    "record_attempt_of",
    "renew_shopper_link",
    "return_order",
    "reveal_code",
    "serve_on",
    "set_access",
    "set_pin",
    "set_promise",
    "share_stop",
    "try_again",
]
