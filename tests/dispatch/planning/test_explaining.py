"""Why an order stands where it stands, said of a real plan in the reader's words."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from dispatch.planning.errors import OrderNotInPlan
from dispatch.planning.models import Stop
from dispatch.planning.selectors.explaining import why
from dispatch.planning.selectors.words import NEEDS, NEEDS_OF_ANOTHER, say_need
from dispatch.planning.services import editing
from dispatch.solver.why.answer import Relax
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.planning.test_plans import day_of, plan
from tests.factories import make_hub
from tests.factories.fleet import make_driver, make_shift, make_vehicle
from tests.factories.orders import make_order, make_orders


def test_a_stop_tells_its_other_places_at_what_they_really_cost(retailer: RetailerRef) -> None:
    draft = plan(day_of(8))
    stop = Stop.objects.filter(plan=draft).select_related("order", "route__shift").first()
    assert stop is not None
    name = stop.order.public_id
    found = why(draft, name)
    assert found.complete
    assert found.here is not None
    assert (found.here.shift, found.here.position) == (stop.route.shift, stop.position)
    assert found.here.starts_at == stop.starts_at
    assert {spot.shift for spot in found.others} >= {stop.route.shift}
    best = found.others[0]
    cost, metres = draft.cost_minor, draft.distance_m
    moved = editing.move_stop(
        plan=draft,
        version=None,
        order=name,
        shift=best.shift.public_id,
        position=best.position,
    )
    assert moved.distance_m - metres == best.added_m
    assert abs(moved.cost_minor - cost - best.added_cost_minor) <= 3  # parts are rounded by route


def test_an_order_left_out_tells_the_least_that_lets_it_in(retailer: RetailerRef) -> None:
    hub = make_hub(loading_s=600)
    van = make_vehicle(hub=hub, name="Small van", parcels=4)
    make_shift(vehicle=van, driver=make_driver(hub=hub))
    make_orders(5, hub=hub.public_id)
    draft = plan(hub)
    (left,) = draft.unserved.select_related("order")
    found = why(draft, left.order.public_id)
    assert found.here is None
    assert found.complete
    said = [[say_need(n.kind, n.params) for n in opening.needs] for opening in found.openings]
    assert ["On Small van: room for 1 more (number of parcels)."] in said
    assert ["One more vehicle like Small van."] in said
    with translation.override("es"):
        need = found.openings[0].needs[0]
        assert "Small van" in say_need(need.kind, need.params)
        assert say_need(need.kind, need.params) not in said[0]


def test_a_skill_that_nobody_has_is_named(retailer: RetailerRef) -> None:
    hub = day_of(3, shifts=1)
    cold = make_order(hub=hub.public_id, skills=("fridge",))
    draft = plan(hub)
    found = why(draft, cold.public_id)
    assert [[(n.kind, n.what) for n in o.needs] for o in found.openings] == [[("skill", "fridge")]]
    (obstacle,) = found.obstacles
    assert obstacle.openings[0].needs[0].shift == obstacle.shift.public_id


def test_what_a_person_took_off_fits_without_any_change(retailer: RetailerRef) -> None:
    draft = plan(day_of(4))
    stop = Stop.objects.filter(plan=draft).select_related("order").first()
    assert stop is not None
    edited = editing.take_off(plan=draft, version=None, order=stop.order.public_id)
    found = why(edited, stop.order.public_id)
    assert found.here is None
    assert found.others
    assert found.openings == ()


def test_an_order_of_elsewhere_is_refused(retailer: RetailerRef) -> None:
    draft = plan(day_of(2))
    with pytest.raises(OrderNotInPlan):
        why(draft, "ord_unknown")


def test_the_number_of_queries_does_not_grow_with_the_plan(retailer: RetailerRef) -> None:
    counts = []
    for orders in (3, 12):
        draft = plan(day_of(orders))
        stop = Stop.objects.filter(plan=draft).select_related("order").first()
        assert stop is not None
        with CaptureQueriesContext(connection) as seen:
            why(draft, stop.order.public_id)
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_every_relaxation_has_its_sentence() -> None:
    assert set(NEEDS) == {kind.value for kind in Relax}
    params = {"by": 61, "vehicle": "V", "order": "O", "what": "x", "dimension": "weight_g"}
    for kind in NEEDS:
        assert say_need(kind, params)
    for kind in NEEDS_OF_ANOTHER:
        assert "2 min" in say_need(kind, params | {"of_another": True})
        assert "O" in say_need(kind, params | {"of_another": True})
    capacity = say_need("capacity", params | {"by": 1_240})
    assert capacity == "Increase the capacity of V by 1.3 kg (weight)."
    assert "0.62\xa0€" in say_need("price", params | {"by": 62, "currency": "EUR"})
