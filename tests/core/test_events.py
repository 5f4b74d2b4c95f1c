"""record(), the relay and positions: each committed event is passed on once, none is skipped."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from lastmile.core.actor import acting_as
from lastmile.core.events import Lane, events_since, record, record_many, timeline
from lastmile.core.kinds import DECLARED, Kind
from lastmile.core.models import Delivery, Event
from lastmile.core.relay import RELAY_BATCH, relay_batch
from lastmile.core.tasks import relay as relay_task
from lastmile.core.tenancy import RetailerRef, retailer_context
from lastmile.core.wiring import NotWired
from lastmile.worklist.models import WorkPointer
from tests.core import kinds, wired
from tests.core.conftest import Crew


def place(number: int) -> Event:
    with transaction.atomic():
        return record(kinds.PLACED, kinds.ThingFacts(number=number), subject=f"ord_{number}")


def place_and_fail() -> None:
    with transaction.atomic():
        record(kinds.PLACED, kinds.NO_FACTS, subject="ord_1")
        raise ZeroDivisionError


def test_record_outside_a_transaction_raises_and_writes_nothing(shop: RetailerRef) -> None:
    with pytest.raises(RuntimeError, match="outside a transaction"):
        record(kinds.PLACED, kinds.NO_FACTS, subject="ord_1")
    assert not Event.objects.exists()
    assert not WorkPointer.objects.exists()


def test_record_keeps_who_what_and_when(shop: RetailerRef) -> None:
    happened = dt.datetime(2026, 11, 22, 8, 30, tzinfo=dt.UTC)
    with transaction.atomic(), acting_as("mem_ada"):
        record(
            kinds.PLACED,
            kinds.ThingFacts(number=2),
            subject="ord_1",
            lane=Lane.PERSON,
            occurred_at=happened,
        )
    relay_batch()
    (event,) = events_since(0)
    assert (event.kind, event.subject, event.actor) == ("order.placed", "ord_1", "mem_ada")
    assert (event.data, event.lane, event.occurred_at) == ({"number": 2}, Lane.PERSON, happened)
    assert event.position == 1
    assert event.public_id.startswith("evt_")


@pytest.mark.parametrize("name", ["placed", "Order.placed", "order.", "order placed", ""])
def test_a_kind_that_is_not_noun_and_verb_cannot_be_made(name: str) -> None:
    count = len(DECLARED)
    with pytest.raises(ValueError, match="not an event kind"):
        Kind(name, facts=kinds.ThingFacts)
    assert len(DECLARED) == count


def test_record_refuses_a_kind_that_no_events_module_declares(shop: RetailerRef) -> None:
    stranger = Kind("order.placed", facts=kinds.ThingFacts)  # the same name, another kind
    DECLARED.remove(stranger)
    with pytest.raises(NotWired, match="not declared"), transaction.atomic():
        record(stranger, kinds.NO_FACTS, subject="ord_1")
    assert not Event.objects.exists()


def test_record_refuses_an_instant_without_a_zone(shop: RetailerRef) -> None:
    with pytest.raises(ValueError, match="zone"), transaction.atomic():
        record(kinds.PLACED, kinds.NO_FACTS, subject="o", occurred_at=dt.datetime(2026, 1, 1))
    assert not Event.objects.exists()


def test_a_rollback_leaves_no_event_and_no_pointer(shop: RetailerRef) -> None:
    with pytest.raises(ZeroDivisionError):
        place_and_fail()
    assert not Event.objects.exists()
    assert not WorkPointer.objects.exists()


def test_a_transaction_adds_one_pointer_and_one_hint(
    shop: RetailerRef, hints: list[tuple[str, dict[str, Any]]]
) -> None:
    with transaction.atomic():
        for number in range(5):
            record(kinds.PLACED, kinds.NO_FACTS, subject=f"ord_{number}")
        assert hints == [], "a hint before the commit would find nothing"
    assert WorkPointer.objects.filter(kind="relay").count() == 1
    assert hints == [("core.relay", {"schema": shop.schema})]


def test_after_a_savepoint_rollback_the_next_record_adds_a_pointer_again(
    shop: RetailerRef, hints: list[tuple[str, dict[str, Any]]]
) -> None:
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError):
            place_and_fail()
        record(kinds.PLACED, kinds.NO_FACTS, subject="ord_2")
    assert WorkPointer.objects.count() == 1
    assert len(hints) == 1
    assert relay_batch()[0] == 1


def test_an_unavailable_broker_does_not_fail_or_slow_a_request(
    shop: RetailerRef, dead_broker: None
) -> None:
    started_at = dt.datetime.now(dt.UTC)
    for number in range(5):
        place(number)
    assert (dt.datetime.now(dt.UTC) - started_at).total_seconds() < 1
    assert Event.objects.count() == 5
    assert WorkPointer.objects.count() == 5, "the sweep finds what the broker was not told"


def test_a_reader_by_id_misses_the_slow_transaction_and_a_reader_by_position_does_not(
    shop: RetailerRef, crew: Crew
) -> None:
    recorded, commit = threading.Event(), threading.Event()

    def slow_transaction() -> None:
        with transaction.atomic():
            record(kinds.PLACED, kinds.NO_FACTS, subject="ord_slow")
            recorded.set()
            assert commit.wait(10)

    crew.start(slow_transaction)
    assert recorded.wait(10)
    place(2)

    def naive(after: int) -> list[tuple[int, str]]:
        return list(Event.objects.filter(id__gt=after).order_by("id").values_list("id", "subject"))

    relay_batch()
    by_id, by_position = naive(0), events_since(0)
    assert [subject for _, subject in by_id] == ["ord_2"]
    assert [event.subject for event in by_position] == ["ord_2"]

    commit.set()
    crew.join()
    relay_batch()
    assert naive(by_id[-1][0]) == [], "the naive reader never sees ord_slow: why positions exist"
    later = events_since(by_position[-1].position)
    assert [event.subject for event in later] == ["ord_slow"]


def test_positions_have_no_gaps_or_duplicates_under_concurrency(
    shop: RetailerRef, crew: Crew
) -> None:
    writers_done = threading.Event()

    def write(first: int) -> None:
        for number in range(first, first + 40):
            place(number)

    def relay() -> None:
        while not writers_done.is_set():
            relay_batch()

    def read() -> list[int]:
        positions: list[int] = []
        while not writers_done.is_set() or events_since(positions[-1] if positions else 0):
            events = events_since(positions[-1] if positions else 0, 7)
            positions += [event.position for event in events]
        return positions

    writers = Crew(shop)
    for first in (0, 100, 200, 300):
        writers.start(write, first)
    crew.start(relay)
    crew.start(relay)
    crew.start(read)
    writers.join()
    while relay_batch()[0]:
        pass
    while Event.objects.filter(position=None).exists():  # the other relay holds the lock
        relay_batch()
    writers_done.set()
    (positions,) = [result for result in crew.join() if result is not None]
    assert positions == list(range(1, 161)), "the reader saw each event once, in order"
    assert Delivery.objects.count() == 160


def other_relay(crew: Crew) -> threading.Event:
    """Start another relay that holds the retailer's lock until the returned event is set."""
    locked, released = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            relay_batch()
            locked.set()
            assert released.wait(10)

    crew.start(hold)
    assert locked.wait(10)
    return released


def test_only_one_relay_at_a_time_gives_positions(shop: RetailerRef, crew: Crew) -> None:
    place(1)
    released = other_relay(crew)
    assert relay_batch() == (0, set()), "it does not wait: the other will look again"
    released.set()
    crew.join()
    assert [event.position for event in events_since(0)] == [1]


def test_a_relay_that_meets_another_one_asks_for_a_task_and_leaves_no_event(
    shop: RetailerRef, crew: Crew, hints: list[tuple[str, dict[str, Any]]]
) -> None:
    released = other_relay(crew)
    place(1)  # the other relay has not seen it
    hints.clear()
    relay_task(schema=shop.schema)
    assert hints == [("core.relay", {"schema": shop.schema})]
    released.set()
    crew.join()
    relay_task(schema=shop.schema)
    assert [event.position for event in events_since(0)] == [1]
    hints.clear()
    relay_task(schema=shop.schema)
    assert hints == [], "nothing is left, so nothing is asked for"


def test_events_that_come_while_a_relay_delivers_wait_for_their_own_task(
    shop: RetailerRef, hints: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wired, "on_placed", lambda event: place(2))
    with transaction.atomic():
        record(kinds.PLACED, kinds.NO_FACTS, subject="ord_1", lane=Lane.PERSON)
    hints.clear()
    relay_task(schema=shop.schema)
    assert [event.subject for event in events_since(0)] == ["ord_1"]
    assert ("core.relay", {"schema": shop.schema}) in hints


def test_the_relays_lock_is_one_per_retailer(
    shop: RetailerRef, neighbour: RetailerRef, crew: Crew
) -> None:
    place(1)
    released = other_relay(crew)
    with retailer_context(neighbour):
        place(7)
        assert relay_batch()[0] == 1, "the neighbour's relay is not held up"
        assert [(e.position, e.subject) for e in events_since(0)] == [(1, "ord_7")]
    released.set()
    crew.join()


def test_an_event_is_visible_to_its_retailer_only(
    shop: RetailerRef, neighbour: RetailerRef
) -> None:
    place(1)
    relay_batch()
    with retailer_context(neighbour):
        relay_batch()
        assert events_since(0) == []
        assert timeline("ord_1") == []
    assert [event.subject for event in events_since(0)] == ["ord_1"]


def test_the_timeline_is_sorted_by_the_time_of_the_events(shop: RetailerRef) -> None:
    with transaction.atomic():
        record(kinds.DELIVERED, kinds.NO_FACTS, subject="ord_1")
        record(
            kinds.PLACED,
            kinds.NO_FACTS,
            subject="ord_1",
            occurred_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        )
        record(kinds.PLACED, kinds.NO_FACTS, subject="ord_2")
    assert [event.kind for event in timeline("ord_1")] == ["order.placed", "order.delivered"]


def test_the_pointer_stays_until_the_last_batch_has_positions(
    shop: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lastmile.core.outbox.RELAY_BATCH", 2)
    for number in range(3):
        place(number)
    assert relay_batch()[0] == 2
    assert WorkPointer.objects.filter(kind="relay").exists()
    assert relay_batch()[0] == 1
    assert not WorkPointer.objects.filter(kind="relay").exists()
    assert RELAY_BATCH > 2


def test_a_person_event_is_in_the_next_batch_before_bulk_events(
    shop: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lastmile.core.outbox.RELAY_BATCH", 5)
    with transaction.atomic():
        for number in range(20):
            record(kinds.PLACED, kinds.NO_FACTS, subject=f"ord_{number}")
    with transaction.atomic():
        record(kinds.NEAR, kinds.NO_FACTS, subject="rte_1", lane=Lane.PERSON)
    relay_batch()
    subjects = [event.subject for event in events_since(0)]
    assert subjects == ["ord_0", "ord_1", "ord_2", "ord_3", "rte_1"]
    while relay_batch()[0]:
        pass
    assert [event.position for event in events_since(0)] == list(range(1, 22))


def test_a_person_event_includes_earlier_events_of_its_subject(
    shop: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lastmile.core.outbox.RELAY_BATCH", 3)
    with transaction.atomic():
        for number in range(10):
            record(kinds.PLACED, kinds.NO_FACTS, subject=f"ord_{number}")
        record(kinds.TWICE, kinds.NO_FACTS, subject="ord_9")
        record(kinds.DELIVERED, kinds.NO_FACTS, subject="ord_9", lane=Lane.PERSON)
        record(kinds.NOTED, kinds.NO_FACTS, subject="ord_9")  # later than the urgent one
    relay_batch()
    first = [(event.kind, event.subject) for event in events_since(0)]
    assert first == [
        ("order.placed", "ord_0"),
        ("order.placed", "ord_1"),
        ("order.placed", "ord_9"),
        ("order.twice", "ord_9"),
        ("order.delivered", "ord_9"),
    ]
    assert WorkPointer.objects.filter(kind="relay").exists(), "the rest still waits"
    while relay_batch()[0]:
        pass
    assert [event.position for event in events_since(0)] == list(range(1, 14))
    of_one = [event.kind for event in events_since(0) if event.subject == "ord_9"]
    assert of_one == ["order.placed", "order.twice", "order.delivered", "order.noted"]


def test_record_and_relay_cost_a_fixed_number_of_queries(shop: RetailerRef) -> None:
    connection.ensure_connection()
    with transaction.atomic():
        with CaptureQueriesContext(connection) as first:
            record(kinds.PLACED, kinds.NO_FACTS, subject="ord_0")
        with CaptureQueriesContext(connection) as second:
            record(kinds.PLACED, kinds.NO_FACTS, subject="ord_1")
    assert len(first) == 2, "the event and the pointer"
    assert len(second) == 1, "the event"
    with transaction.atomic():
        for number in range(200):
            record(kinds.PLACED, kinds.NO_FACTS, subject=f"ord_{number}")
    with CaptureQueriesContext(connection) as relayed:
        assert relay_batch()[0] == 202
    # BEGIN, lock, pointers seen, positions, deliveries, lane's pointer, pointers cleared, COMMIT
    assert len(relayed) == 8, "\n".join(query["sql"][:90] for query in relayed.captured_queries)


def test_many_events_are_stored_with_one_insert(
    shop: RetailerRef, django_assert_max_num_queries: Any
) -> None:
    facts = [kinds.MANY.new(f"x{n}", kinds.ThingFacts(number=n)) for n in range(200)]
    with transaction.atomic(), django_assert_max_num_queries(3):
        events = record_many(facts)
    stored = list(Event.objects.filter(kind="test.many").order_by("id"))
    assert [(e.subject, e.data) for e in stored] == [(f"x{n}", {"number": n}) for n in range(200)]
    assert [e.public_id for e in events] == [e.public_id for e in stored]


def test_one_invalid_event_among_many_records_none(shop: RetailerRef) -> None:
    text: Any = "Ada Lovelace, 12 Main Street"
    bad = kinds.MANY.new("x", kinds.ThingFacts(number=text))
    with pytest.raises(ValueError, match="is a text"), transaction.atomic():
        record_many([kinds.MANY.new("x", kinds.NO_FACTS), bad])
    assert not Event.objects.exists()
