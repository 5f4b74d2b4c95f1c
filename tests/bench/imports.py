"""Order files of 20,000 rows through the public API, job included, compared with a raw COPY.

The next file is sent when the work that follows the one before is done.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
import time

import openpyxl
import psycopg

from lastmile.embedded.folders import Folders
from tests.bench.installation import (
    Installation,
    running_installation,
    shared_folder,
    wait_until,
)

ROWS = 20_000
LONGEST_S = 60
LEAST_UNCHANGED_S = 1_000
SCHEMA = "t_bench"
HEADINGS = [
    "order_id", "name", "phone", "address", "lat", "lon", "date", "window_from", "window_to",
    "parcels", "weight_kg",
]  # fmt: skip


def rows(prefix: str) -> list[list[object]]:
    """Return the first delivery points of Brasilia (Loggi, MIT) as a shop's export."""
    draw = random.Random(11)
    table: list[list[object]] = []
    path = shared_folder("loggibud_brasilia") / "demand_points.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for n, point in enumerate(csv.DictReader(file)):
            opens = draw.choice([8, 10, 14])
            table.append([
                f"{prefix}-{n:05d}", f"Comprador {n}", f"+5561{990_000_000 + n}",
                f"Quadra {draw.randrange(900)} Lote {n}", float(point["lat"]), float(point["lng"]),
                "2026-12-01", f"{opens:02d}:00", f"{opens + 4:02d}:00", point["size"],
                round(draw.uniform(0.2, 15), 2),
            ])  # fmt: skip
            if len(table) == ROWS:
                break
    return table


def as_csv(table: list[list[object]]) -> bytes:
    """Return a CSV file."""
    out = io.StringIO()
    csv.writer(out).writerows([HEADINGS, *table])
    return out.getvalue().encode()


def as_xlsx(table: list[list[object]]) -> bytes:
    """Return a workbook."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in [HEADINGS, *table]:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def copy_seconds(installation: Installation, table: list[list[object]]) -> float:
    """COPY the same rows into one plain table of the same server, committed; return the seconds."""
    with psycopg.connect(
        host=str(Folders(installation.var).run), user="postgres", dbname="lastmile", autocommit=True
    ) as connection:
        columns = ", ".join(f"{name} text" for name in HEADINGS)
        connection.execute(f"CREATE TABLE public.raw_rows ({columns})")  # type: ignore[arg-type]
        began = time.perf_counter()
        with connection.cursor().copy("COPY public.raw_rows FROM STDIN") as copy:
            for row in table:
                copy.write_row([str(cell) for cell in row])
        took = time.perf_counter() - began
        connection.execute("DROP TABLE public.raw_rows")
    return took


def is_idle(installation: Installation) -> bool:
    """Return True if no event, delivery or job of the retailer waits."""
    with psycopg.connect(
        host=str(Folders(installation.var).run), user="postgres", dbname="lastmile",
        options=f"-c search_path={SCHEMA},public",
    ) as connection:  # fmt: skip
        row = connection.execute(
            "SELECT (SELECT count(*) FROM core_event WHERE position IS NULL)"
            " + (SELECT count(*) FROM core_delivery WHERE state IN ('waiting', 'leased'))"
            " + (SELECT count(*) FROM core_job WHERE state IN ('queued', 'running'))"
        ).fetchone()
    return row == (0,)


def run() -> str:
    """Import both files, the CSV twice, and copy the rows. Raises when an import is too slow."""
    with running_installation() as installation:
        api = installation.open(SCHEMA, "America/Sao_Paulo", "BRL")
        hub = api.post(
            "/hubs/",
            {"name": "Brasilia", "lat": -15.65, "lon": -47.8, "zone": "America/Sao_Paulo"},
        )["id"]
        files = {"CSV": as_csv(rows("C")), "XLSX": as_xlsx(rows("X"))}
        figures, slowest = [], 0.0
        for kind, content in files.items():
            batch, took = api.import_file(f"day.{kind.lower()}", content, hub)
            counts = {name: batch[f"{name}_count"] for name in ("created", "refused", "needs_pin")}
            assert counts == {"created": ROWS, "refused": 0, "needs_pin": 0}, counts
            slowest = max(slowest, took)
            wait_until(lambda: is_idle(installation), 600)
            figures.append(f"{kind} {took:.1f} s = {ROWS / took:,.0f} rows/s")
        again, unchanged_s = api.import_file("day.csv", files["CSV"], hub)
        assert again["unchanged_count"] == ROWS, again
        figures.append(
            f"the same CSV again {unchanged_s:.1f} s, all unchanged = "
            f"{ROWS / unchanged_s:,.0f} rows/s"
        )
        raw = copy_seconds(installation, rows("C"))
    assert slowest <= LONGEST_S, figures
    assert ROWS / unchanged_s >= LEAST_UNCHANGED_S, figures
    return (
        f"{ROWS:,} rows by HTTP with a key, POST to the end of the job: {', '.join(figures)}; raw "
        f"COPY of the rows into one plain table {ROWS / raw:,.0f} rows/s "
        f"({slowest / raw:.0f} times as fast as the slower)"
    )
