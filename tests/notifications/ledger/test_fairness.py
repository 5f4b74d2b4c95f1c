"""A single pump for all retailers: a provider that hangs keeps nobody else waiting."""

from __future__ import annotations

import threading

import pytest

from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.channels.base import Outgoing
from notifications.models import ChannelAccount, Message
from notifications.services import sending
from notifications.services.lanes import MOST_IN_FLIGHT, pace_name
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import at, out
from tests.factories import make_hub, make_order
from tests.factories.orders import make_window
from tests.notifications.ledger.stage import BookChannel, pump, tell_shopper, text_account


def _told_orders(count: int) -> None:
    hub = make_hub().public_id
    for order in [make_order(hub=hub, window=make_window()) for _n in range(count)]:
        tell_shopper(out(order))


def test_a_provider_that_hangs_keeps_no_other_retailer_waiting(
    fresh_db: str, retailer: RetailerRef, other: RetailerRef, clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    clock(at(10))
    good, hung, release = BookChannel(), BookChannel(), threading.Event()
    hung.before_send = lambda _outgoing: bool(release.wait(30))  # type: ignore[assignment]
    answered = threading.Event()

    def note(outgoing: Outgoing) -> None:
        if len(good.calls) >= 2:
            answered.set()
            release.set()  # only now does the other provider answer

    good.before_send = note
    text_account()
    with retailer_context(other):
        hangs = text_account()
        _told_orders(5)
    _told_orders(3)
    monkeypatch.setattr(
        sending, "channel_of", lambda row: hung if row.public_id == hangs.public_id else good
    )
    pump()
    assert answered.is_set()  # the good provider had its calls while the other one hung
    assert Message.objects.filter(state="accepted").count() == 3
    with retailer_context(other):
        assert Message.objects.filter(state="accepted").count() == 5


def test_a_retailer_whose_account_is_broken_keeps_no_other_one_waiting(
    fresh_db: str, account: ChannelAccount, provider: BookChannel, other: RetailerRef,
    clock: SetClock, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    clock(at(10))
    with retailer_context(other):
        broken = text_account()
        _told_orders(1)
    _told_orders(2)

    def channel_of(row: ChannelAccount) -> BookChannel:
        if row.public_id == broken.public_id:
            raise KeyError("secret")
        return provider

    monkeypatch.setattr(sending, "channel_of", channel_of)
    pump()
    assert Message.objects.filter(state="accepted").count() == 2
    with retailer_context(other):
        assert Message.objects.get(moment="out_for_delivery").state == "waiting"


def test_a_thread_that_calls_a_provider_has_no_database_and_no_retailer(
    fresh_db: str, account: ChannelAccount, provider: BookChannel, clock: SetClock
) -> None:
    faults: list[str] = []

    def ask_the_database(_outgoing: Outgoing) -> None:
        try:
            Message.objects.exists()
        except Exception as fault:
            faults.append(type(fault).__name__)
            raise

    provider.before_send = ask_the_database
    clock(at(10))
    _told_orders(1)
    pump()
    assert faults == ["NoRetailer"]
    assert Message.objects.get(moment="out_for_delivery").state == "unclear"


def test_retailers_that_share_an_account_share_its_pace(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    own = text_account()
    shared = {"account_sid": "AC9", "sender": "+15005550000"}
    ChannelAccount.objects.filter(pk=own.pk).update(settings=shared)
    own.refresh_from_db()
    first = pace_name(own)
    assert len(first) == 64
    assert "AC9" not in first
    with retailer_context(other):
        twin = ChannelAccount(kind="twilio", channel="sms", source="own", settings=shared)
        assert pace_name(twin) == first
        null = ChannelAccount(kind="null", channel="sms", source="own", public_id="acc_1")
        assert pace_name(null) != first
    assert MOST_IN_FLIGHT < 96  # one account never has all calls
