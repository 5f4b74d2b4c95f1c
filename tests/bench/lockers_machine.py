"""The stateful test of lockers at length: 2,000 examples of 50 steps."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from pathlib import Path
from unittest import mock

from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from lastmile.core.tenancy import retailer_context
from tests.bench.database import bench_database
from tests.databases import FIRST
from tests.lockers.machine import machine_for

EXAMPLES, STEPS = 2_000, 50


def run(examples: int = EXAMPLES, steps: int = STEPS) -> str:
    """Run the machine. Raises when an invariant breaks, with the shortest example."""
    with (
        tempfile.TemporaryDirectory(prefix="lm") as folder,
        mock.patch.dict(
            os.environ, {"ALLOW_TEST_CLOCK": "1", "TEST_CLOCK_FILE": f"{folder}/clock"}
        ),
        bench_database(),
        retailer_context(FIRST.schema) as ref,
        transaction.atomic(),
    ):
        file = Path(folder) / "clock"

        # The provisioning counts its tries in a transaction of its own, as in a test.
        connection.atomic_blocks[-1]._from_testcase = True  # type: ignore[attr-defined]

        def set_clock(instant: dt.datetime) -> None:
            file.unlink(missing_ok=True)
            file.write_text(instant.isoformat())

        run_state_machine_as_test(
            machine_for(ref, set_clock),
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    return (
        f"{examples:,} examples x {steps} steps with lost and repeated messages, a day offline, "
        f"wrong clocks, stuck doors and power failures: compartments by state always sum to the "
        f"bank, one parcel a compartment, no impossible state"
    )
