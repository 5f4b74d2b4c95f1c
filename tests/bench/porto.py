"""Greater Porto built and planned by the commands (1,000 orders), compared with plain PyVRP.

Plain PyVRP gets the same problem that the plan stores (matrix, windows, loads, costs), written for
the library by hand, and the same seconds. The referee prices both answers.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyvrp
from psycopg import sql
from pyvrp.stop import MaxRuntime

from dispatch.planning.problem.keep import unpack
from dispatch.roads.network import load
from dispatch.solver.model.cost import cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution
from dispatch.solver.placing.insertion import evaluate
from dispatch.solver.referee.check import check
from lastmile.embedded.folders import Folders
from tests.bench.installation import Installation, RetailerApi, running_installation, shared_folder
from tests.bench.roads import places

ORDERS, VANS, SECONDS, SEED = 1_000, 30, 30, 11
DAY = dt.date(2026, 11, 25)
Json = dict[str, Any]


def run() -> str:
    """Build, import, plan, compare. Raises when the plan breaks a rule or does not use streets."""
    with tempfile.TemporaryDirectory(prefix="lm") as folder:
        var = Path(folder)
        var.chmod(0o755)
        with running_installation(var) as installation:
            file = shared_folder("osm") / "porto_portugal.osm.pbf"
            built = installation.command_json("roads_build", str(file), "--name", "porto")
            api = installation.open("t_porto", "Europe/Lisbon")
            hub = fill(api, var)
            plan = installation.command_json(
                "plan", "--schema", api.schema, "--hub", hub, "--date", DAY.isoformat(),
                "--seconds", str(SECONDS), "--wait",
            )  # fmt: skip
            operation = api.get(f"/operations/{plan['job']}/")
            problem = stored_problem(installation, api.schema, plan["plan"])
        assert plan["feasible"], plan
        assert plan["travel_source"] == "roads", plan
        assert plan["orders"] + plan["unserved"] == ORDERS, plan
        plain = plain_pyvrp(problem)
    plain_cost = cost(problem, plain).total
    more = 100 * (plan["cost_minor"] / plain_cost - 1)
    broken = Counter(str(fault.kind) for fault in check(problem, plain))
    verdict = f"refused by the referee: {dict(broken)}" if broken else "feasible"
    whole = seconds_between(operation)
    return (
        f"roads_build {built['seconds']:.0f} s; {ORDERS:,} orders, {VANS} vans; plan by command "
        f"{whole:.0f} s to its draft, {plan['solve_ms'] / 1000:.0f} s of them solving: "
        f"{plan['routes']} routes, {plan['distance_m'] / 1000:,.0f} km, {plan['unserved']} "
        f"unserved, cost {plan['cost_minor'] / 100:,.2f}; plain PyVRP on the same problem, "
        f"{SECONDS} s: {len([r for r in plain.routes if r.visits])} routes, "
        f"{len(plain.unserved)} unserved, {verdict}, cost {plain_cost / 100:,.2f} "
        f"(Lastmile {more:+.2f} %)"
    )


def seconds_between(operation: Json) -> float:
    """Return how long the job ran."""
    began, ended = (
        dt.datetime.fromisoformat(operation[name]) for name in ("started_at", "finished_at")
    )
    return (ended - began).total_seconds()


def fill(api: RetailerApi, var: Path) -> str:
    """Add a hub, thirty vans of two sizes and a thousand orders on the streets; return the hub."""
    graph = load("porto", var).graph("van")
    middle, *spots = places(graph, ORDERS + 1, SEED)
    hub: str = api.post("/hubs/", {
        "name": "Porto", "lat": middle.lat, "lon": middle.lon, "zone": "Europe/Lisbon",
        "network": "porto", "loading_s": 900,
    })["id"]  # fmt: skip
    draw = random.Random(SEED)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["order_id", "lat", "lon", "date", "window_from", "window_to",
                     "service_seconds", "weight_kg", "parcels"])  # fmt: skip
    for n, spot in enumerate(spots):
        opens = draw.choice([9, 9, 12, 15])
        writer.writerow([
            f"P{n:04d}", spot.lat, spot.lon, DAY.isoformat(), f"{opens:02d}:00",
            f"{opens + draw.choice([3, 4, 6])}:00", 120, round(draw.uniform(0.5, 20), 1), 1,
        ])  # fmt: skip
    batch, _took = api.import_file("porto.csv", out.getvalue().encode(), hub)
    assert batch["created_count"] == ORDERS, batch
    for n in range(VANS):
        van = api.post("/vehicles/", {
            "name": f"Van {n + 1}", "hub": hub, "profile": "van", "energy": "diesel",
            "weight_g": 800_000, "volume_cm3": 10_000_000, "parcels": 60,
            "fixed_cost_minor": 4_000, "cost_per_km_minor": 35, "cost_per_hour_minor": 1_500,
        })["id"]  # fmt: skip
        api.post("/shifts/", {
            "vehicle": van, "starts_at": f"{DAY}T08:00:00Z", "ends_at": f"{DAY}T22:00:00Z",
        })  # fmt: skip
    return hub


def stored_problem(installation: Installation, schema: str, plan: str) -> Problem:
    """Return the problem that a plan stores, read from its row."""
    question = sql.SQL(
        "SELECT i.problem FROM {0}.planning_planinput i JOIN {0}.planning_plan p "
        "ON p.id = i.plan_id WHERE p.public_id = %s"
    ).format(sql.Identifier(schema))
    with psycopg.connect(
        host=str(Folders(installation.var).run), user="postgres", dbname="lastmile"
    ) as connection:
        row = connection.execute(question, [plan]).fetchone()
    assert row is not None
    return unpack(bytes(row[0]))


def plain_pyvrp(problem: Problem) -> Solution:
    """Solve the problem as plain PyVRP data: one kind of van, one window, money per m and s."""
    van = problem.vehicles[0]
    profile = problem.profiles[van.profile]
    # A metre is 10: then PyVRP's default bounds on penalties suffice in its own money, and the
    # rounding of the other prices stays below a thousandth.
    unit = van.cost_per_km / 1000 / 10
    per_s = van.cost_per_hour / 3600
    fixed = van.fixed_cost + per_s * van.loading_s
    data = pyvrp.ProblemData(
        [pyvrp.Location(0, 0) for _ in range(problem.places)],
        [
            pyvrp.Client(
                location=v.place,
                delivery=list(v.demand),
                service_duration=int(v.service_s),  # type: ignore[arg-type]
                tw_early=v.windows[0].opens_s,
                tw_late=v.windows[0].closes_s - 1,
            )
            for v in problem.visits
        ],
        [pyvrp.Depot(van.start)],
        [
            pyvrp.VehicleType(
                len(problem.vehicles),
                list(van.capacity),
                fixed_cost=round(fixed / unit),
                tw_early=van.opens_s + van.loading_s,
                tw_late=van.closes_s,
                unit_distance_cost=10,
                unit_duration_cost=round(per_s / unit),
            )
        ],
        [profile.distance_m.astype(np.int64)],
        [profile.duration_s.astype(np.int64)],
    )
    result = pyvrp.solve(data, MaxRuntime(SECONDS), seed=1, collect_stats=False, display=False)
    routes = [[problem.visits[a.idx].id for a in r if a.is_client()] for r in result.best.routes()]
    return evaluate(
        problem, {v.id: names for v, names in zip(problem.vehicles, routes, strict=False)}
    )
