"""The counts and the rules that `ledger` and `invariants` read."""

from __future__ import annotations

import datetime as dt

from dispatch.orders.models import Order
from lastmile.core.clock import real_now
from notifications.models import BudgetUse, ChannelAccount, Message, ProviderCall, ProviderReport
from notifications.rolls import invariants, ledger
from notifications.services.contacts import opt_out
from tests.notifications.ledger.stage import BookChannel, again, pump, tell_shopper


def test_the_rules_hold_after_messages_were_sent(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    tell_shopper(order)
    provider.script.append("21211")
    pump()
    tell_shopper(order, "step_up_used")
    pump()
    assert ledger() == {"messages": {"accepted": 1, "failed": 1}}
    assert set(invariants().values()) == {0}


def test_each_rule_finds_what_breaks_it(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    message = tell_shopper(order)
    pump()
    message = again(message)
    late = message.not_after + dt.timedelta(hours=2)
    assert message.contact is not None
    opt_out(contact=message.contact, channel="sms", by="word")
    Message.objects.filter(pk=message.pk).update(made_at=late, accepted_at=late)
    for number in (2, 3):
        ProviderCall.objects.create(
            message=message, number=number, started_at=late, result="unclear"
        )
    waits = tell_shopper(order, "step_up_used")
    Message.objects.filter(pk=waits.pk).update(
        state="waiting", reason="", ended_at=None, send_at=late.replace(year=2025),
        not_after=late.replace(year=2025),
    )  # fmt: skip
    ProviderReport.objects.create(
        channel="sms", provider_id="SM1", state="delivered", source="callback",
        take_at=real_now() - dt.timedelta(hours=2),
    )  # fmt: skip
    assert invariants() == {
        "messages_final_without_cause": 0,
        "messages_taken_more_than_twice": 1,
        "messages_waiting_too_long": 1,
        "messages_after_opt_out": 1,
        "reports_not_taken": 1,
        "budgets_unlike_their_messages": 0,
    }


def test_a_budget_that_differs_from_its_messages_is_found(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel
) -> None:
    def unlike() -> int:
        return invariants()["budgets_unlike_their_messages"]

    message = tell_shopper(order)
    pump()
    uses = BudgetUse.objects
    assert {*uses.values_list("scope", flat=True)} == {"retailer", "number", "order"}
    assert unlike() == 0
    uses.filter(scope="retailer").update(used=9)
    uses.filter(scope="number").update(used=9)
    assert unlike() == 2
    uses.exclude(scope="order").delete()
    assert unlike() == 2
    Message.objects.filter(pk=message.pk).update(counted_on=None)
    assert unlike() == 0
