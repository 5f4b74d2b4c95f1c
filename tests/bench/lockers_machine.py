"""Lockers at length: a stateful test of 2,000 examples of 50 steps, and 1,000 power failures."""

from __future__ import annotations

import datetime as dt
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from lastmile.core.tenancy import RetailerRef, retailer_context
from lockers.rolls import invariants
from tests.bench.database import bench_database
from tests.databases import FIRST
from tests.factories.lockers import make_bank, make_station
from tests.lockers.machine import machine_for
from tests.lockers.power import fail_at

EXAMPLES, STEPS = 2_000, 50
FAILURES, PART, LAST_STEP = 1_000, 50, 30
SEED = 4
SetClock = Callable[[dt.datetime], None]


def run(examples: int = EXAMPLES, steps: int = STEPS) -> str:
    """Run the machine. Raises when an invariant breaks, with the shortest example."""
    with _stage() as (ref, set_clock):
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


def power(failures: int = FAILURES) -> str:
    """Let the power fail at each step of a command, and at random steps (field row L04).

    A new bank for each part: rows of one transaction are updated slower and slower.
    """
    chance = random.Random(SEED)
    tries = cut = 0
    while cut < failures:
        with _stage() as (ref, _set_clock):
            station = make_station(ref, make_bank(2))
            end = min(failures, cut + PART)
            while cut < end:
                tries += 1
                step = tries if tries <= LAST_STEP else chance.randint(1, LAST_STEP)
                cut += fail_at(station, chance.choice(["1", "2"]), step)
            assert not any(invariants().values())
    return (
        f"{cut:,} power failures at random steps of {tries:,} commands (seed {SEED}): after each "
        f"restart all relays off, doors measured again, the command done, failed or expired, and "
        f"no door opened twice for one command"
    )


@contextmanager
def _stage() -> Iterator[tuple[RetailerRef, SetClock]]:
    """Yield a retailer in a transaction that is rolled back, and a function that sets the clock."""
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

        yield ref, set_clock
        transaction.set_rollback(True)
