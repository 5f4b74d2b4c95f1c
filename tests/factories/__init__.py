"""Factories for tests. They call the real services, so that the rows obey every rule.

A test gives only the fields that matter to it: ``make_order(notes="…")``. The factories fill in
the others and need the context of a retailer. Names and numbers are counted up, so that two calls
never collide.
"""

from tests.factories.fleet import (
    SQUARE,
    make_driver,
    make_hub,
    make_shift,
    make_vehicle,
    make_zone,
    square,
)
from tests.factories.orders import make_draft, make_order, make_orders, make_window
from tests.factories.slots import make_hold, make_slot, make_template

__all__ = [
    "SQUARE",
    "make_draft",
    "make_driver",
    "make_hold",
    "make_hub",
    "make_order",
    "make_orders",
    "make_shift",
    "make_slot",
    "make_template",
    "make_vehicle",
    "make_window",
    "make_zone",
    "square",
]
