"""Prepared statements: PostgreSQL reads them once a session, and soon plans them no more.

Django sends each statement with its values in it, so PostgreSQL plans it each time. For a short
statement that runs many times a second, that is most of its cost. Source: PostgreSQL, PREPARE; it
makes a plan for all values after five runs if that is not worse, and makes it again when the
search_path or a table has changed.
"""

from __future__ import annotations

from typing import Any, cast

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg._queries import PostgresQuery

from lastmile.core.postgres.base import DatabaseWrapper


class _PreparedCursor(psycopg.Cursor[Any]):
    """A cursor that prepares each statement."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """Run a statement, which is prepared if this session has not done so."""
        session = self.connection
        usual = session.prepare_threshold
        session.prepare_threshold = 0
        try:
            return super().execute(query, params, prepare=True, **options)
        finally:
            session.prepare_threshold = usual
            self._query = PostgresQuery(self._tx)  # Django's log of statements reads it
            self._query.query = query.encode()


def prepared_cursor() -> CursorWrapper:
    """Return a cursor whose statements are prepared, in the schema of the context.

    Use it for a statement with a fixed text that runs often. PostgreSQL must be able to tell the
    types of its values: write ``%s::bigint[]`` where it could not.
    """
    wrapper = cast("DatabaseWrapper", connection)
    wrapper.cursor().close()  # opens the session, and sets its search_path
    cursor = _PreparedCursor(wrapper.connection)
    return wrapper.wrapped(cursor)


def shared_cursor() -> CursorWrapper:
    """Return such a cursor for a statement that names the schema of each of its tables.

    It leaves the search_path as it is, so a look-up of the retailer costs no further statement.
    """
    wrapper = cast("DatabaseWrapper", connection)
    wrapper.ensure_connection()
    return wrapper.wrapped(_PreparedCursor(wrapper.connection))
