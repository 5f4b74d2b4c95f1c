"""Tests of the limits that are counted in PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from lastmile.core.errors import TooMany
from lastmile.core.limits import CallLimit, count_call, forget_counts
from lastmile.core.models import CallCount
from lastmile.core.tenancy import RetailerRef, retailer_context

ADDRESS = "203.0.113.7"


def limit(most: int, subject: str = ADDRESS, scope: str = "test.address") -> CallLimit:
    return CallLimit(scope=scope, subject=subject, most=most)


def end_of_period() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_callcount SET window_ends_at = now() - interval '1 second'")


def test_calls_above_the_limit_are_refused_until_the_period_ends(retailer: RetailerRef) -> None:
    for _call in range(3):
        count_call([limit(3)])
    with pytest.raises(TooMany) as refused:
        count_call([limit(3)])
    assert 1 <= refused.value.data["retry_after_s"] <= 60
    end_of_period()
    count_call([limit(3)])
    assert CallCount.objects.get().calls == 1


def test_each_subject_scope_and_retailer_has_its_own_count(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    count_call([limit(1)])
    count_call([limit(1, subject="203.0.113.8"), limit(1, scope="test.key")])
    with retailer_context(other):
        count_call([limit(1)])
    with pytest.raises(TooMany):
        count_call([limit(1, scope="test.other"), limit(1)])


def test_a_full_period_names_the_longest_wait(retailer: RetailerRef) -> None:
    hour = CallLimit(scope="test.hour", subject=ADDRESS, most=0, per_s=3600)
    with pytest.raises(TooMany) as refused:
        count_call([limit(0), hour])
    assert refused.value.data["retry_after_s"] > 3000


def test_no_address_is_stored_and_counts_are_deleted_after_their_period(
    retailer: RetailerRef,
) -> None:
    count_call([limit(5), limit(5, subject="key_1", scope="test.key")])
    assert not any(ADDRESS in str(row) for row in CallCount.objects.values_list())
    assert forget_counts() == {"call_counts": 0}
    end_of_period()
    assert forget_counts() == {"call_counts": 2}


def test_a_count_inside_a_transaction_is_refused(fresh_db: str, retailer: RetailerRef) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError):
        count_call([limit(5)])


def test_parallel_calls_pass_exactly_as_often_as_the_limit_says(
    fresh_db: str, retailer: RetailerRef
) -> None:
    def call(number: int) -> bool:
        pair = [limit(25), limit(1_000, subject=f"key_{number % 3}", scope="test.key")]
        try:
            count_call(pair if number % 2 else pair[::-1])
        except TooMany:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as pool:
        passed = list(pool.map(lambda n: in_context(retailer, call, n), range(80)))
    assert sum(passed) == 25
    assert CallCount.objects.get(scope="test.address").calls == 80


def in_context(ref: RetailerRef, act: object, number: int) -> bool:
    with retailer_context(ref):
        return bool(act(number))  # type: ignore[operator]
