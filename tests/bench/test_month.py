"""A day of the simulated month: the same shoppers, the same figures, and the mark is followed."""

from __future__ import annotations

import pytest

from dispatch.orders.models import Order
from dispatch.planning.models import Route
from dispatch.slots.models import Hold
from lastmile.core.tenancy import RetailerRef
from portal.choice.models import ShownOffer
from tests.bench.month import Figures, Size, live_through, shoppers_of

SMALL = Size(days=1, shoppers=6, vans=1, capacity=3, plan_s=1)


def test_the_same_shoppers_come_in_every_run() -> None:
    first, again = shoppers_of(3, Size()), shoppers_of(3, Size())
    assert first == again
    assert first != shoppers_of(4, Size())
    evening = sum(shopper.favourites[0] == 18 for shopper in first)
    noon = sum(shopper.favourites[0] == 12 for shopper in first)
    assert evening > noon, "more shoppers want the evening"
    assert all(sorted(shopper.favourites) == sorted(first[0].favourites) for shopper in first)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_day_is_chosen_through_the_services_planned_and_counted(
    retailer: RetailerRef, share: float
) -> None:
    figures = live_through(share, SMALL)
    assert figures.orders + figures.refused == SMALL.shoppers
    assert figures.orders == Order.objects.count() == Hold.objects.filter(state="promised").count()
    chosen = ShownOffer.objects.filter(chosen_at__isnull=False)
    assert chosen.count() == figures.orders
    assert chosen.filter(green=True).count() == figures.greens
    if share == 1.0:
        assert figures.greens == figures.orders
    routes = Route.objects.all()
    assert figures.distance_m == sum(route.distance_m for route in routes) > 0
    assert figures.co2_g == sum(route.co2_g for route in routes) > 0
    assert figures.unserved == 0


def test_figures_for_each_order_leave_out_those_that_no_route_serves() -> None:
    figures = Figures(
        share=0.3, orders=10, greens=3, refused=0, unserved=2, distance_m=24_000, co2_g=4_800
    )
    assert (figures.km_per_order, figures.g_per_order) == (3.0, 600.0)
