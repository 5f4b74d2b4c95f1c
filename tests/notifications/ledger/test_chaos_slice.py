"""A slice of the campaign messages_chaos: the real client, a provider with faults, no sleeps."""

from __future__ import annotations

from typing import Any

import pytest

from lastmile.core.tenancy import RetailerRef
from notifications.channels import registry
from notifications.models import ChannelAccount, Message, ProviderCall
from notifications.selectors.accounts import fingerprint
from tests.bench.messages_chaos import judge
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import at, out
from tests.factories import make_hub, make_orders
from tests.factories.orders import make_window
from tests.fake_twilio import (
    ACCOUNT_SID,
    API_KEY,
    API_SECRET,
    AUTH_TOKEN,
    SENDER,
    Behaviour,
    FakeTwilio,
)
from tests.notifications.ledger.stage import hurry, pump, tell_shopper

ROUNDS = 14
FAULTS = (
    "timeout_after", "server_error", "reset_before", "", "reset_after", "rate_limit",
    "timeout_before", "bad_json", "server_error_after", "server_error", "",
)  # fmt: skip


def _account() -> None:
    ChannelAccount.objects.create(
        channel="sms",
        kind="twilio",
        source="own",
        settings={"account_sid": ACCOUNT_SID, "api_key": API_KEY, "sender": SENDER},
        secrets={"api_secret": API_SECRET, "auth_token": AUTH_TOKEN},
        per_s=500,
        is_on=True,
        on_at_machine=fingerprint(),
    )


def _rows() -> list[Any]:
    rows = Message.objects.filter(moment="out_for_delivery").select_related("contact")
    return [
        [
            row.contact.address if row.contact else "",
            row.state,
            row.reason,
            row.calls,
            row.provider_id,
            float("inf"),
            list(
                ProviderCall.objects.filter(message=row).values_list(
                    "result", "provider_id", "started_at"
                )
            ),
        ]
        for row in rows
    ]


def test_each_message_is_sent_once_through_a_provider_with_faults(
    fresh_db: str, retailer: RetailerRef, clock: SetClock, settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings.LIMIT_MESSAGE_CALL_S = 1
    registry._kept.clear()
    orders = make_orders(12, hub=make_hub().public_id, window=make_window())
    clock(at(10))
    with FakeTwilio(Behaviour(hang_s=3.0, reports=("sent", "delivered"))) as fake:
        settings.TWILIO_API_BASE = fake.base_url
        fake.refuse[orders[0].shopper.phone] = 21211
        fake.script(*FAULTS)
        _account()
        for order in orders:
            tell_shopper(out(order))
        pump()
        for _round in range(ROUNDS):
            hurry()
            pump()
            if not Message.objects.exclude(state__in=["delivered", "failed"]).exists():
                break
        cast = {"out": [], "over": [], "refused": []}
        book = [entry for entry in fake.book if entry.to != orders[0].shopper.phone]
        wrong, _figures = judge(
            [row for row in _rows() if row[0] != orders[0].shopper.phone], fake, cast
        )
        assert wrong == []
        assert len(book) == 11
        assert fake.faults["timeout_after"] == 1
    registry._kept.clear()
    refused = Message.objects.get(state="failed")
    assert refused.reason == "bad_contact"
    # Calls arrive in any order, so one of the faults may come before the refusal.
    calls = ProviderCall.objects.filter(message=refused).order_by("number")
    results = list(calls.values_list("result", flat=True))
    assert (results[-1], results.count("refused")) == ("refused", 1)
