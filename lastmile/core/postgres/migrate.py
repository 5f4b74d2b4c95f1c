"""Migrates schemas one at a time, and finds schemas with missing migrations.

Each schema has its own table ``django_migrations``. A migration and its row in that table are one
transaction, so an interrupted run continues where it stopped.
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

# The number of the advisory lock for migrations, the same for the whole installation.
MIGRATION_LOCK = int.from_bytes(
    hashlib.sha256(b"lastmile:migrate").digest()[:8], "big", signed=True
)
# Extensions in public for all schemas: similarity(), unaccent() and EXCLUDE over scalars.
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gist")


class MigrationRunning(Unavailable):
    """A migration or the opening of a retailer is running."""

    code = "migration_running"


def exists(schema: str) -> bool:
    """Return True if the schema exists."""
    with shared_path(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema])
        return cursor.fetchone() is not None


def create(schema: str) -> None:
    """Create an empty schema if it does not exist."""
    check_name(schema)
    with enter_schema(SchemaContext(PUBLIC), connection), connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")


def create_extensions() -> None:
    """Create the extensions in ``public``, which is in every retailer's search_path."""
    with enter_schema(SchemaContext(PUBLIC), connection), connection.cursor() as cursor:
        for name in EXTENSIONS:
            cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {PUBLIC}")


def pending(schema: str) -> list[str]:
    """Return the migrations that are missing in a schema, in order: ``core.0002_x``."""
    with enter_schema(SchemaContext(schema, with_public=False), connection):
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def migrate(schema: str) -> list[str]:
    """Apply the missing migrations of a schema and return them.

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
    """Keep the current schema context if there is one, else enter the shared tables."""
    return (
        nullcontext()
        if current_schema_context() is not None
        else enter_schema(SchemaContext(PUBLIC), connection)
    )


@contextmanager
def migration_lock() -> Iterator[None]:
    """Hold the migration lock: no other migration and no opening of a retailer can run.

    The lock is on a separate database session, since migrations commit many times. PostgreSQL
    releases it when the session ends for any reason. It waits up to the session's lock_timeout.

    Raises
    ------
    MigrationRunning
        Another migration is running, or a retailer is being opened.
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
    """Block migrations until the current transaction ends; other retailers may be opened.

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
                "The schemas are being migrated, or a retailer is being opened. Try again in a"
                " minute."
            ) from fault
        raise
