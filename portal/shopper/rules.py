"""The rules of the confirmation by a code: its limits, and the contact that gets the code."""

from __future__ import annotations

from typing import Final

from dispatch.orders.models import Order
from lastmile.core.codes import CodeRules

#: 15 guesses an hour for one order, of a million possible codes.
CODE_RULES: Final = CodeRules(digits=6, lasts_s=600, most_tries=5, most_codes=3, codes_in_s=3600)
CONFIRMED_S: Final = 15 * 60
_HIDDEN: Final = "•••"


def contact_of(order: Order) -> str:
    """Return the kind of contact that gets the code: ``phone``, ``email``, or "" for none."""
    if order.shopper.phone:
        return "phone"
    return "email" if order.shopper.email else ""


def hidden_contact(order: Order) -> str:
    """Return the contact so that only a person who knows it recognises it: ``••• 21``."""
    contact = contact_of(order)
    if contact == "phone":
        return f"{_HIDDEN} {order.shopper.phone[-2:]}"
    if contact == "email":
        name, _at, host = order.shopper.email.rpartition("@")
        return f"{name[:1]}{_HIDDEN}@{host}"
    return ""
