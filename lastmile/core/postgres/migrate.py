"""Bring schemas to the code's migrations, one at a time, and tell which are behind.

The ledger (``django_migrations``) stands in every schema, so an interrupted run goes on where it
stopped: each migration and its line in the ledger are one transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import StringIO

import psycopg
from django.core.management import call_command
from django.core.management.commands.migrate import Command as Migrate
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from lastmile.core.errors import Unavailable
from lastmile.core.postgres.context import (
    PUBLIC,
    SchemaContext,
    check_name,
    current_schema_context,
    enter_schema,
)

# Two 32-bit halves, as PostgreSQL's advisory locks take them; one name for the whole installation.
MIGRATION_LOCK = int.from_bytes(
    hashlib.sha256(b"lastmile:migrate").digest()[:8], "big", signed=True
)
# What stands in public for everybody: similarity(), unaccent() and EXCLUDE over scalars.
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gist")


class MigrationRunning(Unavailable):
    """Opening waits for a migration, or a migration for another one."""

    code = "migration_running"


def exists(schema: str) -> bool:
    """Tell whether there is a schema of this name."""
    with shared_path(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema])
        return cursor.fetchone() is not None


def create(schema: str) -> None:
    """Make an empty schema if there is none."""
    check_name(schema)
    with enter_schema(SchemaContext(PUBLIC), connection), connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")


def create_extensions() -> None:
    """Put the extensions into public, where every retailer's path finds them."""
    with enter_schema(SchemaContext(PUBLIC), connection), connection.cursor() as cursor:
        for name in EXTENSIONS:
            cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {PUBLIC}")


def pending(schema: str) -> list[str]:
    """Return the migrations that a schema lacks, in order: ``core.0002_x``."""
    with enter_schema(SchemaContext(schema, with_public=False), connection):
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def migrate(schema: str) -> list[str]:
    """Apply what a schema lacks and return it; nothing is done twice.

    The caller holds ``migration_lock()``.
    """
    with enter_schema(SchemaContext(schema, with_public=False), connection):
        MigrationRecorder(connection).ensure_schema()
    missing = pending(schema)
    if missing:
        with enter_schema(SchemaContext(schema), connection):
            call_command(
                Migrate(stdout=StringIO()), interactive=False, verbosity=0, skip_checks=True
            )
    return missing


def shared_path() -> AbstractContextManager[object]:
    """Any path will do: stay where the code stands, else with the shared tables."""
    return (
        nullcontext()
        if current_schema_context() is not None
        else enter_schema(SchemaContext(PUBLIC), connection)
    )


@contextmanager
def migration_lock() -> Iterator[None]:
    """Hold migrations for oneself: no other migration and no opening meanwhile.

    On a session of its own, since migrating commits many times; the lock dies with the session,
    however that ends. Waits as long as the session's lock_timeout says.

    Raises
    ------
    MigrationRunning
        Another one holds it, or a retailer is being opened at this moment.
    """
    session = connection.copy()
    try:
        _lock(session, "pg_advisory_lock")
        try:
            yield
        finally:
            _lock(session, "pg_advisory_unlock")
    finally:
        session.close()


def share_migration_lock() -> None:
    """Inside a transaction: keep migrations away until it ends; other openings may go on.

    Raises
    ------
    MigrationRunning
        A migration is running.
    """
    _lock(connection, "pg_advisory_xact_lock_shared")


def _lock(session: BaseDatabaseWrapper, function: str) -> None:
    try:
        with shared_path(), session.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [MIGRATION_LOCK])
    except OperationalError as fault:
        if isinstance(fault.__cause__, psycopg.errors.LockNotAvailable):
            raise MigrationRunning(
                "The schemas are being migrated, or a retailer is being opened. Try again when that"
                " is done."
            ) from fault
        raise
