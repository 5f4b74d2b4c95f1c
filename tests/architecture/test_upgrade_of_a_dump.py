"""An installation with data, dumped by an older version, is upgraded and loses nothing.

The dump (tests/data, made by ``python -m tests.upgrade``) holds two retailers and the operator's
schema, with rows in every table of its time. The tests restore it, migrate it as an operator does,
check it, migrate one retailer back, and forward again.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min

from dispatch.live.models import Position
from dispatch.live.services.partitions import keep_days
from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.models import Cause, Order
from dispatch.orders.selectors import by_van
from dispatch.orders.services import set_promise
from dispatch.planning.models import TentativeDay, TentativeVisit
from dispatch.planning.selectors.tentative import broken_rules, days_behind
from dispatch.planning.services import note_unplanned_days, reconcile_day
from dispatch.planning.tasks import open_days
from lastmile.core import checks
from lastmile.core.clock import now
from lastmile.core.postgres import migrate
from lastmile.core.postgres.context import PUBLIC, SchemaContext, enter_schema
from lastmile.core.tenancy import HOUSE, TEMPLATE, registry, retailer_context, shared_context
from notifications.catalogue.moments import PROMISES
from notifications.models import Message
from tenants.services import migrate_house, pending_migrations
from tests.architecture.filling import fill, in_order
from tests.architecture.test_upgrade import VALUES, Rows, holds_all_of, rows
from tests.core.test_clone import CATALOGUE, catalogue
from tests.databases import copy_of
from tests.drain import drain
from tests.notifications.making import switch_on
from tests.upgrade.restoring import restore

RETAILERS = ("t_north", "t_south")
HOUR = dt.timedelta(hours=1)
SCHEMAS = (PUBLIC, TEMPLATE, HOUSE, *RETAILERS)
#: Technical tables that the upgrade itself changes.
RESTLESS = {"django_migrations"}
Applied = dict[str, list[tuple[str, str]]]


def tables(schema: str) -> list[str]:
    with enter_schema(SchemaContext(schema), connection), connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
            " AND table_type = 'BASE TABLE' ORDER BY 1",
            [schema],
        )
        return [name for (name,) in cursor.fetchall()]


def everything(schema: str) -> Rows:
    return rows(schema, [name for name in tables(schema) if name not in RESTLESS])


def applied(schema: str) -> list[tuple[str, str]]:
    with enter_schema(SchemaContext(schema), connection), connection.cursor() as cursor:
        cursor.execute(f"SELECT app, name FROM {schema}.django_migrations ORDER BY id")
        return [(app, name) for app, name in cursor.fetchall()]


class Upgraded:
    """The dump before the upgrade, its applied migrations, and the migrations of the upgrade."""

    def __init__(self) -> None:
        self.ledgers: Applied = {schema: applied(schema) for schema in SCHEMAS}
        self.before = {schema: everything(schema) for schema in SCHEMAS}
        self.migrated = migrate_house()


@pytest.fixture(scope="module")
def upgraded(django_db_setup: None, django_db_blocker: Any) -> Iterator[Upgraded]:
    """Restore the dump into a new database and migrate it."""
    with django_db_blocker.unblock(), copy_of("template0"):
        restore(connection.settings_dict)
        yield Upgraded()


def test_the_dump_has_rows_in_every_table_of_two_retailers(upgraded: Upgraded) -> None:
    for schema in RETAILERS:
        empty = {name for name, rows_ in upgraded.before[schema].items() if not rows_}
        assert empty - {"django_content_type"} == set(), schema
        assert len(upgraded.before[schema]["orders_order"]) > 10
    assert {row["schema_name"] for row in upgraded.before[PUBLIC]["tenants_retailer"]} == {
        HOUSE, *RETAILERS
    }  # fmt: skip
    assert upgraded.before[HOUSE]["people_member"]


def test_every_schema_is_brought_to_the_code_and_to_one_shape(upgraded: Upgraded) -> None:
    assert pending_migrations() == {}
    assert checks.every_schema_has_the_same_tables(databases=["default"]) == []
    with shared_context(), transaction.atomic():
        fresh = catalogue(TEMPLATE)
        for schema in RETAILERS:
            migrated = catalogue(schema)
            assert {kind: migrated[kind] for kind in CATALOGUE} == {
                kind: fresh[kind] for kind in CATALOGUE
            }
    assert migrate_house() == {key: [] for key in upgraded.migrated}


def test_no_row_of_the_dump_is_lost_or_changed(upgraded: Upgraded) -> None:
    for schema, old_tables in upgraded.before.items():
        after = everything(schema)
        for table, written in old_tables.items():
            if table not in after:  # removed by a migration, which has its own test
                continue
            new_rows = {row.get("id"): row for row in after[table]}
            for old in written:
                new = new_rows.get(old.get("id"))
                assert new is not None, (schema, table, old)
                assert holds_all_of(new, old), (schema, table, old, new)


def test_the_invariants_hold_in_every_retailer(upgraded: Upgraded) -> None:
    out = io.StringIO()
    call_command("invariants", "--all", "--json", stdout=out)
    report = json.loads(out.getvalue())
    assert report["broken"] == []
    assert report["checked"] >= 3 * 12
    with shared_context():
        assert set(registry().schemas()) == {HOUSE, *RETAILERS}


def test_new_tables_can_be_filled_beside_the_old_rows(upgraded: Upgraded) -> None:
    labels = {config.label for config in apps.get_app_configs()
              if config.name in settings.TENANT_APPS} - {"contenttypes"}  # fmt: skip
    models = [m for m in apps.get_models() if m._meta.app_label in labels]
    for schema in RETAILERS:
        new = [m for m in in_order(models) if m._meta.db_table not in upgraded.before[schema]]
        with retailer_context(schema), transaction.atomic():
            if Position in new:
                keep_days([VALUES["live.position"]["day"]])
            for model in new:  # a table after those that its keys point at
                keys = {
                    field.name: field.related_model._default_manager.first()  # type: ignore[union-attr]
                    for field in model._meta.local_fields
                    if field.many_to_one or field.one_to_one
                }
                fill(model, keys | VALUES.get(model._meta.label_lower, {}))
                assert model._default_manager.count() == 1, model
            transaction.set_rollback(True)
    call_command("invariants", "--all", stdout=io.StringIO())


def test_orders_of_the_dump_can_still_be_worked_with(upgraded: Upgraded) -> None:
    for schema in RETAILERS:
        with retailer_context(schema), transaction.atomic():
            order = Order.objects.filter(state="ready").first()
            assert order is not None
            order.refresh_from_db()
            assert order.created_at < dt.datetime.now(dt.UTC) + dt.timedelta(days=3650)
            out = io.StringIO()
            call_command("ledger", "--schema", schema, "--json", stdout=out)
            assert (
                order.public_id in json.loads(out.getvalue())["rooms"]["dispatch.orders"]["orders"]
            )
            transaction.set_rollback(True)


def test_promises_of_the_dump_get_places_in_the_tentative_plans(
    upgraded: Upgraded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The scheduled task builds the plans: no migration and no event does."""
    monkeypatch.setenv("ALLOW_TEST_CLOCK", "1")
    monkeypatch.setenv("TEST_CLOCK_FILE", str(tmp_path / "clock"))
    for schema in RETAILERS:
        with retailer_context(schema):
            waiting = Order.objects.filter(by_van(), state__in=["ready", "planned"])
            promised = waiting.filter(promise__isnull=False, hub__isnull=False)
            first = promised.aggregate(day=Min("service_date"))["day"]
            eve = dt.datetime.combine(first, dt.time(), dt.UTC) - dt.timedelta(hours=4)
            (tmp_path / "clock").write_text(eve.isoformat())
            assert days_behind()
            assert open_days() >= len(days_behind())
            for hub, date in days_behind():
                reconcile_day(hub=hub, service_date=date)
            assert days_behind() == []
            rows = TentativeVisit.objects.filter(order__promise__isnull=False)
            assert set(rows.values_list("key", flat=True)) == set(
                promised.values_list("public_id", flat=True)
            )
            assert rows.filter(state="placed").exists()
            for day in TentativeDay.objects.select_related("hub", "base_plan"):
                assert broken_rules(day, now()) == []
            call_command("invariants", "--schema", schema, stdout=io.StringIO())


def test_an_upgraded_retailer_tells_nothing_about_history_and_tells_what_happens_next(
    upgraded: Upgraded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Old orders, promises and plans were never told; nobody wants to read of them after all."""
    monkeypatch.setenv("ALLOW_TEST_CLOCK", "1")
    monkeypatch.setenv("TEST_CLOCK_FILE", str(tmp_path / "clock"))
    for schema in RETAILERS:
        with retailer_context(schema), transaction.atomic():
            assert not Message.objects.exists()
            waiting = Order.objects.filter(by_van(), state="ready", service_date__isnull=False)
            order = waiting.exclude(shopper__phone="").order_by("pk").first()
            assert order is not None
            noon = dt.datetime.combine(order.service_date or dt.date.min, dt.time(12), dt.UTC)
            (tmp_path / "clock").write_text(noon.isoformat())
            switch_on("sms", "email", "whatsapp")
            drain(jobs=False)
            for hub, date in days_behind():
                reconcile_day(hub=hub, service_date=date)
            note_unplanned_days()
            drain(jobs=False)
            about_orders = Message.objects.filter(order__isnull=False)
            assert not about_orders.exists(), "history"
            opens_at = noon + dt.timedelta(days=2)
            window = PromiseDraft(
                opens_at=opens_at, closes_at=opens_at + HOUR, cause=Cause.DISPATCHER
            )
            set_promise(order=order, draft=window)
            drain(jobs=False)
            assert set(about_orders.values_list("order", flat=True)) == {order.pk}
            first, reminder = about_orders.order_by("pk").values_list("moment", flat=True)
            assert (first in PROMISES, reminder) == (True, "day_before")
            transaction.set_rollback(True)


def test_one_retailer_goes_back_to_the_dumps_state_and_forward_again(upgraded: Upgraded) -> None:
    """Run last: migrating back removes only what the later migrations added."""
    schema = RETAILERS[0]
    ledger = upgraded.ledgers[schema]
    own = {config.label for config in apps.get_app_configs()
           if config.name in settings.TENANT_APPS}  # fmt: skip
    with enter_schema(SchemaContext(schema), connection):
        executor = MigrationExecutor(connection)
        then = {app: name for app, name in ledger if app in own}
        executor.migrate(list(then.items()))
    back = everything(schema)
    assert set(back) >= set(upgraded.before[schema])
    for table, written in upgraded.before[schema].items():
        new_rows = {row.get("id"): row for row in back[table]}
        assert all(holds_all_of(new_rows[row.get("id")], row) for row in written), table
    assert pending_migrations()[schema]
    with shared_context():
        migrate_house()
    assert pending_migrations() == {}
    call_command("invariants", "--schema", schema, stdout=io.StringIO())
    assert migrate.pending(schema) == []
