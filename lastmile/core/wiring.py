"""Reads the switchboard: which handlers an event kind has, how a job kind is run.

``settings.SWITCHBOARD`` names the module, so that core knows its wiring by name only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.utils.module_loading import import_string

from lastmile.core.kinds import DECLARED, Kind, kinds_in

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
        True if retailers take turns at the workers (``core.fair_queue``). Meant for long jobs that
        a retailer may start in large numbers.
    on_end : tuple of str
        Dotted names of what follows once a job of this kind has ended, however it ended:
        ``def f(event: DomainEvent) -> None``, run as the handlers of events are.
    """

    path: str
    time_limit_s: int = 300
    max_attempts: int = 3
    queue: str = "default"
    fair: bool = False
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


def kind_table() -> Mapping[str, Kind[Any]]:
    """Return name -> kind of event, of every module that ``EVENTS`` names."""
    return _kinds(tuple(_table("EVENTS", ())))


@cache
def _kinds(names: tuple[str, ...]) -> Mapping[str, Kind[Any]]:
    return {kind.name: kind for name in names for kind in kinds_in(vars(import_module(name)))}


def refuse_undeclared(kind: Kind[Any]) -> None:
    """Raise NotWired unless an events module of the switchboard declares this very kind."""
    if kind_table().get(kind.name) is not kind:
        raise NotWired(
            f"Event kind {kind.name!r} of {kind.module} is not declared. Put it into its app's "
            f"events.py and name that module in EVENTS in {settings.SWITCHBOARD}."
        )


def callback_table() -> Mapping[str, str]:
    """Return the name of each vendor that calls us -> the path of its class."""
    table: Mapping[str, str] = _table("CALLBACKS", {})
    return table


def credential_table() -> Mapping[str, str]:
    """Return the name of each credential -> the path of its class, in the order to be asked."""
    table: Mapping[str, str] = _table("CREDENTIALS", {})
    return table


def policy_table() -> Mapping[str, str]:
    """Return the name of each section of the policy -> the path of its dataclass."""
    table: Mapping[str, str] = _table("POLICIES", {})
    return table


def handlers_of(kind: str) -> Sequence[str]:
    """Return the paths of the handlers of an event kind; none is no fault."""
    return handler_table().get(kind, ())


def present_name(path: str) -> str:
    """Return what a handler is called now: a waiting delivery may name it as it was."""
    renamed: Mapping[str, str] = _table("RENAMED", {})
    return renamed.get(path, path)


def followers_of(job_kind: str | None) -> Sequence[str]:
    """Return the paths of what follows the end of a job; none for a kind that is wired no more."""
    spec = job_table().get(job_kind) if job_kind else None
    return spec.on_end if spec else ()


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


ROLLS = (
    "AUDIT_WORDS", "HUB_NAMES", "LEDGER", "INVARIANTS", "FIND_SHOPPER", "ERASE_SHOPPER",
    "FORGET", "OPEN_DEMO", "SEED_DEMO",
)  # fmt: skip


def roll(name: str) -> list[tuple[str, Callable[..., Any]]]:
    """Return (room, function) of an act over the whole house: ``dispatch.orders``, its ledger."""
    paths: Sequence[str] = _table(name, ())
    return [(".".join(path.split(".")[:-2]), load(path)) for path in paths]


def _kind_problems() -> Iterator[str]:
    """Yield what is wrong with the kinds of events: unknown, undeclared or declared twice."""
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
    """Return what is wrong with the switchboard, one sentence each; the boot check prints them."""
    found: list[str] = [*_kind_problems()]
    names = [path for paths in handler_table().values() for path in paths]
    for kind, spec in job_table().items():
        names += [spec.path, *spec.on_end]
        if set(spec.on_end) & set(handler_table().get("job.finished", ())):
            found.append(f"Job {kind!r} and event 'job.finished' name the same handler.")
        if spec.queue not in QUEUES:
            found.append(f"Job {kind!r} names the queue {spec.queue!r}; use one of {QUEUES}.")
        if spec.time_limit_s < 1 or spec.max_attempts < 1:
            found.append(f"Job {kind!r} needs a time limit and attempts of at least 1.")
    for kind, paths in handler_table().items():
        if len(set(paths)) != len(paths):
            found.append(f"Event {kind!r} names a handler twice; each runs once per event.")
    names += [*callback_table().values(), *credential_table().values(), *policy_table().values()]
    names += _table("RENAMED", {}).values()
    for name in ROLLS:
        names += _table(name, ())
    for path in dict.fromkeys(names):
        try:
            load(path)
        except NotWired as fault:
            found.append(str(fault))
    return found
