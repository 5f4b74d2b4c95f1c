"""Look-ups of retailers in the shared tables, made at every request and task.

A look-up by host or schema reads the versions of the rows that it needs, by one indexed query. The
rest is read only if a version is not the known one. So a suspension applies from the next request
in every process, and a look-up costs a quarter of reading all.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from lastmile.core import clock
from lastmile.core.clock import RetailerClock
from lastmile.core.errors import NotFound
from lastmile.core.postgres.prepared import shared_cursor
from lastmile.core.tenancy import HOUSE, Brand, RetailerRef, current_retailer, shared_tables
from tenants.models import Domain, Retailer, Status


def today() -> dt.date:
    """Return the current date of the current retailer, in its time zone."""
    return clock.local_date(clock.now(), current_retailer().zone)


def find(schema: str) -> RetailerRef | None:
    """Return the retailer of a schema, with any status, or None."""
    return _known(_BY_SCHEMA, schema, Q(schema_name=schema))


def by_public_id(public_id: str) -> RetailerRef:
    """Return the retailer with a public id. Raises NotFound."""
    ref = _one(_rows().filter(public_id=public_id))
    if ref is None:
        raise NotFound(_("Retailer not found."))
    return ref


def by_host(host: str) -> RetailerRef | None:
    """Return the retailer of a Host header (any case, port or trailing dot), or None."""
    name = host_name(host)
    if not name:
        return None
    return _known(_BY_HOST, name, Q(domains__domain=name))


def active() -> list[RetailerRef]:
    """Return all active retailers, including the operator's own, sorted by schema."""
    with shared_tables():
        return [_ref(row) for row in _rows().filter(status=Status.ACTIVE).order_by("schema_name")]


def row_of(rows: QuerySet[Retailer], schema: str) -> Retailer:
    """Return the row of a schema from the queryset `rows`, which may lock it. Raises NotFound."""
    row = rows.filter(schema_name=schema).first()
    if row is None:
        raise NotFound(_("There is no retailer with the schema %(schema)s.") % {"schema": schema})
    return row


def retailers() -> QuerySet[Retailer]:
    """Return all retailers but the operator's own, newest first, with ``primary_domain``."""
    return _rows().exclude(schema_name=HOUSE).order_by("-created_at", "-public_id")


def schemas() -> list[str]:
    """Return the schemas with a retailer's tables, sorted; without the template."""
    with shared_tables():
        return list(
            Retailer.objects.exclude(status__in=[Status.OPENING, Status.CLOSED])
            .order_by("schema_name")
            .values_list("schema_name", flat=True)
        )


def demos() -> list[str]:
    """Return the schemas of demo retailers that are not closed, sorted."""
    with shared_tables():
        rows = Retailer.objects.filter(is_demo=True).exclude(status=Status.CLOSED)
        return list(rows.order_by("schema_name").values_list("schema_name", flat=True))


def is_trial(schema: str) -> bool:
    """Return True if a retailer is a demo or a sandbox: its orders concern no real person."""
    with shared_tables():
        rows = Retailer.objects.filter(schema_name=schema)
        return rows.filter(Q(is_demo=True) | Q(is_sandbox=True)).exists()


def host_name(host: str) -> str:
    """Return the host name of a Host header in lower case, without port and trailing dot.

    ``ACME.Localhost.:8000`` is ``acme.localhost``. The result is "" for a header without a name.
    """
    name = host.strip().lower()
    if name.startswith("["):  # an IPv6 address is not a host name
        return ""
    name, _, port = name.partition(":")
    if port and not port.isdigit():
        return ""
    return name.removesuffix(".")


def _rows() -> QuerySet[Retailer]:
    primary = Domain.objects.filter(retailer=OuterRef("pk"), is_primary=True).values("domain")
    return Retailer.objects.annotate(primary_domain=Subquery(primary[:1]))


#: Each update of a row gives it another place (``ctid``), and each transaction its own ``xmin``.
_BY_SCHEMA: Final = """SELECT retailer.ctid, retailer.xmin, main.ctid, main.xmin
      FROM public.tenants_retailer AS retailer
      LEFT JOIN public.tenants_domain AS main
        ON main.retailer_id = retailer.id AND main.is_primary
     WHERE retailer.schema_name = %s
"""
_BY_HOST: Final = """SELECT retailer.ctid, retailer.xmin, main.ctid, main.xmin
      FROM public.tenants_domain AS host
      JOIN public.tenants_retailer AS retailer ON retailer.id = host.retailer_id
      LEFT JOIN public.tenants_domain AS main
        ON main.retailer_id = retailer.id AND main.is_primary
     WHERE host.domain = %s
"""
_refs: dict[tuple[str, str], tuple[object, RetailerRef]] = {}


def _known(query: str, value: str, condition: Q) -> RetailerRef | None:
    """Return the only retailer with ``condition``; it is read again when a version has changed.

    The versions are read first. If the rows change before they are read, the next look-up reads
    them again.
    """
    with shared_cursor() as cursor:
        cursor.execute(query, [value])
        versions = cursor.fetchone()
    if versions is None:
        _refs.pop((query, value), None)
        return None
    before, known = _refs.get((query, value), (None, None))
    if before == versions:
        return known
    ref = _one(_rows().filter(condition))
    if ref is not None:
        _refs[query, value] = (versions, ref)
    return ref


def _one(rows: QuerySet[Retailer]) -> RetailerRef | None:
    with shared_tables():
        row = rows.first()
    return None if row is None else _ref(row)


def _ref(row: Retailer) -> RetailerRef:
    return RetailerRef(
        schema=row.schema_name,
        public_id=row.public_id,
        name=row.name,
        zone=row.zone,
        currency=row.currency,
        language=row.language,
        units=row.units,
        status=row.status,
        domain=row.primary_domain or "",  # type: ignore[attr-defined]
        brand=Brand(**row.brand),
        clock=clock_of(row),
    )


def clock_of(row: Retailer) -> RetailerClock | None:
    """Return the clock of a sandbox retailer, or None while it shows the real time."""
    if row.clock_set_at is None or row.clock_shows is None:
        return None
    return RetailerClock(row.clock_set_at, row.clock_shows, row.clock_rate)
