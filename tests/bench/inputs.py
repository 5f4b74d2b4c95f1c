"""Real order files made from the shared data, in our own columns, as a retailer would export."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

AMAZON_ZONES = {
    "DLA8": "America/Los_Angeles",
    "DBO2": "America/New_York",
    "DCH4": "America/Chicago",
}


@dataclass(frozen=True, slots=True)
class OrderFile:
    """An order file with its hub, its day and the capacity of a vehicle."""

    name: str
    lat: float
    lon: float
    zone: str
    date: dt.date
    departs_at: dt.datetime
    capacity_cm3: int
    capacity_parcels: int
    stops: int
    parcels: int
    content: bytes


def _csv(headings: list[str], rows: list[list[object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(headings)
    writer.writerows(rows)
    return out.getvalue().encode()


def amazon(folder: Path) -> list[OrderFile]:
    """Return the three Amazon routes: a row for each package, the station as hub (CC BY-NC 4.0)."""
    routes = json.loads((folder / "route_data.json").read_text(encoding="utf-8"))
    packages = json.loads((folder / "package_data.json").read_text(encoding="utf-8"))
    files = []
    for route_id, route in routes.items():
        zone = ZoneInfo(AMAZON_ZONES[route["station_code"]])
        departs = dt.datetime.fromisoformat(
            f"{route['date_YYYY_MM_DD']}T{route['departure_time_utc']}+00:00"
        )
        date = departs.astimezone(zone).date()
        rows: list[list[object]] = []
        stops = 0
        station = next(s for s in route["stops"].values() if s["type"] == "Station")
        for stop_id, stop in route["stops"].items():
            if stop["type"] == "Station":
                continue
            stops += 1
            for package_id, package in packages[route_id][stop_id].items():
                size = package["dimensions"]
                volume = round(size["depth_cm"] * size["height_cm"] * size["width_cm"])
                opens, closes = _local_window(package["time_window"], zone, date)
                rows.append(
                    [
                        f"{route['station_code']}-{stop_id}",  # stop ids repeat between routes
                        stop["lat"],
                        stop["lng"],
                        date.isoformat(),
                        opens,
                        closes,
                        round(package["planned_service_time_seconds"]),
                        package_id,
                        volume,
                    ]
                )
        headings = [
            "order_id",
            "lat",
            "lon",
            "date",
            "window_from",
            "window_to",
            "service_seconds",
            "parcel_id",
            "volume_cm3",
        ]
        files.append(
            OrderFile(
                route["station_code"],
                station["lat"],
                station["lng"],
                zone.key,
                date,
                departs,
                int(route["executor_capacity_cm3"]),
                1000,
                stops,
                len(rows),
                _csv(headings, rows),
            )
        )
    return files


def _local_window(window: dict[str, str | None], zone: ZoneInfo, date: dt.date) -> tuple[str, str]:
    """Return a UTC window as local times of the day, cut at the ends of the day."""
    if not window["start_time_utc"] or not window["end_time_utc"]:
        return "", ""
    opens, closes = (
        dt.datetime.fromisoformat(f"{window[k]}+00:00").astimezone(zone)
        for k in ("start_time_utc", "end_time_utc")
    )
    start = opens.strftime("%H:%M") if opens.date() == date else "00:00"
    end = closes.strftime("%H:%M") if closes.date() == date else "24:00"
    return start, end


def loggibud(folder: Path, day: int = 0) -> OrderFile:
    """Return a LoggiBUD day in Brasilia: a row a delivery, its size as parcels (MIT, Loggi)."""
    path = folder / "instances" / f"cvrp-0-df-{day}.json"
    instance = json.loads(path.read_text(encoding="utf-8"))
    date = dt.date(2026, 12, 1)
    seen: dict[str, int] = {}
    rows: list[list[object]] = []
    for delivery in instance["deliveries"]:  # eighteen ids appear twice: two orders each
        times = seen[delivery["id"]] = seen.get(delivery["id"], 0) + 1
        name = delivery["id"] if times == 1 else f"{delivery['id']}-{times}"
        point = delivery["point"]
        rows.append([name, point["lat"], point["lng"], date.isoformat(), delivery["size"]])
    zone = ZoneInfo("America/Sao_Paulo")
    return OrderFile(
        instance["name"],
        instance["origin"]["lat"],
        instance["origin"]["lng"],
        zone.key,
        date,
        dt.datetime.combine(date, dt.time(8), zone),
        10**8,
        instance["vehicle_capacity"],
        len(rows),
        sum(d["size"] for d in instance["deliveries"]),
        _csv(["order_id", "lat", "lon", "date", "parcels"], rows),
    )
