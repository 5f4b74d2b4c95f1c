"""The current retailer, and functions to enter a retailer or the shared tables.

Each request, task and websocket message has one retailer. Core looks retailers up in the module
that ``settings.RETAILERS`` names (``find``, ``active``), as an immutable ``RetailerRef``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import ParamSpec, Protocol, TypeVar, cast

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from lastmile.core.clock import RetailerClock
from lastmile.core.errors import Unavailable
from lastmile.core.postgres import context
from lastmile.core.postgres.context import PUBLIC, NoRetailer, OtherRetailer, SchemaContext

__all__ = [
    "HOUSE",
    "TEMPLATE",
    "Brand",
    "NoRetailer",
    "OtherRetailer",
    "RetailerNotOpen",
    "RetailerRef",
    "Retailers",
    "UnknownRetailer",
    "cache_key",
    "cache_key_function",
    "current_retailer",
    "current_schema",
    "find_retailer",
    "for_each_retailer",
    "group_name",
    "in_retailer",
    "registry",
    "retailer_context",
    "shared_context",
    "shared_tables",
]

P = ParamSpec("P")
T = TypeVar("T")

HOUSE = "house"  # the schema of the operator, served on BASE_DOMAIN
TEMPLATE = "template"  # the schema from which a new retailer is cloned; no request enters it
ACTIVE = "active"
_GROUP = re.compile(r"[A-Za-z0-9_.-]{1,99}\Z")  # names that a channel layer accepts


class UnknownRetailer(NoRetailer):
    """No retailer has this schema."""


class RetailerNotOpen(Unavailable):
    """The retailer exists but is not active: it is opening, suspended, closing or closed."""

    code = "retailer_not_open"


@dataclass(frozen=True, slots=True)
class Brand:
    """The branding of a retailer's pages.

    Parameters
    ----------
    hue : int, optional
        Hue of the accent colour in OKLCH, 0 to 359; None uses Lastmile's own.
    chroma : float, optional
        Chroma of the accent colour, 0 (grey) to 0.4 (vivid); None uses Lastmile's own.
    corner : float
        Factor for every corner radius: 0 square, 1 as designed, 2 round.
    logo : str
        ``https://`` URL or path of an image; "" shows the name only.
    sender : str
        The name that shoppers know, on their pages and in messages; "" means the retailer's name.
    """

    hue: int | None = None
    chroma: float | None = None
    corner: float = 1.0
    logo: str = ""
    sender: str = ""


@dataclass(frozen=True, slots=True)
class RetailerRef:
    """The main facts of a retailer, available without a query.

    Parameters
    ----------
    schema, public_id, name : str
        ``t_acme``, ``ret_…`` and the name for people.
    zone, currency, language, units : str
        IANA zone, ISO 4217, BCP 47, ``metric`` or ``imperial``.
    status : str
        ``opening``, ``active``, ``suspended``, ``closing`` or ``closed``.
    domain : str
        The primary host name. Absolute URLs are built from it, never from a Host header.
    brand : Brand
        The branding of its pages.
    clock : RetailerClock, optional
        The clock of a sandbox retailer that has its own time.
    """

    schema: str
    public_id: str
    name: str
    zone: str
    currency: str
    language: str
    units: str
    status: str
    domain: str
    brand: Brand = Brand()
    clock: RetailerClock | None = None

    @property
    def shop_name(self) -> str:
        """The name that shoppers read."""
        return self.brand.sender or self.name


class Retailers(Protocol):
    """The functions of the module in ``settings.RETAILERS``. They read shared tables only."""

    def find(self, schema: str) -> RetailerRef | None:
        """Return the retailer of a schema in any status, or None."""

    def active(self) -> list[RetailerRef]:
        """Return all active retailers, including the reserved retailer ``house``."""

    def schemas(self) -> list[str]:
        """Return every schema with a retailer's tables, active or not."""

    def demos(self) -> list[str]:
        """Return the schemas of demo retailers."""


@cache
def registry() -> Retailers:
    """Return the module that looks up retailers."""
    return cast("Retailers", import_module(settings.RETAILERS))


def current_schema() -> str:
    """Return the current schema, ``public`` in shared_context(). Raises NoRetailer."""
    return context.required_schema_context().schema


def current_retailer() -> RetailerRef:
    """Return the current retailer.

    Raises
    ------
    NoRetailer
        No retailer is entered, or only the shared tables are.
    """
    entered = context.required_schema_context()
    if isinstance(entered.ref, RetailerRef):
        return entered.ref
    if entered.schema == PUBLIC:
        raise NoRetailer(
            "Only the shared tables are open here. Enter a retailer with retailer_context(…)."
        )
    return _find_or_raise(entered.schema)  # entered by django_tenants' set_schema, by name alone


def retailer_context(
    retailer: RetailerRef | str, *, allow_suspended: bool = False
) -> AbstractContextManager[RetailerRef]:
    """Enter a retailer within a ``with`` block.

    Parameters
    ----------
    retailer : RetailerRef or str
        A schema (str) is looked up now; a RetailerRef is used as it is.
    allow_suspended : bool
        Also enter a retailer that is not active (to resume, close or inspect it).

    Raises
    ------
    UnknownRetailer
        No retailer has this schema.
    RetailerNotOpen
        The retailer is not active.
    OtherRetailer
        A transaction of another retailer is open.
    """
    return _retailer_context(retailer, allow_suspended)


@contextmanager
def _retailer_context(retailer: RetailerRef | str, allow_suspended: bool) -> Iterator[RetailerRef]:
    ref = retailer if isinstance(retailer, RetailerRef) else _find_or_raise(retailer)
    if ref.status != ACTIVE and not allow_suspended:
        raise RetailerNotOpen(
            _("%(name)s is not open (%(status)s). Ask the operator of this installation.")
            % {"name": ref.name, "status": ref.status},
            data={"status": ref.status},
        )
    with context.enter_schema(SchemaContext(ref.schema, ref), connection):
        yield ref


def _find_or_raise(schema: str) -> RetailerRef:
    if not isinstance(schema, str) or not schema:
        raise UnknownRetailer("The retailer's schema is missing. Pass it by name: schema='t_…'.")
    ref = registry().find(schema)
    if ref is None:
        raise UnknownRetailer(
            f"There is no retailer with the schema {schema!r}. `retailer_open` makes one."
        )
    return ref


def find_retailer(schema: str) -> RetailerRef | None:
    """Return the retailer of a schema in any status, or None. It reads shared tables only."""
    return registry().find(schema)


def shared_context() -> AbstractContextManager[SchemaContext]:
    """Enter the shared tables only, as for the look-up of hosts and for tasks of the operator."""
    return context.enter_schema(SchemaContext(PUBLIC), connection)


@contextmanager
def shared_tables() -> Iterator[None]:
    """Make sure that the shared tables can be read.

    The current retailer stays, since its search_path contains the shared tables; without one, only
    the shared tables are entered. Use it for look-ups that may also happen inside a retailer's
    transaction.
    """
    if context.current_schema_context() is not None:
        yield
        return
    with shared_context():
        yield


def for_each_retailer() -> Iterator[RetailerRef]:
    """Enter each active retailer in turn, including the reserved retailer ``house``.

    A retailer that is closed in the meantime is skipped. Use it as
    ``for retailer in for_each_retailer():``, outside any transaction.
    """
    for listed in registry().active():
        present = registry().find(listed.schema)
        if present is not None and present.status == ACTIVE:
            with retailer_context(present):
                yield present


async def in_retailer(
    retailer: RetailerRef | str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run a sync function in a thread, inside a retailer.

    Consumers and async views use the database only through this function, never by the async ORM.
    """

    def run() -> T:
        with retailer_context(retailer):
            return function(*args, **kwargs)

    result: T = await database_sync_to_async(run)()
    return result


def group_name(*parts: str) -> str:
    """Return the name of a channel group of the current retailer: ``t_acme.board.hub_…``."""
    name = ".".join((current_schema(), *parts))
    if _GROUP.match(name) is None:
        raise ValueError(
            f"{name!r} is not a valid group name. Use at most 99 letters, digits and - _ ."
        )
    return name


def cache_key(*parts: str) -> str:
    """Return a cache key that contains the retailer, for code that does not use Django's cache."""
    return ":".join((current_schema(), *parts))


def cache_key_function(key: str, key_prefix: str, version: int) -> str:
    """Return the key of a cached value (Django's KEY_FUNCTION); it contains the retailer."""
    return f"{key_prefix}:{version}:{current_schema()}:{key}"
