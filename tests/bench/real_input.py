"""Real days through the public API: three Amazon routes and a LoggiBUD day, one command each.

Each file is imported by HTTP with a key, and `manage.py plan --wait --json` plans it. The API's
answer is then checked here: every order is on one stop, windows and loads hold.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from lastmile.core.geo import Point, distance_m
from tests.bench.inputs import OrderFile, amazon, loggibud
from tests.bench.installation import Installation, RetailerApi, running_installation, shared_folder

SECONDS = 30
LOGGI_VANS = 40
SHIFT_H = 14
Json = dict[str, Any]


def run() -> str:
    """Import and plan all four. Raises if an order is refused or unserved, or a rule is broken."""
    files = [
        *amazon(shared_folder("amazon_lastmile")),
        loggibud(shared_folder("loggibud_brasilia")),
    ]
    with running_installation() as installation:
        api = installation.open("t_real", "America/New_York", "USD")
        figures = [one_day(installation, api, day) for day in files]
        broken = installation.command_json("invariants", "--all")["broken"]
        assert not broken, broken
    stops = sum(day.stops for day in files[:3])
    parcels = sum(day.parcels for day in files[:3])
    return f"Amazon {stops} stops, {parcels} packages: {'; '.join(figures)}; " + published()


def one_day(installation: Installation, api: RetailerApi, day: OrderFile) -> str:
    """Import and plan one file; return its figures."""
    hub = api.post(
        "/hubs/",
        {"name": day.name, "lat": day.lat, "lon": day.lon, "zone": day.zone, "loading_s": 0},
    )["id"]
    batch, import_s = api.import_file(f"{day.name}.csv", day.content, hub)
    assert batch["refused_count"] == batch["needs_pin_count"] == 0, batch
    assert batch["created_count"] == day.stops, batch
    vans = LOGGI_VANS if day.stops > 500 else 1
    for number in range(vans):
        add_van(api, hub, day, number)
    plan = installation.command_json(
        "plan", "--schema", api.schema, "--hub", hub, "--date", day.date.isoformat(),
        "--seconds", str(SECONDS), "--wait",
    )  # fmt: skip
    assert plan["feasible"], plan
    assert (plan["orders"], plan["unserved"]) == (day.stops, 0), plan
    assert plan["travel_source"] == "straight_line", plan
    assert plan["travel_note"], "straight lines must be stated"
    km = recount(api, day, plan["plan"])
    return (
        f"{day.name} {day.stops} orders in {import_s:.1f} s, solved "
        f"{plan['solve_ms'] / 1000:.0f} s on {plan['routes']} route(s), feasible, 0 "
        f"unserved, straight lines stated, great circle {km:.1f} km"
    )


def add_van(api: RetailerApi, hub: str, day: OrderFile, number: int) -> None:
    """Add a van of the file's capacity, and its shift."""
    van = api.post("/vehicles/", {
        "name": f"Van {number + 1}", "hub": hub, "profile": "van", "energy": "diesel",
        "weight_g": 10_000_000, "volume_cm3": day.capacity_cm3, "parcels": day.capacity_parcels,
        "fixed_cost_minor": 0, "cost_per_km_minor": 100, "cost_per_hour_minor": 100,
    })  # fmt: skip
    ends = day.departs_at + dt.timedelta(hours=SHIFT_H)
    api.post("/shifts/", {
        "vehicle": van["id"], "starts_at": day.departs_at.isoformat(), "ends_at": ends.isoformat(),
    })  # fmt: skip


def recount(api: RetailerApi, day: OrderFile, plan: str) -> float:
    """Compare the plan's stops with the file, row by row; return great-circle km, hub to hub."""
    rows: dict[str, Json] = {}
    parcels: dict[str, int] = {}
    for row in csv.DictReader(io.StringIO(day.content.decode())):
        rows[row["order_id"]] = row
        parcels[row["order_id"]] = parcels.get(row["order_id"], 0) + int(row.get("parcels") or 1)
    routes: dict[str, list[Json]] = {}
    for stop in api.everything("/stops/", plan=plan):
        routes.setdefault(stop["route"], []).append(stop)
    ids = [stop["external_id"] for stops in routes.values() for stop in stops]
    assert sorted(ids) == sorted(rows), "every order is on one stop"
    hub = Point(lat=day.lat, lon=day.lon)
    metres = 0.0
    for stops in routes.values():
        stops.sort(key=lambda stop: stop["position"])
        assert sum(parcels[s["external_id"]] for s in stops) <= day.capacity_parcels
        way = [hub, *(place(rows[s["external_id"]]) for s in stops), hub]
        metres += sum(distance_m(a, b) for a, b in pairwise(way))
        late = [s for s in stops if not within(rows[s["external_id"]], s, day)]
        assert not late, late[:3]
    return metres / 1000


def place(row: Json) -> Point:
    """Return the place of a row."""
    return Point(lat=float(row["lat"]), lon=float(row["lon"]))


def within(row: Json, stop: Json, day: OrderFile) -> bool:
    """Return True if service begins within the window that the file has for the row."""
    if not row.get("window_from"):
        return True
    midnight = dt.datetime.combine(day.date, dt.time(), ZoneInfo(day.zone))
    begins = dt.datetime.fromisoformat(stop["starts_at"])
    return clock(midnight, row["window_from"]) <= begins < clock(midnight, row["window_to"])


def clock(midnight: dt.datetime, text: str) -> dt.datetime:
    """Return the instant of HH:MM of the local day; 24:00 is its end."""
    hours, minutes = (int(part) for part in text.split(":"))
    return midnight + dt.timedelta(hours=hours, minutes=minutes)


def published() -> str:
    """Return what the authors of LoggiBUD publish for the same day."""
    path = shared_folder("loggibud_brasilia") / "published_costs.csv"
    with path.open(encoding="utf-8") as file:
        rows: Iterator[Json] = (r for r in csv.DictReader(file) if r["instance"] == "cvrp-0-df-0")
        figures = [f"{float(r['great_circle_km']):.1f} ({r['vehicles']} vans)" for r in rows]
    return (
        f"published for this day, great circle: {', '.join(figures)} km (they minimised street "
        "distance, so great circle flatters us)"
    )
