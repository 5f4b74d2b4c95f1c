"""Opening a retailer: a clone of the migrated template, beside migrating a schema from nothing."""

from __future__ import annotations

from statistics import median

from tests.bench.house import in_shell, running_house

OPENINGS = 15
MOST_S = 3.0
_CODE = """
import json, time
from django.db import connection
from lastmile.core.tenancy import HOUSE, retailer_context, shared_context
from lastmile.core.postgres import migrate
from tenants.policy import Policy
from tenants.services import Opening, open_retailer
took = []
for n in range({openings}):
    began = time.perf_counter()
    with retailer_context(HOUSE):
        open_retailer(Opening(f"t_bench{{n}}", f"bench{{n}}",
                              Policy(name="Bench", zone="UTC", currency="EUR")))
    took.append(time.perf_counter() - began)
began = time.perf_counter()
with shared_context():
    migrate.create("t_migrated")
    with migrate.house_lock():
        migrate.migrate("t_migrated")
naive = time.perf_counter() - began
with shared_context(), connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 't_bench0'")
    tables = cursor.fetchone()[0]
print(json.dumps({{"took": took, "naive": naive, "tables": tables}}))
"""


def run() -> str:
    """Open fifteen retailers one after another. Raises when the median is over three seconds."""
    with running_house() as house:
        found = in_shell(house, _CODE.format(openings=OPENINGS))
    took = sorted(found["took"])
    middle = median(took)
    assert middle <= MOST_S, f"opening takes {middle:.2f} s"
    return (
        f"{OPENINGS} retailers of {found['tables']} tables opened in a running house, durable: "
        f"median {middle:.2f} s, least {took[0]:.2f}, most {took[-1]:.2f}; the same tables by "
        f"running the migrations {found['naive']:.2f} s ({found['naive'] / middle:.1f} times)"
    )
