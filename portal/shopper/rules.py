"""The rules of the confirmation by a code: its limits, and how its contact is shown."""

from __future__ import annotations

from typing import Final

from dispatch.orders.models import Order
from lastmile.core.codes import CodeRules

#: 15 guesses an hour for one order, of a million possible codes.
CODE_RULES: Final = CodeRules(digits=6, lasts_s=600, most_tries=5, most_codes=3, codes_in_s=3600)
CODE_MINUTES: Final = CODE_RULES.lasts_s // 60
CONFIRMED_S: Final = 15 * 60
_HIDDEN: Final = "•••"
_LEAST_PHONE: Final = 6  # of a number this long, two characters may be shown


def has_contact(order: Order) -> bool:
    """Return True if the order has a phone number or an e-mail address."""
    return bool(order.shopper.phone or order.shopper.email)


def hidden_contact(order: Order, kind: str) -> str:
    """Return the contact so that only a person who knows it recognises it.

    That is ``••• 21`` of a phone number and ``a•••@e•••.org`` of an e-mail address. What is too
    short to hide a part of it is hidden whole. ``kind`` is phone or email; "" gives "".
    """
    if kind == "phone":
        phone = order.shopper.phone.strip()
        return f"{_HIDDEN} {phone[-2:]}" if len(phone) >= _LEAST_PHONE else _HIDDEN
    if kind == "email":
        name, _at, host = order.shopper.email.strip().rpartition("@")
        own, dot, ending = host.rpartition(".")
        return f"{_first(name)}@{_first(own)}{dot}{ending}" if dot else f"{_first(name)}@{_HIDDEN}"
    return ""


def _first(text: str) -> str:
    """Return the first character of a text of two or more, then the sign for what is hidden."""
    return f"{text[:1] if len(text) > 1 else ''}{_HIDDEN}"
