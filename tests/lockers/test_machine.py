"""A slice of the campaign `locker_machine`."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from lastmile.core.tenancy import RetailerRef
from tests.dispatch.conftest import SetClock
from tests.lockers.machine import machine_for


def test_lockers_keep_their_promises_in_any_order_of_events(
    retailer: RetailerRef, clock: SetClock
) -> None:
    """Duplicates, a day offline, replay, skew, stuck doors, power failures."""
    run_state_machine_as_test(
        machine_for(retailer, clock),
        settings=settings(
            max_examples=6,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
