"""Rows written after the first migrations survive all later migrations.

The history comes from the repository. Every app's first migration makes an installation, and each
of its tables gets a row. Then ``migrate_house`` migrates it, as an operator's upgrade does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations import DeleteModel
from django.db.migrations.recorder import MigrationRecorder

from lastmile.core import checks
from lastmile.core.postgres import migrate
from lastmile.core.postgres.context import PUBLIC, SchemaContext, enter_schema
from lastmile.core.tenancy import TEMPLATE, RetailerRef, retailer_context, shared_context
from tenants.services import migrate_house
from tests.architecture.filling import A_ROW, INSTANT, fill, in_order
from tests.core.test_clone import CATALOGUE, catalogue
from tests.databases import copy_of

OLD = "t_old"
OWN_APPS = [
    config.label
    for config in apps.get_app_configs()
    if config.name in {*settings.SHARED_APPS, *settings.TENANT_APPS}
]
# Values that neither a field nor a check of the model determines: CHECKs in SQL, and names.
VALUES: dict[str, dict[str, Any]] = {
    "tenants.retailer": {"schema_name": OLD, "status": "active", "name": "Öld & Söns"},
    "tenants.domain": {"domain": "old.localhost"},
    "notifications.thread": {"order": A_ROW, "contact": None},
    "lockers.lockerdevice": {"key": b"kept"},
    "lockers.lockerreservation": {"state": "cancelled"},
    "live.position": {"day": INSTANT.date(), "source": "dev_kept"},
    "orders.attempt": {"outcome": "delivered", "reason": ""},
    "planning.tentativevisit": {"expires_at": None},
    "slots.slot": {"book_until_at": INSTANT},
    "slots.hold": {"expires_at": INSTANT},
    "tracking.curbsidearrival": {"on_the_way_at": INSTANT},
}
#: Tables that a later migration drops. Codes were valid for ten minutes; messages have them now.
DROPPED = {"shopper.showncode"}
Rows = dict[str, list[dict[str, Any]]]


def first_of(loader: MigrationLoader) -> list[tuple[str, str]]:
    """Return every app's first migration."""
    return [node for app in OWN_APPS for node in loader.graph.root_nodes(app)]


def make(schema: str) -> list[type[Any]]:
    """Migrate a schema to the first migrations; return its models of that time."""
    migrate.create(schema)
    with enter_schema(SchemaContext(schema, with_public=False), connection):
        MigrationRecorder(connection).ensure_schema()
        executor = MigrationExecutor(connection)
        firsts = first_of(executor.loader)
    with enter_schema(SchemaContext(schema), connection):
        executor.migrate(firsts)
    state = executor.loader.project_state(firsts)
    own = settings.SHARED_APPS if schema == PUBLIC else settings.TENANT_APPS
    labels = {config.label for config in apps.get_app_configs() if config.name in own}
    return [
        model
        for model in state.apps.get_models()
        if model._meta.app_label in labels - {"contenttypes"}
        and model._meta.managed
        and model._meta.label_lower not in DROPPED
    ]


def rows(schema: str, tables: list[str]) -> Rows:
    """Return every row of these tables, as PostgreSQL writes them."""
    contents: Rows = {}
    with enter_schema(SchemaContext(schema), connection), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT to_jsonb(r) FROM {schema}.{table} r ORDER BY 1")
            contents[table] = [json.loads(row) for (row,) in cursor.fetchall()]
    return contents


def fill_all(schema: str, models: list[type[Any]], ref: RetailerRef | None = None) -> Rows:
    """Write one row into every table; ``ref`` is the retailer to whom encrypted values belong."""
    with enter_schema(SchemaContext(schema, ref), connection), transaction.atomic():
        for model in in_order(models):
            fill(model, VALUES.get(model._meta.label_lower, {}))
    return rows(schema, [model._meta.db_table for model in models])


def ref_of(row: dict[str, Any]) -> RetailerRef:
    """Return the retailer of a row, which today's code cannot read before the upgrade."""
    return RetailerRef(
        schema=OLD, public_id=row["public_id"], name=row["name"], zone="UTC", currency="EUR",
        language="en", units="metric", status="active", domain="old.localhost",
    )  # fmt: skip


@pytest.fixture(scope="module")
def upgraded(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Rows]]:
    """Upgrade an installation; return its rows before the upgrade, by schema and table."""
    with django_db_blocker.unblock(), copy_of("template0"):  # a database with nothing in it
        migrate.create_extensions()
        before = {PUBLIC: fill_all(PUBLIC, make(PUBLIC))}
        make(TEMPLATE)
        (retailer,) = before[PUBLIC]["tenants_retailer"]
        before[OLD] = fill_all(OLD, make(OLD), ref_of(retailer))
        applied = migrate_house()
        assert applied[OLD] == applied[TEMPLATE]
        assert bool(applied[OLD]) == bool(_later())
        yield before


def test_the_first_data_survives_every_later_migration(upgraded: dict[str, Rows]) -> None:
    assert sum(len(rows_) for tables in upgraded.values() for rows_ in tables.values()) > 20
    dropped = _dropped()
    for schema, tables in upgraded.items():
        remaining = {table: written for table, written in tables.items() if table not in dropped}
        after = rows(schema, list(remaining))
        for table, written in remaining.items():
            for old in written:  # the upgrade also added rows of the operator's schema
                assert any(holds_all_of(new, old) for new in after[table]), (table, old)


def holds_all_of(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Return True if a row has every value of the old row, in the columns that still exist."""
    return all(old[column] == value for column, value in new.items() if column in old)


def test_an_upgraded_retailer_equals_a_fresh_one(upgraded: dict[str, Rows]) -> None:
    with shared_context(), transaction.atomic():
        old, fresh = catalogue(OLD), catalogue(TEMPLATE)
    for kind in CATALOGUE:
        assert old[kind] == fresh[kind], kind
    assert checks.every_schema_has_the_same_tables(databases=["default"]) == []
    with retailer_context(OLD) as ref:
        assert ref.domain == "old.localhost"


def _dropped() -> set[str]:
    """Return the tables that a later migration deletes on purpose."""
    return {
        f"{app}_{operation.name.lower()}"
        for (app, _name), migration in MigrationLoader(None).disk_migrations.items()
        for operation in migration.operations
        if isinstance(operation, DeleteModel)
    }


def _later() -> list[tuple[str, str]]:
    loader = MigrationLoader(None)
    return [
        node for node in loader.graph.nodes if node[0] in OWN_APPS and node not in first_of(loader)
    ]


def our_migrations() -> list[Migration]:
    own = set(OWN_APPS) - {"contenttypes"}
    migrations = MigrationLoader(None).disk_migrations.items()
    return [migration for (app, _name), migration in migrations if app in own]


def test_every_migration_can_be_undone_and_has_a_name() -> None:
    assert len(our_migrations()) > 8
    for migration in our_migrations():
        assert all(operation.reversible for operation in migration.operations), migration
        assert re.fullmatch(r"\d{4}_(?!auto)[a-z][a-z0-9_]+", migration.name), migration


def test_data_and_structure_change_in_migrations_of_their_own() -> None:
    for migration in our_migrations():
        kinds = {type(operation).__name__ for operation in migration.operations}
        assert "RunPython" not in kinds or kinds == {"RunPython"}, migration
