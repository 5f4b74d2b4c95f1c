"""Retailers as the ground sees them: a name of a schema, a few facts, and whose turn it is.

One request, one task, one socket message = one retailer. Core knows retailers through the module
that ``settings.RETAILERS`` names (``find``, ``active``) and hands on a frozen ``RetailerRef``.
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

HOUSE = "house"  # the operator's own schema, served on BASE_DOMAIN
TEMPLATE = (
    "template"  # always migrated, never entered by a request: what a new retailer is cloned from
)
ACTIVE = "active"
_GROUP = re.compile(r"[A-Za-z0-9_.-]{1,99}\Z")  # what a channel layer takes


class UnknownRetailer(NoRetailer):
    """No retailer has this schema."""


class RetailerNotOpen(Unavailable):
    """The retailer exists, and is suspended, or still opening, or closing."""

    code = "retailer_not_open"


@dataclass(frozen=True, slots=True)
class Brand:
    """How the pages of a retailer look apart from the house style.

    Parameters
    ----------
    hue : int, optional
        Hue of the accent colour in OKLCH, 0 to 359; None keeps the house's.
    chroma : float, optional
        How vivid that colour is, 0 (grey) to 0.4; None keeps the house's.
    corner : float
        Factor on every radius: 0 square, 1 as designed, 2 round.
    logo : str
        ``https://`` address or path of a picture; "" for the name alone.
    """

    hue: int | None = None
    chroma: float | None = None
    corner: float = 1.0
    logo: str = ""


@dataclass(frozen=True, slots=True)
class RetailerRef:
    """What everybody may know of a retailer without asking the database.

    Parameters
    ----------
    schema, public_id, name : str
        ``t_acme``, ``ret_…`` and what people call it.
    zone, currency, language, units : str
        IANA zone, ISO 4217, BCP 47, ``metric`` or ``imperial``.
    status : str
        ``opening``, ``active``, ``suspended``, ``closing`` or ``closed``.
    domain : str
        The primary host name; absolute URLs are built from it, never from a Host header.
    brand : Brand
        How its pages look.
    clock : RetailerClock, optional
        The clock of a sandbox retailer that does not show the real time.
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


class Retailers(Protocol):
    """The module that ``settings.RETAILERS`` names. It reads shared tables only."""

    def find(self, schema: str) -> RetailerRef | None:
        """Return the retailer of a schema, whatever its status, or None."""

    def active(self) -> list[RetailerRef]:
        """Return everyone who may be worked for, the house itself among them."""

    def schemas(self) -> list[str]:
        """Return every schema that holds a retailer's tables, active or not."""

    def demos(self) -> list[str]:
        """Return the schemas of demo retailers."""


@cache
def registry() -> Retailers:
    """Return the module that knows the retailers."""
    return cast("Retailers", import_module(settings.RETAILERS))


def current_schema() -> str:
    """Return the schema at hand, ``public`` in shared_context(); raises NoRetailer."""
    return context.required_schema_context().schema


def current_retailer() -> RetailerRef:
    """Return the retailer at hand.

    Raises
    ------
    NoRetailer
        Nothing was entered, or only the shared tables were.
    """
    found = context.required_schema_context()
    if isinstance(found.ref, RetailerRef):
        return found.ref
    if found.schema == PUBLIC:
        raise NoRetailer(
            "Only the shared tables are open here. Enter a retailer with retailer_context(…)."
        )
    return _known(found.schema)  # entered by django_tenants' set_schema, by name alone


def retailer_context(
    who: RetailerRef | str, *, allow_suspended: bool = False
) -> AbstractContextManager[RetailerRef]:
    """Enter a retailer, by reference or by schema, for the length of a ``with`` block.

    Parameters
    ----------
    who : RetailerRef or str
        A str is looked up now; a reference is taken at its word.
    allow_suspended : bool
        Enter also one that is not active (to resume, close or inspect it).

    Raises
    ------
    UnknownRetailer
        There is no such schema.
    RetailerNotOpen
        It is not active.
    OtherRetailer
        A transaction of another retailer is open.
    """
    return _retailer_context(who, allow_suspended)


@contextmanager
def _retailer_context(who: RetailerRef | str, allow_suspended: bool) -> Iterator[RetailerRef]:
    ref = who if isinstance(who, RetailerRef) else _known(who)
    if ref.status != ACTIVE and not allow_suspended:
        raise RetailerNotOpen(
            _("%(name)s is not open (%(status)s). Ask the operator of this installation.")
            % {"name": ref.name, "status": ref.status},
            data={"status": ref.status},
        )
    with context.enter_schema(SchemaContext(ref.schema, ref), connection):
        yield ref


def _known(schema: str) -> RetailerRef:
    if not isinstance(schema, str) or not schema:
        raise UnknownRetailer("The retailer's schema is missing. Pass it by name: schema='t_…'.")
    ref = registry().find(schema)
    if ref is None:
        raise UnknownRetailer(
            f"There is no retailer with the schema {schema!r}. `retailer_open` makes one."
        )
    return ref


def find_retailer(schema: str) -> RetailerRef | None:
    """Return the retailer of a schema, whatever its status, or None; reads shared tables only."""
    return registry().find(schema)


def shared_context() -> AbstractContextManager[SchemaContext]:
    """Open the shared tables and nothing else: looking up hosts, the house's own work."""
    return context.enter_schema(SchemaContext(PUBLIC), connection)


@contextmanager
def shared_tables() -> Iterator[None]:
    """Make sure that the shared tables can be read: as they are from any retailer, else alone.

    For look-ups that may happen anywhere, inside a retailer's transaction too.
    """
    if context.current_schema_context() is not None:
        yield
        return
    with shared_context():
        yield


def for_each_retailer() -> Iterator[RetailerRef]:
    """Enter every active retailer in turn, the house included.

    One that closes meanwhile is left out.

    Use it as ``for retailer in for_each_retailer():`` and outside any transaction.
    """
    for listed in registry().active():
        present = registry().find(listed.schema)
        if present is not None and present.status == ACTIVE:
            with retailer_context(present):
                yield present


async def in_retailer(
    who: RetailerRef | str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run a sync function in a thread, inside a retailer: how async code touches the database.

    Consumers and async views use nothing else; the async ORM is not for them.
    """

    def run() -> T:
        with retailer_context(who):
            return function(*args, **kwargs)

    result: T = await database_sync_to_async(run)()
    return result


def group_name(*parts: str) -> str:
    """Return the name of a channel group of the retailer at hand: ``t_acme.board.hub_…``."""
    name = ".".join((current_schema(), *parts))
    if _GROUP.match(name) is None:
        raise ValueError(
            f"{name!r} cannot name a group: letters, digits, - _ . and at most 99 of them."
        )
    return name


def cache_key(*parts: str) -> str:
    """Return a key of the retailer at hand, for stores that have no key function of their own."""
    return ":".join((current_schema(), *parts))


def cache_key_function(key: str, key_prefix: str, version: int) -> str:
    """Django's KEY_FUNCTION: no cached value is ever another retailer's, and none is nobody's."""
    return f"{key_prefix}:{version}:{current_schema()}:{key}"
