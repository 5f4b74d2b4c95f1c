"""Counts the people whom the orders of a file concern, so that a preview can say who is written to.

It counts facts, not messages: new windows, changed windows and orders without a window, by the
contacts that each shopper has. Which of them lead to a message, and on which channel, is decided
above this package.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

from dispatch.orders.drafts import Placed
from dispatch.orders.models import Order, Promise
from dispatch.orders.states import OrderState
from lastmile.core import clock
from lastmile.core.tenancy import current_retailer

NEW_WINDOW, CHANGED_WINDOW, WITHOUT_WINDOW = "new_window", "changed_window", "without_window"
#: The contacts of a shopper.
PHONE, EMAIL, BOTH, NEITHER = "phone", "email", "both", "neither"


@dataclass(slots=True)
class ToTell:
    """The orders and the different people of a file, by what happened and by their contacts.

    ``history`` counts orders whose window or date is over: nobody is written to about them.
    """

    orders: Counter[tuple[str, str]] = field(default_factory=Counter)
    people: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    history: int = 0

    def add(self, outcome: Placed, *, chose: bool) -> None:
        """Count one accepted row; ``chose`` means that the row names the shopper's choice."""
        order = outcome.order
        if order is None or outcome.status not in {"placed", "updated"}:
            return
        promise = order.promises.last() if chose else order.promise
        what = _what(outcome, promise)
        if what is None:
            return
        if _is_over(order, promise, clock.now()):
            self.history += 1
            return
        shopper = order.shopper
        key = (what, _contacts(shopper.phone, shopper.email))
        self.orders[key] += 1
        self.people.setdefault(key, set()).add(shopper.phone or shopper.email or order.public_id)

    def picture(self) -> dict[str, object]:
        """Return the counts as an import stores them; empty if the file concerns nobody."""
        counted: dict[str, object] = {}
        for what in (NEW_WINDOW, CHANGED_WINDOW, WITHOUT_WINDOW):
            counts = {
                contacts: {"orders": count, "people": len(self.people[what, contacts])}
                for (kind, contacts), count in sorted(self.orders.items())
                if kind == what
            }
            if counts:
                counted[what] = counts
        return counted | ({"history": self.history} if self.history else {})


def _what(outcome: Placed, promise: Promise | None) -> str | None:
    """Return what happened to an order that its shopper may want to know; None for nothing."""
    if outcome.status == "placed" and promise is None:
        return WITHOUT_WINDOW if _can_choose(outcome) else None
    if outcome.status == "placed":
        return NEW_WINDOW
    if "window" not in outcome.changed or promise is None:
        return None
    before = promise.supersedes
    if before is None:
        return NEW_WINDOW
    return None if promise.same_for_shopper(before) else CHANGED_WINDOW


def _can_choose(outcome: Placed) -> bool:
    """Return True if the place and the hub of an order are known, so that it has slots."""
    order = outcome.order
    return order is not None and order.hub is not None and order.state != OrderState.NEEDS_PIN


def _is_over(order: Order, promise: Promise | None, now: dt.datetime) -> bool:
    """Return True if the window of an order is over, or its date if it has no window."""
    if promise is not None:
        return promise.closes_at <= now
    zone = order.hub.zone if order.hub else current_retailer().zone
    return order.service_date is not None and order.service_date < clock.local_date(now, zone)


def _contacts(phone: str, email: str) -> str:
    if phone and email:
        return BOTH
    return PHONE if phone else EMAIL if email else NEITHER
