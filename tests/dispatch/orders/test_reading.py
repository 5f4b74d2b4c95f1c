"""Tests of changes by hand, search, filters and the timeline of orders."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.orders import selectors, services
from dispatch.orders.drafts import ParcelDraft, PlaceDraft, ShopperDraft
from dispatch.orders.errors import OrderUnderWay
from dispatch.orders.selectors import OrderFilter
from lastmile.core.errors import Invalid, Stale
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.helpers import refused
from tests.dispatch.orders.actions import LOST
from tests.factories import make_hub, make_order, make_orders, make_window, make_zone
from tests.factories.fleet import LAT, LON
from tests.factories.orders import DAY


def test_a_change_raises_the_version_and_names_its_fields(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    changed = services.change_order(order=order, notes="ring twice", service_s=60)
    assert (changed.notes, changed.service_s, changed.version) == ("ring twice", 60, 2)
    event = Event.objects.get(subject=order.public_id, kind="order.changed")
    assert event.data == {"changed": ["notes", "service_s"]}
    services.change_order(order=order, notes="ring twice")
    assert Event.objects.filter(kind="order.changed").count() == 1


def test_a_stale_change_is_refused(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    services.change_order(order=order, version=1, notes="one")
    with refused(Stale):
        services.change_order(order=order, version=1, notes="two")


def test_a_planned_order_keeps_its_plan_fields_but_its_contact_can_change(
    retailer: RetailerRef,
) -> None:
    make_hub()
    order = make_order()
    services.mark_planned(orders=[order.pk], plan="pln_1")
    with refused(OrderUnderWay, match="service_s"):
        services.change_order(order=order, service_s=60)
    services.change_order(order=order, shopper={"phone": "911111111"})
    order.refresh_from_db()
    assert order.shopper.phone == "+351911111111"
    assert order.state == "planned"


def test_a_changed_contact_does_not_touch_the_shoppers_other_orders(retailer: RetailerRef) -> None:
    make_hub()
    ana = ShopperDraft(name="Ana", phone="+351912345678")
    one, two = make_order(shopper=ana), make_order(shopper=ana)
    services.change_order(order=one, shopper={"name": "Ana Maria"})
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.shopper.name, two.shopper.name) == ("Ana Maria", "Ana")
    assert one.shopper.phone == two.shopper.phone


def test_a_wrong_contact_is_named_by_its_path(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    with refused(Invalid, at="/shopper/phone"):
        services.change_order(order=order, shopper={"phone": "nope"})


def test_a_date_or_hub_makes_a_waiting_order_ready(retailer: RetailerRef) -> None:
    zone = make_zone()
    order = make_order(place=PlaceDraft(lat=LAT + 1, lon=LON), service_date=None)
    services.change_order(order=order, hub=zone.hub)
    order.refresh_from_db()
    assert (order.state, order.hub_choice) == ("placed", "given")
    services.change_order(order=order, service_date=DAY)
    order.refresh_from_db()
    assert order.state == "ready"
    services.change_order(order=order, service_date=None)
    order.refresh_from_db()
    assert order.state == "placed"


def test_a_promised_date_changes_only_by_a_new_promise(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(window=make_window())
    with refused(OrderUnderWay, match="new window"):
        services.change_order(order=order, service_date=DAY + dt.timedelta(days=1))


@pytest.mark.parametrize(
    "text",
    [
        "josé peña",
        "PENA jose",
        "99887766",
        "CORDOBA",
        "córd",
        "xref-77",
        "pena  avenida",
        "barc0de",
    ],
)
def test_search_finds_by_name_phone_id_address_and_barcode(
    retailer: RetailerRef, text: str
) -> None:
    make_hub()
    order = make_order(
        external_id="XREF-77",
        shopper=ShopperDraft(name="José Peña", phone="+56999887766"),
        place=PlaceDraft(text="Avenida Córdoba 12", lat=LAT, lon=LON),
        parcels=(ParcelDraft(barcode="BARC0DE"),),
    )
    make_orders(3)
    assert list(selectors.filter_orders(selectors.orders(), OrderFilter(text=text))) == [order]


def test_every_word_of_a_search_must_be_there(retailer: RetailerRef) -> None:
    make_hub()
    make_order(shopper=ShopperDraft(name="José Peña"))
    assert not selectors.filter_orders(selectors.orders(), OrderFilter(text="jose gomez")).exists()
    assert selectors.filter_orders(selectors.orders(), OrderFilter(text="%_ ''")).exists()


def test_filters_narrow_by_state_hub_day_and_direction(retailer: RetailerRef) -> None:
    hub, other_hub = make_hub(), make_hub(lat=41.0)
    a = make_order(hub=hub.public_id)
    b = make_order(hub=other_hub.public_id, direction="return")
    c = make_order(hub=hub.public_id, service_date=DAY + dt.timedelta(days=1))
    services.cancel_order(order=c)

    def ids(**fields: Any) -> set[int]:
        matches = selectors.filter_orders(selectors.orders(), OrderFilter(**fields))
        return set(matches.values_list("pk", flat=True))

    assert ids(hub=other_hub.public_id) == {b.pk}
    assert ids(states=["ready"]) == {a.pk, b.pk}
    assert ids(direction="return") == {b.pk}
    assert ids(since=DAY + dt.timedelta(days=1)) == {c.pk}
    assert ids(until=DAY) == {a.pk, b.pk}
    assert ids(external_ids=[a.external_id]) == {a.pk}
    assert selectors.counts(selectors.orders())["ready"] == 2
    assert selectors.counts(selectors.orders())["cancelled"] == 1


def test_the_timeline_lists_the_events_oldest_first(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(place=LOST)
    services.set_pin(order=order, lat=LAT, lon=LON)
    services.cancel_order(order=order)
    assert [line.kind for line in selectors.timeline(order)] == [
        "order.placed",
        "order.pinned",
        "order.ready",
        "order.cancelled",
    ]


def test_planning_reads_a_days_orders_with_one_query(
    retailer: RetailerRef, django_assert_num_queries: Any
) -> None:
    hub = make_hub()
    make_orders(30, window=make_window())
    with django_assert_num_queries(1):
        for order in selectors.to_plan(hub, DAY):
            assert order.promise is not None
            assert order.place.point is not None
            assert order.shopper.name
