"""Many messages at once: the same results as one by one, with a fixed number of statements."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from dispatch.orders.models import Order
from lastmile.core.clock import now
from lastmile.core.events import as_domain_event
from lastmile.core.models import Event
from lastmile.core.relay import relay_batch
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.channels.base import Accepted, Outgoing, ProviderStatus
from notifications.handlers import on_event
from notifications.models import (
    BudgetUse,
    ChannelAccount,
    Message,
    ProviderCall,
    PushSubscription,
)
from notifications.selectors.accounts import fingerprint
from notifications.services import (
    ClaimedMessage,
    accept,
    claim,
    opt_out,
    prepare,
    preparing,
    report,
)
from notifications.services.accepting import accept_many
from notifications.services.budgets import reserve_budget, reserve_budgets
from notifications.services.preparing import prepare_many
from notifications.states import MessageState
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import at, attempt, out
from tests.factories import make_hub, make_order
from tests.factories.orders import make_window
from tests.notifications.ledger.stage import BookChannel, again, pump, tell_shopper
from tests.notifications.making import make_contact, make_message, set_policy

#: Statements of a batch, savepoints included: of the last check, and of the results.
CHECKED, STORED = 24, 8
#: Statements of the handler for an order that goes out, to a number that is known.
TOLD = 15


@pytest.fixture
def on_the_road(retailer: RetailerRef, clock: SetClock) -> Any:
    hub = make_hub().public_id
    clock(at(10))

    def make(count: int) -> list[Message]:
        orders = [make_order(hub=hub, window=make_window()) for _n in range(count)]
        return [tell_shopper(out(order)) for order in orders]

    return make


def _opened(claimed: list[ClaimedMessage], opened: dict[int, Outgoing]) -> list[ClaimedMessage]:
    return [replace(one, call=opened[one.pk].call) for one in claimed if one.pk in opened]


def _statements(captured: CaptureQueriesContext) -> int:
    return len(captured.captured_queries)


def test_a_batch_is_checked_and_stored_with_a_fixed_number_of_statements(
    account: ChannelAccount, on_the_road: Any
) -> None:
    checked, stored = [], []
    for size in (2, 7):
        on_the_road(size)
        claimed = claim(account=account, most=size)
        with CaptureQueriesContext(connection) as queries:
            opened = prepare_many(claimed=claimed, copied=False)
        assert len(opened) == size
        checked.append(_statements(queries))
        results = [
            (one, Accepted(provider_id=f"SM{one.pk}", state="accepted", segments=1))
            for one in _opened(claimed, opened)
        ]
        with CaptureQueriesContext(connection) as queries:
            assert accept_many(results=results) == []
        stored.append(_statements(queries))
    assert checked[0] == checked[1] <= CHECKED, checked
    assert stored[0] == stored[1] <= STORED, stored
    assert set(Message.objects.values_list("state", flat=True)) == {"accepted"}


def test_an_order_that_goes_out_is_told_with_few_statements(
    fresh_db: str, account: ChannelAccount, order: Order
) -> None:
    make_contact(order.shopper.phone)
    while relay_batch()[0]:
        pass
    event = as_domain_event(Event.objects.get(kind="order.out", subject=order.public_id))
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        on_event(event)
    assert Message.objects.get(moment="out_for_delivery").state == MessageState.WAITING
    assert _statements(queries) <= TOLD


def test_a_message_of_a_batch_is_sent_and_counted_as_it_would_be_alone(
    account: ChannelAccount, on_the_road: Any
) -> None:
    first, second, alone = on_the_road(3)
    claimed = {one.pk: one for one in claim(account=account, most=3)}
    single = prepare(claimed=claimed[alone.pk])
    opened = prepare_many(claimed=[claimed[first.pk], claimed[second.pk]], copied=False)
    assert single is not None
    for message in (first, second):
        stored, other = again(message), again(alone)
        sent = opened[message.pk]
        assert sent.to == message.order.shopper.phone  # type: ignore[union-attr]
        assert sent.message == message.public_id
        assert "/t/" in sent.text
        link = sent.text.rpartition(" ")[2]
        assert sent.text.replace(link, "") == single.text.replace(single.text.split(" ")[-1], "")
        for name in ("state", "calls", "text", "segments_counted", "counted_on", "template_digest"):
            assert getattr(stored, name) == getattr(other, name), name
        call = ProviderCall.objects.get(message=message)
        assert (call.number, call.result, call.ended_at) == (1, "open", None)
    assert dict(BudgetUse.objects.filter(scope="retailer").values_list("scope", "used")) == {
        "retailer": 3 * again(alone).segments_counted
    }
    assert set(BudgetUse.objects.exclude(scope="retailer").values_list("used", flat=True)) == {1}


def test_a_batch_leaves_alone_what_must_not_be_sent(
    account: ChannelAccount, on_the_road: Any
) -> None:
    good, opted, delivered, lost = on_the_road(4)
    same = tell_shopper(good.order)
    claimed = claim(account=account, most=5)
    opt_out(contact=opted.contact, channel="sms", by="word")
    attempt(delivered.order)
    Message.objects.filter(pk=lost.pk).update(lease_token=uuid.uuid4())
    opened = prepare_many(claimed=claimed, copied=False)
    assert set(opened) == {good.pk}
    for message in (opted, delivered, lost, same):
        row = again(message)
        assert (row.state, row.calls, row.counted_on) == ("sending", 0, None)
    assert ProviderCall.objects.count() == 1


def test_a_restored_copy_sends_no_batch(account: ChannelAccount, on_the_road: Any) -> None:
    on_the_road(2)
    assert prepare_many(claimed=claim(account=account, most=2), copied=True) == {}


def test_a_batch_that_a_budget_has_no_room_for_counts_nothing(
    fresh_db: str, account: ChannelAccount, provider: BookChannel, on_the_road: Any
) -> None:
    messages = on_the_road(4)
    set_policy(segments_day=2, quiet_from_minute=0, quiet_until_minute=0)
    claimed = claim(account=account, most=4)
    with transaction.atomic():
        assert prepare_many(claimed=claimed, copied=False) == {}
    assert not BudgetUse.objects.exists()
    Message.objects.update(state="waiting", lease_token=None, lease_until=None)
    pump()
    states = sorted(again(message).state for message in messages)
    each = max(again(message).segments_counted for message in messages)
    assert states.count("accepted") == 2 // each == len(provider.book)
    assert BudgetUse.objects.get(scope="retailer").used == each * (2 // each)


def test_batches_at_once_never_exceed_a_budget(fresh_db: str, retailer: RetailerRef) -> None:
    make_hub(zone="Europe/Lisbon")
    set_policy(segments_day=40)
    contacts = [make_contact(f"+3519{30_000_000 + n}") for n in range(60)]
    messages = [make_message(contact=contact) for contact in contacts]
    counted: list[int] = []
    gate = threading.Barrier(6)

    def count(batch: list[Message]) -> bool:
        with transaction.atomic():
            is_counted = reserve_budgets(messages=[(message, 1) for message in batch])
            transaction.set_rollback(not is_counted)
        return is_counted

    def send(share: list[Message]) -> None:
        try:
            with retailer_context(retailer.schema):
                gate.wait()
                for first in range(0, len(share), 5):
                    batch = share[first : first + 5]
                    if count(batch):
                        counted.append(len(batch))
                        continue
                    for message in batch:
                        message.counted_on = None
                        with transaction.atomic():
                            refused = reserve_budget(
                                message=message, order=None, contact=message.contact, segments=1
                            )
                        counted.append(refused is None)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send, args=(messages[n::6],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counted) == 40
    assert BudgetUse.objects.get(scope="retailer").used == 40
    assert BudgetUse.objects.filter(scope="number").count() == 40


def test_results_that_need_more_are_left_for_one_by_one(
    account: ChannelAccount, on_the_road: Any
) -> None:
    usual, early, lost, delivered = on_the_road(4)
    claimed = claim(account=account, most=4)
    opened = prepare_many(claimed=claimed, copied=False)
    by_pk = {one.pk: one for one in _opened(claimed, opened)}
    report(channel="sms", status=ProviderStatus(provider_id="SM-early", state="sent"))
    Message.objects.filter(pk=lost.pk).update(state="unclear", lease_token=None, lease_until=None)
    results = [
        (by_pk[usual.pk], Accepted(provider_id="SM-usual", state="accepted", segments=2)),
        (by_pk[early.pk], Accepted(provider_id="SM-early", state="accepted")),
        (by_pk[lost.pk], Accepted(provider_id="SM-lost", state="accepted")),
        (by_pk[delivered.pk], Accepted(provider_id="SM-there", state="delivered")),
    ]
    assert accept_many(results=results) == [results[1], results[3]]
    call = ProviderCall.objects.get(message=lost)
    assert (call.result, call.provider_id) == ("accepted", "SM-lost")
    assert again(lost).state == "unclear"  # what ended its lease settles it
    stored = again(usual)
    assert (stored.state, stored.provider_id, stored.segments) == ("accepted", "SM-usual", 2)
    assert stored.accepted_at is not None
    assert stored.poll_at is not None
    assert ProviderCall.objects.get(message=usual).result == "accepted"
    assert {again(row).state for row in (early, delivered)} == {"sending"}
    accept(claimed=results[1][0], accepted=results[1][1])
    assert again(early).state == "sent"


def test_a_message_that_cannot_be_rendered_keeps_no_other_one_from_being_sent(
    fresh_db: str, account: ChannelAccount, provider: BookChannel, on_the_road: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    messages = on_the_road(3)
    render = preparing.render

    def break_one(message: Message, order: Order | None, **more: Any) -> Any:
        if message.pk == messages[1].pk:
            raise ValueError("broken")
        return render(message, order, **more)

    monkeypatch.setattr(preparing, "render", break_one)
    pump()
    assert [again(message).state for message in messages] == ["accepted", "waiting", "accepted"]
    assert len(provider.book) == 2


def test_web_push_is_checked_and_stored_in_batches_as_one_by_one(
    retailer: RetailerRef, clock: SetClock
) -> None:
    account = ChannelAccount.objects.create(
        channel="push", kind="vapid", source="own", secrets={"private": "k"}, per_s=100,
        is_on=True, on_at_machine=fingerprint(),
    )  # fmt: skip
    hub = make_hub().public_id
    clock(at(10))
    orders = [out(make_order(hub=hub, window=make_window())) for _n in range(4)]
    for order in orders:
        for place in ("old", "new"):
            browser = make_contact(f"{place} {order.public_id}", "push")
            PushSubscription.objects.create(contact=browser, order=order)
    messages = [tell_shopper(order) for order in orders]
    assert {message.channel for message in messages} == {"push"}
    PushSubscription.objects.filter(order=orders[3]).update(ended_at=now())
    claimed = claim(account=account, most=4)
    opened = prepare_many(claimed=claimed[1:], copied=False)
    assert set(opened) == {messages[1].pk, messages[2].pk}  # the last has no browser any more
    alone = prepare(claimed=claimed[0])
    assert alone is not None
    addresses = [alone.to, opened[messages[1].pk].to, opened[messages[2].pk].to]
    assert addresses == [f"new {order.public_id}" for order in orders[:3]]
    results = [
        (one, Accepted(provider_id=one.public_id, state="sent"))
        for one in _opened(claimed, {**opened, claimed[0].pk: alone})
    ]
    accept(claimed=results[0][0], accepted=results[0][1])
    assert accept_many(results=results[1:]) == []
    single, *rows = [again(message) for message in messages[:3]]
    for row in rows:
        for name in ("state", "polls", "retry_at", "lease_token", "ended_at", "calls"):
            assert getattr(row, name) == getattr(single, name), name
        assert (row.provider_id, row.poll_at is None) == (row.public_id, single.poll_at is None)
