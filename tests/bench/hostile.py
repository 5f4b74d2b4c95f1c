"""The hostile sweep at length: every operation and page, with another seed in each round."""

from __future__ import annotations

import random

from django.test import override_settings

from tests.architecture.sweep import Sweep, make_sweep, pages
from tests.bench.database import bench_database
from tests.hostile import api_probes, page_probes

EACH = 60
SEEDS = (1, 2, 3)


def run() -> str:
    """Send over 10,000 hostile calls. Raises on the first call that broke something."""
    with bench_database(), override_settings(LIMIT_API_PER_MINUTE=10**9):
        sweep = make_sweep()
        fields = {where: sweep.inputs(where) for where in pages() if "<" not in where}
        for seed in SEEDS:
            sweep_once(sweep, fields, seed)
        sweep.end()
    statuses = ", ".join(
        f"{count:,} x {status}" for status, count in sorted(sweep.statuses.items())
    )
    return (
        f"{sweep.sent:,} hostile calls over {len(sweep.document['paths'])} API addresses and "
        f"{len(pages())} pages as an owner: 0 x 5xx, 0 refused calls changed a row, 0 rows of the "
        f"other retailer moved or shown ({statuses})"
    )


def sweep_once(sweep: Sweep, fields: dict[str, list[str]], seed: int) -> None:
    """Send the hostile calls of one seed."""
    draw = random.Random(seed)
    for probe in api_probes(sweep.document, sweep.known, draw, EACH):
        sweep.send(probe)
    for probe in page_probes(pages(), fields, sweep.known, draw, EACH):
        sweep.send(probe)
