"""`make proof paper`: what an order costs the database, measured; then a million orders a day."""

from __future__ import annotations

from dataclasses import asdict

from tests.bench.scale_paper import Figures, day, table
from tests.bench.scale_rows import run as measure


def run() -> str:
    """Measure, print the table, return the line."""
    measured = measure()
    for name, value in asdict(measured).items():
        print(f"  {name:<12} {value:,.6f}")
    figures = Figures(
        rows=measured.rows,
        kept_bytes=measured.kept_bytes,
        input_bytes=measured.input_bytes,
        log_bytes=measured.log_bytes,
        commits=measured.commits,
        events=measured.events,
        worker_s=measured.place_s + measured.relay_s + 3 * measured.plan_s + measured.publish_s,
        database_s=measured.database_s,
    )
    print(table(figures))
    it = day(figures)
    return (
        f"an order leaves {measured.rows:.1f} rows, {measured.kept_bytes / 1000:.1f} kB, "
        f"{measured.log_bytes / 1000:.1f} kB of log, {measured.events:.1f} events, takes "
        f"{1000 * figures.worker_s:.1f} ms of workers and {1000 * measured.database_s:.1f} ms of "
        f"the database; a 1,000-order plan keeps {measured.input_bytes / 1e6:.1f} MB; per day: "
        f"{it.plans:,.0f} plans, {it.solve.servers} solve processes ({it.solve_cores:.0f} cores) "
        f"in the busiest hour, {it.solve_core_hours:.0f} core-hours, "
        f"{it.kept_gb + it.inputs_gb:.0f} GB, {100 * it.cost_per_order:.3f} cent an order"
    )
