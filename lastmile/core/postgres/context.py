"""Which schema the code at hand speaks to: one ContextVar, read at every cursor.

A ContextVar and not the connection, because a connection belongs to a thread, and under ASGI many
requests and sockets share a thread: a schema set on the connection at websocket connect returned
the other retailer's rows in half of the replies. Names only; who a retailer is, stands above.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

PUBLIC = "public"
# Lower case, so that PostgreSQL never needs quotes and no two names differ by case alone.
_NAME = re.compile(r"(?!pg_)[a-z][a-z0-9_]{0,47}\Z")


class NoRetailer(RuntimeError):
    """Something asked for the retailer, or for the database, and nobody had said which."""


class OtherRetailer(RuntimeError):
    """A transaction of one retailer is open, and the code turns to another."""


@dataclass(frozen=True, slots=True)
class SchemaContext:
    """Where the code at hand stands.

    Parameters
    ----------
    schema : str
        Name of the schema; ``public`` for the shared tables alone.
    ref : object, optional
        What the floor above knows of it; nothing here looks inside.
    with_public : bool
        Whether ``public`` follows on the path. False only while a migration ledger is made, since
        that table alone stands in both.
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
    """Return where the code stands, or None."""
    return _current.get()


def required_schema_context() -> SchemaContext:
    """Return where the code stands.

    Raises
    ------
    NoRetailer
        Nothing was entered.
    """
    found = _current.get()
    if found is None:
        raise NoRetailer(
            "No retailer is set here. Enter one with retailer_context(…), or shared_context() for"
            " shared tables; async code reaches the database through in_retailer(…) only."
        )
    return found


def is_valid_name(schema: str) -> bool:
    """Tell whether a text may name a schema: lower case, at most 48 characters, not ``pg_…``."""
    return _NAME.match(schema) is not None


def check_name(schema: str) -> str:
    """Return the name of a schema as it is; raise ValueError when it cannot be one."""
    if not is_valid_name(schema):
        raise ValueError(
            f"{schema!r} cannot name a schema: use 1 to 48 of a-z, 0-9 and _, a letter first, and"
            " not pg_ at the head."
        )
    return schema


def set_schema_context(wanted: SchemaContext, connection: BaseDatabaseWrapper) -> None:
    """Move to a place for good: for django_tenants' ways in, which know no end.

    Raises
    ------
    OtherRetailer
        A transaction is open on `connection`, at another place.
    """
    check_name(wanted.schema)
    _refuse_inside_transaction(wanted, connection)
    _current.set(wanted)


@contextmanager
def enter_schema(wanted: SchemaContext, connection: BaseDatabaseWrapper) -> Iterator[SchemaContext]:
    """Stand at a place for the length of a block.

    Raises
    ------
    OtherRetailer
        A transaction is open on `connection`, at another place.
    """
    check_name(wanted.schema)
    _refuse_inside_transaction(wanted, connection)
    token = _current.set(wanted)
    try:
        yield wanted
    finally:
        _current.reset(token)


def _refuse_inside_transaction(wanted: SchemaContext, connection: BaseDatabaseWrapper) -> None:
    """One transaction, one retailer: half of an act in each could not be undone together."""
    present = _current.get()
    if present is None or present.schema == wanted.schema:
        return
    # The transaction that a test is wrapped in is nobody's act; Django's `durable` looks past it
    # in the same way.
    if any(not block._from_testcase for block in connection.atomic_blocks):  # type: ignore[attr-defined]  # noqa: SLF001
        raise OtherRetailer(
            f"A transaction of {present.schema} is open, so {wanted.schema} cannot be entered."
            " Commit first, or record an event and act in its handler."
        )
