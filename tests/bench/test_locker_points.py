"""A slice of the campaign `locker_points`: the same search among fewer points."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from lastmile.core.tenancy import RetailerRef
from tests.bench.locker_points import fill, search


def test_searches_among_many_points_take_one_statement_each(retailer: RetailerRef) -> None:
    fill(1_200)
    with CaptureQueriesContext(connection) as queries:
        took = search(20)
    assert len(took) == 20
    assert len(queries) <= 30, "a search in the sparse part may look twice"
