"""The search_path that the backend assumes is the one that PostgreSQL has."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.db import DatabaseError, connection, connections, transaction

from lastmile.core.models import Event
from lastmile.core.postgres.base import DatabaseWrapper
from lastmile.core.postgres.context import SchemaContext, enter_schema
from lastmile.core.postgres.prepared import prepared_cursor, shared_cursor
from lastmile.core.tenancy import OtherRetailer, RetailerRef, retailer_context, shared_context


def reported() -> str | None:
    """Return the search_path that the server reported last; PostgreSQL 18 reports each change."""
    return connection.connection.info.parameter_status("search_path")


class Undone(Exception):
    """An exception that rolls a transaction back."""


@pytest.mark.parametrize("seed", range(3))
def test_the_search_path_is_right_after_any_sequence_of_transactions(
    fresh_db: str, seed: int
) -> None:
    """Run transactions, savepoints, rollbacks, errors and closed sessions in any order."""
    dice = random.Random(seed)

    def look(schema: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schemas(false)")
            (schemas,) = cursor.fetchone()
        assert schemas == ([schema] if schema == "public" else [schema, "public"])
        assert reported() == (schema if schema == "public" else f"{schema}, public")

    def walk(schema: str, depth: int) -> None:
        for _step in range(dice.randint(1, 4)):
            act = dice.choice(["look", "nest", "undo", "fail", "close", "widen"])
            if act == "look":
                look(schema)
            elif act == "nest" and depth < 4:
                with transaction.atomic():
                    walk(schema, depth + 1)
            elif act == "undo" and depth < 4:
                with suppress(Undone), transaction.atomic():
                    walk(schema, depth + 1)
                    raise Undone
            elif act == "fail":
                with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as bad:
                    bad.execute("SELECT 1/0")
                look(schema)
            elif act == "widen" and schema != "public":
                # The path changes inside the part that is rolled back, and differs outside of it.
                narrow = enter_schema(SchemaContext(schema, with_public=False), connection)
                with narrow, suppress(Undone, DatabaseError), transaction.atomic():
                    connection.cursor().close()
                    with (
                        enter_schema(SchemaContext(schema), connection),
                        connection.cursor() as wide,
                    ):
                        wide.execute(dice.choice(["SELECT 1", "SELECT 1/0"]))
                    raise Undone
                look(schema)
            elif act == "close" and depth == 0:
                connection.close()
                look(schema)

    for _turn in range(40):
        schema = dice.choice(["t1", "t2", "public"])
        with shared_context() if schema == "public" else retailer_context(schema):
            walk(schema, 0)
            look(schema)


def test_a_rollback_that_undoes_the_set_is_noticed(fresh_db: str) -> None:
    with shared_context():
        connection.cursor().close()
    with retailer_context("t1"):
        with suppress(Undone), transaction.atomic():
            connection.cursor().close()  # SET inside the transaction
            raise Undone
        assert reported() == "public"  # PostgreSQL has undone it
        assert Event.objects.count() == 0  # and it is set again


def test_a_savepoint_rolled_back_by_hand_is_noticed(retailer: RetailerRef) -> None:
    with enter_schema(SchemaContext("t1", with_public=False), connection):
        before = transaction.savepoint()  # PostgreSQL remembers the narrow path here
    Event.objects.count()  # SET to the wide one
    transaction.savepoint_rollback(before)
    assert reported() == "t1"
    Event.objects.count()
    assert reported() == "t1, public"


def test_a_server_side_cursor_reads_its_own_retailer(fresh_db: str) -> None:
    for schema in ("t1", "t2"):
        with retailer_context(schema):
            Event.objects.create(kind="test.mark", subject=schema)
    for schema in ("t1", "t2", "t1"):
        with retailer_context(schema):
            assert [event.subject for event in Event.objects.iterator(chunk_size=1)] == [schema]


def test_a_prepared_statement_reads_its_own_retailer(fresh_db: str) -> None:
    """PostgreSQL plans it again for another search_path, in the same session."""
    for schema in ("t1", "t2"):
        with retailer_context(schema):
            Event.objects.create(kind="test.mark", subject=schema)
    for schema in ("t1", "t2", "t2", "t1"):
        with retailer_context(schema), prepared_cursor() as cursor:
            cursor.execute("SELECT subject FROM core_event WHERE kind = %s", ["test.mark"])
            assert cursor.fetchall() == [(schema,)]
    with shared_context(), prepared_cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE NOT from_sql")
        statements = [statement for (statement,) in cursor.fetchall()]
    assert statements.count("SELECT subject FROM core_event WHERE kind = $1") == 1


def test_a_prepared_statement_sees_a_column_that_has_changed(fresh_db: str) -> None:
    with retailer_context("t1"), connection.cursor() as plain, prepared_cursor() as cursor:
        plain.execute("CREATE TABLE prepared_thing (name varchar(10), size int)")
        plain.execute("INSERT INTO prepared_thing VALUES ('a', 1)")
        select = "SELECT name FROM prepared_thing WHERE size = %s"
        cursor.execute(select, [1])
        plain.execute("ALTER TABLE prepared_thing ADD COLUMN color int, DROP COLUMN name")
        plain.execute("ALTER TABLE prepared_thing ADD COLUMN name varchar(10) DEFAULT 'b'")
        cursor.execute(select, [1])
        assert cursor.fetchall() == [("b",)]
        plain.execute("DROP TABLE prepared_thing")


@pytest.fixture
def pooled(fresh_db: str) -> Iterator[DatabaseWrapper]:
    """Return connections from a pool with a single session, so that all users share it."""
    database = connections.settings["default"]
    pool = {"min_size": 1, "max_size": 1, "timeout": 5}
    connections.settings["pooled"] = {**database, "OPTIONS": {**database["OPTIONS"], "pool": pool}}
    yield connections["pooled"]
    connections["pooled"].close()
    connections["pooled"].close_pool()
    del connections["pooled"]
    del connections.settings["pooled"]


def test_a_session_from_the_pool_does_not_keep_the_last_retailer(
    pooled: DatabaseWrapper,
) -> None:
    pids = set()
    for turn in range(6):
        schema = ("t1", "t2")[turn % 2]
        with retailer_context(schema), pooled.cursor() as cursor:
            cursor.execute("SELECT current_schema(), pg_backend_pid()")
            current, pid = cursor.fetchone()
        assert current == schema
        pooled.close()  # checks the session in
        pids.add(pid)
    assert len(pids) == 1  # all used the same session


def test_a_session_from_the_pool_is_asked_nothing_and_reads_its_own_retailer(
    pooled: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any order of retailers, rollbacks and sessions that come back in a transaction."""
    sent: list[str] = []
    real = DatabaseWrapper._set_path

    def spy(self: DatabaseWrapper, wanted: str) -> None:
        sent.append(wanted)
        real(self, wanted)

    monkeypatch.setattr(DatabaseWrapper, "_set_path", spy)
    dice = random.Random(12)
    before, sets = "", 0
    for _turn in range(200):
        schema = dice.choice(("t1", "t2"))
        ends = dice.choice(("plainly", "rolled back", "open", "failed"))
        sent.clear()
        with retailer_context(schema), pooled.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            assert cursor.fetchone() == (schema,)
            if schema == before:
                assert sent == [], "it is known that the session is there"
                sets += 1
            before = schema
            if ends != "plainly":
                before = ""
                pooled.set_autocommit(False)
                other = "t2" if schema == "t1" else "t1"
                cursor.execute(f"SET search_path = {other}, public")
                if ends == "rolled back":
                    pooled.rollback()
                    pooled.set_autocommit(True)
                elif ends == "failed":
                    with suppress(DatabaseError):
                        cursor.execute("SELECT * FROM nothing_here")
        pooled.close()  # the pool rolls back what is open
    assert sets > 10


def test_a_statement_that_names_its_schemas_leaves_the_search_path(
    pooled: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lastmile.core.postgres.prepared.connection", pooled)
    with retailer_context("t1"), pooled.cursor() as cursor:
        cursor.execute("SELECT 1")
    with shared_cursor() as cursor:
        cursor.execute("SELECT current_schema(), count(*) FROM public.tenants_retailer", [])
        assert cursor.fetchone()[0] == "t1", "it was not set for this statement"
    with retailer_context("t2"), pooled.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        assert cursor.fetchone() == ("t2",)


def test_the_search_path_is_set_only_when_it_changes(
    retailer: RetailerRef, other: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    real = DatabaseWrapper._set_path

    def spy(self: DatabaseWrapper, wanted: str) -> None:
        sent.append(wanted)
        real(self, wanted)

    monkeypatch.setattr(DatabaseWrapper, "_set_path", spy)
    for _turn in range(5):
        Event.objects.count()
    with retailer_context(other):
        Event.objects.count()
        Event.objects.count()
    Event.objects.count()
    assert [path for path in sent if path.startswith("t2")] == ["t2, public"]
    assert len(sent) <= 3


def test_the_methods_of_django_tenants_set_the_same_variable(db: None) -> None:
    with retailer_context("t1"):
        connection.set_schema("t2")
        assert connection.schema_name == "t2"
        assert connection.tenant is not None
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            assert cursor.fetchone() == ("t2",)
        connection.set_schema("t2", include_public=False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schemas(false)")
            assert cursor.fetchone() == (["t2"],)
        connection.set_schema_to_public()
        assert connection.schema_name == "public"
        with pytest.raises(OtherRetailer), transaction.atomic():
            connection.set_schema("t1")


@pytest.mark.parametrize("name", ["pg_catalog", "a b", 'x"; drop schema t1', "T1", "x" * 49, ""])
def test_a_schema_name_that_needs_quoting_is_refused(db: None, name: str) -> None:
    with shared_context(), pytest.raises(ValueError, match="is not a valid schema name"):
        connection.set_schema(name)


def test_connecting_needs_no_retailer_and_a_transaction_without_one_reads_nothing(
    fresh_db: str,
) -> None:
    connection.close()
    with transaction.atomic():  # BEGIN uses no table
        pass
    assert connection.pg_version >= 140_000


def test_a_session_that_the_server_has_ended_is_not_given_out(
    pooled: DatabaseWrapper, fresh_db: str
) -> None:
    with retailer_context("t1"):
        with pooled.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (ended,) = cursor.fetchone()
        pooled.close()  # back to the pool
        with connection.cursor() as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])
        with pooled.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            assert cursor.fetchone()[0] != ended
