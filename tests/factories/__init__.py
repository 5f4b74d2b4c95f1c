"""Nouns for tests, made through the services that people use, so that every rule holds.

Each function fills in what a test does not care about: ``make_order(notes="…")``. They need a
retailer's context. Names and numbers count up, so two calls never collide.
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

__all__ = [
    "SQUARE",
    "make_draft",
    "make_driver",
    "make_hub",
    "make_order",
    "make_orders",
    "make_shift",
    "make_vehicle",
    "make_window",
    "make_zone",
    "square",
]
