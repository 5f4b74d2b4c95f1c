"""Reads the switchboard: the handlers of each event kind, the function of each job kind, the rolls.

``settings.SWITCHBOARD`` names the module, so that core imports no other package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.utils.module_loading import import_string

from lastmile.core.kinds import DECLARED, Kind, kinds_in

QUEUES = ("hot", "default", "solve", "bulk", "send")


class NotWired(LookupError):
    """The switchboard does not know the kind or name, or a name does not resolve."""


class DeliverAlone(Exception):
    """The answer of a function for many events: these run alone, and the others together again.

    Raise it before the first write. It is for events whose handler locks rows of its own, so that
    no transaction holds the locks of many orders. ``ids`` are the public ids of the events.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = frozenset(ids)
        super().__init__(f"{len(self.ids)} events must run alone")


@dataclass(frozen=True, slots=True)
class JobSpec:
    """The function, the limits and the queue of jobs of one kind.

    Parameters
    ----------
    path : str
        Dotted name of the runner, ``def run(job: Lease) -> Mapping | None``.
    time_limit_s : int
        Seconds that one attempt may take; after that the job fails with reason ``timeout``.
    max_attempts : int
        Number of attempts before the job is given up.
    queue : str
        One of ``QUEUES``.
    fair : bool
        True if retailers take turns at the workers (``core.fair_queue``). Meant for long jobs that
        a retailer may start in large numbers.
    low : bool
        True for work that nobody waits for: other waiting jobs of the retailer in the same queue
        run first (``core.fair_queue``).
    on_end : tuple of str
        Dotted names of functions that run after the end of a job in any final state:
        ``def f(event: DomainEvent) -> None``. They run like the handlers of events.
    """

    path: str
    time_limit_s: int = 300
    max_attempts: int = 3
    queue: str = "default"
    fair: bool = False
    low: bool = False
    on_end: tuple[str, ...] = ()


def _table(name: str, default: Any) -> Any:
    return getattr(import_module(settings.SWITCHBOARD), name, default)


def handler_table() -> Mapping[str, Sequence[str]]:
    """Return event kind -> handler paths."""
    table: Mapping[str, Sequence[str]] = _table("HANDLERS", {})
    return table


def job_table() -> Mapping[str, JobSpec]:
    """Return job kind -> spec."""
    table: Mapping[str, JobSpec] = _table("JOBS", {})
    return table


def pointer_table() -> Mapping[str, str]:
    """Return kind of pointer -> name of the retailer's task that does the work."""
    table: Mapping[str, str] = _table("POINTERS", {})
    return table


def kind_table() -> Mapping[str, Kind[Any]]:
    """Return name -> event kind, from all modules in ``EVENTS``."""
    return _kinds(tuple(_table("EVENTS", ())))


@cache
def _kinds(names: tuple[str, ...]) -> Mapping[str, Kind[Any]]:
    return {kind.name: kind for name in names for kind in kinds_in(vars(import_module(name)))}


def refuse_undeclared(kind: Kind[Any]) -> None:
    """Raise NotWired unless a module in ``EVENTS`` declares this kind."""
    if kind_table().get(kind.name) is not kind:
        raise NotWired(
            f"Event kind {kind.name!r} of {kind.module} is not declared. Declare it in its app's "
            f"events.py and add that module to EVENTS in {settings.SWITCHBOARD}."
        )


def callback_table() -> Mapping[str, str]:
    """Return vendor name -> path of its class."""
    table: Mapping[str, str] = _table("CALLBACKS", {})
    return table


def credential_table() -> Mapping[str, str]:
    """Return credential name -> path of its class, in the order in which they are tried."""
    table: Mapping[str, str] = _table("CREDENTIALS", {})
    return table


def policy_table() -> Mapping[str, str]:
    """Return policy section name -> path of its dataclass."""
    table: Mapping[str, str] = _table("POLICIES", {})
    return table


def handlers_of(kind: str) -> Sequence[str]:
    """Return the paths of the handlers of an event kind; the result may be empty."""
    return handler_table().get(kind, ())


def present_name(path: str) -> str:
    """Return the current name of a handler, since a waiting delivery may have its old name."""
    renamed: Mapping[str, str] = _table("RENAMED", {})
    return renamed.get(path, path)


def many_of(path: str) -> str:
    """Return the path of the function that takes many events of a handler at once, "" for none."""
    doors: Mapping[str, str] = _table("MANY", {})
    return doors.get(path, "")


def followers_of(job_kind: str | None) -> Sequence[str]:
    """Return the paths of the functions that run after a job's end; empty for an unknown kind."""
    spec = job_table().get(job_kind) if job_kind else None
    return spec.on_end if spec else ()


def job_spec(kind: str) -> JobSpec:
    """Return the JobSpec of a job kind. Raises NotWired for an unknown kind."""
    try:
        return job_table()[kind]
    except KeyError:
        raise NotWired(
            f"There is no job kind {kind!r}. Add it to JOBS in {settings.SWITCHBOARD}."
        ) from None


def load(path: str) -> Callable[..., Any]:
    """Return the callable with this dotted name. Raises NotWired when it does not resolve."""
    try:
        function = import_string(path)
    except ImportError as missing:
        raise NotWired(
            f"{path!r} in {settings.SWITCHBOARD} does not resolve: {missing}."
        ) from missing
    if not callable(function):
        raise NotWired(f"{path!r} in {settings.SWITCHBOARD} is not callable.")
    return function  # type: ignore[no-any-return]


ROLLS = (
    "AUDIT_WORDS", "HUB_NAMES", "LEDGER", "INVARIANTS", "FIND_SHOPPER", "ERASE_SHOPPER",
    "FORGET", "OPEN_DEMO", "SEED_DEMO",
)  # fmt: skip


def roll(name: str) -> list[tuple[str, Callable[..., Any]]]:
    """Return (app, function) for each entry of a roll, as ("dispatch.orders", its function)."""
    paths: Sequence[str] = _table(name, ())
    return [(".".join(path.split(".")[:-2]), load(path)) for path in paths]


def _kind_problems() -> Iterator[str]:
    """Yield the errors of event kinds: unknown, undeclared, or declared twice."""
    where = settings.SWITCHBOARD
    declared: dict[str, Kind[Any]] = {}
    for name in _table("EVENTS", ()):
        try:
            kinds = list(kinds_in(vars(import_module(name))))
        except ImportError as missing:
            yield f"EVENTS in {where} names {name!r}, which does not resolve: {missing}."
            continue
        for kind in kinds:
            other = declared.setdefault(kind.name, kind)
            if other is not kind:
                yield f"Event {kind.name!r} is declared twice: in {other.module}, {kind.module}."
    for handled in handler_table():
        if handled not in declared:
            yield f"Event {handled!r} has handlers in {where}, but no events module declares it."
    for kind in DECLARED:
        if declared.get(kind.name) is not kind and _installed(kind.module):
            yield (
                f"Event {kind.name!r} is made in {kind.module}, which EVENTS in {where} does not "
                "name. Name that module there."
            )


def _installed(module: str) -> bool:
    return any(module.startswith(f"{config.name}.") for config in apps.get_app_configs())


def problems() -> list[str]:
    """Return the errors in the switchboard, one sentence each; the start-up check prints them."""
    errors: list[str] = [*_kind_problems()]
    names = [path for paths in handler_table().values() for path in paths]
    for kind, spec in job_table().items():
        names += [spec.path, *spec.on_end]
        if set(spec.on_end) & set(handler_table().get("job.finished", ())):
            errors.append(f"Job {kind!r} and event 'job.finished' name the same handler.")
        if spec.queue not in QUEUES:
            errors.append(f"Job {kind!r} names the queue {spec.queue!r}; use one of {QUEUES}.")
        if spec.time_limit_s < 1 or spec.max_attempts < 1:
            errors.append(f"Job {kind!r} needs a time limit and attempts of at least 1.")
    for kind, paths in handler_table().items():
        if len(set(paths)) != len(paths):
            errors.append(f"Event {kind!r} names a handler twice; each runs once per event.")
    names += [*callback_table().values(), *credential_table().values(), *policy_table().values()]
    names += _table("RENAMED", {}).values()
    names += _table("MANY", {}).values()
    for name in ROLLS:
        names += _table(name, ())
    for path in dict.fromkeys(names):
        try:
            load(path)
        except NotWired as fault:
            errors.append(str(fault))
    return errors
