"""Order files of 5,000 rows through the public API, job included, compared with a raw COPY."""

from __future__ import annotations

import csv
import gzip
import io
import random
import time

import openpyxl
import psycopg

from lastmile.embedded.folders import Folders
from tests.bench.installation import Installation, running_installation, shared_folder

ROWS = 5_000
LEAST_ROWS_S = 100
HEADINGS = [
    "order_id", "name", "phone", "address", "lat", "lon", "date", "window_from", "window_to",
    "parcels", "weight_kg",
]  # fmt: skip


def rows(prefix: str) -> list[list[object]]:
    """Return the first 5,000 delivery points of Brasilia (Loggi, MIT) as a shop's export."""
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


def run() -> str:
    """Import both files, the CSV twice, and copy the rows. Raises when an import is too slow."""
    with running_installation() as installation:
        api = installation.open("t_bench", "America/Sao_Paulo", "BRL")
        hub = api.post(
            "/hubs/",
            {"name": "Brasilia", "lat": -15.65, "lon": -47.8, "zone": "America/Sao_Paulo"},
        )["id"]
        files = {"CSV": as_csv(rows("C")), "XLSX": as_xlsx(rows("X"))}
        figures, slowest = [], 1e9
        for kind, content in files.items():
            batch, took = api.import_file(f"day.{kind.lower()}", content, hub)
            counts = {name: batch[f"{name}_count"] for name in ("created", "refused", "needs_pin")}
            assert counts == {"created": ROWS, "refused": 0, "needs_pin": 0}, counts
            slowest = min(slowest, ROWS / took)
            figures.append(f"{kind} {took:.1f} s = {ROWS / took:,.0f} rows/s")
        again, took = api.import_file("day.csv", files["CSV"], hub)
        assert again["unchanged_count"] == ROWS, again
        figures.append(f"the same CSV again {took:.1f} s, all unchanged")
        raw = copy_seconds(installation, rows("C"))
    assert slowest >= LEAST_ROWS_S, figures
    return (
        f"{ROWS:,} rows by HTTP with a key, POST to the end of the job: {', '.join(figures)}; raw "
        f"COPY of the rows into one plain table {ROWS / raw:,.0f} rows/s "
        f"({ROWS / raw / slowest:.0f} times the slower)"
    )
