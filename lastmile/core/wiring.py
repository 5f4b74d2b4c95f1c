"""Reads the switchboard: which handlers an event kind has, how a job kind is run.

``settings.SWITCHBOARD`` names the module, so that core knows its wiring by name only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

QUEUES = ("hot", "default", "solve", "bulk")


class NotWired(LookupError):
    """A kind or a name that the switchboard does not know, or that does not resolve."""


@dataclass(frozen=True, slots=True)
class JobSpec:
    """How jobs of one kind are run.

    Parameters
    ----------
    path : str
        Dotted name of the runner, ``def run(job: Lease) -> Mapping | None``.
    time_limit_s : int
        Seconds one attempt may take; then the job has failed with reason ``timeout``.
    max_attempts : int
        How often a worker may start it before it is given up.
    queue : str
        One of ``QUEUES``.
    fair : bool
        Whether retailers take turns at the workers (``core.turns``): for long jobs that come in
        heaps.
    """

    path: str
    time_limit_s: int = 300
    max_attempts: int = 3
    queue: str = "default"
    fair: bool = False


def _table(name: str) -> Any:
    return getattr(import_module(settings.SWITCHBOARD), name)


def handler_table() -> Mapping[str, Sequence[str]]:
    """Return event kind -> handler paths."""
    table: Mapping[str, Sequence[str]] = _table("HANDLERS")
    return table


def job_table() -> Mapping[str, JobSpec]:
    """Return job kind -> spec."""
    table: Mapping[str, JobSpec] = _table("JOBS")
    return table


def handlers_of(kind: str) -> Sequence[str]:
    """Return the paths of the handlers of an event kind; none is no fault."""
    return handler_table().get(kind, ())


def job_spec(kind: str) -> JobSpec:
    """Return how jobs of this kind are run. Raises NotWired for an unknown kind."""
    try:
        return job_table()[kind]
    except KeyError:
        raise NotWired(
            f"No job kind {kind!r} is wired. Add it to JOBS in {settings.SWITCHBOARD}."
        ) from None


def load(path: str) -> Callable[..., Any]:
    """Return the callable of a wired name. Raises NotWired when it does not resolve."""
    try:
        found = import_string(path)
    except ImportError as missing:
        raise NotWired(
            f"{path!r} in {settings.SWITCHBOARD} does not resolve: {missing}."
        ) from missing
    if not callable(found):
        raise NotWired(f"{path!r} in {settings.SWITCHBOARD} is not callable.")
    return found  # type: ignore[no-any-return]


ROLLS = ("LEDGER", "INVARIANTS", "OPEN_DEMO", "SEED_DEMO")


def roll(name: str) -> list[tuple[str, Callable[..., Any]]]:
    """Return (room, function) of an act over the whole house: ``dispatch.orders``, its ledger."""
    paths: Sequence[str] = getattr(import_module(settings.SWITCHBOARD), name, ())
    return [(".".join(path.split(".")[:-2]), load(path)) for path in paths]


def problems() -> list[str]:
    """Return what is wrong with the switchboard, one sentence each; the boot check prints them."""
    found: list[str] = []
    names = [path for paths in handler_table().values() for path in paths]
    for kind, spec in job_table().items():
        names.append(spec.path)
        if spec.queue not in QUEUES:
            found.append(f"Job {kind!r} names the queue {spec.queue!r}; use one of {QUEUES}.")
        if spec.time_limit_s < 1 or spec.max_attempts < 1:
            found.append(f"Job {kind!r} needs a time limit and attempts of at least 1.")
    for kind, paths in handler_table().items():
        if len(set(paths)) != len(paths):
            found.append(f"Event {kind!r} names a handler twice; each runs once per event.")
    for name in ROLLS:
        names += getattr(import_module(settings.SWITCHBOARD), name, ())
    for path in dict.fromkeys(names):
        try:
            load(path)
        except NotWired as fault:
            found.append(str(fault))
    return found
