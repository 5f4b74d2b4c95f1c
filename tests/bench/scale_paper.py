"""A calculation of a day of a million orders: from measured figures to machines, bytes and money.

``python -m tests.bench.scale_paper --orders 5000000 --plan-seconds 60`` calculates another day.
Every measured figure is an option, too. ``make proof paper`` first measures the database's part
again. Queues are M/G/c: Erlang's C for the chance to wait, the Pollaczek-Khinchine factor for the
spread of service times (Lee and Longton 1959), an exponential tail for the 95th percentile.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

HOUR = 3600
DAYS = (100_000, 1_000_000, 5_000_000)


@dataclass(frozen=True, slots=True)
class Figures:
    """The assumed figures (the day, prices) and the measured ones; per order where not stated."""

    orders: float = 1_000_000
    hub_orders: float = 1_000  # of one plan
    drafts: float = 3  # plans made for a hub's day until one is published
    peak_share: float = 0.4  # share of the day's plans in the hour before the cut-off
    import_share: float = 0.15  # share of the day's orders in the busiest hour
    changes: float = 0.05  # share of orders that change or are added while vans drive
    plan_seconds: float = 30  # search
    plan_cores: float = 2
    plan_spread: float = 0.3  # standard deviation of a plan's time by its mean
    wait_s: float = 60  # what 95 of 100 plans may wait for a worker
    kept_days: float = 60
    core_hour: float = 0.04  # EUR
    gb_month: float = 0.10  # EUR
    # measured: `make proof porto_plan` (35 s to the draft, 30 of them searching)
    plan_other_s: float = 5
    # measured: `make proof import` (CSV by HTTP, one worker)
    import_rows_s: float = 125
    # measured: `make proof paper`
    rows: float = 10.1
    kept_bytes: float = 11_917
    input_bytes: float = 4_285_717  # of a plan
    log_bytes: float = 26_808
    commits: float = 0.18
    events: float = 3.0
    worker_s: float = 0.0063  # placing, relaying, planning without the search, publishing
    database_s: float = 0.0008
    # measured: `python -m dispatch.solver` on 60 stops, user time less the search
    start_s: float = 0.8  # processor time to start a search, of a plan
    # the promise for a change under way (issue 3): repair within a second
    repair_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Queue:
    """Workers for one kind of work: their number, load and waiting times."""

    servers: int
    busy: float
    mean_wait_s: float
    p95_wait_s: float


def erlang_c(servers: int, load: float) -> float:
    """Return the chance to wait at this many servers under ``load`` erlangs; 1 if overloaded."""
    if load >= servers:
        return 1.0
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def queue(rate: float, service_s: float, spread: float, servers: int) -> Queue:
    """Return the waiting times of an M/G/c queue.

    Parameters
    ----------
    rate : float
        Arrivals a second.
    service_s, spread : float
        Mean time of service and its coefficient of variation.
    servers : int
        Number of servers.
    """
    load = rate * service_s
    if load >= servers:
        return Queue(servers, load / servers, math.inf, math.inf)
    chance = erlang_c(servers, load)
    behind = service_s / (servers - load) * (1 + spread**2) / 2
    p95 = behind * math.log(chance / 0.05) if chance > 0.05 else 0.0
    return Queue(servers, load / servers, chance * behind, p95)


def enough(rate: float, service_s: float, spread: float, wait_s: float) -> Queue:
    """Return the smallest queue in which 95 of 100 wait no longer than ``wait_s``."""
    servers = max(1, math.ceil(rate * service_s))
    while True:
        candidate = queue(rate, service_s, spread, servers)
        if candidate.p95_wait_s <= wait_s:
            return candidate
        servers += 1


@dataclass(frozen=True, slots=True)
class Day:
    """The work, machines, bytes and money of a day."""

    plans: float
    peak_plans: float  # in the busiest hour
    solve: Queue
    solve_cores: float  # in the busiest hour
    solve_core_hours: float
    repair_core_hours: float
    imports: Queue
    other_core_hours: float  # workers and database
    rows: float
    kept_gb: float  # a day
    inputs_gb: float  # a day
    log_gb: float
    peak_log_mb_s: float
    peak_commits_s: float
    peak_pages_s: float
    disk_tb: float
    messages_s: float  # hints in the busiest hour
    cost_eur: float
    cost_per_order: float


def day(figures: Figures) -> Day:
    """Calculate a day."""
    plans = figures.orders / figures.hub_orders * figures.drafts
    peak_plans = plans * figures.peak_share
    service_s = figures.plan_seconds + figures.plan_other_s
    solve = enough(peak_plans / HOUR, service_s, figures.plan_spread, figures.wait_s)
    solve_hours = plans * (figures.plan_seconds * figures.plan_cores + figures.start_s) / HOUR
    repair_hours = figures.orders * figures.changes * figures.repair_s / HOUR
    peak_orders = figures.orders * figures.import_share / HOUR  # a second
    files = 1_000  # orders of a file: one job of the queue
    imports = enough(peak_orders / files, files / figures.import_rows_s, 1.0, figures.wait_s)
    other_hours = figures.orders * (figures.worker_s + figures.database_s) / HOUR
    other_hours += figures.orders / figures.import_rows_s / HOUR
    kept_gb = figures.orders * figures.kept_bytes / 1e9
    inputs_gb = plans * figures.input_bytes / 1e9
    disk_gb = (kept_gb + inputs_gb) * figures.kept_days
    money = (solve_hours + repair_hours + other_hours) * figures.core_hour
    money += disk_gb * figures.gb_month / 30
    return Day(
        plans=plans,
        peak_plans=peak_plans,
        solve=solve,
        solve_cores=solve.servers * figures.plan_cores,
        solve_core_hours=solve_hours,
        repair_core_hours=repair_hours,
        imports=imports,
        other_core_hours=other_hours,
        rows=figures.orders * figures.rows,
        kept_gb=kept_gb,
        inputs_gb=inputs_gb,
        log_gb=figures.orders * figures.log_bytes / 1e9,
        peak_log_mb_s=peak_orders * figures.log_bytes / 1e6,
        peak_commits_s=peak_orders * figures.commits,
        peak_pages_s=peak_orders * figures.kept_bytes / 8192 * 3,  # heap, index, checkpoint
        disk_tb=disk_gb / 1000,
        messages_s=peak_orders * figures.events / 100 + peak_plans / HOUR * 4,
        cost_eur=money,
        cost_per_order=money / figures.orders,
    )


Line = tuple[str, Callable[[Day], str]]
LINES: tuple[Line, ...] = (
    ("plans a day, in the busiest hour", lambda d: f"{d.plans:,.0f}, {d.peak_plans:,.0f}"),
    (
        "solve processes needed, utilisation",
        lambda d: f"{d.solve.servers}, {d.solve.busy:.0%} ({d.solve_cores:,.0f} cores)",
    ),
    (
        "waiting time of a plan, mean and 95th percentile",
        lambda d: f"{d.solve.mean_wait_s:.0f} s, {d.solve.p95_wait_s:.0f} s",
    ),
    (
        "core-hours: plans, updates, other work",
        lambda d: (
            f"{d.solve_core_hours:,.0f}, {d.repair_core_hours:,.0f}, {d.other_core_hours:,.1f}"
        ),
    ),
    ("import workers", lambda d: f"{d.imports.servers}, {d.imports.busy:.0%}"),
    ("rows written", lambda d: f"{d.rows / 1e6:,.1f} million"),
    (
        "disk a day: orders and plans, kept problems",
        lambda d: f"{d.kept_gb:,.1f} GB, {d.inputs_gb:,.1f} GB",
    ),
    ("disk kept", lambda d: f"{d.disk_tb:,.2f} TB"),
    (
        "write-ahead log a day, in the busiest hour",
        lambda d: f"{d.log_gb:,.0f} GB, {d.peak_log_mb_s:.1f} MB/s",
    ),
    (
        "commits, pages written in that hour",
        lambda d: f"{d.peak_commits_s:,.0f}/s, {d.peak_pages_s:,.0f}/s",
    ),
    ("hints to the broker in that hour", lambda d: f"{d.messages_s:,.1f}/s"),
    (
        "cost per day, per order",
        lambda d: f"{d.cost_eur:,.2f} EUR, {100 * d.cost_per_order:.4f} cent",
    ),
)


def table(figures: Figures, sizes: tuple[float, ...] = DAYS) -> str:
    """Return days of several sizes side by side, as Markdown."""
    days = [day(replace(figures, orders=orders)) for orders in sizes]
    head = ["orders a day", *(f"{orders:,.0f}" for orders in sizes)]
    rows = [head, ["---"] * len(head)]
    rows += [[name, *(say(one) for one in days)] for name, say in LINES]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Print the table for the figures given as options."""
    parser = argparse.ArgumentParser(description=__doc__)
    for each in fields(Figures):
        parser.add_argument(f"--{each.name.replace('_', '-')}", type=float, default=each.default)
    figures = Figures(**vars(parser.parse_args()))
    sizes = DAYS if figures.orders in DAYS else (*DAYS, figures.orders)
    print(table(figures, sizes))


if __name__ == "__main__":
    main()
