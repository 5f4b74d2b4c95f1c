"""Orders that fit on no route are shown on the board and on the home page, with what to do."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatch.fleet.models import Hub
from dispatch.planning.services import publish_plan, reconcile_day
from lastmile.core.navigation import Scope
from lastmile.core.tenancy import RetailerRef
from portal.home.selectors import unplaced_steps
from tenants.permissions import Role
from tests.dispatch.planning.test_plans import plan
from tests.factories.fleet import make_hub, make_shift, make_vehicle
from tests.factories.orders import DAY, make_order, make_orders, make_window
from tests.people import add_member, logged_in

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


def tight_day(orders: int = 3) -> Hub:
    """Make a day whose only van takes two orders."""
    hub = make_hub()
    make_shift(vehicle=make_vehicle(hub=hub, parcels=2))
    make_orders(orders, hub=hub.public_id, window=make_window())
    reconcile_day(hub=hub, service_date=DAY)
    return hub


def board(desk: Client, hub: Hub) -> str:
    return desk.get(f"/console/{hub.public_id}/{DAY}/").content.decode()


def test_the_board_lists_orders_that_fit_on_no_route_with_reason_and_remedy(desk: Client) -> None:
    page = board(desk, tight_day())
    assert "1 order of this day fits on no route" in page
    assert "it does not fit with the orders on the routes" in page
    assert "Add a shift, agree on a wider time window" in page
    assert page.count('id="unplaced-') == 1


def test_a_long_list_says_how_many_orders_follow(desk: Client) -> None:
    page = board(desk, tight_day(25))
    assert "23 orders of this day fit on no route" in page
    assert page.count('id="unplaced-') == 20
    assert "3 more orders are not shown here." in page


def test_an_order_that_the_plan_lists_as_unserved_is_not_listed_twice(desk: Client) -> None:
    hub = tight_day()
    publish_plan(plan=plan(hub))
    page = board(desk, hub)
    assert "1 unserved order" in page
    assert 'id="board-unplaced"' not in page
    late = make_order(hub=hub.public_id, window=make_window())
    reconcile_day(hub=hub, service_date=DAY)
    page = board(desk, hub)
    assert f'id="unplaced-{late.public_id}"' in page
    assert page.count('id="unplaced-') == 1


def test_a_day_where_all_orders_fit_shows_no_list(desk: Client) -> None:
    assert 'id="board-unplaced"' not in board(desk, tight_day(2))


def test_the_home_page_names_the_days_with_orders_that_fit_on_no_route(
    retailer: RetailerRef,
) -> None:
    hub, other = tight_day(), tight_day(4)
    steps = unplaced_steps(Scope(date=DAY, hubs=None))
    texts = {step.args: step.text for step in steps}
    assert texts.keys() == {(it.public_id, DAY.isoformat()) for it in (hub, other)}
    assert "1 order fits on no route" in texts[hub.public_id, DAY.isoformat()]
    assert "2 orders fit on no route" in texts[other.public_id, DAY.isoformat()]
    scoped = unplaced_steps(Scope(date=DAY, hubs=frozenset({other.public_id})))
    assert [step.args[0] for step in scoped] == [other.public_id]
    assert unplaced_steps(Scope(date=DAY, hubs=frozenset({"hub_none"}))) == []


def test_members_of_other_hubs_do_not_see_the_list(retailer: RetailerRef) -> None:
    hub, other = tight_day(), make_hub()
    member = add_member(Role.DISPATCHER, hubs=[other.public_id])
    desk = logged_in(retailer, member)
    assert desk.get(f"/console/{hub.public_id}/{DAY}/").status_code == 404
