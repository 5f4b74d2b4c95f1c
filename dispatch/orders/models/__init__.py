"""The tables of orders: Shopper, Place, Order, Parcel, Promise, Attempt, AccessNote
and CommonStop."""

from dispatch.orders.models.access import AccessKind, AccessNote
from dispatch.orders.models.orders import (
    OLDEST,
    YOUNGEST,
    CommonStop,
    Direction,
    Handover,
    HubChoice,
    Order,
    Parcel,
)
from dispatch.orders.models.promises import Attempt, Cause, Option, Outcome, Promise, Reason
from dispatch.orders.models.shoppers import HUMAN_PINS, PinSource, Place, Precision, Shopper

__all__ = [
    "HUMAN_PINS",
    "OLDEST",
    "YOUNGEST",
    "AccessKind",
    "AccessNote",
    "Attempt",
    "Cause",
    "CommonStop",
    "Direction",
    "Handover",
    "HubChoice",
    "Option",
    "Order",
    "Outcome",
    "Parcel",
    "PinSource",
    "Place",
    "Precision",
    "Promise",
    "Reason",
    "Shopper",
]
