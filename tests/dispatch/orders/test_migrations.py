"""Tests of the migrations of orders, back and forth, with existing promises and collections."""

from __future__ import annotations

import dataclasses

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from dispatch.orders import rolls, services
from dispatch.orders.drafts import PromisedPlace, PromiseDraft
from dispatch.orders.models import Attempt, Order, Promise
from lastmile.core.geo import Point
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.orders.actions import at, attempt, out
from tests.factories import make_hub, make_order, make_window

BEFORE = ("orders", "0003_place_doubt")


def columns() -> set[str]:
    with connection.cursor() as cursor:
        description = connection.introspection.get_table_description(cursor, "orders_promise")
    return {column.name for column in description}


def test_existing_promises_stay_and_collections_get_an_earlier_state(
    fresh_db: str, retailer: RetailerRef
) -> None:
    make_hub()
    with_promise = make_order(window=make_window(9, 12))
    bank = PromisedPlace(reference="bnk_1", text="Lockers", point=Point(lat=38.71, lon=-9.14))
    terms = PromiseDraft(opens_at=at(9), closes_at=at(12), cause="choice", price_minor=299,
                         currency="EUR", co2_g=420)  # fmt: skip
    in_locker = services.set_promise(
        order=make_order(), draft=dataclasses.replace(terms, option="locker", place=bank)
    )
    counter = make_order()
    services.mark_awaiting_collection(orders=[counter.pk])
    deposited = out(make_order())
    attempt(deposited, outcome="deposited")
    before = Promise.objects.order_by("pk").values_list("pk", "option", "opens_at", "place_id")
    promised = list(before)

    executor = MigrationExecutor(connection)
    executor.migrate([BEFORE])
    assert columns().isdisjoint({"price_minor", "currency", "co2_g", "slot", "elsewhere"})
    executor.loader.build_graph()
    executor.migrate(executor.loader.graph.leaf_nodes("orders"))

    assert list(before.all()) == promised
    again = Promise.objects.get(pk=in_locker.pk)
    assert (again.price_minor, again.currency, again.elsewhere) == (None, "", False)
    assert Order.objects.get(pk=with_promise.pk).promise_id == with_promise.promise_id
    states = Order.objects.filter(pk__in=[counter.pk, deposited.pk]).values_list("state", flat=True)
    assert set(states) == {"ready"}
    assert Attempt.objects.get().outcome == "delivered"
    assert all(ids == [] for ids in rolls.invariants().values())
