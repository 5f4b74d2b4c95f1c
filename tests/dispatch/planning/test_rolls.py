"""The invariants of plans and imports hold after every change, and find broken rows."""

from __future__ import annotations

from dispatch.intake.selectors import rolls as imports
from dispatch.intake.services import receive_file
from dispatch.orders.models import Order
from dispatch.planning import rolls
from dispatch.planning.models import Plan, Stop
from dispatch.planning.services import editing, publish_plan, revise_plan
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.planning.test_plans import day_of, plan
from tests.factories import make_hub


def broken() -> list[str]:
    return [name for name, ids in rolls.invariants().items() if ids]


def test_plans_keep_their_invariants_through_all_changes(retailer: RetailerRef) -> None:
    hub = day_of(6)
    first = publish_plan(plan=plan(hub))
    order = Order.objects.order_by("pk").first()
    assert order is not None
    second = editing.take_off(plan=revise_plan(plan=first), version=None, order=order.public_id)
    assert broken() == []
    publish_plan(plan=second)
    assert broken() == []
    assert rolls.ledger()["stops"] == 11


def test_a_broken_plan_is_found(retailer: RetailerRef) -> None:
    draft = plan(day_of(4))
    Plan.objects.filter(pk=draft.pk).update(orders_count=9)
    assert rolls.invariants()["a plan counts the stops it has"] == [draft.public_id]
    stop = Stop.objects.filter(plan=draft).order_by("position").first()
    assert stop is not None
    Stop.objects.filter(pk=stop.pk).delete()
    assert "stops are numbered from 1 without a gap" in broken()
    Order.objects.update(state="planned")
    assert "a planned order is in the published plan of its hub and day" in broken()


def test_imports_keep_their_invariants(retailer: RetailerRef) -> None:
    make_hub()
    batch = receive_file(content=b"order_id,lat,lon\nA,1,1\nB,99,1\n", filename="a.csv")
    assert not any(imports.invariants().values())
    run_job(batch.job)
    assert not any(imports.invariants().values())
    assert imports.ledger() == {"imports": {batch.public_id: "done"}}
    batch.refused.all().delete()
    assert imports.invariants()["an import counts the rows it refused"] == [batch.public_id]
