"""Fixtures of the ledger: a provider in memory, and an order that is on the road."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.orders.models import Order
from lastmile.core.tenancy import RetailerRef
from notifications.channels import registry
from notifications.models import ChannelAccount
from notifications.services import sending
from tests.dispatch.conftest import SetClock, clock
from tests.dispatch.orders.actions import at, out
from tests.factories import make_hub, make_order
from tests.factories.orders import make_window
from tests.notifications.ledger.stage import BookChannel, text_account

__all__ = ["clock"]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> BookChannel:
    """Return the provider that every account of the test sends to."""
    book = BookChannel()
    monkeypatch.setattr(sending, "channel_of", lambda _account: book)
    monkeypatch.setattr(registry, "channel_of", lambda _account, **_more: book)
    return book


@pytest.fixture
def account(retailer: RetailerRef, provider: BookChannel) -> ChannelAccount:
    """Return the account for text messages of the present retailer."""
    return text_account()


@pytest.fixture
def order(retailer: RetailerRef, clock: SetClock) -> Order:
    """Return an order on the road; it is 10:00, and its window is from 9:00 to 12:00."""
    placed = make_order(hub=make_hub().public_id, window=make_window())
    clock(at(10))
    return out(placed)


def minutes(number: float) -> dt.timedelta:
    """Return a span of minutes."""
    return dt.timedelta(minutes=number)
