"""The interface of a channel that brings a six-digit code to the contact on an order."""

from __future__ import annotations

from typing import Protocol

from dispatch.orders.models import Order


class CodeSender(Protocol):
    """A channel for codes. A channel that cannot send raises a DomainError or ProviderError."""

    def send(self, order: Order, code: str) -> None:
        """Send a code to the phone number on the order, or to its e-mail address if it has none.

        It is called outside of any transaction.
        """
