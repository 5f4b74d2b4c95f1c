"""Pointers and schedules: no work is lost, no writer waits, and idle retailers cost nothing."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from lastmile import beat
from lastmile.core import outbox, runner
from lastmile.core import relay as relay_module
from lastmile.core.events import record
from lastmile.core.jobs import enqueue
from lastmile.core.models import Event
from lastmile.core.relay import relay_batch
from lastmile.core.tasks import deliver, house_task, relay, retailer_task, sweep
from lastmile.core.tenancy import NoRetailer, RetailerRef, retailer_context, shared_context
from lastmile.core.timing import in_seconds
from lastmile.schedule import SCHEDULE
from lastmile.worklist.models import Pace, ScheduleMark, WorkPointer
from lastmile.worklist.selectors import due, due_schemas, seen
from lastmile.worklist.services import (
    claim_window,
    clear,
    forget,
    point,
    point_once,
    reserve,
)
from tests.core import kinds, wired
from tests.core.conftest import Crew


def place(subject: str) -> None:
    with transaction.atomic():
        record(kinds.PLACED, kinds.NO_FACTS, subject=subject)


# --- Pointers -------------------------------------------------------------------------------


def test_a_pointer_written_while_the_work_is_done_is_not_lost(
    shop: RetailerRef, crew: Crew
) -> None:
    place("ord_1")
    read, written = threading.Event(), threading.Event()

    def worker() -> None:
        pointers = seen(shop.schema, "relay")  # reads the first pointer
        read.set()
        assert written.wait(10)
        clear(pointer_ids=pointers)

    crew.start(worker)
    assert read.wait(10)
    place("ord_2")
    written.set()
    crew.join()
    assert seen(shop.schema, "relay"), "the second event is still pointed at"


def test_one_upserted_row_would_lose_pointers_and_block_writers(
    shop: RetailerRef, crew: Crew
) -> None:
    """Show why pointers are separate rows: one row per (schema, kind) would fail."""
    upsert = (
        "INSERT INTO naive_pointer VALUES (%s, now()) ON CONFLICT (schema) DO UPDATE"
        " SET due_at = least(naive_pointer.due_at, excluded.due_at)"
    )
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE naive_pointer (schema text PRIMARY KEY, due_at timestamptz)")
    try:
        inserted, commit = threading.Event(), threading.Event()

        def slow_writer() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(upsert, [shop.schema])
                inserted.set()
                assert commit.wait(20)

        crew.start(slow_writer)
        assert inserted.wait(10)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '300ms'")
            with pytest.raises(OperationalError):
                cursor.execute(upsert, [shop.schema])
            cursor.execute("SET lock_timeout = '3s'")
        commit.set()
        crew.join()

        # The row is read, a second writer updates it, then it is deleted: the pointer is lost.
        with connection.cursor() as cursor:
            cursor.execute("SELECT schema FROM naive_pointer")
            cursor.execute(upsert, [shop.schema])
            cursor.execute("DELETE FROM naive_pointer WHERE schema = %s", [shop.schema])
            cursor.execute("SELECT count(*) FROM naive_pointer")
            assert cursor.fetchone() == (0,)
    finally:
        commit.set()
        crew.join()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE naive_pointer")


def test_no_writer_waits_for_another_that_has_not_committed(shop: RetailerRef, crew: Crew) -> None:
    recorded, commit = threading.Event(), threading.Event()

    def slow_writer() -> None:
        with transaction.atomic():
            record(kinds.PLACED, kinds.NO_FACTS, subject="ord_slow")
            recorded.set()
            assert commit.wait(20)

    crew.start(slow_writer)
    assert recorded.wait(10)
    started_at = time.monotonic()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '300ms'")
        record(kinds.PLACED, kinds.NO_FACTS, subject="ord_fast")
    relay_batch()
    assert time.monotonic() - started_at < 1
    commit.set()
    crew.join()
    relay_batch()
    assert Event.objects.filter(position=None).count() == 0


def test_pointers_have_only_a_schema_a_kind_and_a_time() -> None:
    fields = {field.name for field in WorkPointer._meta.get_fields()}
    assert fields == {"id", "schema", "kind", "due_at"}


def test_due_lists_each_schema_and_kind_once_oldest_first(
    shop: RetailerRef, neighbour: RetailerRef
) -> None:
    for _ in range(3):
        point(schema=neighbour.schema, kind="relay")
    point(schema=shop.schema, kind="jobs")
    point(schema=shop.schema, kind="relay", due_in_s=60)
    WorkPointer.objects.filter(kind="jobs").update(due_at=in_seconds(-30))
    assert due() == [(shop.schema, "jobs"), (neighbour.schema, "relay")]
    assert due(grace_s=10) == [(shop.schema, "jobs")]


def test_forget_deletes_one_retailers_pointers(shop: RetailerRef, neighbour: RetailerRef) -> None:
    point(schema=shop.schema, kind="relay")
    point(schema=neighbour.schema, kind="relay")
    assert forget(schema=shop.schema) == 1
    assert list(WorkPointer.objects.values_list("schema", flat=True)) == [neighbour.schema]


# --- The sweep ------------------------------------------------------------------------------


def test_the_sweep_starts_work_whose_hint_was_lost(
    shop: RetailerRef, neighbour: RetailerRef, hints: list[tuple[str, dict[str, Any]]]
) -> None:
    place("ord_1")
    with retailer_context(neighbour):
        place("ord_2")
    hints.clear()  # lost: the broker was emptied
    assert sweep(grace_s=0) == 2
    assert sorted(kwargs["schema"] for _task, kwargs in hints) == [shop.schema, neighbour.schema]
    for task, kwargs in list(hints):
        assert task == "core.relay"
        relay(**kwargs)
    for task, kwargs in list(hints):
        if task == "core.deliver":
            deliver(**kwargs)
    assert wired.traces() == ["ord_1"]
    with retailer_context(neighbour):
        assert wired.traces() == ["ord_2"]


def test_the_sweep_runs_without_a_retailer_and_enters_none(
    shop: RetailerRef, hints: list[tuple[str, dict[str, Any]]]
) -> None:
    place("ord_1")
    with shared_context(), CaptureQueriesContext(connection) as captured:
        sweep(grace_s=0)
    assert not [q for q in captured.captured_queries if "core_" in q["sql"]]


def test_the_sweep_costs_the_same_with_no_and_with_a_thousand_idle_retailers(
    shop: RetailerRef, hints: list[tuple[str, dict[str, Any]]]
) -> None:
    place("ord_1")

    def cost() -> tuple[int, str]:
        with shared_context():
            with CaptureQueriesContext(connection) as captured:
                sweep(grace_s=0)
            with connection.cursor() as cursor:
                cursor.execute("SET enable_seqscan = off")
                cursor.execute(
                    "EXPLAIN SELECT schema, kind, min(due_at) FROM worklist_workpointer"
                    " WHERE due_at <= now() GROUP BY schema, kind"
                )
                plan = "\n".join(line for (line,) in cursor.fetchall())
                cursor.execute("SET enable_seqscan = on")
        return len(captured), plan

    queries, _plan = cost()
    # A thousand retailers without work now: their pointers have a later time.
    WorkPointer.objects.bulk_create(
        WorkPointer(schema=f"t_{n}", kind="jobs", due_at=dt.datetime(2999, 1, 1, tzinfo=dt.UTC))
        for n in range(1000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE worklist_workpointer")
    again, plan = cost()
    assert again == queries
    assert "pointer_due" in plan, plan


def test_the_sweep_skips_retailers_that_are_not_active(
    shop: RetailerRef, hints: list[tuple[str, dict[str, Any]]]
) -> None:
    point(schema="t_long_gone", kind="relay")
    place("ord_1")
    hints.clear()
    assert sweep(grace_s=0) == 1
    assert [kwargs["schema"] for _task, kwargs in hints] == [shop.schema]
    assert not WorkPointer.objects.filter(schema="t_long_gone").exists()


# --- Tasks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", [None, "", "t_nobody", "public"])
def test_a_retailer_task_without_a_known_retailer_raises(
    shop: RetailerRef, schema: str | None
) -> None:
    ran: list[bool] = []

    @retailer_task(f"test.body.{schema}")
    def body() -> None:
        ran.append(True)

    with pytest.raises(NoRetailer):
        body(**({} if schema is None else {"schema": schema}))
    assert not ran


def test_a_house_task_refuses_a_retailer(shop: RetailerRef) -> None:
    @house_task("test.house")
    def body() -> str:
        return "done"

    with pytest.raises(TypeError, match="retailer_task"):
        body(schema=shop.schema)
    assert body() == "done"


def test_after_a_task_no_retailer_is_entered(shop: RetailerRef, neighbour: RetailerRef) -> None:
    from lastmile.core.tenancy import current_schema

    @retailer_task("test.where")
    def where() -> str:
        return current_schema()

    assert where(schema=neighbour.schema) == neighbour.schema
    assert current_schema() == shop.schema


# --- Beat -----------------------------------------------------------------------------------


def test_a_window_is_claimed_once(shop: RetailerRef) -> None:
    at = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
    assert claim_window(name="sweep", due_at=at)
    assert not claim_window(name="sweep", due_at=at)
    assert not claim_window(name="sweep", due_at=at - dt.timedelta(seconds=5)), "a clock set back"
    assert claim_window(name="sweep", due_at=at + dt.timedelta(seconds=5))
    assert ScheduleMark.objects.count() == 1


def test_eight_beats_at_once_run_the_task_once(shop: RetailerRef, crew: Crew) -> None:
    at = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
    start = threading.Barrier(8)

    def tick() -> bool:
        start.wait(10)
        with transaction.atomic():
            claimed = claim_window(name="sweep", due_at=at)
            if claimed:
                time.sleep(0.2)  # the others arrive in the meantime
            return claimed

    for _ in range(8):
        crew.start(tick)
    assert sum(crew.join()) == 1


def test_a_beat_that_cannot_publish_releases_the_window(
    shop: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lastmile.celery import app

    clock = beat.OncePerWindowScheduler(app=app)
    sent: list[str] = []
    broken = True

    def send_task(name: str, **_options: Any) -> str:
        if broken:
            raise OSError("the broker is unavailable")
        sent.append(name)
        return name

    monkeypatch.setattr(app, "send_task", send_task)
    monkeypatch.setattr(beat, "real_now", lambda: dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC))
    entry = clock.schedule["sweep"]
    assert clock.apply_async(entry) is None
    broken = False
    clock.apply_async(entry)
    clock.apply_async(entry)
    assert sent == [SCHEDULE["sweep"].task]


def test_windows_begin_at_multiples_of_their_length() -> None:
    at = dt.datetime(2026, 11, 22, 12, 0, 7, 900_000, tzinfo=dt.UTC)
    assert beat.window(at, 5) == dt.datetime(2026, 11, 22, 12, 0, 5, tzinfo=dt.UTC)
    assert beat.window(at, 3600) == dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def test_due_uses_the_clock_of_the_database(shop: RetailerRef) -> None:
    point(schema=shop.schema, kind="relay")
    assert WorkPointer.objects.filter(due_at__lte=Now()).count() == 1


# --- Pointers are read before the work and deleted after it --------------------------------------


def _arrive_before_seen(
    monkeypatch: pytest.MonkeyPatch, module: Any, crew: Crew, arrive: Callable[[], None]
) -> None:
    """Commit new work on another connection just before the pointers are read."""
    real, waiting = module.seen, [arrive]

    def seen_after_arrival(schema: str, kind: str) -> list[int]:
        if waiting:
            crew.start(waiting.pop())
            crew.join()
        ids: list[int] = real(schema, kind)
        return ids

    monkeypatch.setattr(module, "seen", seen_after_arrival)


def test_the_relay_clears_no_pointer_to_an_event_it_did_not_see(
    shop: RetailerRef, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    place("ord_1")
    _arrive_before_seen(monkeypatch, outbox, crew, lambda: place("ord_2"))
    relay_batch()
    unseen = Event.objects.filter(position=None).exists()
    assert WorkPointer.objects.filter(kind="relay").exists() == unseen


def test_settling_a_lane_clears_no_pointer_to_a_delivery_it_did_not_see(
    shop: RetailerRef, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    place("ord_1")
    _arrive_before_seen(monkeypatch, relay_module, crew, lambda: relay_batch())
    assert not relay_module.settle("bulk")
    assert WorkPointer.objects.filter(kind="deliver.bulk").exists()


def test_checking_jobs_clears_no_pointer_to_a_job_it_did_not_see(
    shop: RetailerRef, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    def arrive() -> None:
        enqueue("test.echo")
        WorkPointer.objects.update(due_at=Now())

    _arrive_before_seen(monkeypatch, runner, crew, arrive)
    runner.tend()
    assert WorkPointer.objects.filter(kind="jobs").exists()


def test_a_pace_gives_each_caller_its_own_times(retailer: RetailerRef) -> None:
    first = reserve(name="p", count=10, per_s=1.0)
    second = reserve(name="p", count=5, per_s=1.0)
    third = reserve(name="p", count=1, per_s=1.0)
    assert first == 0.0
    assert 9.0 < second <= 10.0
    assert 14.0 < third <= 15.0
    assert reserve(name="another", count=1, per_s=1.0) == 0.0


def test_times_of_a_pace_that_were_not_used_are_lost(retailer: RetailerRef) -> None:
    reserve(name="p", count=1, per_s=1000.0)
    Pace.objects.filter(name="p").update(next_at=in_seconds(-60))
    assert reserve(name="p", count=1, per_s=1.0) == 0.0
    assert 0.5 < reserve(name="p", count=1, per_s=1.0) <= 1.0


def test_a_pointer_that_is_far_away_makes_later_ones_needless(retailer: RetailerRef) -> None:
    far: dict[str, Any] = {"schema": retailer.schema, "kind": "tested", "margin_s": 30.0}
    assert point_once(due_in_s=100, **far)
    assert not point_once(due_in_s=200, **far)
    assert point_once(due_in_s=50, **far)  # it is due before the others
    assert point_once(due_in_s=10, **far)  # so near, another worker may be clearing it
    assert point_once(due_in_s=10, **far)
    assert WorkPointer.objects.filter(kind="tested").count() == 4


def test_due_schemas_say_how_far_their_pointers_go(retailer: RetailerRef) -> None:
    point(schema="t_late", kind="tested", due_in_s=-20)
    newest = point(schema="t_late", kind="tested", due_in_s=-10)
    only = point(schema="t_first", kind="tested", due_in_s=-30)
    point(schema="t_none", kind="tested", due_in_s=30)
    assert due_schemas("tested") == [("t_first", only), ("t_late", newest)]
