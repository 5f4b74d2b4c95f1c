"""Does all waiting work at once: in production workers, relay and sweep do it.

Tests run without workers, and the broker of the test settings discards hints. Call ``drain()`` in
a retailer's context after the act under test.
"""

from __future__ import annotations

from lastmile.core.models import Delivery, DeliveryState, Job, JobState, Lane
from lastmile.core.relay import deliver_batch, owed_handlers, relay_batch
from lastmile.core.runner import run_job


def drain(*, jobs: bool = True, rounds: int = 50) -> int:
    """Relay, deliver and run jobs until no due work is left; return the number of rounds.

    Raises AssertionError when a handler failed (the message has its error) or when the work does
    not end: a test must not ignore either.
    """
    for turn in range(rounds):
        done, _owed = relay_batch()
        for lane in (Lane.PERSON, Lane.BULK):
            for handler in owed_handlers(lane):
                while delivered := deliver_batch(handler, lane):
                    done += delivered
        failed = Delivery.objects.exclude(state=DeliveryState.DONE).exclude(error="")
        faults = [f"{one.handler}: {one.error}" for one in failed]
        assert not faults, "; ".join(faults)
        if jobs:
            for public_id in list(
                Job.objects.filter(state=JobState.QUEUED).values_list("public_id", flat=True)
            ):
                done += run_job(public_id) is not None
        if not done:
            return turn
    raise AssertionError(f"There is still work after {rounds} rounds: does an event loop?")
