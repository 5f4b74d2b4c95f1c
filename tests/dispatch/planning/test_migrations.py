"""The migrations of planning go back and forth over a plan that is there."""

from __future__ import annotations

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from dispatch.planning.models import PlanEdit, Route
from dispatch.planning.services import editing
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.planning.test_plans import arrangement, day_of, plan

BEFORE = ("planning", "0003_hub_of_jobs")
AFTER = ("planning", "0005_most_on_board")


def columns() -> set[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_description(cursor, "planning_route")
    return {column.name for column in found}


def test_routes_that_are_there_carry_at_most_what_they_left_with(
    fresh_db: str, retailer: RetailerRef
) -> None:
    draft = plan(day_of(4, shifts=1))
    ((shift, (order, *_others)),) = arrangement(draft).items()
    editing.move_stop(plan=draft, version=None, order=order, shift=shift, position=2)
    executor = MigrationExecutor(connection)
    executor.migrate([BEFORE])
    assert "most_parcels" not in columns()
    executor.loader.build_graph()
    executor.migrate([AFTER])
    route = Route.objects.get()
    assert (route.parcels, route.collected_parcels, route.most_parcels) == (4, 0, 4)
    assert (route.most_weight_g, route.most_volume_cm3) == (route.weight_g, route.volume_cm3)
    assert PlanEdit.objects.get().by_hand is None
    assert editing.undo(plan=draft, version=None).unserved_count == 0
