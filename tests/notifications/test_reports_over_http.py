"""Reports come back over HTTP: from the pump to a fake Twilio, and from it to the web server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from dispatch.orders.models import Order
from lastmile.asgi import application
from lastmile.core.tenancy import RetailerRef
from notifications.models import Message, ProviderReport, ThreadEntry
from notifications.services.accounts import set_account, switch_on
from notifications.services.reports import take_reports
from notifications.states import MessageState
from tests.core.serving import served
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import at, out
from tests.factories import make_hub, make_order
from tests.factories.orders import make_window
from tests.fake_twilio import Behaviour, FakeTwilio
from tests.notifications.ledger.stage import again, pump, tell_shopper
from tests.notifications.test_field_of_channels import DRAFT


@pytest.fixture
def port(fresh_db: str, settings: Any) -> Iterator[int]:
    with served(application) as listening:
        settings.PORT = listening
        yield listening
    connections.close_all()


@pytest.fixture
def fake(port: int, settings: Any) -> Iterator[FakeTwilio]:
    behaviour = Behaviour(twice=1.0, reordered=1.0, hang_s=2.0)
    with FakeTwilio(behaviour, callback_port=port) as running:
        settings.TWILIO_API_BASE = running.base_url
        yield running


@pytest.fixture
def order(retailer: RetailerRef, port: int, clock: SetClock) -> Order:
    placed = make_order(hub=make_hub().public_id, window=make_window())
    clock(at(10))
    switch_on(account=set_account(channel="sms", draft=DRAFT, version=None), version=None)
    return out(placed)


def settle(fake: FakeTwilio) -> None:
    """Wait until every report was kept, and take them as a worker does."""
    fake.settle()
    while take_reports():
        pass


def state(message: Message) -> str:
    return again(message).state


def test_repeated_and_reordered_reports_end_at_delivered(order: Order, fake: FakeTwilio) -> None:
    message = tell_shopper(order)
    pump()
    settle(fake)
    assert fake.answers == {200: 4}
    assert fake.book[0].reported == ["delivered", "delivered", "sent", "sent"]
    assert state(message) == MessageState.DELIVERED
    assert sorted(ProviderReport.objects.values_list("state", flat=True)) == ["delivered", "sent"]


def test_a_report_proves_a_message_whose_call_had_no_answer(
    order: Order, fake: FakeTwilio, settings: Any
) -> None:
    settings.LIMIT_MESSAGE_CALL_S = 1
    fake.script("timeout_after")
    message = tell_shopper(order)
    pump()
    settle(fake)
    assert state(message) == MessageState.DELIVERED
    assert again(message).provider_id == fake.book[0].sid
    assert len(fake.arrivals) == 1


def test_a_reply_lands_on_the_order_and_is_answered_with_no_instructions(
    order: Order, fake: FakeTwilio, port: int
) -> None:
    message = tell_shopper(order)
    pump()
    settle(fake)
    url = f"http://t1.localhost:{port}/callbacks/twilio/"
    status, body = fake.write_in(url, Body="Is it late?", From=order.shopper.phone)
    assert (status, "<Response/>" in body) == (200, True)
    entry = ThreadEntry.objects.get(direction="in")
    assert (entry.text, entry.thread.order_id) == ("Is it late?", order.pk)
    assert state(message) == MessageState.DELIVERED
    fake.credentials.clear()
    assert fake.write_in(f"{url}?forged=1", AccountSid="AC" + "9" * 32)[0] == 403
