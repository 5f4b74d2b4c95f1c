"""The migrations of planning are reversible in a database with a plan."""

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
        rows = connection.introspection.get_table_description(cursor, "planning_route")
    return {column.name for column in rows}


def test_existing_routes_get_their_departure_load_as_highest_load(
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
    executor.loader.build_graph()
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert editing.undo(plan=draft, version=None).unserved_count == 0
