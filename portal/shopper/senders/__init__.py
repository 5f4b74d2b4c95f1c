"""The channel that brings a code to a shopper; settings name it."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from lastmile.core.tenancy import current_schema
from lastmile.core.wiring import load
from portal.shopper.senders.base import CodeSender
from portal.shopper.senders.null import NullSender
from tenants.selectors import is_trial

__all__ = ["CodeSender", "can_send", "sender", "shows_codes"]


def sender() -> CodeSender:
    """Return the channel for codes that settings name."""
    return _load(settings.SHOPPER_CODE_SENDER)


def can_send() -> bool:
    """Return True if codes of the current retailer reach somebody."""
    return not isinstance(sender(), NullSender) or is_trial(current_schema())


def shows_codes() -> bool:
    """Return True if staff see the codes instead of a message, as in a demo."""
    return isinstance(sender(), NullSender) and is_trial(current_schema())


@lru_cache(maxsize=8)
def _load(path: str) -> CodeSender:
    channel: CodeSender = load(path)()
    return channel
