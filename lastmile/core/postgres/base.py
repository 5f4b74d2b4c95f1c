"""The database backend: every cursor sets the search_path from a ContextVar.

Without a schema in the ContextVar it raises NoRetailer. It has the methods of django_tenants'
backend (``set_tenant``, ``set_schema``, ``schema_name`` …), so that its router and commands work
unchanged. But it stores no tenant on the connection.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base as postgresql
from django.db.backends.utils import CursorWrapper
from django.utils.asyncio import async_unsafe
from django.utils.functional import cached_property
from django_tenants.postgresql_backend.introspection import DatabaseSchemaIntrospection

from lastmile.core.postgres import context
from lastmile.core.postgres.context import PUBLIC, SchemaContext
from lastmile.core.postgres.pool import SessionPool, check_session


class TenantName:
    """A tenant as django_tenants expects it: an object with the name of its schema."""

    def __init__(self, schema_name: str) -> None:
        self.schema_name = schema_name


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """PostgreSQL with ``search_path = <schema of the ContextVar>, public``.

    ``_path`` is the search_path that the database session has, or None when it is not known. A
    rollback of a transaction or savepoint undoes a ``SET``. Then ``_path`` becomes None, and the
    next cursor sets the path again. A session from the pool may have any path: PostgreSQL 18 has
    reported each change of it, so it is known without a question.
    """

    introspection_class = DatabaseSchemaIntrospection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._path: str | None = None
        super().__init__(*args, **kwargs)

    @property
    def pool(self) -> Any:
        """The pool of sessions of this process, None without one. Made as Django makes its own."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        pools: dict[str, SessionPool] = self._connection_pools  # type: ignore[attr-defined]
        if self.alias not in pools:
            new = SessionPool(
                kwargs=self.get_connection_params() | {"autocommit": True},
                open=False,  # the first session opens it
                configure=self._configure_connection,  # type: ignore[attr-defined]
                check=check_session,
                **options,
            )
            pools.setdefault(self.alias, new)  # another thread may have been first
        return pools[self.alias]

    # --- the path ----------------------------------------------------------------------------
    def _cursor(self, name: str | None = None) -> Any:
        if self.alias == NO_DB_ALIAS:  # creating or dropping a database needs no schema
            return super()._cursor(name)  # type: ignore[misc]
        path = context.required_schema_context().search_path
        cursor = super()._cursor(name)  # type: ignore[misc]
        if self._path != path:
            self._set_path(path)
        return cursor

    def _set_path(self, path: str) -> None:
        if self.connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
            return  # PostgreSQL accepts only a rollback now, which makes the path unknown anyway
        self._path = None
        with self.wrap_database_errors, self.connection.cursor() as cursor:
            # The name was checked before: it has only a-z, 0-9 and _.
            cursor.execute(f"SET search_path = {path}")
        self._path = path

    def wrapped(self, cursor: Any) -> CursorWrapper:
        """Return a cursor of this session as Django wraps its own: errors, and the log of tests."""
        return self._prepare_cursor(cursor)  # type: ignore[no-any-return,attr-defined]

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open a session, or take one from the pool; its path is the one that it reported last."""
        self._path = None
        session = super().get_new_connection(conn_params)
        self._path = session.info.parameter_status("search_path")  # None before PostgreSQL 18
        return session

    @async_unsafe
    def close(self) -> None:
        """Close the session and forget its path."""
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

    # --- operations that need no retailer ----------------------------------------------------
    @cached_property
    def pg_version(self) -> int:
        """The server's version, read from the session, so that connecting needs no retailer."""
        opened_here = self.connection is None
        self.ensure_connection()
        try:
            version: int = self.connection.info.server_version
        finally:
            if opened_here:
                self.close()
        return version

    def check_constraints(self, table_names: Any = None) -> None:
        """Check deferred constraints. They know their tables, so this needs no search_path."""
        self.ensure_connection()
        with self.wrap_database_errors, self.connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    # --- methods that django_tenants expects -------------------------------------------------
    @property
    def schema_name(self) -> str | None:
        """The schema in the ContextVar, or None."""
        current = context.current_schema_context()
        return None if current is None else current.schema

    @property
    def tenant(self) -> TenantName | None:
        """The schema in the ContextVar as an object with ``schema_name``, or None."""
        return None if self.schema_name is None else TenantName(self.schema_name)

    @property
    def include_public_schema(self) -> bool:
        """True if the schema ``public`` is also in the search_path."""
        current = context.current_schema_context()
        return current is None or current.with_public

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        """Set the ContextVar. Raises OtherRetailer inside a transaction of another retailer."""
        context.set_schema_context(
            SchemaContext(tenant.schema_name, with_public=include_public), self
        )

    def set_schema(
        self, schema_name: str, include_public: bool = True, tenant_type: str | None = None
    ) -> None:
        """Set the ContextVar by the name of the schema."""
        context.set_schema_context(SchemaContext(schema_name, with_public=include_public), self)

    def set_schema_to_public(self) -> None:
        """Set the ContextVar to the shared tables."""
        context.set_schema_context(SchemaContext(PUBLIC), self)
