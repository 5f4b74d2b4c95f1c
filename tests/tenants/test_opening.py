"""The operator opens, suspends, resumes and closes retailers; each change is all or nothing."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from lastmile.core.errors import Invalid
from lastmile.core.jobs import job_by_id
from lastmile.core.models import Event
from lastmile.core.postgres import migrate
from lastmile.core.postgres.migrate import MigrationRunning, migration_lock
from lastmile.core.runner import run_job
from lastmile.core.tenancy import (
    HOUSE,
    RetailerNotOpen,
    RetailerRef,
    UnknownRetailer,
    current_schema,
    retailer_context,
    shared_context,
)
from lastmile.worklist.models import WorkPointer
from tenants import selectors
from tenants.models import Domain, Retailer, Status
from tenants.policy import Policy
from tenants.services import (
    HouseProtected,
    NameTaken,
    Opening,
    WrongMove,
    build,
    close,
    migrate_house,
    open_retailer,
    pending_migrations,
    request_opening,
    reserve,
    resume,
    suspend,
)

THIRD = Opening("t_third", "third", Policy("Third", "Asia/Tokyo", "JPY"))


def facts() -> list[str]:
    """Return the kinds of the events in the operator's journal."""
    return list(Event.objects.order_by("id").values_list("kind", flat=True))


@pytest.fixture
def in_house(house: RetailerRef) -> object:
    with retailer_context(house):
        Event.objects.all().delete()
        yield house


def test_an_opened_retailer_is_served_at_its_host(in_house: RetailerRef) -> None:
    ref = open_retailer(THIRD)
    assert (ref.schema, ref.domain, ref.status) == ("t_third", "third.localhost", "active")
    assert (ref.zone, ref.currency, ref.units) == ("Asia/Tokyo", "JPY", "metric")
    assert selectors.by_host("third.localhost:8000") == ref
    assert facts() == ["retailer.opened"]
    with retailer_context("t_third"):
        assert Event.objects.count() == 0
        Event.objects.create(kind="test.mark", subject="x")
    with retailer_context("t1"):
        assert not Event.objects.filter(subject="x").exists()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"schema": "public"}, "/schema"),
        ({"schema": "house"}, "/schema"),
        ({"schema": "template"}, "/schema"),
        ({"schema": "pg_x"}, "/schema"),
        ({"schema": 'a"; drop schema t1; --'}, "/schema"),
        ({"schema": ""}, "/schema"),
        ({"domain": "no spaces"}, "/domain"),
        ({"domain": ""}, "/domain"),
        ({"domain": "-x.org"}, "/domain"),
        ({"policy": Policy("", "Mars/North", "euro", "xx", "cubits")}, "/zone"),
    ],
)
def test_invalid_values_are_refused_and_nothing_is_stored(
    in_house: RetailerRef, change: dict[str, object], pointer: str
) -> None:
    before = Retailer.objects.count()
    with pytest.raises(Invalid) as refusal:
        open_retailer(replace(THIRD, **change))
    assert pointer in [problem.pointer for problem in refusal.value.errors]
    assert (Retailer.objects.count(), facts()) == (before, [])


def test_all_errors_of_a_policy_are_reported_together(in_house: RetailerRef) -> None:
    with pytest.raises(Invalid) as refusal:
        reserve(replace(THIRD, policy=Policy("", "Mars/North", "euro", "xx", "cubits")))
    pointers = {problem.pointer for problem in refusal.value.errors}
    assert pointers == {"/name", "/zone", "/currency", "/language", "/units"}


def test_a_name_in_use_is_refused(in_house: RetailerRef) -> None:
    with pytest.raises(NameTaken, match="t1"):
        reserve(replace(THIRD, schema="t1"))
    with pytest.raises(NameTaken, match=r"t2\.localhost"):
        reserve(replace(THIRD, domain="T2.localhost."))
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_stray")
    with pytest.raises(NameTaken):
        reserve(replace(THIRD, schema="t_stray"))
    assert not Retailer.objects.filter(schema_name__startswith="t_").exists()


def test_of_two_parallel_openings_one_gets_the_host(fresh_db: str) -> None:
    gate = threading.Barrier(4)

    def want(number: int) -> str:
        try:
            with retailer_context(HOUSE):
                gate.wait(timeout=20)
                return open_retailer(replace(THIRD, schema=f"t_third{number}")).schema
        except NameTaken:
            return "taken"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(want, range(4)))
    assert answers[1:] == ["taken"] * 3 or answers[:3] == ["taken"] * 3
    with shared_context():
        assert Retailer.objects.filter(schema_name__startswith="t_third").count() == 1


def test_the_job_opens_what_was_reserved_and_may_run_twice(in_house: RetailerRef) -> None:
    retailer, job = request_opening(THIRD)
    assert (retailer.status, job.state) == ("opening", "queued")
    with pytest.raises(RetailerNotOpen), retailer_context("t_third"):
        pytest.fail("entered")
    run_job(job.public_id)
    done = job_by_id(job.public_id)
    assert (done.state, done.result) == (
        "succeeded",
        {"schema": "t_third", "domain": "third.localhost"},
    )
    assert build(retailer.public_id).status == "active"  # a second run only says so
    assert facts() == ["retailer.opened", "job.finished"]


def test_a_reserved_retailer_that_is_never_built_gives_its_names_back(
    in_house: RetailerRef,
) -> None:
    reserve(THIRD)
    close("t_third", confirm="t_third")
    assert facts() == ["retailer.given_up"]
    assert open_retailer(THIRD).status == "active"


def test_opening_waits_for_a_migration_and_gives_up_in_words(fresh_db: str) -> None:
    with migration_lock():
        with retailer_context(HOUSE), connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        with pytest.raises(MigrationRunning, match="Try again"), retailer_context(HOUSE):
            open_retailer(THIRD)
    with retailer_context(HOUSE):
        assert not Retailer.objects.filter(schema_name="t_third").exists()
        assert open_retailer(THIRD).status == "active"


def test_a_migration_waits_for_an_opening(fresh_db: str) -> None:
    began, go_on = threading.Event(), threading.Event()

    def opening() -> None:
        with retailer_context(HOUSE), transaction.atomic():
            open_retailer(THIRD)
            began.set()
            go_on.wait(timeout=20)
        connections.close_all()

    worker = threading.Thread(target=opening)
    worker.start()
    assert began.wait(timeout=20)
    blocked = threading.Thread(target=lambda: (migrate_house(), connections.close_all()))
    blocked.start()
    with shared_context(), connection.cursor() as cursor:
        for _turn in range(200):
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype='advisory' AND NOT granted"
            )
            if cursor.fetchone() == (1,):
                break
            cursor.execute("SELECT pg_sleep(0.02)")
        else:
            pytest.fail("the migration did not wait")
    go_on.set()
    worker.join(timeout=20)
    blocked.join(timeout=20)
    assert not blocked.is_alive()
    assert pending_migrations() == {}


def test_two_openings_do_not_wait_for_each_other(fresh_db: str) -> None:
    def second() -> str:
        with retailer_context(HOUSE):
            schema = open_retailer(Opening("t_fourth", "fourth", THIRD.policy)).schema
        connections.close_all()
        return schema

    with retailer_context(HOUSE), transaction.atomic(), ThreadPoolExecutor(1) as pool:
        open_retailer(THIRD)
        assert pool.submit(second).result(timeout=20) == "t_fourth"


def test_a_suspended_retailer_answers_503_until_resumed(in_house: RetailerRef) -> None:
    assert suspend("t1").status == Status.SUSPENDED
    with pytest.raises(RetailerNotOpen), retailer_context("t1"):
        pytest.fail("entered")
    assert "t1" not in [ref.schema for ref in selectors.active()]
    assert resume("t1").status == Status.ACTIVE
    with retailer_context("t1"):
        assert current_schema() == "t1"
    assert facts() == ["retailer.suspended", "retailer.resumed"]


def test_a_closed_retailer_is_gone_and_its_names_are_free(in_house: RetailerRef) -> None:
    WorkPointer.objects.create(schema="t1", kind="relay", due_at="2026-01-01T00:00Z")
    row = close("t1", confirm="t1")
    assert (row.status, row.schema_name) == ("closed", "closed_" + row.public_id[4:])
    assert selectors.by_host("t1.localhost") is None
    with pytest.raises(UnknownRetailer), retailer_context("t1"):
        pytest.fail("entered")
    assert not WorkPointer.objects.filter(schema="t1").exists()
    assert migrate.exists(row.schema_name)  # kept for the operator's archive
    assert row.schema_name not in selectors.schemas()
    assert facts() == ["retailer.closed"]
    assert open_retailer(Opening("t1", "t1", THIRD.policy)).public_id != row.public_id


def test_a_dropped_retailer_leaves_no_table(in_house: RetailerRef) -> None:
    row = close("t1", confirm="t1", drop=True)
    assert not migrate.exists("t1")
    assert not migrate.exists(row.schema_name)


def test_closing_needs_the_name_of_the_schema(in_house: RetailerRef) -> None:
    with pytest.raises(Invalid, match="type the name"):
        close("t1", confirm="t2")
    assert (selectors.find("t1").status, facts()) == ("active", [])


@pytest.mark.parametrize("act", [suspend, resume, lambda s: close(s, confirm=s)])
def test_the_house_cannot_be_suspended_or_closed(in_house: RetailerRef, act: object) -> None:
    with pytest.raises(HouseProtected):
        act(HOUSE)
    assert facts() == []


@pytest.mark.parametrize(
    ("first", "then"), [([], resume), ([suspend], suspend), ([suspend, resume], resume)]
)
def test_a_change_of_status_that_is_not_allowed_is_refused(
    in_house: RetailerRef, first: list[object], then: object
) -> None:
    for act in first:
        act("t1")
    before = facts()
    with pytest.raises(WrongMove):
        then("t1")
    assert facts() == before


def test_migrating_twice_does_nothing_twice(fresh_db: str) -> None:
    assert not any(migrate_house().values())
    assert pending_migrations() == {}


def test_a_schema_that_is_behind_is_named_and_caught_up(fresh_db: str) -> None:
    with retailer_context("t2"), connection.cursor() as cursor:
        cursor.execute("DROP TABLE django_content_type CASCADE")
        cursor.execute("DELETE FROM django_migrations WHERE app = 'contenttypes'")
    behind = pending_migrations()
    assert list(behind) == ["t2"]
    assert behind["t2"][0] == "contenttypes.0001_initial"
    with pytest.raises(CommandError, match=r"t2: contenttypes\.0001_initial"):
        call_command("migrate_house", "--check")
    assert migrate_house()["t2"] == behind["t2"]
    assert pending_migrations() == {}


def test_the_house_moves_with_base_domain(fresh_db: str, settings: object) -> None:
    settings.BASE_DOMAIN = "Deliveries.example.org"  # type: ignore[attr-defined]
    migrate_house()
    ref = selectors.by_host("deliveries.example.org")
    assert ref is not None
    assert ref.schema == HOUSE
    assert selectors.by_host("localhost") is None


def test_the_commands_print_json(fresh_db: str) -> None:
    def run(*words: str) -> dict[str, object]:
        out = StringIO()
        call_command(*words, "--json", stdout=out)
        return json.loads(out.getvalue())

    at = ("--schema", "t_third")
    opened = run(
        "retailer_open", *at, "--domain", "third", "--tz", "Asia/Tokyo", "--currency", "JPY"
    )
    assert opened["url"] == "http://third.localhost:8000/"
    assert run("retailer_suspend", *at)["status"] == "suspended"
    assert run("retailer_suspend", *at, "--resume")["status"] == "active"
    assert run("retailer_close", *at)["status"] == "closed"
    assert run("migrate_house", "--check") == {"behind": {}}
    with pytest.raises(CommandError, match="no retailer"):
        run("retailer_suspend", *at)
    with shared_context():
        assert not Domain.objects.filter(domain="third.localhost").exists()
