"""The time to open a retailer with the real set of tables, in each possible way.

``replay`` is our own (core.postgres.clone). ``clone_schema`` is django_tenants' function.
``pg_dump`` replays a dump of the template under another name. ``migrations`` runs them all. The
servers are durable here (fsync on), as in `make run`.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django_tenants.clone import CloneSchema

from lastmile.core.postgres import migrate
from lastmile.core.tenancy import HOUSE, TEMPLATE, retailer_context, shared_context
from lastmile.embedded import binaries
from lastmile.embedded.keeper import services_in_use
from tenants.policy import Policy
from tenants.services import Opening, open_retailer
from tests.databases import copy_of, ensure_template

PROMISE_S = 3.0  # the median, with the real set of tables
OPENINGS = 40
OTHERS = 8
_COUNTS = """
    SELECT count(*) FILTER (WHERE relkind = 'r'), count(*) FILTER (WHERE relkind = 'i'),
           (SELECT count(*) FROM pg_constraint WHERE connamespace = 'template'::regnamespace)
      FROM pg_class WHERE relnamespace = 'template'::regnamespace
"""


def run() -> str:
    """Measure each way; raise if our own is slower than promised."""
    with services_in_use(settings.VAR), copy_of(ensure_template()) as database:
        own = _times(_replay, OPENINGS)
        ways = {
            "clone_schema": _times(_clone_schema, OTHERS),
            "pg_dump replay": _times(lambda name: _dump(name, database), OTHERS),
            "migrations": _times(_migrations, 3),
        }
        with shared_context(), connection.cursor() as cursor:
            cursor.execute(_COUNTS)
            tables, indexes, constraints = cursor.fetchone()
    median = statistics.median(own)
    if median > PROMISE_S:
        raise AssertionError(f"opening takes {median:.2f} s in the median; {PROMISE_S} promised")
    others = "; ".join(f"{way} {statistics.median(took):.2f} s" for way, took in ways.items())
    return (
        f"{tables} tables, {indexes} indexes, {constraints} constraints; {OPENINGS} openings:"
        f" median {median:.2f} s, longest {max(own):.2f} s; beside it, medians: {others}"
    )


def _times(way: Callable[[str], None], count: int) -> list[float]:
    took = []
    for number in range(count):
        began = time.perf_counter()
        way(f"{way.__name__.strip('_<>')}_{number}")
        took.append(time.perf_counter() - began)
    return took


def _replay(name: str) -> None:
    policy = Policy("Measured", "Europe/Lisbon", "EUR")
    with retailer_context(HOUSE):
        open_retailer(Opening(f"t_{name}", name.replace("_", "-"), policy))


def _clone_schema(name: str) -> None:
    with shared_context():
        CloneSchema().clone_schema(TEMPLATE, f"c_{name}", "DATA", set_connection=False)


def _migrations(name: str) -> None:
    migrate.create(f"m_{name}")
    migrate.migrate(f"m_{name}")


def _dump(name: str, database: str) -> None:
    default = settings.DATABASES["default"]
    tool = binaries.postgres_home() / "bin" / "pg_dump"
    dump = subprocess.run(
        [str(tool), "-h", default["HOST"], "-U", default["USER"], "-n", TEMPLATE, "--inserts",
         database],
        capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    # psql's own commands are not SQL; the schema's name is a separate word everywhere.
    lines = [line for line in dump.splitlines() if not line.startswith("\\")]
    with shared_context(), connection.cursor() as cursor:
        cursor.execute("\n".join(lines).replace(TEMPLATE, f"d_{name}"))
        cursor.execute("SET search_path = public")
