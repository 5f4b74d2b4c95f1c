"""Deliveries: each handler has one effect per event, even after several attempts."""

from __future__ import annotations

import io
import json
import threading
import time
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from lastmile.core import relay
from lastmile.core.events import DomainEvent, Lane, record
from lastmile.core.jobs import cancel, enqueue
from lastmile.core.models import Delivery, DeliveryState, Event
from lastmile.core.relay import deliver_batch, owed_handlers, relay_batch, settle
from lastmile.core.tenancy import RetailerRef, retailer_context
from lastmile.core.timing import backoff_s
from lastmile.worklist.models import WorkPointer
from tests.core import kinds, wired
from tests.core.conftest import Crew
from tests.drain import drain

PLACED = "tests.core.wired.on_placed"
BROKEN = "tests.core.wired.on_broken"


def owe(kind: str, count: int = 1, lane: Lane = Lane.BULK) -> None:
    with transaction.atomic():
        for number in range(count):
            record(kinds.BY_NAME[kind], kinds.NO_FACTS, subject=f"ord_{number}", lane=lane)
    relay_batch()


def make_due() -> None:
    Delivery.objects.filter(state__in=relay.OPEN).update(due_at=Now())


def test_every_handler_of_a_kind_runs_once(shop: RetailerRef) -> None:
    owe("order.twice")
    drain()
    drain()
    assert sorted(wired.traces()) == ["ord_0", "ord_0/too"]
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.DONE}


def test_a_kind_without_handlers_has_no_deliveries(shop: RetailerRef) -> None:
    owe("order.noted")
    assert not Delivery.objects.exists()
    assert not WorkPointer.objects.exists()


def test_ten_workers_at_once_run_each_delivery_once(shop: RetailerRef, crew: Crew) -> None:
    owe("order.placed", 150)
    start = threading.Barrier(10)

    def work() -> None:
        start.wait(10)
        while deliver_batch(PLACED, Lane.BULK):
            pass

    for _ in range(10):
        crew.start(work)
    crew.join()
    assert sorted(wired.traces()) == sorted(f"ord_{n}" for n in range(150))


def test_a_failed_handler_has_no_effect_stores_its_error_and_waits(shop: RetailerRef) -> None:
    owe("order.broken")
    assert deliver_batch(BROKEN, Lane.BULK) == 1
    delivery = Delivery.objects.get()
    assert wired.traces() == []
    assert delivery.state == DeliveryState.WAITING
    assert delivery.attempts == 1
    assert delivery.error == "ValueError: the vase is broken"
    assert owed_handlers(Lane.BULK) == [], "not before its time"
    assert settle(Lane.BULK)
    assert WorkPointer.objects.count() == 1, "a pointer of its own brings the sweep back"
    wired.broken = False
    make_due()
    drain()
    assert wired.traces() == ["ord_0"]
    assert Delivery.objects.get().error == ""


def test_after_the_last_attempt_a_delivery_is_dead_with_its_error(shop: RetailerRef) -> None:
    owe("order.broken")
    for _ in range(relay.MAX_ATTEMPTS + 2):
        make_due()
        deliver_batch(BROKEN, Lane.BULK)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == (DeliveryState.DEAD, relay.MAX_ATTEMPTS)
    assert "the vase is broken" in delivery.error
    WorkPointer.objects.update(due_at=Now())
    assert settle(Lane.BULK)
    assert not WorkPointer.objects.exists(), "nobody looks for the dead"

    wired.broken = False
    assert list(relay.given_up("order.placed")) == []
    (dead,) = relay.given_up("order.broken")
    assert relay.revive([dead.pk]) == 1
    assert relay.revive([dead.pk]) == 0, "it is given up no more"
    assert WorkPointer.objects.filter(kind="deliver.bulk").exists()
    drain()
    assert wired.traces() == ["ord_0"]


def test_a_handler_that_does_not_resolve_is_given_up_with_that_reason(shop: RetailerRef) -> None:
    owe("order.gone")
    for _ in range(relay.MAX_ATTEMPTS):
        make_due()
        deliver_batch("tests.core.wired.no_such_handler", Lane.BULK)
    delivery = Delivery.objects.get()
    assert delivery.state == DeliveryState.DEAD
    assert "does not resolve" in delivery.error


def test_one_failing_event_does_not_block_the_others(
    shop: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def picky(event: DomainEvent) -> None:
        if event.subject == "ord_1":
            raise ValueError("not this one")
        seen.append(event.subject)

    monkeypatch.setattr(wired, "on_placed", picky)
    owe("order.placed", 4)
    assert deliver_batch(PLACED, Lane.BULK) == 4
    assert seen == ["ord_0", "ord_2", "ord_3"]


def test_a_batch_has_a_hundred_deliveries_and_a_retry_runs_alone(
    shop: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(event: DomainEvent) -> None:
        raise ValueError("down")

    monkeypatch.setattr(wired, "on_placed", fails)
    owe("order.placed", 130)
    assert [deliver_batch(PLACED, Lane.BULK) for _ in range(2)] == [100, 30]
    make_due()
    assert [deliver_batch(PLACED, Lane.BULK) for _ in range(2)] == [1, 1]


def test_only_the_delivery_that_kills_its_worker_is_given_up(
    shop: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """An exception that simulates the kill of a worker: no code after it runs."""

    def kills(event: DomainEvent) -> None:
        if event.subject == "ord_0":
            raise Killed
        record(kinds.TRACE, kinds.NO_FACTS, subject=event.subject)

    monkeypatch.setattr(wired, "on_placed", kills)
    owe("order.placed", 3)
    for _ in range(relay.MAX_ATTEMPTS + 4):
        make_due()  # the lease of the killed worker has run out
        try:
            deliver_batch(PLACED, Lane.BULK)
        except Killed:
            continue
    assert sorted(wired.traces()) == ["ord_1", "ord_2"]
    dead = Delivery.objects.get(state=DeliveryState.DEAD)
    assert dead.event.subject == "ord_0"
    assert "died or hung" in dead.error


def test_a_worker_whose_lease_ran_out_does_not_run_the_handler_again(
    shop: RetailerRef, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    stalled, go_on = threading.Event(), threading.Event()
    real = relay._lease

    def lease_then_stall(handler: str, lane: str, token: object) -> object:
        leased = real(handler, lane, token)  # type: ignore[arg-type]
        stalled.set()
        assert go_on.wait(10)
        return leased

    owe("order.placed", 3)
    with monkeypatch.context() as patch:
        patch.setattr(relay, "_lease", lease_then_stall)
        crew.start(deliver_batch, PLACED, Lane.BULK)
        assert stalled.wait(10)
    make_due()
    while deliver_batch(PLACED, Lane.BULK):
        pass
    go_on.set()
    crew.join()
    assert sorted(wired.traces()) == ["ord_0", "ord_1", "ord_2"]


def test_a_slow_handler_is_not_started_a_second_time_when_its_lease_runs_out(
    shop: RetailerRef, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, go_on, runs = threading.Event(), threading.Event(), []

    def slow(event: DomainEvent) -> None:
        runs.append(event.subject)
        running.set()
        assert go_on.wait(10)

    monkeypatch.setattr(wired, "on_placed", slow)
    owe("order.placed")
    Delivery.objects.update(due_at=Now())
    monkeypatch.setattr(relay, "LEASE_S", -1)  # run out at once
    crew.start(deliver_batch, PLACED, Lane.BULK)
    assert running.wait(10)
    assert deliver_batch(PLACED, Lane.BULK) == 0, "the row is locked by the running handler"
    go_on.set()
    crew.join()
    assert runs == ["ord_0"]


def test_deliveries_not_started_in_time_are_released(shop: RetailerRef) -> None:
    owe("order.placed", 5)
    assert deliver_batch(PLACED, Lane.BULK, until=time.monotonic() - 1) == 5
    assert wired.traces() == []
    assert set(Delivery.objects.values_list("state", "attempts")) == {(DeliveryState.WAITING, 0)}
    assert not settle(Lane.BULK)
    drain()
    assert len(wired.traces()) == 5


def test_person_deliveries_do_not_wait_for_bulk_deliveries(shop: RetailerRef) -> None:
    owe("order.placed", 120)
    with transaction.atomic():
        record(kinds.PLACED, kinds.NO_FACTS, subject="ord_now", lane=Lane.PERSON)
    relay_batch()
    assert deliver_batch(PLACED, Lane.PERSON) == 1
    assert wired.traces() == ["ord_now"]


def test_a_handler_runs_with_the_actor_of_the_event(shop: RetailerRef) -> None:
    from lastmile.core.actor import acting_as

    with acting_as("mem_ada"):
        owe("order.placed")
    drain()
    assert Event.objects.get(kind="test.trace").actor == "mem_ada"


def test_no_pointer_remains_when_all_is_delivered(shop: RetailerRef) -> None:
    owe("order.placed", 3, Lane.PERSON)
    drain()
    for lane in Lane:
        assert settle(lane)
    assert not WorkPointer.objects.exists()


def test_delays_grow_fourfold_and_end_within_hours() -> None:
    waits = [backoff_s(attempt) for attempt in range(1, relay.MAX_ATTEMPTS)]
    assert 2 <= waits[0] <= 2.4
    assert all(later > sooner for sooner, later in pairwise(waits))
    assert sum(waits) < 4 * 3600


def test_a_delivery_costs_a_fixed_number_of_queries(shop: RetailerRef) -> None:
    owe("order.placed", 50)
    with CaptureQueriesContext(connection) as captured:
        assert deliver_batch(PLACED, Lane.BULK) == 50
    # each: BEGIN, mark, the handler's event and pointer, COMMIT; the batch: 4 to lease, 1 to clear
    assert len(captured) == 50 * 5 + 5, "\n".join(q["sql"][:90] for q in captured.captured_queries)


def test_the_on_end_functions_of_a_job_run_after_its_end_only(shop: RetailerRef) -> None:
    with transaction.atomic():
        followed = enqueue("test.followed")
        other = enqueue("test.echo")
    cancel(followed.public_id)
    cancel(other.public_id)
    drain()
    assert wired.traces() == [f"{followed.public_id}/test.followed/cancelled"]
    assert Delivery.objects.get().event.subject == followed.public_id


def test_a_job_of_an_unknown_kind_ends_without_on_end_functions(
    shop: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction.atomic():
        job = enqueue("test.followed")
    monkeypatch.delitem(wired.JOBS, "test.followed")
    cancel(job.public_id)
    assert relay_batch()[0] == 1
    assert not Delivery.objects.exists()


def give_up(kind: str) -> None:
    owe(kind)
    Delivery.objects.filter(event__kind=kind).update(
        state=DeliveryState.DEAD,
        attempts=relay.MAX_ATTEMPTS,
        error="ValueError: the vase is broken",
    )


def run(*words: str) -> Any:
    out = io.StringIO()
    call_command("deliveries_revive", "--schema", "t1", "--json", *words, stdout=out)
    return json.loads(out.getvalue())


def test_an_operator_lists_and_revives_what_was_given_up(
    shop: RetailerRef, neighbour: RetailerRef
) -> None:
    give_up("order.broken")
    give_up("order.placed")
    with retailer_context(neighbour):
        give_up("order.broken")
    listed = run("--dry-run")
    assert [one["kind"] for one in listed["given_up"]] == ["order.broken", "order.placed"]
    assert listed["given_up"][0]["handler"] == BROKEN
    assert listed["given_up"][0]["error"] == "ValueError: the vase is broken"
    assert (listed["schema"], listed["revived"]) == ("t1", 0)
    assert Delivery.objects.filter(state=DeliveryState.DEAD).count() == 2, "only listed"

    wired.broken = False
    assert run("--kind", "order.broken")["revived"] == 1
    assert deliver_batch(BROKEN, Lane.BULK) == 1
    assert wired.traces() == ["ord_0"]
    assert run("--dry-run")["given_up"][0]["kind"] == "order.placed"
    with retailer_context(neighbour):
        assert Delivery.objects.get().state == DeliveryState.DEAD, "the neighbour's stays"


def test_an_undeclared_kind_is_refused(shop: RetailerRef) -> None:
    give_up("order.broken")
    with pytest.raises(CommandError, match="No event kind"):
        run("--kind", "order.eaten")
    assert Delivery.objects.get().state == DeliveryState.DEAD


def test_a_delivery_that_waits_under_a_handlers_old_name_reaches_the_new_one(
    shop: RetailerRef,
) -> None:
    owe("order.placed")
    Delivery.objects.update(handler="tests.core.wired.on_placed_once")
    drain()
    assert wired.traces() == ["ord_0"]
    assert Delivery.objects.get().state == DeliveryState.DONE
