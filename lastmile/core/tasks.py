"""The two kinds of task, and the tasks that carry the house's own machinery.

A task gets its retailer as an explicit argument and raises inside its body when that is missing
or unknown: nothing runs in ``public`` by omission. The broker's messages are hints, so every task
here may be lost, doubled or late without harm.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, Final

from celery import shared_task

from lastmile.core.erasing import forget as forget_old
from lastmile.core.events import RELAY, RELAY_TASK
from lastmile.core.fair_queue import run_fairly
from lastmile.core.hints import publish
from lastmile.core.jobs import JOBS, RUN_TASK
from lastmile.core.models import Lane
from lastmile.core.relay import deliver_batch, lane_kind, owed_handlers, relay_batch, settle
from lastmile.core.runner import tend
from lastmile.core.tenancy import (
    ACTIVE,
    NoRetailer,
    current_schema,
    find_retailer,
    for_each_retailer,
    retailer_context,
    shared_context,
)
from lastmile.worklist import selectors as worklist
from lastmile.worklist.services import forget

BUDGET_S: Final = 15.0  # a task that has more to do asks for another, so that others get a turn
LANE_QUEUE: Final = {Lane.PERSON: "hot", Lane.BULK: "bulk"}


_routes: dict[str, str] = {}


def route(name: str, *_message: Any, **_options: Any) -> dict[str, str] | None:
    """Tell Celery the queue of a task sent without one (``task_routes`` names this)."""
    return {"queue": _routes[name]} if name in _routes else None


def retailer_task(
    name: str, *, queue: str = "default", **options: Any
) -> Callable[[Callable[..., Any]], Any]:
    """Make a Celery task that runs in the context of the retailer named by ``schema=``.

    ``@retailer_task("notifications.send", queue="hot")`` over ``def send(*, message): …`` is
    called as ``send.delay(schema=…, message=…)``. Raises NoRetailer in its body when ``schema`` is
    missing or unknown.
    """

    _routes[name] = queue

    def decorate(body: Callable[..., Any]) -> Any:
        @shared_task(name=name, **options)
        @functools.wraps(body)
        def run(*, schema: str | None = None, **kwargs: Any) -> Any:
            if not schema:
                raise NoRetailer(f"Task {name} was sent without its retailer; pass schema=….")
            with retailer_context(schema):
                return body(**kwargs)

        return run

    return decorate


def house_task(
    name: str, *, queue: str = "default", **options: Any
) -> Callable[[Callable[..., Any]], Any]:
    """Make a Celery task without a retailer: it sees shared tables only.

    It enters a retailer only through ``core.tenancy.for_each_retailer()``. Raises TypeError when
    it is sent with ``schema=``: then a retailer_task was meant.
    """

    _routes[name] = queue

    def decorate(body: Callable[..., Any]) -> Any:
        @shared_task(name=name, **options)
        @functools.wraps(body)
        def run(**kwargs: Any) -> Any:
            if "schema" in kwargs:
                raise TypeError(f"Task {name} is the house's; use retailer_task for a retailer's.")
            with shared_context():
                return body(**kwargs)

        return run

    return decorate


@retailer_task(RELAY_TASK, queue="hot")
def relay() -> None:
    """Position what was committed until nothing is left, then ask for its deliveries."""
    stop = time.monotonic() + BUDGET_S
    owed: set[tuple[str, str]] = set()
    count = 1
    while count and time.monotonic() < stop:
        count, found = relay_batch()
        for handler, lane in sorted(found - owed):
            _ask_deliver(handler, lane)
        owed |= found
    if count:
        publish(RELAY_TASK, queue="hot", kwargs={"schema": current_schema()})


@retailer_task("core.deliver")
def deliver(*, handler: str, lane: str) -> None:
    """Run what is due of one handler; ask for another task when the time is up."""
    stop = time.monotonic() + BUDGET_S
    while deliver_batch(handler, lane, until=stop):
        if time.monotonic() >= stop:
            _ask_deliver(handler, lane)
            return
    settle(lane)


@retailer_task("core.redeliver")
def redeliver(*, lane: str) -> None:
    """Ask for every handler of a lane that has deliveries due: the sweep's way in."""
    handlers = owed_handlers(lane)
    for handler in handlers:
        _ask_deliver(handler, lane)
    if not handlers:
        settle(lane)


def _ask_deliver(handler: str, lane: str) -> None:
    publish(
        "core.deliver",
        queue=LANE_QUEUE[Lane(lane)],
        kwargs={"schema": current_schema(), "handler": handler, "lane": lane},
    )


@retailer_task(RUN_TASK)
def run(*, job: str) -> None:
    """Run one job, if it still waits to be run and it is its retailer's turn."""
    run_fairly(job)


@retailer_task("core.tend", queue="hot")
def tend_jobs() -> None:
    """Reap silent jobs and ask again for the queued ones."""
    for hint in tend():
        hint()


@house_task("core.forget", queue="bulk", time_limit=1800, soft_time_limit=1780)
def forget_everywhere() -> dict[str, int]:
    """Forget what is old in every retailer, once a day."""
    total: dict[str, int] = {}
    for _retailer in for_each_retailer():
        for what, many in forget_old().items():
            total[what] = total.get(what, 0) + many
    return total


WAYS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    RELAY: (RELAY_TASK, {}),
    JOBS: ("core.tend", {}),
    **{lane_kind(lane): ("core.redeliver", {"lane": str(lane)}) for lane in Lane},
}


def _standing(schema: str) -> str | None:
    """Return a retailer's status; forget the pointers of one that is no more.

    Work for a suspended retailer waits, with its pointers, until the retailer is resumed.
    """
    ref = find_retailer(schema)
    if ref is None:
        forget(schema=schema)
        return None
    return ref.status


@house_task("core.sweep", queue="hot")
def sweep(*, grace_s: float = 2) -> int:
    """Ask for the work that still stands pointed at; return how many asks.

    The grace is for the hint given at the commit, which is usually on its way.
    """
    asked = 0
    standing: dict[str, str | None] = {}
    for schema, kind in worklist.due(grace_s=grace_s):
        if schema not in standing:
            standing[schema] = _standing(schema)
        if standing[schema] != ACTIVE:
            continue
        task, kwargs = WAYS[kind]
        asked += publish(task, queue="hot", kwargs={"schema": schema, **kwargs})
    return asked
