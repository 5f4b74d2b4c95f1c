"""Explanations of an order's place in a real plan, and their texts."""

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


def test_other_places_of_a_stop_have_exact_costs(retailer: RetailerRef) -> None:
    draft = plan(day_of(8))
    stop = Stop.objects.filter(plan=draft).select_related("order", "route__shift").first()
    assert stop is not None
    name = stop.order.public_id
    explanation = why(draft, name)
    assert explanation.complete
    assert explanation.here is not None
    assert (explanation.here.shift, explanation.here.position) == (stop.route.shift, stop.position)
    assert explanation.here.starts_at == stop.starts_at
    assert {spot.shift for spot in explanation.others} >= {stop.route.shift}
    best = explanation.others[0]
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


def test_an_unserved_order_names_the_smallest_needs(retailer: RetailerRef) -> None:
    hub = make_hub(loading_s=600)
    van = make_vehicle(hub=hub, name="Small van", parcels=4)
    make_shift(vehicle=van, driver=make_driver(hub=hub))
    make_orders(5, hub=hub.public_id)
    draft = plan(hub)
    (unserved,) = draft.unserved.select_related("order")
    explanation = why(draft, unserved.order.public_id)
    assert explanation.here is None
    assert explanation.complete
    texts = [
        [say_need(n.kind, n.params) for n in opening.needs] for opening in explanation.openings
    ]
    assert ["Increase the capacity of Small van by 1 (number of parcels)."] in texts
    assert ["Add one more vehicle like Small van."] in texts
    with translation.override("es"):
        need = explanation.openings[0].needs[0]
        assert "Small van" in say_need(need.kind, need.params)
        assert say_need(need.kind, need.params) not in texts[0]


def test_a_missing_skill_is_named(retailer: RetailerRef) -> None:
    hub = day_of(3, shifts=1)
    cold = make_order(hub=hub.public_id, skills=("fridge",))
    draft = plan(hub)
    explanation = why(draft, cold.public_id)
    assert [[(n.kind, n.what) for n in o.needs] for o in explanation.openings] == [
        [("skill", "fridge")]
    ]
    (obstacle,) = explanation.obstacles
    assert obstacle.openings[0].needs[0].shift == obstacle.shift.public_id


def test_an_order_removed_by_hand_fits_without_any_need(retailer: RetailerRef) -> None:
    draft = plan(day_of(4))
    stop = Stop.objects.filter(plan=draft).select_related("order").first()
    assert stop is not None
    edited = editing.take_off(plan=draft, version=None, order=stop.order.public_id)
    explanation = why(edited, stop.order.public_id)
    assert explanation.here is None
    assert explanation.others
    assert explanation.openings == ()


def test_an_order_outside_the_plan_is_refused(retailer: RetailerRef) -> None:
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
