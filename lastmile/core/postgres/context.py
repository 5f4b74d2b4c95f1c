"""The ContextVar with the current schema, which the database backend reads at every cursor.

The schema is not stored on the connection: a connection belongs to a thread, and under ASGI many
requests and websockets share a thread. When the schema was set on the connection at websocket
connect, half of the replies had rows of the other retailer. This module knows schema names only;
``core.tenancy`` knows the retailers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

PUBLIC = "public"
# Lower case, so that PostgreSQL needs no quotes and no two names differ only in case.
_NAME = re.compile(r"(?!pg_)[a-z][a-z0-9_]{0,47}\Z")


class NoRetailer(RuntimeError):
    """The code used the retailer or the database, but no retailer is set."""


class OtherRetailer(RuntimeError):
    """The code entered another retailer while a transaction is open."""


@dataclass(frozen=True, slots=True)
class SchemaContext:
    """The schema that the current code uses.

    Parameters
    ----------
    schema : str
        Name of the schema; ``public`` for the shared tables only.
    ref : object, optional
        The retailer of the schema, set by ``core.tenancy``. It is not used here.
    with_public : bool
        True if ``public`` is also in the search_path. It is False only for migrations, since the
        table of migrations is in both schemas.
    """

    schema: str
    ref: object | None = None
    with_public: bool = True

    @property
    def search_path(self) -> str:
        """The value of PostgreSQL's ``search_path``."""
        if self.schema == PUBLIC or not self.with_public:
            return self.schema
        return f"{self.schema}, {PUBLIC}"


_current: ContextVar[SchemaContext | None] = ContextVar("lastmile_place", default=None)


def current_schema_context() -> SchemaContext | None:
    """Return the current schema context, or None."""
    return _current.get()


def required_schema_context() -> SchemaContext:
    """Return the current schema context.

    Raises
    ------
    NoRetailer
        There is none.
    """
    current = _current.get()
    if current is None:
        raise NoRetailer(
            "No retailer is set here. Enter one with retailer_context(…), or use shared_context()"
            " for shared tables. Async code must use in_retailer(…)."
        )
    return current


def is_valid_name(schema: str) -> bool:
    """Return True for a valid schema name: lower case, at most 48 characters, not ``pg_…``."""
    return _NAME.match(schema) is not None


def check_name(schema: str) -> str:
    """Return a schema name unchanged; raise ValueError if it is not valid."""
    if not is_valid_name(schema):
        raise ValueError(
            f"{schema!r} is not a valid schema name. Use 1 to 48 characters of a-z, 0-9 and _. The"
            " first must be a letter, and the name must not start with pg_."
        )
    return schema


def set_schema_context(new: SchemaContext, connection: BaseDatabaseWrapper) -> None:
    """Set the schema context without an end, for the methods of django_tenants.

    Raises
    ------
    OtherRetailer
        A transaction of another schema is open on `connection`.
    """
    check_name(new.schema)
    _refuse_inside_transaction(new, connection)
    _current.set(new)


@contextmanager
def enter_schema(new: SchemaContext, connection: BaseDatabaseWrapper) -> Iterator[SchemaContext]:
    """Set the schema context within a ``with`` block.

    Raises
    ------
    OtherRetailer
        A transaction of another schema is open on `connection`.
    """
    check_name(new.schema)
    _refuse_inside_transaction(new, connection)
    token = _current.set(new)
    try:
        yield new
    finally:
        _current.reset(token)


def _refuse_inside_transaction(new: SchemaContext, connection: BaseDatabaseWrapper) -> None:
    """Raise OtherRetailer if a transaction of another schema is open.

    A transaction belongs to one retailer, because a change in two could not be undone together.
    """
    present = _current.get()
    if present is None or present.schema == new.schema:
        return
    # The transaction around a test does not count; Django's `durable` ignores it in the same way.
    if any(not block._from_testcase for block in connection.atomic_blocks):  # type: ignore[attr-defined]  # noqa: SLF001
        raise OtherRetailer(
            f"A transaction of {present.schema} is open, so {new.schema} cannot be entered."
            " Commit first, or record an event and act in its handler."
        )
