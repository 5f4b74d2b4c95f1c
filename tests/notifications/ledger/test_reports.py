"""Reports are kept one by one and taken together: the same ledger, each effect once, none lost."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from lastmile.core.models import Event
from lastmile.core.tasks import sweep
from lastmile.core.tenancy import RetailerRef, retailer_context, shared_context
from lastmile.worklist.models import WorkPointer
from notifications import tasks
from notifications.channels.base import Accepted, ProviderStatus
from notifications.errors import LeaseLost
from notifications.models import (
    ChannelAccount,
    ContactChannel,
    Message,
    ProviderCall,
    ProviderReport,
)
from notifications.services import ClaimedMessage, accept, claim, report, reports
from notifications.services.preparing import prepare_many
from notifications.services.reports import REPORTS, keep_report, take_reports
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import at, out
from tests.factories import make_hub, make_order
from tests.factories.orders import make_window
from tests.notifications.ledger.stage import again, claimed_one, tell_shopper

#: Statements of a batch whose messages all end, savepoints included; and of keeping one report.
TAKEN, KEPT = 9, 1

Claim = Callable[[int], list[ClaimedMessage]]


@pytest.fixture(autouse=True)
def no_pointers_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the pointers of other tests, which were rolled back with them."""
    monkeypatch.setattr(reports, "_pointed_until", {})


@pytest.fixture
def called(account: ChannelAccount, clock: SetClock) -> Claim:
    """Return a function that opens the calls of a number of messages."""
    hub = make_hub().public_id
    clock(at(10))

    def make(count: int) -> list[ClaimedMessage]:
        for _number in range(count):
            tell_shopper(out(make_order(hub=hub, window=make_window())))
        claimed = claim(account=account, most=count)
        opened = prepare_many(claimed=claimed, copied=False)
        return [replace(one, call=opened[one.pk].call) for one in claimed]

    return make


def taken(claimed: list[ClaimedMessage]) -> list[Message]:
    """Let the provider accept these messages."""
    for one in claimed:
        accept(claimed=one, accepted=Accepted(provider_id=f"SM{one.pk}", state="accepted"))
    return [Message.objects.get(pk=one.pk) for one in claimed]


def keep(message: Message, state: str, code: str = "") -> None:
    status = ProviderStatus(provider_id=f"SM{message.pk}", state=state, code=code)
    keep_report(channel="sms", status=status, message=message.public_id, call=1)


def take_all() -> None:
    while take_reports():
        pass


def ends() -> list[str]:
    """Return the subjects of the recorded ends, sorted."""
    rows = Event.objects.filter(kind="message.ended").order_by("subject")
    return list(rows.values_list("subject", flat=True))


# --- One by one or together -------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """A report of a stream: the place of its message, and what it says."""

    place: int
    state: str
    code: str = ""


LIVES = (
    ("sent", "delivered"),
    ("sent", "delivered", "read"),
    ("delivered",),
    ("sent",),
    ("accepted", "sent"),
    ("sent", "failed:30003"),
    ("failed:21610",),
    ("failed:30006", "accepted"),
    (),
)


def stream(rng: random.Random, count: int) -> list[Step]:
    """Return shuffled reports of messages; some come twice, some never."""
    reported = []
    for place in range(count):
        for step in rng.choice(LIVES):
            state, _colon, code = step.partition(":")
            reported += [Step(place, state, code)] * rng.choice((0, 1, 1, 1, 2))
    rng.shuffle(reported)
    return reported


def ledger(claimed: list[ClaimedMessage]) -> Any:
    """Return all that reports change, by the place of the message."""
    places = {one.pk: place for place, one in enumerate(claimed)}
    rows = Message.objects.filter(pk__in=places).order_by("pk")
    return {
        "messages": [
            (row.state, row.reason, row.provider_id, row.ended_at is None, row.poll_at is None,
             row.secret, row.calls, row.lease_token)
            for row in rows
        ],
        "ends": ends(),
        "calls": list(
            ProviderCall.objects.order_by("message").values_list("result", "provider_id")
        ),
        "reports": sorted(
            ProviderReport.objects.values_list("provider_id", "state", "code", "message")
        ),
        "opted_out": ContactChannel.objects.filter(opted_out_at__isnull=False).count(),
        "next": Message.objects.filter(follows__isnull=False).count(),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_shuffled_doubled_early_and_missing_reports_make_the_same_ledger_together(
    called: Claim, seed: int
) -> None:
    rng = random.Random(seed)
    claimed = called(9)
    early, late = (
        stream(rng, 3),
        stream(rng, 9),
    )  # those of the first three may come before the answer
    cuts = [rng.randint(1, 12) for _number in range(60)]

    def status(reported: Step) -> dict[str, Any]:
        one = claimed[reported.place]
        return {
            "channel": "sms",
            "status": ProviderStatus(
                provider_id=f"SM{one.pk}", state=reported.state, code=reported.code
            ),
            "message": one.public_id,
            "call": one.call,
        }

    def answer() -> None:
        for one in claimed:
            try:
                accept(claimed=one, accepted=Accepted(provider_id=f"SM{one.pk}", state="accepted"))
            except LeaseLost:
                continue

    with transaction.atomic():
        for reported in early:
            report(**status(reported))
        answer()
        for reported in late:
            report(**status(reported))
        alone = ledger(claimed)
        transaction.set_rollback(True)
    assert Message.objects.filter(provider_id="").count() == 9
    for reported in early:
        keep_report(**status(reported))
    if seed % 2:
        take_all()
    answer()
    for reported in late:
        keep_report(**status(reported))
        if not rng.randrange(4):
            take_reports(most=cuts.pop())
    take_all()
    assert ledger(claimed) == alone
    assert not ProviderReport.objects.filter(take_at__isnull=False).exists()


def test_reports_that_come_before_the_answer_to_their_call_are_kept_for_it(called: Claim) -> None:
    (one,) = called(1)
    keep_report(channel="sms", status=ProviderStatus(provider_id=f"SM{one.pk}", state="delivered"))
    take_all()
    assert ProviderReport.objects.get().message is None
    (message,) = taken([one])
    assert message.state == "delivered"
    assert ProviderReport.objects.get().message == message


def test_a_report_waits_for_a_message_that_is_found_later(called: Claim) -> None:
    (message,) = taken(called(1))
    keep(message, "sent")
    keep(message, "sent")
    assert (again(message).state, ProviderReport.objects.count()) == ("accepted", 1)
    take_all()
    assert again(message).state == "sent"


# --- Nothing is lost, nothing has its effect twice --------------------------------------------


def test_a_report_whose_hint_was_lost_is_found_by_its_pointer(
    fresh_db: str, called: Claim, retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports._hints, "ask", lambda _schema: None)  # the process was killed
    first, second = taken(called(2))
    keep(first, "delivered")
    keep(second, "sent")
    pointer = WorkPointer.objects.get(kind=REPORTS)
    WorkPointer.objects.exclude(pk=pointer.pk).delete()
    with shared_context():
        assert sweep(grace_s=0) == 0  # it is due later, when the hint has surely been lost
    tasks.take_reports_left(schema=retailer.schema)
    assert (again(first).state, again(second).state) == ("delivered", "sent")
    assert WorkPointer.objects.filter(pk=pointer.pk).exists()  # it may be needed by another report
    WorkPointer.objects.filter(pk=pointer.pk).update(due_at="2020-01-01T00:00Z")
    tasks.take_reports_left(schema=retailer.schema)
    assert not WorkPointer.objects.filter(kind=REPORTS).exists()
    assert ends() == [first.public_id]


def test_a_worker_that_dies_in_the_middle_leaves_every_report_to_the_next(
    called: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = taken(called(3))
    for message in messages:
        keep(message, "delivered")

    class Killed(BaseException):
        pass

    def die(*_events: Any, **_more: Any) -> None:
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(reports, "record_ends", die)
        with pytest.raises(Killed):
            take_reports()
    assert {again(message).state for message in messages} == {"accepted"}
    take_all()
    take_all()
    assert {again(message).state for message in messages} == {"delivered"}
    assert ends() == sorted(message.public_id for message in messages)


def test_two_workers_at_once_take_each_report_once(
    fresh_db: str, called: Claim, retailer: RetailerRef
) -> None:
    messages = taken(called(24))
    for state in ("sent", "delivered"):
        for message in messages:
            keep(message, state)
    gate = threading.Barrier(3)
    counts = []

    def work() -> None:
        try:
            with retailer_context(retailer.schema):
                gate.wait()
                while count := take_reports(most=5):
                    counts.append(count)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    take_all()
    assert sum(counts) >= 48
    assert set(Message.objects.values_list("state", flat=True)) == {"delivered"}
    assert ends() == sorted(message.public_id for message in messages)


def test_a_report_that_cannot_be_taken_holds_up_no_other_one_and_is_tried_again(
    called: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad, failed = taken(called(3))
    usual = reports._is_usual

    def break_one(message: Message, its: Any) -> bool:
        if message.pk == bad.pk:
            raise ValueError("broken")
        return usual(message, its)

    connect = reports.connect

    def break_alone(**facts: Any) -> None:
        if facts["message"] == bad.public_id:
            raise ValueError("broken")
        connect(**facts)

    keep(bad, "delivered")
    keep(good, "delivered")
    keep(failed, "failed", "30003")
    with monkeypatch.context() as broken:
        broken.setattr(reports, "_is_usual", break_one)
        broken.setattr(reports, "connect", break_alone)
        take_all()
    assert [again(row).state for row in (good, bad, failed)] == ["delivered", "accepted", "failed"]
    left = ProviderReport.objects.get(take_at__isnull=False)
    assert (left.named, left.tries) == (bad.public_id, 1)
    ProviderReport.objects.filter(pk=left.pk).update(take_at="2020-01-01T00:00Z")
    take_all()
    assert again(bad).state == "delivered"
    assert len(ends()) == 3


def test_reports_of_one_retailer_never_touch_another(
    called: Claim, other: RetailerRef, retailer: RetailerRef
) -> None:
    (message,) = taken(called(1))
    with retailer_context(other):
        keep(message, "delivered")
        take_all()
        assert ProviderReport.objects.get().message is None
    take_all()
    assert again(message).state == "accepted"


# --- What it costs ----------------------------------------------------------------------------


def test_a_batch_of_reports_is_taken_with_a_fixed_number_of_statements(called: Claim) -> None:
    counts = []
    for size in (2, 9):
        for message in taken(called(size)):
            keep(message, "sent")
            keep(message, "delivered")
        with CaptureQueriesContext(connection) as queries:
            assert take_reports() == 2 * size
        counts.append(len(queries.captured_queries))
    assert counts[0] == counts[1] <= TAKEN, counts
    assert set(Message.objects.values_list("state", flat=True)) == {"delivered"}


def test_a_report_is_kept_with_one_statement_while_a_pointer_is_enough(
    fresh_db: str, called: Claim
) -> None:
    (message,) = taken(called(1))
    keep(message, "sent")
    with CaptureQueriesContext(connection) as queries:
        keep(message, "delivered")
    assert len(queries.captured_queries) == KEPT
    assert WorkPointer.objects.filter(kind=REPORTS).count() == 1


def test_a_pointer_that_was_rolled_back_is_not_relied_on(fresh_db: str, called: Claim) -> None:
    (message,) = taken(called(1))
    with transaction.atomic():
        keep(message, "sent")
        transaction.set_rollback(True)
    keep(message, "sent")
    assert WorkPointer.objects.filter(kind=REPORTS).count() == 1


def test_a_report_of_a_message_that_is_being_sent_proves_it(
    account: ChannelAccount, order: Any
) -> None:
    message = tell_shopper(order)
    claimed = claimed_one(account)
    keep(message, "sent")
    take_all()
    assert again(message).state == "sent"
    with pytest.raises(LeaseLost):
        accept(
            claimed=claimed,
            accepted=Accepted(provider_id=f"SM{message.pk}", state="accepted"),
        )
    assert ProviderCall.objects.get(message=message).result == "accepted"
