"""Each cursor gets its schema from the ContextVar; without a schema it raises an error."""

from __future__ import annotations

import threading

import pytest
from django.db import ProgrammingError, connection, transaction

from lastmile.core.tenancy import (
    NoRetailer,
    OtherRetailer,
    RetailerNotOpen,
    RetailerRef,
    UnknownRetailer,
    cache_key,
    cache_key_function,
    current_retailer,
    current_schema,
    for_each_retailer,
    group_name,
    retailer_context,
    shared_context,
)
from tenants.models import Retailer


def server_path() -> str:
    """Return the search_path that the server itself reports."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        return cursor.fetchone()[0]


def test_a_cursor_without_a_retailer_raises(db: None) -> None:
    with pytest.raises(NoRetailer, match="retailer_context"):
        connection.cursor()


def test_the_orm_without_a_retailer_raises(db: None) -> None:
    with pytest.raises(NoRetailer):
        Retailer.objects.count()


def test_a_server_side_cursor_without_a_retailer_raises(db: None) -> None:
    with pytest.raises(NoRetailer):
        list(Retailer.objects.iterator())


def test_a_retailers_path_is_its_schema_then_public(retailer: RetailerRef) -> None:
    assert server_path() == "t1, public"
    assert current_retailer() == retailer
    assert current_schema() == "t1"


def test_shared_context_sees_public_only(db: None) -> None:
    with shared_context():
        assert server_path() == "public"
        with pytest.raises(NoRetailer, match="shared tables"):
            current_retailer()


def test_leaving_a_context_restores_the_one_before(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    with retailer_context(other):
        assert server_path() == "t2, public"
    assert server_path() == "t1, public"


def test_an_error_leaves_the_context_too(retailer: RetailerRef, other: RetailerRef) -> None:
    with pytest.raises(ZeroDivisionError), retailer_context(other):
        _ = 1 / 0
    assert current_schema() == "t1"


@pytest.mark.parametrize("name", ["", "nobody", "public", 't1"; drop schema t2', "T1"])
def test_an_unknown_schema_cannot_be_entered(db: None, name: str) -> None:
    with pytest.raises(UnknownRetailer), retailer_context(name):
        pytest.fail("entered")


def test_a_suspended_retailer_is_entered_only_on_request(db: None) -> None:
    with shared_context():
        Retailer.objects.filter(schema_name="t2").update(status="suspended")
    with pytest.raises(RetailerNotOpen), retailer_context("t2"):
        pytest.fail("entered")
    with retailer_context("t2", allow_suspended=True) as ref:
        assert ref.status == "suspended"


def test_another_retailer_cannot_be_entered_inside_a_transaction(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    with transaction.atomic():
        with retailer_context(retailer):
            assert current_schema() == "t1"  # the same one may be entered again
        with pytest.raises(OtherRetailer, match="t1"), retailer_context(other):
            pytest.fail("entered")
        with pytest.raises(OtherRetailer), shared_context():
            pytest.fail("entered")
        with pytest.raises(OtherRetailer):
            connection.set_schema("t2")
        assert server_path() == "t1, public"


def test_a_retailer_is_looked_up_inside_anothers_transaction_without_leaving_it(
    retailer: RetailerRef,
) -> None:
    with transaction.atomic(), retailer_context("t1") as ref:
        assert ref == retailer


def test_a_plain_thread_has_no_retailer(fresh_db: str, retailer: RetailerRef) -> None:
    caught: list[BaseException] = []

    def work() -> None:
        try:
            connection.cursor()
        except NoRetailer as fault:
            caught.append(fault)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_every_active_retailer_is_entered_in_turn(db: None) -> None:
    seen = [(ref.schema, server_path()) for ref in for_each_retailer()]
    assert seen == [("house", "house, public"), ("t1", "t1, public"), ("t2", "t2, public")]
    with pytest.raises(NoRetailer):
        current_schema()


def test_a_retailer_suspended_in_the_meantime_is_skipped(db: None) -> None:
    seen = []
    for ref in for_each_retailer():
        seen.append(ref.schema)
        Retailer.objects.filter(schema_name="t2").update(status="suspended")
    assert seen == ["house", "t1"]


def test_group_names_and_cache_keys_contain_the_retailer(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    names = group_name("board", "hub_1"), cache_key("a", "b"), cache_key_function("k", "lm", 1)
    assert names == ("t1.board.hub_1", "t1:a:b", "lm:1:t1:k")
    with retailer_context(other):
        assert not {group_name("board", "hub_1"), cache_key("a", "b")} & set(names)


@pytest.mark.parametrize("part", ["with space", "ñ", "x" * 120, ""])
def test_an_invalid_group_name_is_refused(retailer: RetailerRef, part: str) -> None:
    if part == "":
        assert group_name(part) == "t1."
    else:
        with pytest.raises(ValueError, match="group"):
            group_name(part)


def test_a_cache_key_without_a_retailer_is_refused(db: None) -> None:
    with pytest.raises(NoRetailer):
        cache_key_function("k", "lm", 1)


def test_a_table_of_another_retailer_is_not_found(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t2.only_there (n int)")
        with pytest.raises(ProgrammingError):
            cursor.execute("SELECT 1 FROM only_there")
