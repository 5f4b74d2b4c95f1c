"""Returns are collected at their stop and are on board from there on, not from the hub."""

from __future__ import annotations

import pytest

from dispatch.console.board.cards import loads_of
from dispatch.fleet.models import Hub
from dispatch.orders.drafts import ParcelDraft
from dispatch.orders.models import Order
from dispatch.planning.models import Plan, Route, Stop
from dispatch.planning.problem.keep import unpack
from dispatch.planning.selectors import board_data, lists, spots
from dispatch.planning.selectors.changes import PlanBasis, changes_since
from dispatch.planning.selectors.picking import Pickers, picking_of
from dispatch.planning.services import editing, publish_plan, request_redispatch
from lastmile.core.models import Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.planning.test_plans import day_of, plan
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle
from tests.factories.orders import DAY, make_order

pytestmark = pytest.mark.usefixtures("clock")

TEN = tuple(ParcelDraft(weight_g=2_000, volume_cm3=8_000) for _n in range(10))


def small_van(**fields: object) -> Hub:
    """Make a hub with one van for ten parcels."""
    hub = make_hub(loading_s=600)
    van = make_vehicle(hub=hub, parcels=10, **fields)
    make_shift(vehicle=van, driver=make_driver(hub=hub))
    return hub


def full_both_ways() -> tuple[Hub, Order, Order]:
    """Make ten parcels to deliver and ten to collect, for a van that holds ten."""
    hub = small_van()
    out = make_order(hub=hub.public_id, parcels=TEN)
    back = make_order(hub=hub.public_id, parcels=TEN, direction="return")
    return hub, out, back


def served(draft: Plan) -> list[Order]:
    rows = Stop.objects.filter(plan=draft).select_related("order").order_by("position")
    return [stop.order for stop in rows]


def test_a_van_full_of_deliveries_can_collect_returns_later(retailer: RetailerRef) -> None:
    hub, out, back = full_both_ways()
    draft = plan(hub)
    assert (draft.unserved_count, draft.violations_count) == (0, 0)
    assert served(draft) == [out, back]
    (route,) = draft.routes.all()
    assert (route.parcels, route.collected_parcels, route.most_parcels) == (10, 10, 10)
    assert (route.weight_g, route.collected_weight_g, route.most_weight_g) == (20_000,) * 3
    assert route.volume_cm3 == route.collected_volume_cm3 == route.most_volume_cm3 == 80_000


def test_the_board_shows_the_highest_load(retailer: RetailerRef) -> None:
    hub, _out, _back = full_both_ways()
    (route,) = board_data.route_summaries(plan(hub))
    parcels = loads_of(route)[2]
    assert (parcels.percent, parcels.text, parcels.over) == (100, "10 of 10", False)


def test_an_edit_that_collects_before_it_delivers_exceeds_the_capacity(
    retailer: RetailerRef,
) -> None:
    hub, out, back = full_both_ways()
    draft = plan(hub)
    (shift,) = draft.routes.values_list("shift__public_id", flat=True)
    edited = editing.put_in_sequence(
        plan=draft, version=None, shift=shift, orders=[back.public_id, out.public_id]
    )
    (route,) = edited.routes.all()
    assert (route.parcels, route.collected_parcels, route.most_parcels) == (10, 10, 20)
    codes = {v["code"] for v in route.violations} | {
        v["code"] for stop in Stop.objects.filter(plan=edited) for v in stop.violations
    }
    assert codes == {"capacity"}


def test_spots_for_a_return_are_after_the_deliveries_that_make_room(retailer: RetailerRef) -> None:
    hub, _out, back = full_both_ways()
    draft = plan(hub)
    off = editing.take_off(plan=draft, version=None, order=back.public_id)
    assert [o.position for o in spots.spots_for(off, back.public_id)] == [2]


def test_an_update_adds_a_new_return(retailer: RetailerRef) -> None:
    hub = small_van()
    out = make_order(hub=hub.public_id, parcels=TEN)
    draft = plan(hub)
    back = make_order(hub=hub.public_id, parcels=TEN, direction="return")
    assert changes_since(PlanBasis(draft)).came == {back.public_id}
    job = request_redispatch(plan=draft, seconds=1)
    assert run_job(job.public_id) == JobState.SUCCEEDED
    result = Job.objects.get(pk=job.pk).result
    assert result is not None
    fitted = Plan.objects.get(public_id=result["plan"])
    assert fitted.unserved_count == 0
    assert served(fitted) == [out, back]


def test_an_old_plan_that_treats_a_return_as_a_delivery_is_outdated(
    retailer: RetailerRef,
) -> None:
    hub = small_van()
    order = make_order(hub=hub.public_id, parcels=TEN)
    draft = plan(hub)
    Order.objects.filter(pk=order.pk).update(direction="return")
    assert changes_since(PlanBasis(draft)).changed == {order.public_id}


def test_returns_are_not_picked(retailer: RetailerRef) -> None:
    hub = small_van()
    make_order(hub=hub.public_id)
    make_order(hub=hub.public_id, parcels=TEN, direction="return")
    (wave,) = picking_of(plan(hub), Pickers(pickers=1, setup_s=0, order_s=10, parcel_s=30)).waves
    assert (wave.orders, wave.parcels) == (1, 1)
    assert (wave.ends_at - wave.starts_at).total_seconds() == 40


def test_a_route_of_returns_alone_needs_no_picking(retailer: RetailerRef) -> None:
    hub = small_van()
    make_order(hub=hub.public_id, direction="return")
    assert picking_of(plan(hub), Pickers()).waves == ()


@pytest.mark.parametrize("direction", ["outward", "return"])
def test_an_order_too_heavy_for_every_van_is_unserved_in_both_directions(
    retailer: RetailerRef, direction: str
) -> None:
    hub = small_van()
    make_order(hub=hub.public_id)
    eleven = (*TEN, *TEN[:1])
    big = make_order(hub=hub.public_id, parcels=eleven, direction=direction)
    (row,) = lists.unserved_of(plan(hub))
    assert (row.order, row.reason, row.params) == (big, "too_heavy", {"dimension": "parcels"})


def test_a_day_of_deliveries_only_gives_the_same_problem_as_before(retailer: RetailerRef) -> None:
    draft = plan(day_of(4))
    problem = unpack(bytes(draft.input.problem))
    assert all(visit.collect == () for visit in problem.visits)
    for route in Route.objects.filter(plan=draft):
        assert route.collected_parcels == route.collected_weight_g == 0
        assert (route.most_parcels, route.most_weight_g) == (route.parcels, route.weight_g)


def test_publishing_plans_returns_like_other_orders(retailer: RetailerRef) -> None:
    hub, out, back = full_both_ways()
    publish_plan(plan=plan(hub))
    states = Order.objects.filter(pk__in=[out.pk, back.pk], service_date=DAY)
    assert set(states.values_list("state", flat=True)) == {"planned"}
