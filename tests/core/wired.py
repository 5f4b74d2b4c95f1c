"""A switchboard for the tests of core, with handlers and runners that record a trace.

A trace is an event of kind ``test.trace``. It is committed or rolled back with its transaction.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from lastmile.core.callbacks import BadSignature, Incoming, VendorEvent
from lastmile.core.errors import Invalid, Unavailable
from lastmile.core.events import JOB_FINISHED, DomainEvent, record
from lastmile.core.jobs import Lease
from lastmile.core.models import Event
from lastmile.core.wiring import JobSpec
from tests.core import kinds

EVENTS: list[str] = ["lastmile.core.events", "tests.core.kinds"]
HANDLERS: dict[str, list[str]] = {
    "order.placed": ["tests.core.wired.on_placed"],
    "order.twice": ["tests.core.wired.on_placed", "tests.core.wired.on_placed_too"],
    "order.broken": ["tests.core.wired.on_broken"],
    "order.gone": ["tests.core.wired.no_such_handler"],
}

RENAMED: dict[str, str] = {"tests.core.wired.on_placed_once": "tests.core.wired.on_placed"}

JOBS: dict[str, JobSpec] = {
    "test.echo": JobSpec("tests.core.wired.echo"),
    "test.refuse": JobSpec("tests.core.wired.refuse"),
    "test.away": JobSpec("tests.core.wired.away", max_attempts=2),
    "test.crash": JobSpec("tests.core.wired.crash", max_attempts=2),
    "test.once": JobSpec("tests.core.wired.echo", max_attempts=1),
    "test.patient": JobSpec("tests.core.wired.patient", time_limit_s=60),
    "test.brief": JobSpec("tests.core.wired.patient", time_limit_s=1),
    "test.followed": JobSpec("tests.core.wired.echo", on_end=("tests.core.wired.on_end",)),
    "test.fair": JobSpec("tests.core.wired.echo", fair=True),
    "test.low": JobSpec("tests.core.wired.echo", low=True),
    "test.called": JobSpec("tests.core.wired.called"),
    "test.slow": JobSpec("tests.core.wired.slow", max_attempts=5),
    "test.hung": JobSpec("tests.core.wired.hung", time_limit_s=1),
    "test.poison": JobSpec("tests.core.wired.poison", max_attempts=2),
}

CALLBACKS: dict[str, str] = {"post-office": "tests.core.wired.PostOffice"}

broken = True  # on_broken fails while this holds
during: list[Callable[[Lease], Any]] = []  # what `called` does


def traces() -> list[str]:
    """Return the subjects of the traces that committed, in order."""
    events = Event.objects.filter(kind="test.trace").order_by("id")
    return list(events.values_list("subject", flat=True))


def on_placed(event: DomainEvent) -> None:
    """Record a trace."""
    record(kinds.TRACE, kinds.NO_FACTS, subject=event.subject)


def on_placed_too(event: DomainEvent) -> None:
    """Record another trace."""
    record(kinds.TRACE, kinds.NO_FACTS, subject=f"{event.subject}/too")


def on_end(event: DomainEvent) -> None:
    """Record a trace with the job and its final state."""
    facts = JOB_FINISHED.read(event)
    record(kinds.TRACE, kinds.NO_FACTS, subject=f"{event.subject}/{facts.kind}/{facts.state}")


def on_broken(event: DomainEvent) -> None:
    """Record a trace, then fail."""
    record(kinds.TRACE, kinds.NO_FACTS, subject=event.subject)
    if broken:
        raise ValueError("the vase is broken")


def echo(job: Lease) -> Mapping[str, Any]:
    """Record a trace inside the fence and return a result."""
    job.progress(50, "half")
    with job.fenced():
        record(kinds.TRACE, kinds.NO_FACTS, subject=job.id)
    return {"said": dict(job.payload), "attempt": job.attempt}


def refuse(job: Lease) -> None:
    """Raise a domain error, as a service does."""
    raise Invalid("The file has no rows. Add one and send it again.")


def away(job: Lease) -> None:
    """Raise a retryable domain error."""
    raise Unavailable("The map is being built. Try again in a minute.")


def crash(job: Lease) -> None:
    """Raise an unexpected exception, as a bug does."""
    raise ZeroDivisionError("a bug")


def patient(job: Lease) -> Mapping[str, Any]:
    """Work until cancelled, at most half a minute."""
    for turn in range(600):
        if job.cancelled():
            return {"turns": turn}
        time.sleep(0.05)
    return {"turns": 600}


def called(job: Lease) -> Mapping[str, Any]:
    """Call the function that the test put into ``during``."""
    for act in during:
        act(job)
    return {}


def slow(job: Lease) -> Mapping[str, Any]:
    """Hang in the first attempt, whose worker the test kills; finish in the second attempt."""
    with job.fenced():
        record(kinds.TRACE, kinds.NO_FACTS, subject=f"{job.id}/{job.attempt}/{os.getpid()}")
    if job.attempt == 1:
        time.sleep(120)
    with job.fenced():
        record(kinds.TRACE, kinds.NO_FACTS, subject=f"{job.id}/done")
    return {"attempt": job.attempt}


def hung(job: Lease) -> None:
    """Hang without checking for cancellation."""
    time.sleep(120)


def poison(job: Lease) -> None:
    """Kill the process that runs it."""
    with job.fenced():
        record(kinds.TRACE, kinds.NO_FACTS, subject=job.id)
    os.kill(os.getpid(), signal.SIGKILL)


class PostOffice:
    """A test vendor that signs its body with a secret; each call records one trace."""

    secret = b"of the post office"
    during: list[Callable[[], None]] = []

    def verify(self, incoming: Incoming) -> None:
        """Compare the signature of the body."""
        right = hmac.new(self.secret, incoming.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, incoming.headers.get("x-signature", "")):
            raise BadSignature("The signature does not fit the body.")

    def parse(self, incoming: Incoming) -> VendorEvent:
        """Read the members id, parcel and at."""
        try:
            body = json.loads(incoming.body)
            at = dt.datetime.fromisoformat(body["at"])
            return VendorEvent(
                key=body["id"], kind="parcel.seen", subject=body["parcel"], occurred_at=at
            )
        except (ValueError, KeyError, TypeError) as unreadable:
            raise Invalid("The call cannot be read.") from unreadable

    def act(self, event: VendorEvent) -> None:
        """Record a trace, then call the function of the test before the commit."""
        record(kinds.TRACE, kinds.NO_FACTS, subject=event.subject)
        for step in self.during:
            step()
