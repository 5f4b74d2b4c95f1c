"""The two kinds of Celery tasks, and the tasks that run events and jobs.

A task gets its retailer as an explicit argument. If that is missing or unknown, the task raises an
error, so nothing runs in ``public`` by mistake. The broker's messages are hints only: each task may
be lost, repeated or late without harm.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, Final

from celery import shared_task

from lastmile.core.erasing import forget as forget_old
from lastmile.core.events import GATHER_S, RELAY, RELAY_TASK
from lastmile.core.fair_queue import run_fairly
from lastmile.core.hints import publish
from lastmile.core.jobs import JOBS, RUN_TASK
from lastmile.core.models import Lane
from lastmile.core.relay import (
    MANY_AT_ONCE,
    RELAY_BATCH,
    deliver_batch,
    deliver_here,
    has_unrelayed,
    lane_kind,
    owed_handlers,
    relay_some,
    settle,
    takes_many,
)
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
from lastmile.core.wiring import pointer_table
from lastmile.worklist import selectors as worklist
from lastmile.worklist.services import forget

BUDGET_S: Final = 15.0  # a task with more work starts another one, so that other tasks can run
FEW_EVENTS: Final = 10  # so few are delivered by the task that relays them
FEW_GROUPED: Final = MANY_AT_ONCE  # the same, for a handler that takes many at once
LANE_QUEUE: Final = {Lane.PERSON: "hot", Lane.BULK: "bulk"}


_routes: dict[str, str] = {}


def route(name: str, *_message: Any, **_options: Any) -> dict[str, str] | None:
    """Return the queue of a task that is sent without one (used by ``task_routes``)."""
    return {"queue": _routes[name]} if name in _routes else None


def retailer_task(
    name: str, *, queue: str = "default", **options: Any
) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator for a Celery task that runs in the context of one retailer.

    A function ``def send(*, message): …`` with ``@retailer_task("notifications.send",
    queue="hot")`` is called as ``send.delay(schema=…, message=…)``. The task raises NoRetailer
    when ``schema`` is missing or unknown.
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
    """Return a decorator for a Celery task without a retailer, which sees shared tables only.

    Such a task enters retailers only through ``core.tenancy.for_each_retailer()``. It raises
    TypeError when it is sent with ``schema=``; use ``retailer_task`` then.
    """

    _routes[name] = queue

    def decorate(body: Callable[..., Any]) -> Any:
        @shared_task(name=name, **options)
        @functools.wraps(body)
        def run(**kwargs: Any) -> Any:
            if "schema" in kwargs:
                raise TypeError(f"Task {name} has no retailer. Use retailer_task for a retailer.")
            with shared_context():
                return body(**kwargs)

        return run

    return decorate


@retailer_task(RELAY_TASK, queue="hot")
def relay() -> None:
    """Relay all committed events, and start the tasks that deliver them.

    A few events for which a person waits are delivered here: their tasks would go to this queue
    too, and a task costs more than a short handler.

    Events that are committed in the meantime have a hint of their own. So they wait for its task,
    which finds many of them, and a task for many costs hardly more than for one. A task that meets
    another relay asks for one more task, because the other one may not have seen its events.
    """
    stop = time.monotonic() + BUDGET_S
    started: set[tuple[str, str]] = set()
    more = True
    while more and time.monotonic() < stop:
        relayed = relay_some(_is_here)
        if not relayed.count and has_unrelayed():
            _ask_relay(in_s=GATHER_S)
            return
        deliver_here(relayed, until=stop)
        for handler, lane in sorted(relayed.waiting - started):
            _ask_deliver(handler, lane)
            started.add((handler, lane))
        more = relayed.count >= RELAY_BATCH
    if more:
        _ask_relay(in_s=0)


@retailer_task("core.deliver")
def deliver(*, handler: str, lane: str) -> None:
    """Run the due deliveries of one handler; start another task when the time is over."""
    stop = time.monotonic() + BUDGET_S
    while deliver_batch(handler, lane, until=stop):
        if time.monotonic() >= stop:
            _ask_deliver(handler, lane)
            return
    settle(lane)


@retailer_task("core.redeliver")
def redeliver(*, lane: str) -> None:
    """Start a task for each handler of a lane that has due deliveries; the sweep uses it."""
    handlers = owed_handlers(lane)
    for handler in handlers:
        _ask_deliver(handler, lane)
    if not handlers:
        settle(lane)


def _is_here(handler: str, lane: str, count: int) -> bool:
    few = FEW_GROUPED if takes_many(handler) else FEW_EVENTS
    return lane == Lane.PERSON and count <= few


def _ask_relay(*, in_s: float) -> None:
    publish(RELAY_TASK, queue="hot", kwargs={"schema": current_schema()}, countdown=in_s)


def _ask_deliver(handler: str, lane: str) -> None:
    publish(
        "core.deliver",
        queue=LANE_QUEUE[Lane(lane)],
        kwargs={"schema": current_schema(), "handler": handler, "lane": lane},
    )


@retailer_task(RUN_TASK)
def run(*, job: str) -> None:
    """Run one waiting job. A waiting job of a retailer with fewer running jobs comes first."""
    run_fairly(job)


@retailer_task("core.tend", queue="hot")
def tend_jobs() -> None:
    """Reap the jobs whose lease ran out, and send new hints for queued jobs."""
    for hint in tend():
        hint()


@house_task("core.forget", queue="bulk", time_limit=1800, soft_time_limit=1780)
def forget_everywhere() -> dict[str, int]:
    """Delete or blank old data in every retailer; beat runs it once a day."""
    total: dict[str, int] = {}
    for _retailer in for_each_retailer():
        for name, count in forget_old().items():
            total[name] = total.get(name, 0) + count
    return total


# Kind of pointer -> the task that does its work, with the task's arguments. ``POINTERS`` of the
# switchboard has the kinds of the apps.
TASK_OF_POINTER: Final[dict[str, tuple[str, dict[str, str]]]] = {
    RELAY: (RELAY_TASK, {}),
    JOBS: ("core.tend", {}),
    **{lane_kind(lane): ("core.redeliver", {"lane": str(lane)}) for lane in Lane},
}


def _status_of(schema: str) -> str | None:
    """Return a retailer's status; delete its pointers if it no longer exists.

    The work of a suspended retailer waits, with its pointers, until the retailer is resumed.
    """
    ref = find_retailer(schema)
    if ref is None:
        forget(schema=schema)
        return None
    return ref.status


@house_task("core.sweep", queue="hot")
def sweep(*, grace_s: float = 2) -> int:
    """Start the tasks for all overdue pointers; return how many tasks were started.

    The hint that was sent at the commit gets ``grace_s`` seconds to arrive first.
    """
    started = 0
    status_of: dict[str, str | None] = {}
    for schema, kind in worklist.due(grace_s=grace_s):
        if schema not in status_of:
            status_of[schema] = _status_of(schema)
        if status_of[schema] != ACTIVE:
            continue
        task, kwargs = TASK_OF_POINTER.get(kind) or (pointer_table()[kind], {})
        started += publish(task, queue="hot", kwargs={"schema": schema, **kwargs})
    return started
