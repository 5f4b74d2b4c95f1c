"""The ledger under any order of claims, answers, crashes, look-ups, reports and changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.orders.models import Order
from lastmile.core.models import Event
from lastmile.core.timing import in_seconds
from notifications.channels.base import Accepted, ChannelError, ProviderStatus, Scope
from notifications.errors import LeaseLost
from notifications.models import (
    MOST_CALLS,
    CallResult,
    ChannelAccount,
    Message,
    ProviderCall,
)
from notifications.services import (
    ClaimedMessage,
    accept,
    claim,
    leave_unclear,
    poll_due,
    prepare,
    reap,
    refuse_call,
    report,
    resolve,
    withdraw,
)
from notifications.services.contacts import opt_out
from notifications.states import FINAL, OPEN, RANK, MessageState
from tests.notifications.ledger.stage import again, hurry, tell_shopper

_SILENT = ChannelError("no answer", permanent=False, unclear=True)
_AWAY = ChannelError("no connection", permanent=False)
_REFUSED = ChannelError("refused", permanent=True, scope=Scope.MESSAGE, code="21211")


class Life:
    """A message, a sender that may be late, and a provider."""

    def __init__(self, account: ChannelAccount, order: Order) -> None:
        self.account, self.order = account, order
        self.message = tell_shopper(order)
        self.held: list[ClaimedMessage] = []  # claims whose call has begun, also lost ones
        self.ids = 0
        self.opted_out = False
        self.calls_at_opt_out = 0

    def act(self, name: str) -> None:
        """Do one thing; a lost lease is no fault."""
        acts: dict[str, Callable[[], Any]] = {
            "send": self._send,
            "accept": lambda: self._answer(lambda c: accept(claimed=c, accepted=self._taken())),
            "silence": lambda: self._answer(lambda c: leave_unclear(claimed=c, error=_SILENT)),
            "away": lambda: self._answer(lambda c: refuse_call(claimed=c, error=_AWAY)),
            "refuse": lambda: self._answer(lambda c: refuse_call(claimed=c, error=_REFUSED)),
            "time": hurry,
            "reap": reap,
            "found": lambda: self._look_up(self._taken()),
            "absent": lambda: self._look_up(None),
            "cannot tell": lambda: self._look_up(_SILENT),
            "early report": lambda: self._report("sent", early=True),
            "sent": lambda: self._report("sent"),
            "delivered": lambda: self._report("delivered"),
            "undelivered": lambda: self._report("failed"),
            "poll": lambda: poll_due(most=5),
            "withdraw": self._withdraw,
            "opt out": self._opt_out,
        }
        try:
            with transaction.atomic():
                acts[name]()
        except LeaseLost:
            pass

    def _send(self) -> None:
        for claimed in claim(account=self.account, most=1):
            outgoing = prepare(claimed=claimed)
            if outgoing is not None:
                self.held.append(replace(claimed, call=outgoing.call))

    def _answer(self, store: Callable[[ClaimedMessage], None]) -> None:
        if self.held:
            store(self.held.pop(0))

    def _look_up(self, result: Accepted | ChannelError | None) -> None:
        resolve(message=again(self.message), result=result)

    def _report(self, state: str, *, early: bool = False) -> None:
        row = again(self.message)
        if early and row.calls:
            status = ProviderStatus(provider_id=self._taken().provider_id, state=state)
            report(channel="sms", status=status, message=row.public_id, call=row.calls)
        elif row.provider_id:
            report(channel="sms", status=ProviderStatus(provider_id=row.provider_id, state=state))

    def _taken(self) -> Accepted:
        self.ids += 1
        return Accepted(provider_id=f"SM{self.message.pk}x{self.ids}", segments=1)

    def _withdraw(self) -> None:
        withdraw(order=self.order, moments=[self.message.moment], reason="no_longer_true")

    def _opt_out(self) -> None:
        contact = again(self.message).contact
        if contact is not None and not self.opted_out:
            opt_out(contact=contact, channel="sms", by="word")
            self.opted_out = True
            self.calls_at_opt_out = ProviderCall.objects.filter(message=self.message).count()


def _check(life: Life, before: Message, after: Message) -> None:
    """Compare the row before and after one act with the rules of the ledger."""
    old, new = MessageState(before.state), MessageState(after.state)
    if old not in OPEN and new != old:
        assert RANK[new] > RANK[old] or (old, new) == ("accepted", "unknown"), (old, new)
    if before.ended_at is not None:
        assert after.ended_at == before.ended_at
    if new in FINAL:
        assert after.reason or after.provider_id
        assert after.lease_token is None
    ends = Event.objects.filter(subject=after.public_id, kind="message.ended").count()
    assert ends == (after.ended_at is not None)
    calls = ProviderCall.objects.filter(message=after)
    assert calls.count() <= MOST_CALLS
    maybe = calls.filter(result__in=[CallResult.ACCEPTED, CallResult.UNCLEAR, CallResult.OPEN])
    assert maybe.count() <= 2
    if life.opted_out:
        assert calls.count() == life.calls_at_opt_out


ACTS = (
    *("send", "accept", "silence", "away", "refuse", "time", "reap", "found", "absent", "absent"),
    *("cannot tell", "early report", "sent", "delivered", "undelivered", "poll", "withdraw"),
    *("opt out", "send", "silence", "time"),
)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=st.lists(st.sampled_from(ACTS), min_size=4, max_size=24))
def test_the_rank_never_falls_and_each_rule_of_the_ledger_holds(
    account: ChannelAccount, order: Order, acts: list[str]
) -> None:
    point = transaction.savepoint()
    try:
        life = Life(account, order)
        for name in acts:
            before = again(life.message)
            life.act(name)
            _check(life, before, again(life.message))
    finally:
        transaction.savepoint_rollback(point)


def test_the_machine_reaches_every_state(account: ChannelAccount, order: Order) -> None:
    reached = set()
    for acts in (
        ["send", "accept", "sent", "delivered"],
        ["send", "silence", "absent", "absent", "send", "refuse"],
        ["send", "accept", "undelivered"],
        ["withdraw"],
        ["send", "accept", *["time", "poll"] * 5],
    ):
        point = transaction.savepoint()
        life = Life(account, order)
        reached.add(again(life.message).state)
        for name in acts:
            life.act(name)
            reached.add(again(life.message).state)
        transaction.savepoint_rollback(point)
    assert reached == set(MessageState) - {MessageState.READ}


def test_an_unclear_message_that_nobody_can_find_ends_as_unknown(
    account: ChannelAccount, order: Order
) -> None:
    life = Life(account, order)
    life.act("send")
    life.act("silence")
    ProviderCall.objects.update(started_at=in_seconds(-3601))
    Message.objects.update(send_at=order.created_at, not_after=order.created_at)
    life.act("cannot tell")
    assert again(life.message).state == MessageState.UNKNOWN
