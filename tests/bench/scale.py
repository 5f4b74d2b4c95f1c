"""`make proof paper`: what an order leaves in the database, measured; then a million of them."""

from __future__ import annotations

from dataclasses import asdict

from tests.bench.scale_paper import Figures, day, table
from tests.bench.scale_rows import run as measure


def run() -> str:
    """Measure, print the table, return the line."""
    found = measure()
    for name, value in asdict(found).items():
        print(f"  {name:<12} {value:,.6f}")
    given = Figures(
        rows=found.rows,
        kept_bytes=found.kept_bytes,
        input_bytes=found.input_bytes,
        log_bytes=found.log_bytes,
        commits=found.commits,
        events=found.events,
        worker_s=found.place_s + found.relay_s + 3 * found.plan_s + found.publish_s,
        database_s=found.database_s,
    )
    print(table(given))
    it = day(given)
    return (
        f"an order leaves {found.rows:.1f} rows, {found.kept_bytes / 1000:.1f} kB, "
        f"{found.log_bytes / 1000:.1f} kB of log, {found.events:.1f} events, takes "
        f"{1000 * given.worker_s:.1f} ms of workers and {1000 * found.database_s:.1f} ms of the "
        f"database; a 1,000-order plan keeps {found.input_bytes / 1e6:.1f} MB; so a million a day: "
        f"{it.plans:,.0f} plans, {it.solve.servers} solve processes ({it.solve_cores:.0f} cores) "
        f"in the busiest hour, {it.solve_core_hours:.0f} core-hours, "
        f"{it.kept_gb + it.inputs_gb:.0f} GB, {100 * it.cost_per_order:.3f} cent an order"
    )
