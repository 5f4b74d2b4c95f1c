"""The database backend: at every cursor the search_path follows the ContextVar, or it raises.

It speaks django_tenants' dialect (``set_tenant``, ``set_schema``, ``schema_name`` …), so that its
router and commands work unchanged, but keeps no tenant on the connection.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base as postgresql
from django.utils.asyncio import async_unsafe
from django.utils.functional import cached_property
from django_tenants.postgresql_backend.introspection import DatabaseSchemaIntrospection

from lastmile.core.postgres import context
from lastmile.core.postgres.context import PUBLIC, SchemaContext


class TenantName:
    """What django_tenants wants to see of a tenant: its schema's name."""

    def __init__(self, schema_name: str) -> None:
        self.schema_name = schema_name


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """PostgreSQL with ``search_path = <schema of the ContextVar>, public``.

    ``_path`` is the search_path that this physical session is known to have, None when unknown.
    A ``SET`` is undone by the rollback of its transaction or savepoint, and a session from the
    pool comes as its last user left it: each of them makes the path unknown, never wrong.
    """

    introspection_class = DatabaseSchemaIntrospection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._path: str | None = None
        super().__init__(*args, **kwargs)

    # --- the path ----------------------------------------------------------------------------
    def _cursor(self, name: str | None = None) -> Any:
        if self.alias == NO_DB_ALIAS:  # creating and dropping databases: no tables, no retailer
            return super()._cursor(name)  # type: ignore[misc]
        wanted = context.required_schema_context().search_path
        cursor = super()._cursor(name)  # type: ignore[misc]
        if self._path != wanted:
            self._take(wanted)
        return cursor

    def _take(self, wanted: str) -> None:
        if self.connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
            return  # PostgreSQL refuses everything but a rollback, which makes the path unknown
        self._path = None
        with self.wrap_database_errors, self.connection.cursor() as cursor:
            # The name was checked when it was entered: a-z, 0-9 and _ only.
            cursor.execute(f"SET search_path = {wanted}")
        self._path = wanted

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Take a session, new or from the pool: nobody knows its path."""
        self._path = None
        return super().get_new_connection(conn_params)

    @async_unsafe
    def close(self) -> None:
        """Let go of the session and of what was known of it."""
        self._path = None
        super().close()

    def _rollback(self) -> Any:
        try:
            return super()._rollback()  # type: ignore[misc]
        finally:
            self._path = None

    def _savepoint_rollback(self, sid: str) -> None:
        try:
            super()._savepoint_rollback(sid)  # type: ignore[misc]
        finally:
            self._path = None

    # --- what needs no retailer --------------------------------------------------------------
    @cached_property
    def pg_version(self) -> int:
        """The server's version, asked of the session itself: connecting needs no retailer."""
        opened_here = self.connection is None
        self.ensure_connection()
        try:
            version: int = self.connection.info.server_version
        finally:
            if opened_here:
                self.close()
        return version

    def check_constraints(self, table_names: Any = None) -> None:
        """Check what was deferred: constraints know their own tables, whatever the path."""
        self.ensure_connection()
        with self.wrap_database_errors, self.connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    # --- django_tenants' dialect -------------------------------------------------------------
    @property
    def schema_name(self) -> str | None:
        """The schema of the ContextVar, None when there is none."""
        found = context.current_schema_context()
        return None if found is None else found.schema

    @property
    def tenant(self) -> TenantName | None:
        """The same as an object with ``schema_name``."""
        return None if self.schema_name is None else TenantName(self.schema_name)

    @property
    def include_public_schema(self) -> bool:
        """Whether public follows on the path."""
        found = context.current_schema_context()
        return found is None or found.with_public

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        """Move the ContextVar; raises OtherRetailer inside another's transaction."""
        context.set_schema_context(
            SchemaContext(tenant.schema_name, with_public=include_public), self
        )

    def set_schema(
        self, schema_name: str, include_public: bool = True, tenant_type: str | None = None
    ) -> None:
        """Move the ContextVar by name."""
        context.set_schema_context(SchemaContext(schema_name, with_public=include_public), self)

    def set_schema_to_public(self) -> None:
        """Move the ContextVar to the shared tables."""
        context.set_schema_context(SchemaContext(PUBLIC), self)
